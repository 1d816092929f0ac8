/* SPDX-License-Identifier: Apache-2.0 */
/* Who knows the password: throttling, equal work for known and unknown names, newer hashes. It
 * makes no sessions. */
#include "core/identity_internal.h"

#include "base/metrics.h"
#include "base/secret.h"

#include <string.h>

/* Same password, today's parameters. If it fails, the next login tries again. */
static void rehash(struct identity *id, struct user_record *user, const char *password)
{
    char hash[SG_PASSWORD_HASH_SIZE];
    enum sg_err err;

    if (id->users.vt->replace_hash == NULL)
        return;
    err = password_hash(id->passwords, password, hash);
    if (err == SG_OK)
        err = id->users.vt->replace_hash(id->users.self, user->id, user->password_hash, hash);
    if (err == SG_OK)
        memcpy(user->password_hash, hash, sizeof hash);
    secret_wipe(hash, sizeof hash);
}

/* The second factor of somebody who knows the password. */
static enum sg_err check_factor(struct identity *id, const struct user_record *user,
                                const char *code, bool known, bool *ret_recovery,
                                unsigned *ret_retry_after_s)
{
    bool needed = false;
    enum sg_err err;

    if (user->disabled)
        return SG_ERR_USER_DISABLED;
    if (id->hooks.factor_needed == NULL)
        return SG_OK;
    err = id->hooks.factor_needed(id->hooks.ctx, user->id, &needed);
    if (err != SG_OK || !needed)
        return err;
    if (code == NULL || code[0] == '\0')
        return SG_ERR_FACTOR_NEEDED;
    err = throttle_factor(id->throttle, user->name, known, ret_retry_after_s);
    if (err == SG_OK)
        err = id->hooks.factor_check(id->hooks.ctx, user->id, code, ret_recovery);
    if (err == SG_OK)
        throttle_factor_succeeded(id->throttle, user->name, known);
    return err;
}

/* In turn, so that attempts that waited meet the failures of those before them. */
static enum sg_err try_password(struct identity *id, const struct attempt *a, bool known,
                                struct user_record *ret, bool *ret_recovery,
                                unsigned *ret_retry_after_s)
{
    struct user_record user;
    bool match = false, stale = false, exists;
    enum sg_err err = throttle_login(id->throttle, a->name, a->address, known, ret_retry_after_s);

    if (err != SG_OK)
        return err;
    err = id->users.vt->get_by_name(id->users.self, a->name, &user);
    if (err != SG_OK && err != SG_ERR_NOT_FOUND)
        return err;
    exists = err == SG_OK;
    err = password_verify(id->passwords, exists ? user.password_hash : NULL, a->password, &match,
                          &stale);
    if (err == SG_OK && !match)
        err = SG_ERR_BAD_CREDENTIALS;
    if (err == SG_OK && stale)
        rehash(id, &user, a->password);
    if (err == SG_OK && a->factor)
        err = check_factor(id, &user, a->code, known, ret_recovery, ret_retry_after_s);
    if (err == SG_OK) {
        /* The password alone excuses no wrong codes: who has it could go on for ever. */
        if (a->factor)
            throttle_login_succeeded(id->throttle, a->name, a->address);
        *ret = user;
    } else if (err == SG_ERR_BAD_CREDENTIALS || err == SG_ERR_BAD_FACTOR) {
        throttle_login_failed(id->throttle, a->name, a->address, known);
        metrics_add(SG_METRIC_LOGIN_FAILED, 1);
    }
    if (exists)
        secret_wipe(user.password_hash, sizeof user.password_hash);
    return err;
}

enum sg_err identity_check_password(struct identity *id, const struct attempt *a,
                                    struct user_record *ret, bool *ret_recovery,
                                    unsigned *ret_retry_after_s)
{
    bool known = false;
    enum sg_err err =
        id->sessions.vt->known_address(id->sessions.self, a->name, a->address, &known);

    if (err != SG_OK)
        return err;
    err = throttle_login(id->throttle, a->name, a->address, known, ret_retry_after_s);
    if (err == SG_OK)
        err = password_enter(id->passwords);
    if (err == SG_OK) {
        err = try_password(id, a, known, ret, ret_recovery, ret_retry_after_s);
        password_leave(id->passwords);
    }
    if (err == SG_ERR_THROTTLED)
        metrics_add(SG_METRIC_LOGIN_THROTTLED, 1);
    return err;
}

enum sg_err identity_confirm_password(struct identity *id, const struct principal *who,
                                      const char *password, const char *code, const char *address,
                                      bool *ret_recovery, unsigned *ret_retry_after_s)
{
    const struct attempt attempt = {.name = who->user,
                                    .password = password,
                                    .address = address,
                                    .factor = code != NULL,
                                    .code = code};
    struct user_record user;
    bool recovery = false;
    enum sg_err err = identity_check_password(id, &attempt, &user, &recovery, ret_retry_after_s);

    if (err != SG_OK)
        return err;
    identity_hide_user(&user);
    *ret_recovery = recovery;
    return user.id != who->user_id || user.disabled ? SG_ERR_SESSION_ENDED : SG_OK;
}

enum sg_err identity_try_factor(struct identity *id, const struct principal *who,
                                const char *address, unsigned *ret_retry_after_s)
{
    bool known = false;
    enum sg_err err = id->sessions.vt->known_address(id->sessions.self, who->user, address, &known);

    return err == SG_OK ? throttle_factor(id->throttle, who->user, known, ret_retry_after_s) : err;
}

enum sg_err identity_hash_password(struct identity *id, const char *password,
                                   const char *code_address, char ret[SG_PASSWORD_HASH_SIZE],
                                   unsigned *ret_retry_after_s)
{
    enum sg_err err = password_enter(id->passwords);

    if (err != SG_OK)
        return err;
    if (code_address != NULL)
        err = throttle_code(id->throttle, code_address, ret_retry_after_s);
    if (err == SG_OK)
        err = password_hash(id->passwords, password, ret);
    password_leave(id->passwords);
    return err;
}
