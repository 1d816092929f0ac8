/* SPDX-License-Identifier: Apache-2.0 */
/* Loads, makes and retires the token keys; it never drops one whose tokens may still be valid. */
#include "keyring/tokenkeys.h"

#include <dirent.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "keyring/keyfile.h"

#define KID_LEN   43  /* base64url of a SHA-256 */
#define FILES_MAX 256 /* key files looked at; there are two in a healthy directory */

struct name {
    int64_t created_s;
    char kid[KID_LEN + 1];
};

static void entry_fini(struct tokenkeys_entry *e)
{
    if (e->key != NULL)
        gnutls_privkey_deinit(e->key);
    *e = (struct tokenkeys_entry){.created_s = 0};
}

void tokenkeys_fini(struct tokenkeys *t)
{
    for (size_t i = 0; i < t->count; i++)
        entry_fini(&t->entry[i]);
    t->count = 0;
}

/* "token-CREATED-KID.key" exactly, else false. */
static bool parse_name(const char *file, struct name *ret)
{
    static const char prefix[] = "token-";
    uint8_t digest[SG_PKI_SHA256_SIZE];
    char *end;
    size_t len;

    if (strncmp(file, prefix, sizeof prefix - 1) != 0)
        return false;
    file += sizeof prefix - 1;
    if (*file < '0' || *file > '9')
        return false;
    errno = 0;
    ret->created_s = strtoll(file, &end, 10);
    if (errno != 0 || *end != '-' || strlen(end + 1) != KID_LEN + strlen(".key") ||
        strcmp(end + 1 + KID_LEN, ".key") != 0 ||
        encode_unbase64url(end + 1, KID_LEN, digest, sizeof digest, &len) != SG_OK)
        return false;
    memcpy(ret->kid, end + 1, KID_LEN);
    ret->kid[KID_LEN] = '\0';
    return true;
}

static char *path_of(const char *dir, const struct name *n)
{
    char *path;

    if (asprintf(&path, "%s/token-%" PRId64 "-%s.key", dir, n->created_s, n->kid) < 0)
        return NULL;
    return path;
}

/* Newest first; the same second is settled by the key's name. */
static int compare(const void *a, const void *b)
{
    const struct name *x = a;
    const struct name *y = b;

    if (x->created_s != y->created_s)
        return x->created_s > y->created_s ? -1 : 1;
    return strcmp(x->kid, y->kid);
}

static enum sg_err list_names(const char *dir, struct name names[FILES_MAX], size_t *ret_count)
{
    DIR *d = opendir(dir);
    size_t count = 0;

    if (d == NULL)
        return err_from_errno(errno);
    for (struct dirent *e; count < FILES_MAX && (e = readdir(d)) != NULL;)
        if (parse_name(e->d_name, &names[count]))
            count++;
    (void)closedir(d);
    qsort(names, count, sizeof names[0], compare);
    *ret_count = count;
    return SG_OK;
}

/* Copies an unsigned big-endian number without leading zeroes; false when it does not fit. */
static bool copy_number(const gnutls_datum_t *from, uint8_t *ret, size_t size, size_t *ret_len)
{
    const uint8_t *at = from->data;
    size_t len = from->size;

    while (len > 1 && *at == 0) {
        at++;
        len--;
    }
    if (len == 0 || len > size)
        return false;
    memcpy(ret, at, len);
    *ret_len = len;
    return true;
}

/* The key identifier of RFC 7638: SHA-256 over the required members in lexicographic order. */
static enum sg_err thumbprint(const struct token_key *k, char ret[KID_LEN + 1])
{
    SG_BUF_CLEANUP struct buf json;
    char e[SG_BASE64_SIZE(sizeof k->e)];
    char n[SG_BASE64_SIZE(sizeof k->n)];
    uint8_t digest[SG_PKI_SHA256_SIZE];

    encode_base64url(k->e, k->e_len, e);
    encode_base64url(k->n, k->n_len, n);
    buf_init(&json, 1024);
    buf_printf(&json, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n);
    if (buf_status(&json) != SG_OK ||
        gnutls_hash_fast(GNUTLS_DIG_SHA256, json.data, json.len, digest) < 0)
        return SG_ERR_INTERNAL;
    encode_base64url(digest, sizeof digest, ret);
    return SG_OK;
}

static enum sg_err fill_public(gnutls_privkey_t key, struct token_key *ret)
{
    gnutls_datum_t n = {0};
    gnutls_datum_t e = {0};
    gnutls_pubkey_t public_key;
    bool ok;

    if (gnutls_privkey_get_pk_algorithm(key, NULL) != GNUTLS_PK_RSA)
        return SG_ERR_CORRUPT;
    if (gnutls_pubkey_init(&public_key) < 0)
        return SG_ERR_NO_MEMORY;
    ok = gnutls_pubkey_import_privkey(public_key, key, 0, 0) >= 0 &&
         gnutls_pubkey_export_rsa_raw(public_key, &n, &e) >= 0 &&
         copy_number(&n, ret->n, sizeof ret->n, &ret->n_len) &&
         copy_number(&e, ret->e, sizeof ret->e, &ret->e_len);
    gnutls_free(n.data);
    gnutls_free(e.data);
    gnutls_pubkey_deinit(public_key);
    return ok ? thumbprint(ret, ret->kid) : SG_ERR_CORRUPT;
}

static enum sg_err load_entry(const struct kek *kek, const char *dir, const struct name *n,
                              struct tokenkeys_entry *ret)
{
    char *path = path_of(dir, n);
    struct tokenkeys_entry e = {.created_s = n->created_s};
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (path != NULL)
        err = keyfile_load(kek, path, n->kid, &e.key);
    free(path);
    if (err != SG_OK)
        return err;
    err = fill_public(e.key, &e.public_key);
    if (err == SG_OK && strcmp(e.public_key.kid, n->kid) != 0)
        err = SG_ERR_CORRUPT;
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.token_key_unusable", SG_STR("kid", n->kid),
                  SG_STR("error", err_code(err)));
        entry_fini(&e);
        return err;
    }
    *ret = e;
    return SG_OK;
}

enum sg_err tokenkeys_make(const struct kek *kek, const char *dir, int64_t now_s)
{
    struct token_key public_key = {.n_len = 0};
    struct name n = {.created_s = now_s};
    gnutls_privkey_t key;
    char *path = NULL;
    enum sg_err err = pki_key_generate(SG_PKI_RSA_2048, &key);

    if (err != SG_OK)
        return err;
    err = fill_public(key, &public_key);
    if (err == SG_OK) {
        memcpy(n.kid, public_key.kid, sizeof n.kid);
        path = path_of(dir, &n);
        err = path != NULL ? keyfile_save(kek, path, n.kid, key) : SG_ERR_NO_MEMORY;
    }
    free(path);
    gnutls_privkey_deinit(key);
    if (err == SG_OK)
        log_write(SG_LOG_INFO, "keyring.token_key_made", SG_STR("kid", n.kid));
    return err;
}

/* Whether a key that was replaced at `replaced_s` can still have valid tokens. */
static bool is_needed(int64_t replaced_s, int64_t now_s)
{
    return now_s - replaced_s < SG_TOKEN_KEY_OVERLAP_S;
}

bool tokenkeys_is_due(const struct tokenkeys *t, int64_t now_s)
{
    if (t->count == 0 || now_s - t->entry[0].created_s >= SG_TOKEN_KEY_ROTATE_S)
        return true;
    for (size_t i = 1; i < t->count; i++)
        if (!is_needed(t->entry[i - 1].created_s, now_s))
            return true;
    return false;
}

static void drop(const char *dir, const struct name *n)
{
    char *path = path_of(dir, n);

    if (path != NULL && unlink(path) == 0)
        log_write(SG_LOG_INFO, "keyring.token_key_dropped", SG_STR("kid", n->kid));
    free(path);
}

enum sg_err tokenkeys_load(const struct kek *kek, const char *dir, int64_t now_s,
                           struct tokenkeys *ret)
{
    struct name *names = calloc(FILES_MAX, sizeof *names);
    struct tokenkeys t = {.count = 0};
    size_t count = 0;
    enum sg_err err = names != NULL ? list_names(dir, names, &count) : SG_ERR_NO_MEMORY;

    if (err == SG_OK && count == 0) {
        err = tokenkeys_make(kek, dir, now_s);
        if (err == SG_OK)
            err = list_names(dir, names, &count);
    }
    for (size_t i = 0; i < count && err == SG_OK; i++) {
        if (i > 0 && !is_needed(names[i - 1].created_s, now_s)) {
            drop(dir, &names[i]);
        } else if (t.count < SG_TOKEN_KEYS_MAX) {
            err = load_entry(kek, dir, &names[i], &t.entry[t.count]);
            t.count += err == SG_OK ? 1 : 0;
        }
    }
    free(names);
    if (err == SG_OK && t.count == 0)
        err = SG_ERR_IO;
    if (err != SG_OK) {
        tokenkeys_fini(&t);
        return err;
    }
    *ret = t;
    return SG_OK;
}
