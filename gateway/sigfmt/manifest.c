/* SPDX-License-Identifier: Apache-2.0 */
/* Builds manifests in memory: lines in order, the levels of their tree. */
#include "sigfmt/manifest.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "sigfmt/record.h"

#define TAIL_SIZE (4 + 64 + 1) /* ") = ", digits, newline */

struct row {
    const char *name; /* of an entry, or in the lines with name_len */
    size_t name_len;
    const uint8_t *sha256; /* NULL when parsed: it stands in the line */
    size_t entry;          /* as given */
    size_t line;           /* where the line begins */
    size_t line_len;
};

struct sig_manifest {
    struct buf lines;
    struct row *rows; /* in order */
    size_t *position; /* by entry; NULL when parsed */
    size_t count;
    merkle_hash *hashes; /* complete subtrees: level 0, then 1 ... */
    merkle_hash root;
};

static int compare(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;

    return strcmp(x->name, y->name);
}

void sig_manifest_put_line(struct buf *out, const char *name, const uint8_t sha256[32])
{
    char hex[SG_HEX_SIZE(32)];

    encode_hex(sha256, 32, hex);
    buf_puts(out, "SHA256 (");
    buf_puts(out, name);
    buf_puts(out, ") = ");
    buf_append(out, hex, 64);
    buf_putc(out, '\n');
}

/* Where a level begins in the array of all complete subtrees. */
static size_t level_start(size_t count, unsigned level)
{
    size_t start = 0;

    for (unsigned l = 0; l < level; l++)
        start += count >> l;
    return start;
}

static enum sg_err read_hash(void *ctx, unsigned level, uint64_t index, merkle_hash ret)
{
    const struct sig_manifest *m = ctx;

    if (level >= 63 || index >= (m->count >> level))
        return SG_ERR_NOT_FOUND;
    memcpy(ret, m->hashes[level_start(m->count, level) + index], SG_MERKLE_SIZE);
    return SG_OK;
}

static struct merkle_source source_of(const struct sig_manifest *m)
{
    struct merkle_source s = {.read = read_hash};

    /* The source only reads; its context has no const. */
    memcpy(&s.ctx, &m, sizeof m);
    return s;
}

static enum sg_err build_tree(struct sig_manifest *m)
{
    struct merkle_source source = source_of(m);

    m->hashes = calloc(2 * m->count, sizeof m->hashes[0]);
    if (m->hashes == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < m->count; i++)
        merkle_leaf(m->lines.data + m->rows[i].line, m->rows[i].line_len, m->hashes[i]);
    for (unsigned level = 1; m->count >> level > 0; level++) {
        merkle_hash *below = m->hashes + level_start(m->count, level - 1);
        merkle_hash *here = m->hashes + level_start(m->count, level);

        for (size_t i = 0; i < m->count >> level; i++)
            merkle_node(below[2 * i], below[2 * i + 1], here[i]);
    }
    return merkle_root(&source, m->count, m->root);
}

static struct sig_manifest *start(size_t rows)
{
    struct sig_manifest *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    buf_init(&m->lines, SG_MANIFEST_TEXT_MAX);
    m->rows = calloc(rows, sizeof m->rows[0]);
    if (m->rows != NULL)
        return m;
    free(m);
    return NULL;
}

/* Sorts the rows and writes the lines. */
static enum sg_err write_lines(struct sig_manifest *m)
{
    m->position = calloc(m->count, sizeof m->position[0]);
    if (m->position == NULL)
        return SG_ERR_NO_MEMORY;
    qsort(m->rows, m->count, sizeof m->rows[0], compare);
    for (size_t i = 0; i < m->count; i++) {
        struct row *r = &m->rows[i];

        if (i > 0 && strcmp(r[-1].name, r->name) == 0)
            return SG_ERR_CONFLICT;
        m->position[r->entry] = i;
        r->line = m->lines.len;
        sig_manifest_put_line(&m->lines, r->name, r->sha256);
        r->line_len = m->lines.len - r->line;
    }
    return buf_status(&m->lines);
}

enum sg_err sig_manifest_new(const struct sig_manifest_entry *entries, size_t count,
                             struct sig_manifest **ret)
{
    struct sig_manifest *m;
    enum sg_err err;

    if (count == 0 || count > SG_MANIFEST_FILES_MAX)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < count; i++)
        if (!sig_record_name_valid(entries[i].name))
            return SG_ERR_BAD_FIELD;
    m = start(count);
    if (m == NULL)
        return SG_ERR_NO_MEMORY;
    m->count = count;
    for (size_t i = 0; i < count; i++)
        m->rows[i] = (struct row){.name = entries[i].name,
                                  .name_len = strlen(entries[i].name),
                                  .sha256 = entries[i].sha256,
                                  .entry = i};
    err = write_lines(m);
    if (err == SG_OK)
        err = build_tree(m);
    if (err != SG_OK) {
        sig_manifest_free(m);
        return err;
    }
    *ret = m;
    return SG_OK;
}

/* Reads a line: "SHA256 (NAME) = HEX" in lower-case digits. The name ends at the last ") = ". */
static bool read_line(const char *line, size_t len, struct row *ret)
{
    char name[SG_RECORD_NAME_MAX + 1];
    size_t name_len;

    if (len < 8 + 1 + TAIL_SIZE || len > 8 + SG_RECORD_NAME_MAX + TAIL_SIZE ||
        memcmp(line, "SHA256 (", 8) != 0)
        return false;
    name_len = len - 8 - TAIL_SIZE;
    if (memcmp(line + 8 + name_len, ") = ", 4) != 0 || memchr(line, '\0', len) != NULL)
        return false;
    for (size_t i = len - 65; i < len - 1; i++)
        if (strchr("0123456789abcdef", line[i]) == NULL)
            return false;
    memcpy(name, line + 8, name_len);
    name[name_len] = '\0';
    ret->name = line + 8;
    ret->name_len = name_len;
    return sig_record_name_valid(name);
}

/* Order of names that have no NUL: as strcmp, by length at last. */
static int compare_spans(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

static enum sg_err read_lines(struct sig_manifest *m)
{
    const char *text = (const char *)m->lines.data;

    for (size_t at = 0, i = 0; i < m->count; i++) {
        const char *end = memchr(text + at, '\n', m->lines.len - at);
        struct row *r = &m->rows[i];

        r->line = at;
        r->line_len = (size_t)(end - (text + at)) + 1;
        if (!read_line(text + at, r->line_len, r))
            return SG_ERR_BAD_FIELD;
        if (i > 0 && compare_spans(r[-1].name, r[-1].name_len, r->name, r->name_len) >= 0)
            return SG_ERR_BAD_FIELD;
        at += r->line_len;
    }
    return SG_OK;
}

enum sg_err sig_manifest_parse(const char *lines, size_t len, struct sig_manifest **ret)
{
    struct sig_manifest *m;
    size_t count = 0;
    enum sg_err err;

    if (len == 0 || len > SG_MANIFEST_TEXT_MAX || lines[len - 1] != '\n')
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < len; i++)
        count += lines[i] == '\n' ? 1 : 0;
    if (count > SG_MANIFEST_FILES_MAX)
        return SG_ERR_BAD_FIELD;
    m = start(count);
    if (m == NULL)
        return SG_ERR_NO_MEMORY;
    m->count = count;
    buf_append(&m->lines, lines, len);
    err = buf_status(&m->lines);
    if (err == SG_OK)
        err = read_lines(m);
    if (err == SG_OK)
        err = build_tree(m);
    if (err != SG_OK) {
        sig_manifest_free(m);
        return err;
    }
    *ret = m;
    return SG_OK;
}

void sig_manifest_free(struct sig_manifest *m)
{
    if (m == NULL)
        return;
    buf_fini(&m->lines);
    free(m->rows);
    free(m->position);
    free(m->hashes);
    free(m);
}

const char *sig_manifest_lines(const struct sig_manifest *m, size_t *ret_len)
{
    *ret_len = m->lines.len;
    return (const char *)m->lines.data;
}

size_t sig_manifest_count(const struct sig_manifest *m)
{
    return m->count;
}

const uint8_t *sig_manifest_root(const struct sig_manifest *m)
{
    return m->root;
}

size_t sig_manifest_position(const struct sig_manifest *m, size_t entry)
{
    return m->position == NULL ? entry : m->position[entry];
}

enum sg_err sig_manifest_find(const struct sig_manifest *m, const char *name, size_t *ret_position,
                              uint8_t ret_sha256[32])
{
    size_t low = 0;
    size_t high = m->count;
    size_t name_len = strlen(name);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct row *r = &m->rows[middle];
        int c = compare_spans(r->name, r->name_len, name, name_len);

        if (c == 0) {
            const char *digits = (const char *)m->lines.data + r->line + r->line_len - 65;

            *ret_position = middle;
            return encode_unhex(digits, 64, ret_sha256, 32);
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SG_ERR_NOT_FOUND;
}

enum sg_err sig_manifest_proof(const struct sig_manifest *m, size_t position,
                               merkle_hash ret[SG_MERKLE_PROOF], size_t *ret_count)
{
    struct merkle_source source = source_of(m);

    return merkle_inclusion(&source, position, m->count, ret, ret_count);
}

enum sg_err sig_manifest_verify(const char *name, const uint8_t sha256[32], uint64_t position,
                                uint64_t count, const merkle_hash *proof, size_t proof_count,
                                const uint8_t root[32])
{
    SG_BUF_CLEANUP struct buf line;
    merkle_hash leaf;

    buf_init(&line, SG_RECORD_TEXT_MAX);
    if (!sig_record_name_valid(name))
        return SG_ERR_BAD_FIELD;
    sig_manifest_put_line(&line, name, sha256);
    if (buf_status(&line) != SG_OK)
        return buf_status(&line);
    merkle_leaf(line.data, line.len, leaf);
    return merkle_verify_inclusion(position, count, leaf, proof, proof_count, root);
}
