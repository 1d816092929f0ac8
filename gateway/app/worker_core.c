/* SPDX-License-Identifier: Apache-2.0 */
/* Storage and rules of the worker: what they are made with, in which order they begin and end. */
#include "app/worker_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/web_assets.h"
#include "app/config.h"
#include "app/control.h"
#include "app/layout.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "core/certificates.h"
#include "core/channels.h"
#include "core/audit.h"
#include "core/chat.h"
#include "core/files.h"
#include "core/hub.h"
#include "core/identity.h"
#include "core/keys.h"
#include "core/dpop.h"
#include "core/logread.h"
#include "core/oauth.h"
#include "core/passkeys.h"
#include "core/secondfactor.h"
#include "core/signing.h"
#include "core/spaces.h"
#include "ipc/identity.h"
#include "ipc/keyring_client.h"
#include "ipc/signing_log.h"
#include "store/fsblobs.h"
#include "store/fschannels.h"
#include "store/sqlite.h"

#define OWN_AUDIENCE  "secgate"
#define PRESENCE_MS   10000 /* between two polls of somebody who is there */
#define SETUP_CODE_MS 2000  /* for the parent to remove the file */

/* The confined worker may not change the data directory itself: the parent does it. A new code is
 * there before the parent hears that this process is ready; a used one must be gone before the user
 * hears of it. */
static enum sg_err set_setup_code(void *ctx, const char *line)
{
    const struct worker *w = ctx;
    struct control m = {.type = SG_CONTROL_SETUP_CODE};
    enum sg_err err;

    if (line == NULL && access(w->layout.setup_code, F_OK) != 0)
        return SG_OK;
    snprintf(m.line, sizeof m.line, "%s", line == NULL ? "" : line);
    err = control_send(SG_WORKER_CONTROL_FD, &m, NULL, 0);
    secret_wipe(&m, sizeof m);
    for (unsigned waited_ms = 0; err == SG_OK && line == NULL; waited_ms++) {
        if (access(w->layout.setup_code, F_OK) != 0)
            return SG_OK;
        if (waited_ms == SETUP_CODE_MS)
            return SG_ERR_TIMEOUT;
        usleep(1000);
    }
    return err;
}

enum sg_err worker_is_ready(void *ctx, const char **ret_reason)
{
    struct worker *w = ctx;

    if (sqlite_store_status(w->db) != SG_OK) {
        *ret_reason = "the database does not take writes";
        return SG_ERR_UNAVAILABLE;
    }
    if (keyring_client_status(w->keyring) != SG_OK) {
        *ret_reason = "the keyring does not answer";
        return SG_ERR_UNAVAILABLE;
    }
    return SG_OK;
}

enum sg_err worker_open_stores(struct worker *w)
{
    enum sg_err err = sqlite_store_open(w->layout.db, &w->db);

    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "database.open", SG_STR("dir", w->layout.db),
                  SG_STR("error", err_code(err)));
        return err;
    }
    err = fsblobs_open(w->layout.data, w->config.reserve_bytes, &w->blobs);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "blobs.open", SG_STR("dir", w->layout.data),
                  SG_STR("error", err_code(err)));
    return err;
}

static void rights_changed(void *ctx, int64_t user_id)
{
    struct worker *w = ctx;

    certificates_user_changed(w->certificates, user_id);
    spaces_rights_changed(w->spaces, user_id);
}

static enum sg_err make_audit(struct worker *w)
{
    struct audit_store store = sqlite_store_audit(w->db);

    return audit_new(&store,
                     &(struct audit_retention){.seconds = w->config.audit_seconds,
                                               .entries = w->config.audit_entries,
                                               .young_seconds = w->config.audit_young_seconds},
                     &w->audit);
}

static enum sg_err make_factors(struct worker *w)
{
    struct factors_store store = sqlite_store_factors(w->db);
    uint8_t key[SG_STORAGE_KEY_SIZE];
    enum sg_err err = keyring_client_storage_key(w->keyring, key);

    if (err == SG_OK)
        err = secondfactor_new(&store, key, w->config.issuer, &w->factors);
    if (err == SG_OK)
        err = passkeys_new(&store, key, w->config.issuer, &w->passkeys);
    secret_wipe(key, sizeof key);
    return err;
}

static enum sg_err factor_needed(void *ctx, int64_t user_id, bool *ret)
{
    const struct worker *w = ctx;

    return secondfactor_needed(w->factors, user_id, ret);
}

static enum sg_err factor_check(void *ctx, int64_t user_id, const char *code, bool *ret_recovery)
{
    const struct worker *w = ctx;

    return secondfactor_check(w->factors, user_id, code, ret_recovery);
}

static void session_over(void *ctx, const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    const struct worker *w = ctx;

    if (w->channels != NULL)
        channels_close(w->channels, session_id);
}

/* What the gateway did to somebody's session. */
static void note_session(void *ctx, enum audit_type type, const char *user,
                         const uint8_t session_id[SG_SESSION_ID_SIZE], const char *address,
                         enum sg_err why)
{
    const struct worker *w = ctx;
    const struct audit_act act = {.type = type,
                                  .actor = "", /* the gateway: the owner need not be who asked */
                                  .subject = user,
                                  .address = address,
                                  .session = session_id,
                                  .result = why};

    audit_note(w->audit, &act);
}

static enum sg_err make_identity(struct worker *w)
{
    const struct config *c = &w->config;
    struct users_store users = sqlite_store_users(w->db);
    struct sessions_store sessions = sqlite_store_sessions(w->db);
    const struct identity_config identity = {.signup = (enum signup_mode)c->signup,
                                             .issuer = c->issuer,
                                             .audience = OWN_AUDIENCE,
                                             .access_token_s = c->access_token_seconds,
                                             .session_s = c->session_seconds,
                                             .argon2_memory_kib = c->argon2_memory_kib,
                                             .argon2_passes = c->argon2_passes,
                                             .argon2_parallel = c->argon2_lanes,
                                             .argon2_concurrent = c->argon2_concurrent,
                                             .setup_code_file = w->layout.setup_code,
                                             .set_setup_code = set_setup_code,
                                             .setup_ctx = w};
    const struct identity_hooks hooks = {.ctx = w,
                                         .factor_needed = factor_needed,
                                         .factor_check = factor_check,
                                         .session_over = session_over,
                                         .note = note_session};
    struct tokens_store tokens = sqlite_store_tokens(w->db);

    w->identity = identity_new(&users, &sessions, w->keyring, &identity);
    if (w->identity == NULL)
        return SG_ERR_NO_MEMORY;
    identity_set_hooks(w->identity, &hooks);
    identity_set_tokens(w->identity, &tokens);
    return SG_OK;
}

static enum sg_err make_oauth(struct worker *w)
{
    const struct oauth_config config = {.issuer = w->config.issuer, .audience = OWN_AUDIENCE};
    struct oauth_store store = sqlite_store_oauth(w->db);

    w->dpop = dpop_new(clock_now_s());
    return w->dpop == NULL ? SG_ERR_NO_MEMORY : oauth_new(&store, w->identity, &config, &w->oauth);
}

static enum sg_err make_certificates(struct worker *w)
{
    struct certificates_store store = sqlite_store_certificates(w->db);
    struct users_store users = sqlite_store_users(w->db);
    struct sessions_store sessions = sqlite_store_sessions(w->db);

    return certificates_new(&(struct certificates_options){.store = &store,
                                                           .users = &users,
                                                           .sessions = &sessions,
                                                           .identity = w->identity,
                                                           .keyring = w->keyring,
                                                           .days = w->config.certificate_days},
                            &w->certificates);
}

static enum sg_err make_hub(struct worker *w)
{
    const struct hub_config config = {.waiters = w->config.waiters,
                                      .waiters_per_user = w->config.waiters_per_user,
                                      .waiters_per_address = w->config.waiters_per_address,
                                      .presence_grace_ms = PRESENCE_MS};
    struct events_store events = sqlite_store_events(w->db);
    uint64_t head = 0;
    enum sg_err err = events.vt->head(events.self, &head);

    return err == SG_OK ? hub_new(&config, head, &w->hub) : err;
}

static enum sg_err make_spaces(struct worker *w)
{
    const struct chat_config chat = {.retention_s = w->config.retention_seconds,
                                     .retention_count = w->config.retention_events};
    const struct files_config file_rules = {.max_file_bytes = w->config.file_bytes};
    struct spaces_store spaces = sqlite_store_spaces(w->db);
    struct events_store events = sqlite_store_events(w->db);
    struct files_store files = sqlite_store_files(w->db);
    struct blobs_store blobs = fsblobs_store(w->blobs);

    w->spaces = spaces_new(&spaces, w->identity, w->hub);
    if (w->spaces == NULL)
        return SG_ERR_NO_MEMORY;
    /* Before the first event: the hub must hear of all of them. */
    events.vt->set_sink(events.self, spaces_publish, w->spaces);
    identity_watch(w->identity, rights_changed, w);
    w->files = files_new(&files, &blobs, &events, w->spaces, &file_rules);
    if (w->files == NULL)
        return SG_ERR_NO_MEMORY;
    return chat_new(&events, w->spaces, w->hub, w->identity, &chat, &w->chat);
}

static enum sg_err log_state(void *ctx, struct keyring_log_state *ret)
{
    return keyring_client_log_state(ctx, ret);
}

static enum sg_err make_log(struct worker *w)
{
    enum sg_err err = logread_new(
        &(struct logread_options){.dir = w->layout.log, .state = log_state, .ctx = w->keyring},
        &w->log);

    return err == SG_OK ? witness_new(&(struct witness_options){.log = w->log}, &w->witnesses)
                        : err;
}

static enum sg_err make_signing(struct worker *w)
{
    struct users_store users = sqlite_store_users(w->db);
    struct signatures_store signatures = sqlite_store_signatures(w->db);
    struct files_store files = sqlite_store_files(w->db);
    struct blobs_store blobs = fsblobs_store(w->blobs);
    enum sg_err err = make_log(w);

    if (err != SG_OK)
        return err;
    w->keys = keys_new(&users, w->keyring);
    if (w->keys == NULL)
        return SG_ERR_NO_MEMORY;
    return signing_new(&(struct signing_options){.store = &signatures,
                                                 .files = &files,
                                                 .blobs = &blobs,
                                                 .spaces = w->spaces,
                                                 .keys = w->keys,
                                                 .keyring = w->keyring,
                                                 .log = w->log,
                                                 .witnesses = w->witnesses},
                       &w->signing);
}

/* What is in the log and not in the index. The gateway runs without it: everything but signatures
 * does not need it. */
static void reindex(struct worker *w)
{
    uint64_t count = 0;
    enum sg_err err = signing_reindex(w->signing, &count);

    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "signing.reindex", SG_STR("error", err_code(err)));
    else if (count > 0)
        log_write(SG_LOG_INFO, "signing.reindex", SG_INT("count", count));
}

static enum sg_err sign_channel(void *ctx, const struct keyring_channel *m,
                                uint8_t ret[SG_IDENTITY_SIGNATURE_SIZE])
{
    const struct worker *w = ctx;

    return keyring_client_sign_channel(w->keyring, m, ret);
}

/* Sessions also go away with their user. */
static bool session_ended(void *ctx, const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    const struct worker *w = ctx;
    struct sessions_store sessions = sqlite_store_sessions(w->db);
    struct session_record record;
    bool ended = sessions.vt->get(sessions.self, session_id, &record) == SG_ERR_NOT_FOUND;

    secret_wipe(&record, sizeof record);
    return ended;
}

static enum sg_err make_channels(struct worker *w)
{
    const struct config *c = &w->config;
    struct channels_options options = {.sign = sign_channel,
                                       .ended = session_ended,
                                       .ctx = w,
                                       .session_s = c->channel_session_seconds,
                                       .responses = c->channel_responses,
                                       .window = c->channel_window,
                                       .data_bytes = c->channel_data_bytes,
                                       .bind = (enum channels_bind)c->channel_bind};
    bool lost = false;
    enum sg_err err = fschannels_open(w->layout.channels, &w->channel_files, &lost);

    if (err != SG_OK)
        return err;
    if (lost)
        log_write(SG_LOG_WARN, "channels.void", SG_STR("dir", w->layout.channels));
    options.store = fschannels_store(w->channel_files);
    err = keyring_client_identity_key(w->keyring, options.identity_key);
    if (err == SG_OK)
        err = keyring_client_storage_key(w->keyring, options.storage_key);
    if (err == SG_OK)
        err = channels_new(&options, &w->channels);
    secret_wipe(&options, sizeof options);
    return err;
}

enum sg_err worker_start_core(struct worker *w)
{
    enum sg_err err = make_audit(w);

    if (err == SG_OK)
        err = make_factors(w);
    if (err == SG_OK)
        err = make_identity(w);
    if (err == SG_OK)
        err = make_certificates(w);
    if (err == SG_OK)
        err = make_oauth(w);
    if (err == SG_OK)
        err = make_channels(w);
    if (err == SG_OK)
        err = make_hub(w);
    if (err == SG_OK)
        err = make_spaces(w);
    if (err == SG_OK)
        err = make_signing(w);
    if (err == SG_OK)
        err = identity_start(w->identity);
    if (err == SG_OK)
        err = files_start_collector(w->files);
    if (err == SG_OK)
        reindex(w);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "core.start", SG_STR("error", err_code(err)));
    return err;
}

void worker_end_core(struct worker *w)
{
    identity_stop(w->identity); /* what it still has to write down, it does now */
    web_assets_free(w->web);
    signing_free(w->signing);
    witness_free(w->witnesses);
    logread_free(w->log);
    keys_free(w->keys);
    files_free(w->files);
    fsblobs_close(w->blobs);
    sqlite_store_close(w->db); /* it may have told the hub of events until here */
    chat_free(w->chat);
    spaces_free(w->spaces);
    hub_free(w->hub);
    certificates_free(w->certificates);
    identity_free(w->identity);
    oauth_free(w->oauth);
    dpop_free(w->dpop);
    passkeys_free(w->passkeys);
    secondfactor_free(w->factors);
    channels_free(w->channels);
    fschannels_close(w->channel_files);
    audit_free(w->audit);
}
