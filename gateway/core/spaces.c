/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authority in spaces: who has which role where, what of that is remembered, and views of all that
 * a user may read (changes are in spaces_change.c, members in spaces_members.c). It never writes
 * but to make the space of a direct talk.
 */
#include "core/spaces_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define ACT_TRIES     4     /* looks at the rights of one change */
#define VISIBLE_FIRST 64    /* room for the spaces of one user */
#define VISIBLE_MAX   16384 /* at most */

struct spaces *spaces_new(const struct spaces_store *store, struct identity *identity,
                          struct hub *hub)
{
    struct spaces *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->store = *store;
    s->identity = identity;
    s->hub = hub;
    atomic_init(&s->generation, 1);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void spaces_free(struct spaces *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < SG_SPACES_VIEWS; i++)
        if (s->views[i].view)
            hub_view_unref(s->views[i].view);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

uint64_t spaces_generation(struct spaces *s)
{
    return atomic_load(&s->generation);
}

/* Marks only rise, whoever comes first. */
static void set_mark(_Atomic uint64_t *mark, uint64_t generation)
{
    uint64_t old = atomic_load(mark);
    while (old < generation && !atomic_compare_exchange_weak(mark, &old, generation))
        ;
}

void spaces_changed(struct spaces *s, int64_t user_id, int64_t space_id)
{
    uint64_t generation = atomic_fetch_add(&s->generation, 1) + 1;
    if (user_id)
        set_mark(&s->user_marks[(uint64_t)user_id % SG_SPACES_MARKS], generation);
    if (space_id)
        set_mark(&s->space_marks[(uint64_t)space_id % SG_SPACES_MARKS], generation);
    if (!user_id && !space_id)
        set_mark(&s->mark_of_all, generation);
    if (s->hub && user_id)
        hub_recheck_user(s->hub, user_id);
    if (s->hub && space_id)
        hub_recheck_space(s->hub, space_id);
}

bool spaces_changed_since(struct spaces *s, int64_t user_id, int64_t space_id, uint64_t generation)
{
    return atomic_load(&s->user_marks[(uint64_t)user_id % SG_SPACES_MARKS]) > generation ||
           atomic_load(&s->space_marks[(uint64_t)space_id % SG_SPACES_MARKS]) > generation ||
           atomic_load(&s->mark_of_all) > generation;
}

/* -- changes ------------------------------------------------------------------------------------
 */

static enum sg_err check_act(void *ctx)
{
    const struct spaces_act *act = ctx;
    for (size_t i = 0; i < 2; i++)
        if (act->space_ids[i] && spaces_changed_since(act->spaces, act->actor.user_id,
                                                      act->space_ids[i], act->generation))
            return SG_ERR_CONFLICT;
    return SG_OK;
}

void spaces_act_begin(struct spaces_act *act, struct spaces *s, const struct principal *who)
{
    const unsigned tries = act->tries + 1;
    *act = (struct spaces_act){.spaces = s,
                               .generation = spaces_generation(s),
                               .tries = tries,
                               .actor = {.user_id = who->user_id,
                                         .name = who->user,
                                         .now_ns = clock_now_ns(),
                                         .check = check_act}};
    act->actor.check_ctx = act;
}

/* A conflict of another kind is told apart by the marks: they are set by now. */
bool spaces_act_again(struct spaces_act *act, enum sg_err *err)
{
    if (*err != SG_ERR_CONFLICT || check_act(act) == SG_OK)
        return false;
    if (act->tries < ACT_TRIES)
        return true;
    *err = SG_ERR_OVERLOADED;
    return false;
}

void spaces_publish(void *spaces, struct event *const *events, size_t count)
{
    struct spaces *s = spaces;
    for (size_t i = 0; i < count; i++)
        if (events[i]->member_id)
            spaces_changed(s, events[i]->member_id, 0);
    if (s->hub)
        hub_publish(s->hub, events, count);
}

void spaces_rights_changed(struct spaces *s, int64_t user_id)
{
    spaces_changed(s, user_id, 0);
    if (user_id)
        return;
    if (s->hub)
        hub_recheck_all(s->hub);
    s->store.vt->sweep(s->store.self); /* his own space and the direct ones */
}

/* -- roles --------------------------------------------------------------------------------------
 */

static enum space_role role_in_common(enum user_role role)
{
    switch (role) {
    case SG_ROLE_ADMIN:
        return SG_SPACE_OWNER;
    case SG_ROLE_MEMBER:
        return SG_SPACE_WRITER;
    case SG_ROLE_GUEST:
        return SG_SPACE_READER;
    }
    return SG_SPACE_NONE;
}

/* A token that counts elsewhere only has no role here, whatever its user has. */
enum space_role spaces_role_in(const struct principal *who, const struct space_record *space)
{
    if (!principal_may_space(who, space->id))
        return SG_SPACE_NONE;
    switch (space->kind) {
    case SG_SPACE_COMMON:
        return role_in_common(who->role);
    case SG_SPACE_OWN: /* by id: a name can belong to somebody else by now */
        return space->owner_id == who->user_id ? SG_SPACE_OWNER : SG_SPACE_NONE;
    case SG_SPACE_SHARED:
        return space->member;
    case SG_SPACE_DIRECT:
        return space->peers[0] == who->user_id || space->peers[1] == who->user_id ? SG_SPACE_WRITER
                                                                                  : SG_SPACE_NONE;
    }
    return SG_SPACE_NONE;
}

/* -- looking up ---------------------------------------------------------------------------------
 */

static struct known_space *slot_of(struct spaces *s, int64_t user_id, const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)user_id; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return &s->known[(hash ^ hash >> 32) % SG_SPACES_KNOWN];
}

static bool recall(struct spaces *s, int64_t user_id, const char *name, uint64_t generation,
                   struct space_record *ret)
{
    pthread_mutex_lock(&s->lock);
    const struct known_space *known = slot_of(s, user_id, name);
    bool found = known->generation == generation && known->user_id == user_id &&
                 strcmp(known->asked, name) == 0;
    if (found)
        *ret = known->record;
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void remember(struct spaces *s, int64_t user_id, const char *name, uint64_t generation,
                     const struct space_record *record)
{
    pthread_mutex_lock(&s->lock);
    struct known_space *known = slot_of(s, user_id, name);
    known->generation = generation;
    known->user_id = user_id;
    (void)snprintf(known->asked, sizeof(known->asked), "%s", name);
    known->record = *record;
    pthread_mutex_unlock(&s->lock);
}

static enum sg_err look_up(struct spaces *s, const struct principal *who, const char *name,
                           struct space_record *ret)
{
    /* Before the reading, so that a change meanwhile makes what was read old at once. */
    uint64_t generation = spaces_generation(s);
    char own[SG_SPACE_NAME_SIZE];
    if (strnlen(name, SG_SPACE_NAME_SIZE) == SG_SPACE_NAME_SIZE)
        return SG_ERR_NOT_FOUND;
    if (strcmp(name, "~me") == 0) {
        (void)snprintf(own, sizeof(own), "~%s", who->user);
        name = own;
    }
    if (recall(s, who->user_id, name, generation, ret))
        return SG_OK;
    enum sg_err err = s->store.vt->get(s->store.self, name, who->user_id, ret);
    if (!err && ret->id != 0)
        remember(s, who->user_id, name, generation, ret);
    return err;
}

enum sg_err spaces_authorize(struct spaces *s, const struct principal *who, const char *name,
                             enum space_role least, struct space_record *ret,
                             enum space_role *ret_role)
{
    struct space_record found;
    enum sg_err err = look_up(s, who, name, &found);
    if (err)
        return err;
    enum space_role role = spaces_role_in(who, &found);
    if (role == SG_SPACE_NONE)
        return SG_ERR_NOT_FOUND;
    if (role < least)
        return SG_ERR_FORBIDDEN;
    *ret = found;
    *ret_role = role;
    return SG_OK;
}

enum sg_err spaces_make(struct spaces *s, const struct principal *who, struct space_record *space)
{
    struct space_record made;
    if (space->id != 0)
        return SG_OK;
    if (space->kind != SG_SPACE_DIRECT)
        return SG_ERR_NOT_FOUND;
    enum sg_err err =
        s->store.vt->direct(s->store.self, who->user_id, space->name + 1, clock_now_ns(), &made);
    if (err)
        return err;
    spaces_changed(s, made.peers[0], 0); /* both see more now */
    if (s->hub)
        hub_recheck_user(s->hub, made.peers[1]);
    *space = made;
    return SG_OK;
}

/* -- all that a user may read -------------------------------------------------------------------
 */

/* All records by id, to be freed. */
static enum sg_err read_visible(struct spaces *s, int64_t user_id, struct space_record **ret,
                                size_t *ret_count)
{
    size_t count = 0;
    struct space_record *records = NULL;
    for (size_t room = VISIBLE_FIRST; room <= VISIBLE_MAX; room *= 2) {
        size_t got = 0;
        struct space_record *larger = realloc(records, room * sizeof(*records));
        enum sg_err err = larger ? SG_OK : SG_ERR_NO_MEMORY;
        records = larger ? larger : records;
        if (!err)
            err = s->store.vt->visible(s->store.self, user_id, count ? records[count - 1].id : 0,
                                       room - count, records + count, &got);
        if (err) {
            free(records);
            return err;
        }
        count += got;
        if (count < room) {
            *ret = records;
            *ret_count = count;
            return SG_OK;
        }
    }
    free(records);
    return SG_ERR_LIMIT; /* rather than not to show some of them */
}

static enum sg_err make_view(struct spaces *s, const struct principal *who, struct hub_view **ret)
{
    struct space_record *records = NULL;
    size_t count = 0;
    enum sg_err err = read_visible(s, who->user_id, &records, &count);
    if (err)
        return err;
    struct hub_view *view = calloc(1, sizeof(*view) + count * sizeof(view->space[0]));
    for (size_t i = 0; view && i < count; i++) {
        if (spaces_role_in(who, &records[i]) == SG_SPACE_NONE)
            continue;
        view->space[view->count].id = records[i].id;
        memcpy(view->space[view->count++].name, records[i].name, sizeof(records[i].name));
    }
    free(records);
    if (!view)
        return SG_ERR_NO_MEMORY;
    atomic_init(&view->refs, 1);
    *ret = view;
    return SG_OK;
}

/* Every view has the user's role in it: a new role is a new generation. */
static enum sg_err view_of_user(struct spaces *s, const struct principal *who,
                                struct hub_view **ret)
{
    uint64_t generation = spaces_generation(s);
    struct known_view *known = &s->views[(uint64_t)who->user_id % SG_SPACES_VIEWS];
    struct hub_view *view = NULL, *old = NULL;
    pthread_mutex_lock(&s->lock);
    if (known->generation == generation && known->user_id == who->user_id) {
        view = known->view;
        hub_view_ref(view);
    }
    pthread_mutex_unlock(&s->lock);
    if (view) {
        *ret = view;
        return SG_OK;
    }
    enum sg_err err = make_view(s, who, &view);
    if (err)
        return err;
    hub_view_ref(view);
    pthread_mutex_lock(&s->lock);
    old = known->view;
    *known = (struct known_view){generation, who->user_id, view};
    pthread_mutex_unlock(&s->lock);
    if (old)
        hub_view_unref(old);
    *ret = view;
    return SG_OK;
}

/* What a limited token sees of what its user sees: a few spaces at most. */
static enum sg_err limit_view(const struct principal *who, const struct hub_view *all,
                              struct hub_view **ret)
{
    const struct principal_limits *limits = &who->limits;
    struct hub_view *view = calloc(1, sizeof(*view) + limits->space_count * sizeof(view->space[0]));
    if (!view)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < limits->space_count; i++) {
        int64_t id = limits->space[i];
        const char *name = hub_view_name(all, id);
        size_t at = view->count;
        if (!name || hub_view_name(view, id))
            continue;
        for (; at > 0 && view->space[at - 1].id > id; at--)
            view->space[at] = view->space[at - 1];
        view->space[at].id = id;
        memcpy(view->space[at].name, name, sizeof(view->space[at].name));
        view->count++;
    }
    atomic_init(&view->refs, 1);
    *ret = view;
    return SG_OK;
}

enum sg_err spaces_view(struct spaces *s, const struct principal *who, struct hub_view **ret)
{
    if (!who->limits.spaces_only)
        return view_of_user(s, who, ret);
    struct principal whole = *who;
    struct hub_view *all;
    whole.limits.spaces_only = false;
    enum sg_err err = view_of_user(s, &whole, &all);
    if (err)
        return err;
    err = limit_view(who, all, ret);
    hub_view_unref(all);
    return err;
}

enum sg_err spaces_list(struct spaces *s, const struct principal *who, size_t limit,
                        struct space_info *ret, enum space_role *ret_roles, size_t *ret_count)
{
    size_t count = 0, kept = 0;
    enum sg_err err = s->store.vt->list(s->store.self, who->user_id, limit, ret, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++) {
        enum space_role role = spaces_role_in(who, &ret[i].space);
        if (role == SG_SPACE_NONE)
            continue;
        if (kept != i)
            ret[kept] = ret[i];
        ret_roles[kept++] = role;
    }
    *ret_count = kept;
    return SG_OK;
}

enum sg_err spaces_info(struct spaces *s, const struct principal *who, const char *name,
                        struct space_info *ret, enum space_role *ret_role)
{
    struct space_record space;
    enum space_role role;
    enum sg_err err = spaces_authorize(s, who, name, SG_SPACE_READER, &space, &role);
    if (err)
        return err;
    if (space.id == 0) {
        memset(ret, 0, sizeof(*ret));
        ret->space = space;
    } else {
        err = s->store.vt->info(s->store.self, space.id, who->user_id, ret);
    }
    if (err)
        return err;
    *ret_role = role;
    return SG_OK;
}
