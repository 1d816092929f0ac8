/* SPDX-License-Identifier: Apache-2.0 */
/* Signs: collect, have it signed, cosigned, entered, proved, in this order; nothing is given out
 * before the last of it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/signing_internal.h"

enum sg_err signing_new(const struct signing_options *options, struct signing **ret)
{
    struct signing *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SG_ERR_NO_MEMORY;
    *s = (struct signing){.store = *options->store,
                          .files = *options->files,
                          .blobs = *options->blobs,
                          .spaces = options->spaces,
                          .keys = options->keys,
                          .keyring = options->keyring,
                          .log = options->log,
                          .witnesses = options->witnesses};
    *ret = s;
    return SG_OK;
}

void signing_free(struct signing *s)
{
    free(s);
}

enum sg_err signing_await(struct signing_result *r)
{
    enum sg_err err = signing_entry_end(r->entry);

    r->entry = NULL;
    return err;
}

void signing_result_fini(struct signing_result *r)
{
    (void)signing_entry_end(r->entry);
    for (size_t i = 0; i < r->directory_count; i++)
        sig_manifest_free(r->directories[i].manifest);
    merkle_range_free(r->range);
    keyring_batch_fini(&r->batch);
    arena_free(r->arena);
    memset(r, 0, sizeof *r);
}

void signing_put_proof(struct buf *out, const struct signing_result *r,
                       const struct keyring_signed *of)
{
    logread_put_proof(out, r->range, of->index, of->record, of->record_len, r->note, r->note_len);
}

/* -- directories --------------------------------------------------------------------------------
 */

struct named_item {
    const char *name;
    uint32_t directory;
    uint32_t item;
};

static int by_directory_and_name(const void *a, const void *b)
{
    const struct named_item *x = a, *y = b;
    int c = x->directory < y->directory ? -1 : x->directory > y->directory;

    if (c == 0)
        c = strcmp(x->name, y->name);
    return c != 0 ? c : (x->item > y->item) - (x->item < y->item);
}

/* Names that are twice in a directory are bad, all but the first of each. */
static enum sg_err refuse_duplicates(struct signing_set *set, const struct named_item *sorted,
                                     size_t count)
{
    enum sg_err err = SG_OK;

    for (size_t i = 1; err == SG_OK && i < count; i++)
        if (sorted[i].directory == sorted[i - 1].directory &&
            strcmp(sorted[i].name, sorted[i - 1].name) == 0)
            err = signing_bad_add(set, set->origin[sorted[i].item], "duplicate-name",
                                  "the name '%.256s' is twice in its directory", sorted[i].name);
    return err;
}

static enum sg_err make_manifest(struct signing_set *set, const struct named_item *of, size_t count,
                                 struct sig_manifest_entry *entries, struct sig_manifest **ret)
{
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct sig_manifest_entry){.name = of[i].name,
                                                 .sha256 = set->items[of[i].item].digests.sha256};
    return sig_manifest_new(entries, count, ret);
}

enum sg_err signing_make_manifests(struct signing_set *set, struct signing_place *places,
                                   struct signing_directory *directories)
{
    struct named_item *sorted = arena_alloc(set->arena, set->count * sizeof *sorted);
    struct sig_manifest_entry *entries = arena_alloc(set->arena, set->count * sizeof *entries);
    size_t count = 0;
    enum sg_err err;

    if (sorted == NULL || entries == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].directory != 0)
            sorted[count++] = (struct named_item){.name = set->items[i].name,
                                                  .directory = set->items[i].directory,
                                                  .item = (uint32_t)i};
    qsort(sorted, count, sizeof *sorted, by_directory_and_name);
    err = refuse_duplicates(set, sorted, count);
    for (size_t from = 0, to; err == SG_OK && set->bad_count == 0 && from < count; from = to) {
        struct signing_directory *d = &directories[sorted[from].directory - 1];

        for (to = from; to < count && sorted[to].directory == sorted[from].directory; to++)
            places[sorted[to].item] = (struct signing_place){.directory = d, .entry = to - from};
        d->name = set->directories[sorted[from].directory - 1];
        err = make_manifest(set, sorted + from, to - from, entries, &d->manifest);
    }
    return err;
}

static enum sg_err prepare_directories(struct signing_set *set, struct signing_result *r)
{
    struct signing_place *places;

    if (set->directory_count == 0)
        return SG_OK;
    places = arena_alloc(set->arena, set->count * sizeof *places);
    r->directories = arena_alloc(set->arena, set->directory_count * sizeof *r->directories);
    if (places == NULL || r->directories == NULL)
        return SG_ERR_NO_MEMORY;
    r->places = places;
    r->directory_count = set->directory_count;
    return signing_make_manifests(set, places, r->directories);
}

/* -- signing ------------------------------------------------------------------------------------
 */

/* What the keyring would refuse after all files have been read. It decides for itself all the same.
 */
static enum sg_err check_key(const struct signing_set *set, const char **ret_reason)
{
    const struct keyring_key *key = set->key;
    const struct keyring_key_version *current = &key->versions[key->version_count - 1];
    bool signer = false;

    for (size_t i = 0; i < key->signer_count; i++)
        signer = signer || key->signers[i] == set->who->user_id;
    if (!signer)
        return SG_ERR_FORBIDDEN;
    if (key->disabled)
        return SG_ERR_KEY_DISABLED;
    if (current->expires_ns != 0 && current->expires_ns <= clock_now_ns())
        return SG_ERR_KEY_EXPIRED;
    *ret_reason = "formats: a format that keys of this type do not sign";
    if ((set->request->formats & ~sig_key_type_formats(key->type)) != 0)
        return SG_ERR_BAD_FIELD;
    *ret_reason = "formats: a format that this key may not sign";
    if ((set->request->formats & ~key->formats) != 0)
        return SG_ERR_BAD_FIELD;
    *ret_reason = NULL;
    return key->quorum > 0 && set->s->witnesses == NULL ? SG_ERR_QUORUM : SG_OK;
}

/* An answer to another question would be the keyring's error; nothing of it may be used. */
static enum sg_err check_result(const struct signing_set *set,
                                const struct keyring_sign_result *result)
{
    uint64_t first = result->item_count > 0 ? result->items[0].index : 0;

    if (result->item_count != set->count || result->manifest_count != set->directory_count)
        return SG_ERR_PROTOCOL;
    for (size_t i = 0; i < result->item_count; i++)
        if (result->items[i].index != first + i)
            return SG_ERR_PROTOCOL;
    for (size_t i = 0; i < result->manifest_count; i++)
        if (result->manifests[i].of.index != first + result->item_count + i)
            return SG_ERR_PROTOCOL;
    return SG_OK;
}

static void use_result(struct signing_result *r)
{
    const struct keyring_sign_result *result = &r->batch.result;

    r->count = result->item_count;
    r->items = result->items;
    r->tree_size = result->tree_size;
    for (size_t i = 0; i < r->directory_count; i++)
        r->directories[i].of = &result->manifests[i];
    if (r->note == NULL) { /* else it is the cosigned one */
        r->note = result->note;
        r->note_len = result->note_len;
    }
}

/* Asks the witnesses; with enough of them the keyring makes the signatures. */
static enum sg_err release(struct signing_set *set, struct signing_result *r)
{
    SG_BUF_CLEANUP struct buf note;
    struct keyring_batch released;
    struct keyring_release m = {.ticket = r->batch.result.ticket};
    unsigned reached = 0;
    enum sg_err err;

    buf_init(&note, SG_NOTE_MAX);
    err = witness_collect(set->s->witnesses, r->note, r->note_len, set->key->witnesses,
                          set->key->witness_count, set->key->quorum, &note, &reached);
    if (err == SG_ERR_QUORUM)
        r->reason = arena_printf(set->arena,
                                 "%u of the %u witnesses needed have cosigned; the "
                                 "signatures are withheld.",
                                 reached, set->key->quorum);
    if (err != SG_OK)
        return err;
    m.note = arena_memdup(set->arena, note.data, note.len);
    m.note_len = note.len;
    if (m.note == NULL)
        return SG_ERR_NO_MEMORY;
    err = keyring_client_release(set->s->keyring, &m, set->arena, &released);
    if (err != SG_OK)
        return err;
    keyring_batch_fini(&r->batch);
    r->batch = released;
    r->note = m.note;
    r->note_len = m.note_len;
    err = released.result.ticket == 0 ? check_result(set, &released.result) : SG_ERR_PROTOCOL;
    if (err == SG_OK)
        use_result(r);
    return err;
}

static enum sg_err sign(struct signing_set *set, struct signing_result *r)
{
    struct keyring_sign m = {.formats = set->request->formats,
                             .item_count = set->count,
                             .items = set->items,
                             .directory_count = set->directory_count,
                             .directories = set->directories};
    enum sg_err err;

    keys_actor(set->who, &m.actor);
    memcpy(m.key, set->key->name, sizeof m.key);
    err = keyring_client_sign(set->s->keyring, &m, set->arena, &r->batch);
    if (err == SG_OK)
        err = check_result(set, &r->batch.result);
    if (err != SG_OK)
        return err;
    use_result(r);
    if (r->batch.result.ticket == 0)
        return SG_OK;
    err = release(set, r);
    /* The leaves are in the log, whatever the witnesses say; this is what can be told of them. */
    if (err != SG_OK && r->batch.result.ticket != 0 && signing_enter(set, r, false) == SG_OK &&
        signing_await(r) != SG_OK)
        return err; /* the next start does it */
    return err;
}

/* All proofs are under the checkpoint of the answer: the cosigned one may be later than the
 * batch's. */
static enum sg_err prove(struct signing_set *set, struct signing_result *r)
{
    struct checkpoint of;
    enum sg_err err = logread_check(set->s->log, r->note, r->note_len, &of);

    if (err != SG_OK)
        return err == SG_ERR_BAD_DIGEST || err == SG_ERR_NOT_FOUND || err == SG_ERR_BAD_FIELD
                   ? SG_ERR_PROTOCOL
                   : err;
    r->tree_size = of.size;
    err = logread_proofs(set->s->log, &of, r->items[0].index, r->count + r->directory_count, NULL,
                         &r->range);
    return err == SG_ERR_BAD_FIELD ? SG_ERR_PROTOCOL : err;
}

static enum sg_err create(struct signing_set *set, struct signing_result *r)
{
    enum sg_err err = check_key(set, &r->reason);

    if (err == SG_OK)
        err = signing_collect(set);
    if (err == SG_OK && set->bad_count == 0)
        err = prepare_directories(set, r);
    if (err == SG_OK && set->bad_count > 0) {
        r->bad = set->bad;
        r->bad_count = set->bad_count;
        err = SG_ERR_BAD_ITEMS;
    }
    if (err == SG_OK)
        err = sign(set, r);
    if (err == SG_OK)
        err = signing_enter(set, r, true);
    if (err == SG_OK)
        err = prove(set, r);
    return err;
}

enum sg_err signing_create(struct signing *s, const struct principal *who,
                           const struct signing_request *request, struct signing_result *ret)
{
    struct keyring_key *key;
    struct signing_set set = {.s = s, .who = who, .request = request};
    enum sg_err err;

    memset(ret, 0, sizeof *ret);
    if (request->item_count == 0 || request->item_count > SG_SIGN_ITEMS_MAX) {
        ret->reason = "items: must be 1 to 10,000";
        return SG_ERR_BAD_FIELD;
    }
    ret->arena = arena_new(SG_SIGNING_MEMORY);
    key = ret->arena != NULL ? arena_alloc(ret->arena, sizeof *key) : NULL;
    if (key == NULL)
        return SG_ERR_NO_MEMORY;
    err = keys_find(s->keys, who, request->key, key);
    if (err == SG_OK && key->version_count == 0)
        err = SG_ERR_PROTOCOL;
    if (err != SG_OK)
        return err;
    set.key = key;
    set.arena = ret->arena;
    return create(&set, ret);
}
