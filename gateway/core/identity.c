/* SPDX-License-Identifier: Apache-2.0 */
/* The life of struct identity, the setup code, and the rules for names, passwords and roles. Never
 * logs a code. */
#include "core/identity_internal.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "core/invitecode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#define PASSWORD_MIN 10 /* code points */
#define PASSWORD_MAX 256

/* For so long after its end a session is called expired, and then ended like one that never was. */
#define EXPIRED_KEPT_NS (3600 * SG_NS_PER_S)

struct identity *identity_new(const struct users_store *users,
                              const struct sessions_store *sessions, struct keyring_client *keyring,
                              const struct identity_config *config)
{
    struct password_params params = {
        .memory_kib = config->argon2_memory_kib,
        .passes = config->argon2_passes,
        .parallel = config->argon2_parallel,
        .concurrent = config->argon2_concurrent,
    };
    struct identity *id = calloc(1, sizeof *id);

    if (id == NULL)
        return NULL;
    id->users = *users;
    id->sessions = *sessions;
    id->keyring = keyring;
    id->config = *config;
    atomic_init(&id->rights, 1);
    id->passwords = password_new(&params);
    id->throttle = throttle_new();
    id->cache = tokencache_new();
    id->keys = keyset_new(keyring);
    id->later = later_new(id);
    if (id->passwords == NULL || id->throttle == NULL || id->cache == NULL || id->keys == NULL ||
        id->later == NULL) {
        identity_free(id);
        return NULL;
    }
    return id;
}

void identity_free(struct identity *id)
{
    if (id == NULL)
        return;
    later_free(id->later);
    keyset_free(id->keys);
    tokencache_free(id->cache);
    throttle_free(id->throttle);
    password_free(id->passwords);
    free(id);
}

void identity_stop(struct identity *id)
{
    if (id == NULL)
        return;
    later_free(id->later);
    id->later = NULL;
}

void identity_set_hooks(struct identity *id, const struct identity_hooks *hooks)
{
    id->hooks = *hooks;
}

void identity_set_tokens(struct identity *id, const struct tokens_store *tokens)
{
    id->tokens = *tokens;
}

void identity_set_revoked(struct identity *id, bool (*revoked)(void *ctx, const char *part),
                          void *ctx)
{
    id->revoked = revoked;
    id->revoked_ctx = ctx;
}

void identity_watch(struct identity *id, void (*rights_changed)(void *ctx, int64_t user_id),
                    void *ctx)
{
    id->watcher = rights_changed;
    id->watcher_ctx = ctx;
}

void identity_rights_changed(struct identity *id, int64_t user_id)
{
    atomic_fetch_add(&id->rights, 1);
    if (id->watcher != NULL)
        id->watcher(id->watcher_ctx, user_id);
}

/* -- setup code -----------------------------------------------------------------------------------
 */

/* True when the file holds the code that the store knows. */
static enum sg_err setup_code_stands(struct identity *id, bool *ret)
{
    uint8_t digest[SG_DIGEST_SIZE];
    struct buf text;
    enum sg_err err;

    *ret = false;
    buf_init(&text, 2 * SG_CODE_SIZE);
    err = file_read(id->config.setup_code_file, &text);
    if (err == SG_OK && invitecode_digest(buf_str(&text), digest) == SG_OK)
        err = id->users.vt->has_invite(id->users.self, digest, ret);
    else
        err = SG_OK; /* none, or none that is ours */
    buf_wipe(&text);
    return err;
}

/* Writes the file, or removes it with `line` NULL. */
static enum sg_err set_setup_file(struct identity *id, const char *line)
{
    const char *path = id->config.setup_code_file;

    if (id->config.set_setup_code != NULL)
        return id->config.set_setup_code(id->config.setup_ctx, line);
    if (line != NULL)
        return file_write_atomic(path, line, strlen(line), 0600);
    if (unlink(path) != 0 && errno != ENOENT)
        return err_from_errno(errno);
    return SG_OK;
}

static enum sg_err make_setup_code(struct identity *id)
{
    struct invite_record invite = {.role = SG_ROLE_ADMIN, .expires_ns = INT64_MAX};
    char code[SG_CODE_SIZE];
    char line[SG_CODE_SIZE + 1];
    enum sg_err err;

    invitecode_make(code, invite.code_sha256);
    err = id->users.vt->prune_invites(id->users.self, clock_now_ns(), true);
    if (err == SG_OK)
        err = id->users.vt->add_invite(id->users.self, &invite);
    if (err == SG_OK) {
        (void)snprintf(line, sizeof line, "%s\n", code);
        err = set_setup_file(id, line);
    }
    secret_wipe(code, sizeof code);
    secret_wipe(line, sizeof line);
    return err;
}

enum sg_err identity_remove_setup_code(struct identity *id)
{
    enum sg_err err = id->users.vt->prune_invites(id->users.self, clock_now_ns(), true);

    if (err != SG_OK)
        return err;
    return set_setup_file(id, NULL);
}

enum sg_err identity_start(struct identity *id)
{
    size_t users = 0, admins = 0;
    bool stands = false;
    enum sg_err err = id->users.vt->count(id->users.self, &users, &admins);

    if (err == SG_OK && admins > 0) {
        err = identity_remove_setup_code(id);
    } else if (err == SG_OK) {
        err = setup_code_stands(id, &stands);
        if (err == SG_OK && !stands)
            err = make_setup_code(id);
    }
    if (err == SG_OK)
        err = keyset_fetch(id->keys);
    return err;
}

void identity_prune(struct identity *id)
{
    int64_t now = clock_now_ns();
    enum sg_err err = id->sessions.vt->prune(id->sessions.self, now - EXPIRED_KEPT_NS);

    if (err == SG_OK)
        err = id->users.vt->prune_invites(id->users.self, now, false);
    if (err == SG_OK && id->tokens.vt != NULL)
        err = id->tokens.vt->prune(id->tokens.self, now);
    (void)err; /* the next time will do */
}

/* -- rules ----------------------------------------------------------------------------------------
 */

bool identity_user_name_ok(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strnlen(name, SG_USER_NAME_SIZE);

    return len > 0 && len < SG_USER_NAME_SIZE && strchr(first, name[0]) != NULL &&
           strspn(name, rest) == len && strcmp(name, "me") != 0;
}

enum sg_err identity_password_ok(const char *name, const char *password, const char **ret_reason)
{
    const uint8_t *text = (const uint8_t *)password;
    size_t len = strnlen(password, SG_PASSWORD_BYTES_MAX + 1);
    const char *reason = NULL;
    size_t points;

    if (len > SG_PASSWORD_BYTES_MAX) {
        reason = "The password has more than 256 characters.";
    } else if (u8_check(text, len) != NULL) {
        reason = "The password is not valid UTF-8.";
    } else {
        points = u8_mbsnlen(text, len);
        if (points < PASSWORD_MIN)
            reason = "The password has fewer than 10 characters.";
        else if (points > PASSWORD_MAX)
            reason = "The password has more than 256 characters.";
        else if (strcasecmp(name, password) == 0)
            reason = "The password is the user name.";
    }
    if (reason == NULL)
        return SG_OK;
    *ret_reason = reason;
    return SG_ERR_BAD_FIELD;
}

static const char *const role_names[] = {
    [SG_ROLE_GUEST] = "guest",
    [SG_ROLE_MEMBER] = "member",
    [SG_ROLE_ADMIN] = "admin",
};
#define ROLES (sizeof role_names / sizeof role_names[0])

const char *identity_role_name(enum user_role role)
{
    return (size_t)role < ROLES ? role_names[role] : "unknown";
}

const char *identity_method_name(enum session_method method)
{
    static const char *const names[] = {[SG_METHOD_PASSWORD] = "password",
                                        [SG_METHOD_CERTIFICATE] = "certificate",
                                        [SG_METHOD_PASSKEY] = "passkey",
                                        [SG_METHOD_DEVICE] = "device"};

    return (size_t)method < sizeof names / sizeof names[0] ? names[method] : "unknown";
}

enum sg_err identity_role_parse(const char *text, enum user_role *ret)
{
    for (size_t i = 0; i < ROLES; i++)
        if (strcmp(text, role_names[i]) == 0) {
            *ret = (enum user_role)i;
            return SG_OK;
        }
    return SG_ERR_BAD_FIELD;
}
