/* SPDX-License-Identifier: Apache-2.0 */
/* A store for tests: linear arrays under one lock; nothing is durable. */
#include "fake_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX          512
#define MAX_SESSIONS 1100

struct fake_store {
    pthread_mutex_t lock;
    struct user_record user[MAX];
    size_t users;
    int64_t last_id;
    struct invite_record invite[MAX];
    size_t invites;
    struct session_record session[MAX_SESSIONS];
    size_t sessions;
    struct {
        int64_t user_id;
        char address[46];
    } place[MAX];
    size_t places;
    unsigned reads, touches;
    void (*hook)(void *);
    void *hook_ctx;
};

static struct user_record *by_name(struct fake_store *s, const char *name)
{
    for (size_t i = 0; i < s->users; i++)
        if (strcmp(s->user[i].name, name) == 0)
            return &s->user[i];
    return NULL;
}

static struct user_record *by_id(struct fake_store *s, int64_t id)
{
    for (size_t i = 0; i < s->users; i++)
        if (s->user[i].id == id)
            return &s->user[i];
    return NULL;
}

static struct session_record *by_session(struct fake_store *s, const uint8_t *id)
{
    for (size_t i = 0; i < s->sessions; i++)
        if (memcmp(s->session[i].id, id, SG_SESSION_ID_SIZE) == 0)
            return &s->session[i];
    return NULL;
}

static struct invite_record *by_code(struct fake_store *s, const uint8_t *digest)
{
    for (size_t i = 0; i < s->invites; i++)
        if (memcmp(s->invite[i].code_sha256, digest, SG_DIGEST_SIZE) == 0)
            return &s->invite[i];
    return NULL;
}

static size_t admins(const struct fake_store *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->users; i++)
        count += s->user[i].role == SG_ROLE_ADMIN && !s->user[i].disabled;
    return count;
}

static void end_sessions(struct fake_store *s, int64_t user_id, const uint8_t *keep)
{
    for (size_t i = 0; i < s->sessions;) {
        struct session_record *r = &s->session[i];

        if (r->user_id == user_id && (keep == NULL || memcmp(r->id, keep, SG_SESSION_ID_SIZE) != 0))
            *r = s->session[--s->sessions];
        else
            i++;
    }
}

static enum sg_err leave(struct fake_store *s, enum sg_err err)
{
    pthread_mutex_unlock(&s->lock);
    return err;
}

/* -- users ----------------------------------------------------------------------------------------
 */

static enum sg_err users_create(void *self, struct user_record *user, const uint8_t *code,
                                int64_t now_ns)
{
    struct fake_store *s = self;
    struct invite_record *invite;

    pthread_mutex_lock(&s->lock);
    invite = code != NULL ? by_code(s, code) : NULL;
    if (code != NULL && (invite == NULL || invite->expires_ns <= now_ns))
        return leave(s, SG_ERR_BAD_CODE);
    if (by_name(s, user->name) != NULL)
        return leave(s, SG_ERR_NAME_TAKEN);
    if (s->users == MAX)
        return leave(s, SG_ERR_NO_SPACE);
    if (invite != NULL) {
        user->role = invite->role;
        *invite = s->invite[--s->invites];
    }
    user->id = ++s->last_id;
    s->user[s->users++] = *user;
    return leave(s, SG_OK);
}

static enum sg_err give(struct fake_store *s, const struct user_record *user,
                        struct user_record *ret)
{
    if (user == NULL)
        return leave(s, SG_ERR_NOT_FOUND);
    *ret = *user;
    return leave(s, SG_OK);
}

static enum sg_err users_get_by_name(void *self, const char *name, struct user_record *ret)
{
    struct fake_store *s = self;

    pthread_mutex_lock(&s->lock);
    return give(s, by_name(s, name), ret);
}

static enum sg_err users_get_by_id(void *self, int64_t id, struct user_record *ret)
{
    struct fake_store *s = self;

    pthread_mutex_lock(&s->lock);
    s->reads++;
    return give(s, by_id(s, id), ret);
}

static enum sg_err users_list(void *self, const char *after, size_t limit, struct user_record *ret,
                              size_t *ret_count)
{
    struct fake_store *s = self;
    const struct user_record *next;
    size_t count = 0;

    pthread_mutex_lock(&s->lock);
    do {
        next = NULL;
        for (size_t i = 0; i < s->users; i++)
            if (strcmp(s->user[i].name, after) > 0 &&
                (next == NULL || strcmp(s->user[i].name, next->name) < 0))
                next = &s->user[i];
        if (next != NULL && count < limit) {
            ret[count++] = *next;
            after = next->name;
        }
    } while (next != NULL && count < limit);
    *ret_count = count;
    return leave(s, SG_OK);
}

static enum sg_err users_update(void *self, const char *name, const enum user_role *role,
                                const bool *disabled, struct user_record *ret)
{
    struct fake_store *s = self;
    struct user_record *user, before;

    pthread_mutex_lock(&s->lock);
    user = by_name(s, name);
    if (user == NULL)
        return leave(s, SG_ERR_NOT_FOUND);
    before = *user;
    if (role != NULL)
        user->role = *role;
    if (disabled != NULL)
        user->disabled = *disabled;
    if (before.role == SG_ROLE_ADMIN && !before.disabled && admins(s) == 0) {
        *user = before;
        return leave(s, SG_ERR_LAST_ADMIN);
    }
    if (user->disabled)
        end_sessions(s, user->id, NULL);
    return give(s, user, ret);
}

static enum sg_err users_set_password(void *self, int64_t id, const char *hash, const uint8_t *keep)
{
    struct fake_store *s = self;
    struct user_record *user;

    pthread_mutex_lock(&s->lock);
    user = by_id(s, id);
    if (user == NULL)
        return leave(s, SG_ERR_NOT_FOUND);
    (void)snprintf(user->password_hash, sizeof user->password_hash, "%s", hash);
    end_sessions(s, id, keep);
    return leave(s, SG_OK);
}

static enum sg_err users_replace_hash(void *self, int64_t id, const char *old_hash,
                                      const char *hash)
{
    struct fake_store *s = self;
    struct user_record *user;

    pthread_mutex_lock(&s->lock);
    user = by_id(s, id);
    if (user == NULL || strcmp(user->password_hash, old_hash) != 0)
        return leave(s, SG_ERR_CONFLICT);
    (void)snprintf(user->password_hash, sizeof user->password_hash, "%s", hash);
    return leave(s, SG_OK);
}

static enum sg_err users_remove(void *self, const char *name)
{
    struct fake_store *s = self;
    struct user_record *user, before;

    pthread_mutex_lock(&s->lock);
    user = by_name(s, name);
    if (user == NULL)
        return leave(s, SG_ERR_NOT_FOUND);
    before = *user;
    if (before.role == SG_ROLE_ADMIN && !before.disabled && admins(s) == 1)
        return leave(s, SG_ERR_LAST_ADMIN);
    end_sessions(s, before.id, NULL);
    *user = s->user[--s->users];
    return leave(s, SG_OK);
}

static enum sg_err users_count(void *self, size_t *ret_users, size_t *ret_admins)
{
    struct fake_store *s = self;

    pthread_mutex_lock(&s->lock);
    *ret_users = s->users;
    *ret_admins = admins(s);
    return leave(s, SG_OK);
}

static void prune(struct fake_store *s, int64_t now_ns, bool setup_too)
{
    for (size_t i = 0; i < s->invites;) {
        struct invite_record *r = &s->invite[i];

        if (r->expires_ns <= now_ns || (setup_too && r->created_by[0] == '\0'))
            *r = s->invite[--s->invites];
        else
            i++;
    }
}

static enum sg_err users_add_invite(void *self, const struct invite_record *invite)
{
    struct fake_store *s = self;

    pthread_mutex_lock(&s->lock);
    if (invite->created_by[0] == '\0')
        prune(s, INT64_MIN, true);
    if (s->invites == MAX)
        return leave(s, SG_ERR_NO_SPACE);
    s->invite[s->invites++] = *invite;
    return leave(s, SG_OK);
}

static enum sg_err users_has_invite(void *self, const uint8_t *digest, bool *ret)
{
    struct fake_store *s = self;
    const struct invite_record *invite;

    pthread_mutex_lock(&s->lock);
    invite = by_code(s, digest);
    *ret = invite != NULL && invite->created_by[0] == '\0';
    return leave(s, SG_OK);
}

static enum sg_err users_prune_invites(void *self, int64_t now_ns, bool setup_too)
{
    struct fake_store *s = self;

    pthread_mutex_lock(&s->lock);
    prune(s, now_ns, setup_too);
    return leave(s, SG_OK);
}

/* -- sessions -------------------------------------------------------------------------------------
 */

static void note_place(struct fake_store *s, const struct session_record *r)
{
    for (size_t i = 0; i < s->places; i++)
        if (s->place[i].user_id == r->user_id && strcmp(s->place[i].address, r->address) == 0)
            return;
    if (s->places == MAX)
        return;
    s->place[s->places].user_id = r->user_id;
    memcpy(s->place[s->places++].address, r->address, sizeof r->address);
}

static enum sg_err sessions_create(void *self, const struct session_record *session,
                                   const struct session_proof *proof)
{
    struct fake_store *s = self;
    const struct user_record *user;
    void (*hook)(void *);

    if (proof != NULL)
        return SG_ERR_CONFLICT;
    pthread_mutex_lock(&s->lock);
    hook = s->hook;
    s->hook = NULL;
    pthread_mutex_unlock(&s->lock);
    if (hook != NULL)
        hook(s->hook_ctx);
    pthread_mutex_lock(&s->lock);
    user = by_id(s, session->user_id);
    if (user == NULL || user->disabled)
        return leave(s, user == NULL ? SG_ERR_NOT_FOUND : SG_ERR_USER_DISABLED);
    if (s->sessions == MAX_SESSIONS)
        return leave(s, SG_ERR_NO_SPACE);
    s->session[s->sessions++] = *session;
    note_place(s, session);
    return leave(s, SG_OK);
}

static enum sg_err sessions_get(void *self, const uint8_t *id, struct session_record *ret)
{
    struct fake_store *s = self;
    const struct session_record *r;

    pthread_mutex_lock(&s->lock);
    r = by_session(s, id);
    if (r == NULL)
        return leave(s, SG_ERR_NOT_FOUND);
    *ret = *r;
    return leave(s, SG_OK);
}

static enum sg_err sessions_beyond(void *self, int64_t user_id, size_t keep, size_t limit,
                                   uint8_t (*ret)[SG_SESSION_ID_SIZE], size_t *ret_count)
{
    struct fake_store *s = self;
    size_t count = 0, seen = 0;

    pthread_mutex_lock(&s->lock);
    for (size_t i = s->sessions; i-- > 0 && count < limit;)
        if (s->session[i].user_id == user_id && seen++ >= keep)
            memcpy(ret[count++], s->session[i].id, SG_SESSION_ID_SIZE);
    *ret_count = count;
    return leave(s, SG_OK);
}

static enum sg_err sessions_list(void *self, int64_t user_id, size_t limit,
                                 struct session_record *ret, size_t *ret_count)
{
    struct fake_store *s = self;
    size_t count = 0;

    pthread_mutex_lock(&s->lock);
    for (size_t i = s->sessions; i-- > 0 && count < limit;)
        if (s->session[i].user_id == user_id)
            ret[count++] = s->session[i];
    *ret_count = count;
    return leave(s, SG_OK);
}

static enum sg_err sessions_rotate(void *self, const struct session_record *next,
                                   const uint8_t *expected)
{
    struct fake_store *s = self;
    struct session_record *r;

    pthread_mutex_lock(&s->lock);
    r = by_session(s, next->id);
    if (r == NULL)
        return leave(s, SG_ERR_NOT_FOUND);
    if (memcmp(r->current_sha256, expected, SG_DIGEST_SIZE) != 0)
        return leave(s, SG_ERR_CONFLICT);
    memcpy(r->previous_sha256, next->previous_sha256, SG_DIGEST_SIZE);
    memcpy(r->current_sha256, next->current_sha256, SG_DIGEST_SIZE);
    memcpy(r->salt, next->salt, sizeof r->salt);
    memcpy(r->address, next->address, sizeof r->address);
    r->last_used_ns = next->last_used_ns;
    note_place(s, r);
    return leave(s, SG_OK);
}

static enum sg_err sessions_remove(void *self, const uint8_t *id, int64_t user_id)
{
    struct fake_store *s = self;
    struct session_record *r;

    pthread_mutex_lock(&s->lock);
    r = by_session(s, id);
    if (r == NULL || (user_id != 0 && r->user_id != user_id))
        return leave(s, SG_ERR_NOT_FOUND);
    *r = s->session[--s->sessions];
    return leave(s, SG_OK);
}

static enum sg_err sessions_touch(void *self, const uint8_t *id, int64_t now_ns)
{
    struct fake_store *s = self;
    struct session_record *r;

    pthread_mutex_lock(&s->lock);
    s->touches++;
    r = by_session(s, id);
    if (r != NULL)
        r->last_used_ns = now_ns;
    return leave(s, SG_OK);
}

static enum sg_err sessions_known_address(void *self, const char *name, const char *address,
                                          bool *ret)
{
    struct fake_store *s = self;
    const struct user_record *user;

    pthread_mutex_lock(&s->lock);
    *ret = false;
    user = by_name(s, name);
    for (size_t i = 0; user != NULL && i < s->places; i++)
        if (s->place[i].user_id == user->id && strcmp(s->place[i].address, address) == 0)
            *ret = true;
    return leave(s, SG_OK);
}

static enum sg_err sessions_prune(void *self, int64_t now_ns)
{
    struct fake_store *s = self;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->sessions;) {
        if (s->session[i].expires_ns < now_ns)
            s->session[i] = s->session[--s->sessions];
        else
            i++;
    }
    return leave(s, SG_OK);
}

static const struct users_vtable users_vtable = {
    .create = users_create,
    .get_by_name = users_get_by_name,
    .get_by_id = users_get_by_id,
    .list = users_list,
    .update = users_update,
    .set_password = users_set_password,
    .remove = users_remove,
    .count = users_count,
    .add_invite = users_add_invite,
    .has_invite = users_has_invite,
    .prune_invites = users_prune_invites,
    .replace_hash = users_replace_hash,
};

static const struct sessions_vtable sessions_vtable = {
    .create = sessions_create,
    .get = sessions_get,
    .list = sessions_list,
    .beyond = sessions_beyond,
    .rotate = sessions_rotate,
    .remove = sessions_remove,
    .touch = sessions_touch,
    .known_address = sessions_known_address,
    .prune = sessions_prune,
};

struct fake_store *fake_store_new(void)
{
    struct fake_store *s = calloc(1, sizeof *s);

    if (s == NULL)
        abort();
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void fake_store_free(struct fake_store *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct users_store fake_store_users(struct fake_store *s)
{
    return (struct users_store){.self = s, .vt = &users_vtable};
}

struct sessions_store fake_store_sessions(struct fake_store *s)
{
    return (struct sessions_store){.self = s, .vt = &sessions_vtable};
}

unsigned fake_store_reads(struct fake_store *s)
{
    unsigned n;

    pthread_mutex_lock(&s->lock);
    n = s->reads;
    pthread_mutex_unlock(&s->lock);
    return n;
}

unsigned fake_store_touches(struct fake_store *s)
{
    unsigned n;

    pthread_mutex_lock(&s->lock);
    n = s->touches;
    pthread_mutex_unlock(&s->lock);
    return n;
}

void fake_store_before_session(struct fake_store *s, void (*hook)(void *), void *ctx)
{
    pthread_mutex_lock(&s->lock);
    s->hook = hook;
    s->hook_ctx = ctx;
    pthread_mutex_unlock(&s->lock);
}
