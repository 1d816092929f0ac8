/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of checkpoints, proofs and paths of tiles; strict readers, nothing is signed here. */
#include "tlog/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#define PROOF_HEAD  "c2sp.org/tlog-proof@v1\n"
#define HASH_TEXT   44 /* base64 of 32 bytes */
#define TILE_GROUPS 7  /* of three digits: 10^21 is more than 2^64 */
#define LEVELS_MAX  8

/* A reader of lines. */
struct lines {
    const char *at;
    const char *end;
};

/* The next line without its newline; false at the end and for a line that has none. */
static bool next_line(struct lines *l, const char **ret, size_t *ret_len)
{
    const char *newline = l->at < l->end ? memchr(l->at, '\n', (size_t)(l->end - l->at)) : NULL;

    if (newline == NULL)
        return false;
    *ret = l->at;
    *ret_len = (size_t)(newline - l->at);
    l->at = newline + 1;
    return true;
}

/* A decimal number without sign or leading zeroes. */
static bool decimal(const char *text, size_t len, uint64_t *ret)
{
    uint64_t value = 0;

    if (len == 0 || (len > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

static bool hash_line(const char *text, size_t len, merkle_hash ret)
{
    size_t count;

    return len == HASH_TEXT && encode_unbase64(text, len, ret, SG_MERKLE_SIZE, &count) == SG_OK &&
           count == SG_MERKLE_SIZE;
}

static void put_hash(struct buf *out, const merkle_hash hash)
{
    char text[SG_BASE64_SIZE(SG_MERKLE_SIZE)];

    encode_base64(hash, SG_MERKLE_SIZE, text);
    buf_append(out, text, HASH_TEXT);
    buf_putc(out, '\n');
}

void checkpoint_put(struct buf *out, const struct checkpoint *c)
{
    buf_printf(out, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
    put_hash(out, c->root);
}

enum sg_err checkpoint_parse(const char *body, size_t len, struct checkpoint *ret)
{
    struct lines l = {body, body + len};
    struct checkpoint c = {.size = 0};
    const char *line;
    size_t line_len;

    if (!next_line(&l, &line, &line_len) || line_len == 0 || line_len >= sizeof c.origin ||
        memchr(line, '\0', line_len) != NULL)
        return SG_ERR_BAD_FIELD;
    memcpy(c.origin, line, line_len);
    if (!next_line(&l, &line, &line_len) || !decimal(line, line_len, &c.size))
        return SG_ERR_BAD_FIELD;
    if (!next_line(&l, &line, &line_len) || !hash_line(line, line_len, c.root))
        return SG_ERR_BAD_FIELD;
    while (l.at < l.end)
        if (!next_line(&l, &line, &line_len) || line_len == 0)
            return SG_ERR_BAD_FIELD;
    *ret = c;
    return SG_OK;
}

/* -- proofs ------------------------------------------------------------------------------------
 */

static void put_base64(struct buf *out, const uint8_t *data, size_t len)
{
    size_t size = SG_BASE64_SIZE(len);
    uint8_t *to = buf_reserve(out, size);

    if (to == NULL)
        return;
    encode_base64(data, len, (char *)to);
    buf_commit(out, size - 1);
}

void tlog_proof_put(struct buf *out, const struct tlog_proof *p)
{
    buf_puts(out, PROOF_HEAD);
    if (p->extra_len > 0) {
        buf_puts(out, "extra ");
        put_base64(out, p->extra, p->extra_len);
        buf_putc(out, '\n');
    }
    buf_printf(out, "index %llu\n", (unsigned long long)p->index);
    for (size_t i = 0; i < p->count; i++)
        put_hash(out, p->hash[i]);
    buf_putc(out, '\n');
    buf_append(out, p->note, p->note_len);
}

static enum sg_err parse_extra(const char *text, size_t len, struct tlog_proof *ret)
{
    ret->extra = malloc(len / 4 * 3 + 3);
    if (ret->extra == NULL)
        return SG_ERR_NO_MEMORY;
    return encode_unbase64(text, len, ret->extra, len / 4 * 3 + 3, &ret->extra_len);
}

static enum sg_err parse_hashes(struct lines *l, struct tlog_proof *ret)
{
    const char *line;
    size_t len;

    while (next_line(l, &line, &len)) {
        if (len == 0)
            return SG_OK;
        if (ret->count == SG_MERKLE_PROOF || !hash_line(line, len, ret->hash[ret->count++]))
            return SG_ERR_BAD_FIELD;
    }
    return SG_ERR_BAD_FIELD;
}

enum sg_err tlog_proof_parse(const char *text, size_t len, struct tlog_proof *ret)
{
    const size_t head = sizeof PROOF_HEAD - 1;
    struct lines l = {text + head, text + len};
    struct tlog_proof p = {.extra = NULL};
    const char *line;
    size_t line_len;
    enum sg_err err = SG_OK;

    if (len <= head || len > 2 * SG_NOTE_MAX || memcmp(text, PROOF_HEAD, head) != 0 ||
        !next_line(&l, &line, &line_len))
        return SG_ERR_BAD_FIELD;
    if (line_len > 6 && memcmp(line, "extra ", 6) == 0) {
        err = parse_extra(line + 6, line_len - 6, &p);
        if (err == SG_OK && !next_line(&l, &line, &line_len))
            err = SG_ERR_BAD_FIELD;
    }
    if (err == SG_OK && (line_len <= 6 || memcmp(line, "index ", 6) != 0 ||
                         !decimal(line + 6, line_len - 6, &p.index)))
        err = SG_ERR_BAD_FIELD;
    if (err == SG_OK)
        err = parse_hashes(&l, &p);
    if (err == SG_OK && l.at == l.end)
        err = SG_ERR_BAD_FIELD;
    if (err != SG_OK) {
        tlog_proof_fini(&p);
        return err == SG_ERR_NO_MEMORY ? err : SG_ERR_BAD_FIELD;
    }
    p.note = l.at;
    p.note_len = (size_t)(l.end - l.at);
    *ret = p;
    return SG_OK;
}

void tlog_proof_fini(struct tlog_proof *p)
{
    free(p->extra);
    *p = (struct tlog_proof){.extra = NULL};
}

enum sg_err tlog_proof_verify(const struct tlog_proof *p, const void *leaf, size_t leaf_len,
                              const struct note_key *log_key, struct checkpoint *ret)
{
    struct checkpoint c;
    struct note n;
    merkle_hash hash;
    enum sg_err err = note_parse(p->note, p->note_len, &n);

    if (err != SG_OK)
        return err;
    err = note_verify(&n, log_key, NULL);
    if (err == SG_OK)
        err = checkpoint_parse(n.body, n.body_len, &c);
    if (err == SG_OK && strcmp(c.origin, log_key->name) != 0)
        err = SG_ERR_BAD_FIELD;
    note_fini(&n);
    if (err != SG_OK)
        return err;
    merkle_leaf(leaf, leaf_len, hash);
    err = merkle_verify_inclusion(p->index, c.size, hash, p->hash, p->count, c.root);
    if (err == SG_OK)
        *ret = c;
    return err;
}

/* -- tiles -------------------------------------------------------------------------------------
 */

/* "x001/x234/067" into a number; groups but the last begin with x. *at moves behind them. */
static bool parse_index(const char **at, uint64_t *ret)
{
    const char *p = *at;
    uint64_t value = 0;
    bool more = true;

    for (unsigned group = 0; more; group++) {
        more = *p == 'x';
        p += more ? 1 : 0;
        if (group == TILE_GROUPS || (group == 1 && value == 0))
            return false; /* too long, or a leading group of zeroes */
        for (int i = 0; i < 3; i++, p++)
            if (*p < '0' || *p > '9' || __builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
                return false;
        if (more && *p++ != '/')
            return false;
    }
    *at = p;
    *ret = value;
    return true;
}

enum sg_err tile_parse(const char *path, struct tile *ret)
{
    struct tile t = {.width = SG_TILE_WIDTH};
    const char *at = path;
    uint64_t width;

    if (strncmp(at, "tile/", 5) != 0)
        return SG_ERR_BAD_FIELD;
    at += 5;
    if (strncmp(at, "entries/", 8) == 0) {
        t.level = SG_TILE_ENTRIES;
        at += 8;
    } else if (*at >= '0' && *at < '0' + LEVELS_MAX && at[1] == '/') {
        t.level = (unsigned)(*at - '0');
        at += 2;
    } else {
        return SG_ERR_BAD_FIELD;
    }
    if (!parse_index(&at, &t.index))
        return SG_ERR_BAD_FIELD;
    if (strncmp(at, ".p/", 3) == 0) {
        if (!decimal(at + 3, strlen(at + 3), &width) || width == 0 || width >= SG_TILE_WIDTH)
            return SG_ERR_BAD_FIELD;
        t.width = (unsigned)width;
    } else if (*at != '\0') {
        return SG_ERR_BAD_FIELD;
    }
    *ret = t;
    return SG_OK;
}

void tile_put(struct buf *out, const struct tile *t)
{
    unsigned groups[TILE_GROUPS];
    uint64_t rest = t->index;
    size_t count = 0;

    do {
        groups[count++] = (unsigned)(rest % 1000);
        rest /= 1000;
    } while (rest > 0);
    if (t->level == SG_TILE_ENTRIES)
        buf_puts(out, "tile/entries/");
    else
        buf_printf(out, "tile/%u/", t->level);
    while (count > 1)
        buf_printf(out, "x%03u/", groups[--count]);
    buf_printf(out, "%03u", groups[0]);
    if (t->width < SG_TILE_WIDTH)
        buf_printf(out, ".p/%u", t->width);
}
