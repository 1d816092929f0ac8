/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds a signature against what is known: the key and its state, the content, the log. It says
 * everything that speaks against it, never only the first thing; it changes nothing.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "core/sha256.h"
#include "core/signing_internal.h"
#include "sigfmt/verify.h"

#define CANDIDATES_MAX (SG_KEYS_MAX + SG_KEY_VERSIONS_MAX)
#define SEEN_MAX       200 /* rows of the index that are looked at for a key, or for a record */
#define PAGE_MEMORY    ((size_t)4 << 20)
#define TIMESTAMP_NS   INT64_C(1000000) /* records show milliseconds */

struct candidate { /* what the signature may be made with */
    char key[SG_KEY_NAME_SIZE];
    uint32_t version;
};

struct verifying {
    struct signing *s;
    const struct principal *who;
    const struct signing_verify *what;
    struct arena *arena;
    struct signing_verdict *verdict;
    bool has_content;
    struct sig_content content;
    struct keyring_key *key; /* the one looked at */
    struct sig_record_read *read;
    struct candidate *candidates;
    size_t count;
    uint8_t hint[SG_PUBLIC_SPKI_MAX]; /* of the key: a number, a keyid; by its length */
    size_t hint_len;
};

static void reason(struct verifying *v, const char *code, const char *detail)
{
    struct signing_verdict *verdict = v->verdict;

    for (size_t i = 0; i < verdict->count; i++)
        if (strcmp(verdict->reasons[i].code, code) == 0)
            return;
    if (verdict->count < SG_SIGNING_REASONS_MAX && detail != NULL)
        verdict->reasons[verdict->count++] =
            (struct signing_reason){.code = code, .detail = detail};
}

static void sig_reason_add(struct verifying *v, enum sig_reason r)
{
    if (r != SG_SIG_VALID)
        reason(v, sig_reason_code(r), sig_reason_text(r));
}

/* -- content ------------------------------------------------------------------------------------
 */

static enum sg_err read_path(struct verifying *v, const struct principal *who,
                             const char **ret_reason)
{
    struct entry_record entry;
    struct path path;
    int64_t space_id = 0;
    uint8_t *block = arena_alloc(v->arena, SG_SIGNING_BLOCK);
    enum sg_err err = block != NULL ? signing_find_entry(v->s, who, v->what->path, v->arena, &path,
                                                         &space_id, &entry, ret_reason)
                                    : SG_ERR_NO_MEMORY;

    if (err == SG_OK && entry.type != SG_ENTRY_FILE)
        err = SG_ERR_IS_DIRECTORY;
    if (err == SG_OK && path.directory)
        err = SG_ERR_NOT_DIRECTORY;
    if (err == SG_OK)
        err = signing_read_file(v->s, &entry, "", true, true, block, &v->content.digests, NULL);
    v->has_content = err == SG_OK;
    return err;
}

static enum sg_err find_content(struct verifying *v, const struct principal *who,
                                const char **ret_reason)
{
    v->content.name = v->what->name;
    if (v->what->path != NULL)
        return read_path(v, who, ret_reason);
    if (v->what->digests != NULL) {
        v->content.digests = *v->what->digests;
        v->has_content = true;
    }
    return SG_OK;
}

/* -- keys ---------------------------------------------------------------------------------------
 */

static const struct keyring_key_version *find_version(const struct keyring_key *key,
                                                      uint32_t number)
{
    for (size_t i = 0; i < key->version_count; i++)
        if (key->versions[i].number == number)
            return &key->versions[i];
    return NULL;
}

/* What the key's state says against what was signed with a version of it. */
static void judge_key(struct verifying *v, uint32_t number)
{
    const struct keyring_key *key = v->key;
    const struct keyring_key_version *version = find_version(key, number);

    if (key->disabled)
        reason(v, "key-disabled", arena_printf(v->arena, "The key %s is disabled.", key->name));
    if (number < key->oldest)
        reason(v, "key-version-too-old",
               arena_printf(v->arena,
                            "Version %" PRIu32 " of the key %s is no longer accepted; the oldest "
                            "that is, is %" PRIu32 ".",
                            number, key->name, key->oldest));
    if (version != NULL && version->expires_ns != 0 && version->expires_ns <= clock_now_ns())
        reason(v, "key-expired",
               arena_printf(v->arena, "Version %" PRIu32 " of the key %s has expired.", number,
                            key->name));
    if ((v->what->key != NULL && strcmp(v->what->key, key->name) != 0) ||
        (v->what->key_version != 0 && v->what->key_version != number))
        reason(v, "key-mismatch",
               arena_printf(v->arena, "It was made with version %" PRIu32 " of the key %s.", number,
                            key->name));
}

static enum sg_err load_public(struct verifying *v, const char *key, uint32_t version,
                               struct sig_public *ret)
{
    struct keyring_public public;
    enum sg_err err = keys_public(v->s->keys, key, version, &public);

    if (err == SG_OK && sig_public_load(public.spki, public.spki_len, ret) != SG_OK)
        err = SG_ERR_PROTOCOL;
    return err;
}

/* -- the log ------------------------------------------------------------------------------------
 */

/* Whether a row is the record (`text`), or one by this version of the key. */
static enum sg_err row_fits(struct verifying *v, const struct signature_row *row, const char *text,
                            size_t len, uint32_t version, bool *ret)
{
    struct signature_row again;
    enum sg_err err;

    if (text != NULL) {
        *ret = row->record_len == len && memcmp(row->record, text, len) == 0;
        return SG_OK;
    }
    err = signing_row_of_leaf(row->index, row->record, row->record_len, v->read, &again);
    *ret = err == SG_OK && v->read->record.key_version == version;
    return err;
}

/* Keeps a row of a page that goes. */
static enum sg_err keep_row(struct verifying *v, const struct signature_row *row)
{
    struct signature_row *kept = &v->verdict->row;

    *kept = *row;
    kept->key = arena_strdup(v->arena, row->key);
    kept->package = arena_strdup(v->arena, row->package);
    kept->record = arena_memdup(v->arena, row->record, row->record_len);
    if (row->signature != NULL)
        kept->signature = arena_memdup(v->arena, row->signature, row->signature_len);
    v->verdict->found = kept->key != NULL && kept->package != NULL && kept->record != NULL &&
                        (row->signature == NULL || kept->signature != NULL);
    return v->verdict->found ? SG_OK : SG_ERR_NO_MEMORY;
}

/* Looks through the index in pages; the verdict has the row then. */
static enum sg_err find_row(struct verifying *v, struct signature_query *query, const char *text,
                            size_t len, uint32_t version)
{
    struct signature_row *rows = arena_alloc(v->arena, SEEN_MAX * sizeof *rows);
    struct arena *page = arena_new(PAGE_MEMORY);
    size_t count = SEEN_MAX;
    enum sg_err err = rows != NULL && page != NULL ? SG_OK : SG_ERR_NO_MEMORY;

    query->limit = SEEN_MAX;
    query->before = UINT64_MAX;
    while (err == SG_OK && !v->verdict->found && count == SEEN_MAX) {
        arena_reset(page);
        err = v->s->store.vt->list(v->s->store.self, query, page, rows, &count);
        for (size_t i = 0; err == SG_OK && !v->verdict->found && i < count; i++) {
            bool fits = false;

            err = row_fits(v, &rows[i], text, len, version, &fits);
            if (err == SG_OK && fits)
                err = keep_row(v, &rows[i]);
        }
        if (count > 0)
            query->before = rows[count - 1].index;
    }
    arena_free(page);
    return err;
}

/* The record in the log; the leaf itself is held against the checkpoint, the index is believed
 * nothing. */
static enum sg_err find_in_log(struct verifying *v, struct signature_query *query, const char *text,
                               size_t len, uint32_t version)
{
    const struct signature_row *row = &v->verdict->row;
    struct logread_head head;
    struct merkle_range *proved = NULL;
    merkle_hash leaf;
    enum sg_err err = find_row(v, query, text, len, version);

    if (err == SG_OK && !v->verdict->found)
        reason(v, "not-in-log", "The log has no record of this signature.");
    if (err != SG_OK || !v->verdict->found)
        return err;
    merkle_leaf(row->record, row->record_len, leaf);
    err = logread_head(v->s->log, &head);
    if (err == SG_OK)
        err =
            logread_proofs(v->s->log, &head.of, row->index, 1, (const merkle_hash *)&leaf, &proved);
    merkle_range_free(proved);
    return err == SG_ERR_BAD_FIELD || err == SG_ERR_NOT_FOUND ? SG_ERR_CORRUPT : err;
}

static enum sg_err check_proof(struct verifying *v, const char *text, size_t len)
{
    static const char wrong[] = "The proof does not prove that the record is in the log.";
    struct keyring_log_state *state = arena_alloc(v->arena, sizeof *state);
    struct tlog_proof proof;
    struct checkpoint of;
    struct note_key key;
    enum sg_err err;

    if (v->what->proof == NULL)
        return SG_OK;
    err = state != NULL ? logread_state(v->s->log, state) : SG_ERR_NO_MEMORY;
    if (err != SG_OK)
        return err;
    if (note_key_parse(state->vkey, &key) != SG_OK)
        return SG_ERR_PROTOCOL;
    if (tlog_proof_parse(v->what->proof, v->what->proof_len, &proof) != SG_OK) {
        reason(v, "proof-invalid", wrong);
        return SG_OK;
    }
    err = tlog_proof_verify(&proof, text, len, &key, &of);
    if (err == SG_OK && proof.extra != NULL &&
        (proof.extra_len != len || memcmp(proof.extra, text, len) != 0))
        err = SG_ERR_BAD_DIGEST;
    tlog_proof_fini(&proof);
    if (err == SG_ERR_NO_MEMORY)
        return err;
    if (err != SG_OK)
        reason(v, "proof-invalid", wrong);
    return SG_OK;
}

/* -- a record -----------------------------------------------------------------------------------
 */

static enum sg_err judge_record_key(struct verifying *v, const char *text, size_t len)
{
    const struct sig_record *r = v->what->record;
    const struct keyring_key_version *version;
    struct sig_public public;
    enum sg_err err = keys_find(v->s->keys, v->who, r->key, v->key);

    version = err == SG_OK ? find_version(v->key, r->key_version) : NULL;
    if (err == SG_ERR_NOT_FOUND || (err == SG_OK && version == NULL)) {
        reason(v, "key-unknown", "There is no such key, or no such version of it.");
        return SG_OK;
    }
    if (err == SG_OK)
        err = load_public(v, r->key, r->key_version, &public);
    if (err != SG_OK)
        return err;
    if (memcmp(version->keyid, r->keyid, sizeof r->keyid) != 0)
        reason(v, "key-mismatch", "The keyid is not that of this version of the key.");
    sig_reason_add(v, sig_verify_record(text, len, v->what->signature, v->what->signature_len,
                                        &public, v->has_content ? &v->content : NULL));
    sig_public_fini(&public);
    if (!v->has_content && v->what->name != NULL && strcmp(v->what->name, r->name) != 0)
        sig_reason_add(v, SG_SIG_NAME);
    judge_key(v, r->key_version);
    return SG_OK;
}

static enum sg_err verify_record(struct verifying *v, const char **ret_reason)
{
    const struct sig_record *r = v->what->record;
    struct signature_query query = {.sha256 = r->digests.sha256,
                                    .key = r->key,
                                    .since_ns = r->timestamp_ns - TIMESTAMP_NS,
                                    .until_ns = r->timestamp_ns + 2 * TIMESTAMP_NS};
    SG_BUF_CLEANUP struct buf text;
    enum sg_err err;

    buf_init(&text, SG_RECORD_TEXT_MAX);
    err = sig_record_put(&text, r);
    if (err == SG_OK)
        err = buf_status(&text);
    if (err != SG_OK) {
        *ret_reason = "record: is not one that could have been signed";
        return err == SG_ERR_NO_MEMORY ? err : SG_ERR_BAD_FIELD;
    }
    err = judge_record_key(v, buf_str(&text), text.len);
    if (err == SG_OK)
        err = find_in_log(v, &query, buf_str(&text), text.len, 0);
    if (err == SG_OK)
        err = check_proof(v, buf_str(&text), text.len);
    return err;
}

/* -- a signature in a format --------------------------------------------------------------------
 */

static void add_candidate(struct verifying *v, const char *key, uint32_t version)
{
    if (!principal_may_key(v->who, key))
        return;
    for (size_t i = 0; i < v->count; i++)
        if (v->candidates[i].version == version && strcmp(v->candidates[i].key, key) == 0)
            return;
    if (v->count == CANDIDATES_MAX)
        return;
    v->candidates[v->count].version = version;
    memcpy(v->candidates[v->count++].key, key, strlen(key) + 1);
}

static bool hint_fits(const struct verifying *v, const uint8_t keyid[32])
{
    return v->hint_len == 0 || (v->hint_len <= 32 && memcmp(v->hint, keyid, v->hint_len) == 0);
}

/* The versions of v->key that it may be, the newest first. */
static void add_versions(struct verifying *v)
{
    for (size_t i = v->key->version_count; i-- > 0;) {
        const struct keyring_key_version *version = &v->key->versions[i];

        if ((v->what->key_version == 0 || v->what->key_version == version->number ||
             v->hint_len > 0) &&
            hint_fits(v, version->keyid))
            add_candidate(v, v->key->name, version->number);
    }
}

/* All keys, when the signature says by which it is. */
static enum sg_err add_all(struct verifying *v)
{
    char(*names)[SG_KEY_NAME_SIZE] = arena_alloc(v->arena, SG_KEYS_MAX * sizeof *names);
    size_t count = 0;
    enum sg_err err =
        names != NULL ? keys_names(v->s->keys, v->who, names, &count) : SG_ERR_NO_MEMORY;

    for (size_t i = 0; err == SG_OK && i < count; i++) {
        err = keys_find(v->s->keys, v->who, names[i], v->key);
        if (err == SG_OK)
            add_versions(v);
    }
    return err;
}

/* The keys that have signed this content, when nothing else says which it is. */
static enum sg_err add_seen(struct verifying *v)
{
    struct signature_query query = {.sha256 = v->content.digests.sha256,
                                    .since_ns = INT64_MIN,
                                    .until_ns = INT64_MAX,
                                    .before = UINT64_MAX,
                                    .limit = SEEN_MAX};
    struct signature_row *rows = arena_alloc(v->arena, SEEN_MAX * sizeof *rows);
    struct signature_row again;
    size_t count = 0;
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (rows != NULL)
        err = v->s->store.vt->list(v->s->store.self, &query, v->arena, rows, &count);
    for (size_t i = 0; err == SG_OK && i < count; i++) {
        err =
            signing_row_of_leaf(rows[i].index, rows[i].record, rows[i].record_len, v->read, &again);
        if (err == SG_OK)
            add_candidate(v, v->read->record.key, v->read->record.key_version);
    }
    return err;
}

static enum sg_err find_candidates(struct verifying *v)
{
    const struct signing_verify *what = v->what;
    uint8_t hint[SG_PUBLIC_SPKI_MAX];
    enum sg_err err;

    if (sig_hint(what->format, what->signature, what->signature_len, hint, &v->hint_len) != SG_OK)
        v->hint_len = 0;
    if (v->hint_len > 32) { /* the key itself */
        sha256_digest(hint, v->hint_len, v->hint);
        v->hint_len = SG_SHA256_SIZE;
    } else {
        memcpy(v->hint, hint, v->hint_len);
    }
    v->candidates = arena_alloc(v->arena, CANDIDATES_MAX * sizeof *v->candidates);
    if (v->candidates == NULL)
        return SG_ERR_NO_MEMORY;
    if (what->key == NULL)
        return v->hint_len > 0 ? add_all(v) : add_seen(v);
    err = keys_find(v->s->keys, v->who, what->key, v->key);
    if (err != SG_OK)
        return err == SG_ERR_NOT_FOUND ? SG_OK : err;
    add_versions(v);
    if (v->count == 0 && v->hint_len > 0) {
        reason(v, "key-mismatch", "It was made with another key.");
        return SG_OK;
    }
    return SG_OK;
}

/* *ret: the one whose signature it is. Else what speaks against the last. */
static enum sg_err try_candidates(struct verifying *v, const struct candidate **ret)
{
    enum sig_reason found = SG_SIG_VALID;

    *ret = NULL;
    for (size_t i = 0; i < v->count; i++) {
        struct sig_public public;
        enum sg_err err = load_public(v, v->candidates[i].key, v->candidates[i].version, &public);

        if (err == SG_ERR_NOT_FOUND)
            continue;
        if (err != SG_OK)
            return err;
        found = sig_verify(v->what->format, v->what->signature, v->what->signature_len, &public,
                           &v->content);
        sig_public_fini(&public);
        if (found == SG_SIG_VALID) {
            *ret = &v->candidates[i];
            return SG_OK;
        }
        if (found != SG_SIG_INVALID && found != SG_SIG_KEY) /* with any key */
            break;
    }
    sig_reason_add(v, found);
    return SG_OK;
}

static enum sg_err verify_format(struct verifying *v)
{
    const struct candidate *with = NULL;
    struct signature_query query = {
        .sha256 = v->content.digests.sha256, .since_ns = INT64_MIN, .until_ns = INT64_MAX};
    enum sg_err err;

    if (!v->has_content) {
        reason(v, "digest-missing", "There is nothing to hold it against: give digests or a path.");
        return SG_OK;
    }
    err = find_candidates(v);
    if (err == SG_OK && v->count > 0)
        err = try_candidates(v, &with);
    if (err != SG_OK)
        return err;
    if (with == NULL) {
        if (v->verdict->count == 0)
            reason(v, "key-unknown", "No key of this gateway is known to have made it.");
        return SG_OK;
    }
    err = keys_find(v->s->keys, v->who, with->key, v->key);
    if (err != SG_OK)
        return err;
    judge_key(v, with->version);
    query.key = with->key;
    return find_in_log(v, &query, NULL, 0, with->version);
}

enum sg_err signing_verify(struct signing *s, const struct principal *who,
                           const struct signing_verify *what, struct arena *arena,
                           struct signing_verdict *ret, const char **ret_reason)
{
    struct verifying v = {.s = s, .who = who, .what = what, .arena = arena, .verdict = ret};
    enum sg_err err;

    memset(ret, 0, sizeof *ret);
    v.key = arena_alloc(arena, sizeof *v.key);
    v.read = arena_alloc(arena, sizeof *v.read);
    if (v.key == NULL || v.read == NULL)
        return SG_ERR_NO_MEMORY;
    err = find_content(&v, who, ret_reason);
    if (err != SG_OK)
        return err;
    return what->record != NULL ? verify_record(&v, ret_reason) : verify_format(&v);
}
