/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-up, changes to users, invites. What takes rights away ends with a new generation of rights.
 */
#include "core/identity_internal.h"

#include "base/clock.h"
#include "base/secret.h"
#include "core/invitecode.h"

#include <stdio.h>
#include <string.h>

#define INVITE_MIN_S 60
#define INVITE_MAX_S (366U * 24 * 3600)

void identity_hide_user(struct user_record *user)
{
    secret_wipe(user->password_hash, sizeof user->password_hash);
}

/* -- sign-up --------------------------------------------------------------------------------------
 */

/* Looks at a code before any costly work. *ret_setup: it is the setup code. */
static enum sg_err check_code(struct identity *id, const char *code, const char *address,
                              uint8_t ret_digest[SG_DIGEST_SIZE], bool *ret_setup,
                              unsigned *ret_retry_after_s)
{
    enum sg_err err = throttle_code(id->throttle, address, ret_retry_after_s);

    if (err != SG_OK)
        return err;
    err = invitecode_digest(code, ret_digest);
    if (err == SG_OK)
        err = id->users.vt->has_invite(id->users.self, ret_digest, ret_setup);
    if (err == SG_OK && id->config.signup == SG_SIGNUP_CLOSED && !*ret_setup)
        err = SG_ERR_SIGNUP_CLOSED;
    if (err == SG_ERR_BAD_CODE || err == SG_ERR_SIGNUP_CLOSED)
        throttle_code_failed(id->throttle, address);
    return err;
}

/* Without a code only where sign-up is open, and there the names are no secret, but accounts are
 * not to be had without number from one place. */
static enum sg_err check_open(struct identity *id, const char *name, const char *address,
                              unsigned *ret_retry_after_s)
{
    struct user_record user;
    enum sg_err err;

    if (id->config.signup != SG_SIGNUP_OPEN)
        return SG_ERR_SIGNUP_CLOSED;
    err = throttle_code(id->throttle, address, ret_retry_after_s);
    if (err != SG_OK)
        return err;
    err = id->users.vt->get_by_name(id->users.self, name, &user);
    if (err == SG_OK) {
        identity_hide_user(&user);
        return SG_ERR_NAME_TAKEN;
    }
    return err == SG_ERR_NOT_FOUND ? SG_OK : err;
}

enum signup_mode identity_signup_mode(const struct identity *id)
{
    return id->config.signup;
}

enum sg_err identity_signup(struct identity *id, const char *name, const char *password,
                            const char *code, const char *address, struct user_record *ret,
                            unsigned *ret_retry_after_s)
{
    struct user_record user = {.role = SG_ROLE_MEMBER, .created_ns = clock_now_ns()};
    bool with_code = code != NULL && code[0] != '\0', setup = false;
    uint8_t digest[SG_DIGEST_SIZE];
    const char *reason;
    enum sg_err err;

    if (!identity_user_name_ok(name) || identity_password_ok(name, password, &reason) != SG_OK)
        return SG_ERR_BAD_FIELD;
    err = with_code ? check_code(id, code, address, digest, &setup, ret_retry_after_s)
                    : check_open(id, name, address, ret_retry_after_s);
    if (err == SG_OK)
        err = identity_hash_password(id, password, address, user.password_hash, ret_retry_after_s);
    if (err != SG_OK)
        return err;
    (void)snprintf(user.name, sizeof user.name, "%s", name);
    err = id->users.vt->create(id->users.self, &user, with_code ? digest : NULL, user.created_ns);
    identity_hide_user(&user);
    if (err == SG_ERR_BAD_CODE || (err == SG_OK && !with_code))
        throttle_code_failed(id->throttle, address);
    if (err != SG_OK)
        return err;
    if (setup) {
        enum sg_err ignored = identity_remove_setup_code(id);
        (void)ignored; /* the code is used up already; the next start removes what is left */
    }
    identity_rights_changed(id, user.id); /* there may be certificates that name the user */
    *ret = user;
    return SG_OK;
}

/* -- users ----------------------------------------------------------------------------------------
 */

enum sg_err identity_user(struct identity *id, const char *name, struct user_record *ret)
{
    enum sg_err err = id->users.vt->get_by_name(id->users.self, name, ret);

    if (err == SG_OK)
        identity_hide_user(ret);
    return err;
}

enum sg_err identity_user_by_id(struct identity *id, int64_t user_id, struct user_record *ret)
{
    enum sg_err err = id->users.vt->get_by_id(id->users.self, user_id, ret);

    if (err == SG_OK)
        identity_hide_user(ret);
    return err;
}

enum sg_err identity_users(struct identity *id, const char *after, size_t limit,
                           struct user_record *ret, size_t *ret_count)
{
    enum sg_err err = id->users.vt->list(id->users.self, after, limit, ret, ret_count);

    for (size_t i = 0; err == SG_OK && i < *ret_count; i++)
        identity_hide_user(&ret[i]);
    return err;
}

enum sg_err identity_change_password(struct identity *id, const struct principal *who,
                                     const char *old_password, const char *new_password,
                                     const char *address, unsigned *ret_retry_after_s)
{
    char hash[SG_PASSWORD_HASH_SIZE];
    struct ending *ending;
    bool recovery = false;
    const char *reason;
    enum sg_err err;

    if (identity_password_ok(who->user, new_password, &reason) != SG_OK)
        return SG_ERR_BAD_FIELD;
    err = identity_confirm_password(id, who, old_password, NULL, address, &recovery,
                                    ret_retry_after_s);
    if (err != SG_OK)
        return err;
    err = identity_hash_password(id, new_password, NULL, hash, ret_retry_after_s);
    ending = identity_ending(id, who->user_id, who->session_id);
    if (err == SG_OK)
        err = id->users.vt->set_password(id->users.self, who->user_id, hash, who->session_id);
    if (err == SG_OK)
        identity_rights_changed(id, who->user_id);
    identity_ended(id, ending, err == SG_OK);
    secret_wipe(hash, sizeof hash);
    return err == SG_ERR_NOT_FOUND ? SG_ERR_SESSION_ENDED : err;
}

enum sg_err identity_update_user(struct identity *id, const char *name, const enum user_role *role,
                                 const bool *disabled, struct user_record *ret)
{
    struct ending *ending = NULL;
    struct user_record user;
    enum sg_err err;

    if (disabled != NULL && *disabled && identity_user(id, name, &user) == SG_OK)
        ending = identity_ending(id, user.id, NULL);
    err = id->users.vt->update(id->users.self, name, role, disabled, ret);
    if (err == SG_OK)
        identity_rights_changed(id, ret->id);
    identity_ended(id, ending, err == SG_OK);
    if (err == SG_OK)
        identity_hide_user(ret);
    return err;
}

enum sg_err identity_remove_user(struct identity *id, const char *name)
{
    struct ending *ending = NULL;
    struct user_record user;
    enum sg_err err;

    if (identity_user(id, name, &user) == SG_OK)
        ending = identity_ending(id, user.id, NULL);
    err = id->users.vt->remove(id->users.self, name);
    if (err == SG_OK)
        identity_rights_changed(id, 0); /* his spaces go, or get another owner */
    identity_ended(id, ending, err == SG_OK);
    return err;
}

enum sg_err identity_invite(struct identity *id, const struct principal *who, enum user_role role,
                            unsigned lifetime_s, char ret_code[SG_CODE_SIZE],
                            int64_t *ret_expires_ns)
{
    struct invite_record invite = {.role = role};
    char code[SG_CODE_SIZE];
    enum sg_err err;

    if (who->role != SG_ROLE_ADMIN)
        return SG_ERR_FORBIDDEN;
    if (lifetime_s < INVITE_MIN_S || lifetime_s > INVITE_MAX_S)
        return SG_ERR_BAD_FIELD;
    invitecode_make(code, invite.code_sha256);
    (void)snprintf(invite.created_by, sizeof invite.created_by, "%s", who->user);
    invite.expires_ns = clock_now_ns() + (int64_t)lifetime_s * SG_NS_PER_S;
    err = id->users.vt->add_invite(id->users.self, &invite);
    if (err == SG_OK) {
        memcpy(ret_code, code, sizeof code);
        *ret_expires_ns = invite.expires_ns;
    }
    secret_wipe(code, sizeof code);
    return err;
}
