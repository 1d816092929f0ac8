/* SPDX-License-Identifier: Apache-2.0 */
/* Puts together what signing needs, around the program secgated-keyring. */
#include "signing_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/signing_log.h"
#include "sigfmt/digests.h"
#include "sigfmt/verify.h"
#include "tempdir.h"

struct signing_fixture signing_fixture;
#define F signing_fixture

static enum sg_err log_state(void *ctx, struct keyring_log_state *ret)
{
    return keyring_client_log_state(ctx, ret);
}

static struct principal add_user(const char *name, enum user_role role)
{
    const struct users_store users = sqlite_store_users(F.db);
    struct user_record user = {.role = role, .password_hash = "x"};
    struct principal who = {.role = role, .scopes = SG_SCOPE_ADMIN};
    (void)snprintf(user.name, sizeof(user.name), "%s", name);
    if (users.vt->get_by_name(users.self, name, &user) != SG_OK)
        assert_int_equal(SG_OK, users.vt->create(users.self, &user, NULL, 1));
    who.user_id = user.id;
    memcpy(who.user, user.name, sizeof(who.user));
    return who;
}

/* All that stands on the database. */
static void open_stores(void)
{
    static const struct files_config config = {.max_file_bytes = 1 << 20};
    char *dir = strdup(tempdir_path(F.dir, "worker"));
    assert_int_equal(SG_OK, sqlite_store_open(dir, &F.db));
    assert_int_equal(SG_OK, fsblobs_open(dir, 0, &F.fs));
    free(dir);
    const struct users_store users = sqlite_store_users(F.db);
    const struct spaces_store space_store = sqlite_store_spaces(F.db);
    const struct events_store events = sqlite_store_events(F.db);
    const struct blobs_store blobs = fsblobs_store(F.fs);
    F.store = sqlite_store_files(F.db);
    F.index = sqlite_store_signatures(F.db);
    F.spaces = spaces_new(&space_store, NULL, NULL);
    F.files = files_new(&F.store, &blobs, &events, F.spaces, &config);
    F.keys = keys_new(&users, F.keyring);
    F.alice = add_user("alice", SG_ROLE_ADMIN);
    F.bob = add_user("bob", SG_ROLE_MEMBER);
    assert_int_equal(SG_OK, signing_new(&(struct signing_options){.store = &F.index,
                                                                  .files = &F.store,
                                                                  .blobs = &blobs,
                                                                  .spaces = F.spaces,
                                                                  .keys = F.keys,
                                                                  .keyring = F.keyring,
                                                                  .log = F.log,
                                                                  .witnesses = F.witnesses},
                                        &F.signing));
}

static void close_stores(void)
{
    signing_free(F.signing);
    keys_free(F.keys);
    files_free(F.files);
    spaces_free(F.spaces);
    fsblobs_close(F.fs);
    sqlite_store_close(F.db);
}

int signing_fixture_set_up(void **state)
{
    static const char *const names[] = {"localhost"};
    static struct keyring_log_state log;
    uint8_t changed;
    (void)state;
    memset(&F, 0, sizeof(F));
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    F.dir = tempdir_make();
    assert_int_equal(0, mkdir(tempdir_path(F.dir, "worker"), 0700));
    F.process = real_keyring_start(F.dir, NULL);
    assert_int_equal(SG_OK, real_keyring_ensure(&F.process, names, 1, &changed));
    F.keyring = real_keyring_client(&F.process);
    F.arena = arena_new((size_t)256 << 20);
    char *dir = strdup(tempdir_path(F.dir, "log"));
    assert_int_equal(
        SG_OK,
        logread_new(&(struct logread_options){.dir = dir, .state = log_state, .ctx = F.keyring},
                    &F.log));
    free(dir);
    assert_int_equal(SG_OK, logread_state(F.log, &log));
    assert_int_equal(SG_OK, note_key_parse(log.vkey, &F.log_key));
    assert_int_equal(SG_OK, witness_new(&(struct witness_options){.log = F.log, .timeout_ms = 1000},
                                        &F.witnesses));
    open_stores();
    return 0;
}

int signing_fixture_tear_down(void **state)
{
    char log[512];
    (void)state;
    close_stores();
    witness_free(F.witnesses);
    logread_free(F.log);
    arena_free(F.arena);
    keyring_client_free(F.keyring);
    assert_int_equal(0, real_keyring_stop(&F.process));
    (void)snprintf(log, sizeof(log), "%s.log", F.dir);
    (void)unlink(log);
    tempdir_remove(F.dir);
    return 0;
}

void signing_fixture_reopen(bool empty)
{
    close_stores();
    if (empty) {
        assert_int_equal(0, unlink(tempdir_path(F.dir, "worker/secgate.db")));
        (void)unlink(tempdir_path(F.dir, "worker/secgate.db-wal"));
    }
    open_stores();
}

void signing_fixture_key(const char *name, enum sig_key_type type)
{
    static struct key_info info;
    const char *reason = "";
    assert_int_equal(SG_OK, keys_create(F.keys, &F.alice, name, type, "", 0, &info, &reason));
}

void signing_fixture_update(const char *name, const struct key_change *change)
{
    static struct key_info info;
    const char *reason = "";
    if (keys_update(F.keys, &F.alice, name, change, &info, &reason) != SG_OK)
        fail_msg("%s", reason);
}

void signing_fixture_store(const struct principal *who, const char *text, const char *content)
{
    struct path path;
    struct file_upload *u = NULL;
    struct entry_record entry;
    const char *reason;
    bool created;
    assert_int_equal(SG_OK, path_text(text, strlen(text), F.arena, &path, &reason));
    assert_int_equal(SG_OK, files_upload_begin(F.files, who, &path, -1, NULL, &u));
    assert_int_equal(SG_OK, files_upload_write(u, content, strlen(content)));
    assert_int_equal(SG_OK, files_upload_commit(&u, NULL, F.arena, &entry, &created));
}

struct signing_item signing_fixture_item(const char *name, const char *content)
{
    struct signing_item item = {
        .kind = SG_SIGNING_DIGESTS, .name = name, .size = (int64_t)strlen(content)};
    assert_int_equal(SG_OK, digesting_memory(content, strlen(content), &item.digests));
    return item;
}

enum sg_err signing_fixture_create(const char *key, unsigned formats,
                                   const struct signing_item *items, size_t count,
                                   struct signing_result *ret)
{
    const struct signing_request request = {
        .key = key, .formats = formats, .items = items, .item_count = count};
    enum sg_err err = signing_create(F.signing, &F.alice, &request, ret);

    return err == SG_OK ? signing_await(ret) : err;
}

void signing_fixture_check(const struct signing_result *r, const struct keyring_signed *of,
                           const char *name)
{
    static struct sig_record_read read;
    static struct keyring_public public;
    struct sig_public key;
    struct tlog_proof proof;
    struct checkpoint checkpoint;
    struct signing_stored stored;
    struct buf text;
    assert_int_equal(SG_OK, sig_record_parse(of->record, of->record_len, &read));
    assert_string_equal(name, read.record.name);
    assert_int_equal(SG_OK, keys_public(F.keys, read.record.key, read.record.key_version, &public));
    assert_int_equal(SG_OK, sig_public_load(public.spki, public.spki_len, &key));
    assert_int_equal(SG_SIG_VALID, sig_verify_record(of->record, of->record_len, of->signature,
                                                     of->signature_len, &key, NULL));
    sig_public_fini(&key);

    buf_init(&text, 1 << 20);
    signing_put_proof(&text, r, of);
    assert_int_equal(SG_OK, tlog_proof_parse(buf_str(&text), text.len, &proof));
    assert_int_equal(of->index, proof.index);
    assert_int_equal(
        SG_OK, tlog_proof_verify(&proof, of->record, of->record_len, &F.log_key, &checkpoint));
    assert_int_equal(r->tree_size, checkpoint.size);
    tlog_proof_fini(&proof);
    buf_fini(&text);

    assert_int_equal(SG_OK, signing_get(F.signing, of->index, F.arena, &stored));
    assert_int_equal(of->record_len, stored.row.record_len);
    assert_memory_equal(of->record, stored.row.record, of->record_len);
    assert_int_equal(of->signature_len, stored.row.signature_len);
    assert_memory_equal(of->signature, stored.row.signature, of->signature_len);
    assert_memory_equal(read.record.digests.sha256, stored.row.sha256, SG_DIGEST_SIZE);
    assert_string_equal(read.record.package, stored.row.package);
    assert_int_equal(of->timestamp_ns, stored.row.timestamp_ns);
    for (size_t i = 0; i < SG_SIGNATURE_FORMATS; i++) {
        assert_int_equal(of->formats[i].data != NULL, stored.row.formats[i].data != NULL);
        if (of->formats[i].data != NULL)
            assert_memory_equal(of->formats[i].data, stored.row.formats[i].data,
                                of->formats[i].len);
    }
    assert_int_equal(SG_OK, tlog_proof_parse(stored.proof, stored.proof_len, &proof));
    assert_int_equal(
        SG_OK, tlog_proof_verify(&proof, of->record, of->record_len, &F.log_key, &checkpoint));
    tlog_proof_fini(&proof);
}
