/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AIX .bff: the backup container (by name) and the lpp_name file in it, which installp reads.
 * Numbers of the container are little-endian. Looks at the first records only, and never unpacks:
 * an lpp_name that is stored packed is not read.
 *
 * lpp_name, format 4 (AIX, "Packaging software for installation"):
 *
 *   4 R I PACKAGE {
 *   FILESET V.R.M.F VOLUME BOSBOOT CONTENT LANGUAGE DESCRIPTION
 *   [
 *   requisites, sizes and more between lines of "%": their number differs
 *   ]
 *   }
 */
#include "package/package_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_HEADER   0x48
#define RECORD_HEADER 0x40
#define TRAILER       0x28
#define MAGIC_PLAIN   0xea6b
#define MAGIC_PACKED  0xea6c
#define MAGIC_OTHER   0xea6d
#define RECORDS_MAX   16   /* lpp_name comes first, directories may precede it */
#define NAME_MAX_SIZE 1024 /* AIX PATH_MAX is 1023 */
#define LPP_NAME_MAX  ((uint32_t)1 << 20)
#define TOKENS        5

struct record {
    uint16_t magic;
    char name[NAME_MAX_SIZE + 8];
    uint64_t data;
    uint32_t size, stored;
};

struct token {
    const char *text;
    size_t len;
};

static uint32_t little32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The name ends with a NUL in its last group of eight bytes. */
static enum sg_err read_name(const struct package_input *in, uint64_t at, struct record *ret,
                             uint64_t *ret_end)
{
    for (size_t len = 0; len < NAME_MAX_SIZE; len += 8) {
        enum sg_err err = package_read_exactly(in, at + len, ret->name + len, 8);

        if (err != SG_OK)
            return err;
        if (memchr(ret->name + len, '\0', 8) != NULL) {
            *ret_end = at + len + 8;
            return SG_OK;
        }
    }
    return SG_ERR_NOT_FOUND;
}

static enum sg_err read_record(const struct package_input *in, uint64_t at, struct record *ret)
{
    uint8_t header[RECORD_HEADER];
    uint64_t end = 0;
    enum sg_err err = package_read_exactly(in, at, header, sizeof header);

    if (err != SG_OK)
        return err;
    ret->magic = (uint16_t)(header[2] | header[3] << 8);
    if (header[1] != 0x0b ||
        (ret->magic != MAGIC_PLAIN && ret->magic != MAGIC_PACKED && ret->magic != MAGIC_OTHER))
        return SG_ERR_NOT_FOUND;
    ret->size = little32(header + 0x18);
    ret->stored = little32(header + 0x38);
    err = read_name(in, at + RECORD_HEADER, ret, &end);
    if (err != SG_OK)
        return err;
    ret->data = end + TRAILER;
    return ret->data <= in->size && ret->stored <= in->size - ret->data ? SG_OK : SG_ERR_NOT_FOUND;
}

/* A decimal number of at most 16 bits; leading zeros are legal. */
static bool part(const char **p, const char *end, unsigned *ret)
{
    const char *start = *p;
    unsigned value = 0;

    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
        value = value * 10 + (unsigned)(**p - '0');
        if (value > 65535 || *p - start >= 8)
            return false;
    }
    *ret = value;
    return *p > start;
}

/* "01.02.0003.0004" is what AIX shows as 1.2.3.4. */
static bool level(struct token t, char field[SG_PACKAGE_FIELD_SIZE])
{
    const char *p = t.text, *end = t.text + t.len;
    unsigned v[4];

    for (int i = 0; i < 4; i++)
        if (!part(&p, end, &v[i]) || (i < 3 && (p == end || *p++ != '.')))
            return false;
    if (p != end)
        return false;
    snprintf(field, SG_PACKAGE_FIELD_SIZE, "%u.%u.%u.%u", v[0], v[1], v[2], v[3]);
    return true;
}

static size_t split(const char *line, size_t len, struct token ret[TOKENS])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < TOKENS;) {
        size_t start;

        while (i < len && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r'))
            i++;
        start = i;
        while (i < len && line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            i++;
        if (i > start)
            ret[n++] = (struct token){line + start, i - start};
    }
    return n;
}

static bool is(struct token t, const char *text)
{
    return t.len == strlen(text) && memcmp(t.text, text, t.len) == 0;
}

/* "4 R I PACKAGE {"; I is an installation, S an update, and there are longer kinds of updates. */
static bool first_line(const struct token *t, size_t n, struct package_info *info)
{
    if (n != 5 || !is(t[0], "4") || t[1].len != 1 || t[2].len > 4 || !is(t[4], "{"))
        return false;
    for (size_t i = 0; i < t[2].len; i++)
        if (t[2].text[i] < 'A' || t[2].text[i] > 'Z')
            return false;
    return package_set(info->ftype, t[2].text, t[2].len) &&
           package_set(info->package, t[3].text, t[3].len);
}

static bool fileset_line(const struct token *t, size_t n, struct package_info *info, size_t count)
{
    char vrmf[SG_PACKAGE_FIELD_SIZE];

    if (n < 3 || !level(t[1], vrmf) || !package_set(info->fileset, t[0].text, t[0].len))
        return false;
    if (count == 0)
        memcpy(info->vrmf, vrmf, sizeof vrmf);
    else if (strcmp(info->vrmf, vrmf) != 0)
        info->vrmf[0] = '\0';
    return true;
}

static bool parse(const char *text, size_t len, struct package_info *info)
{
    struct token t[TOKENS];
    bool begun = false, inside = false;
    size_t count = 0;

    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end != NULL ? (size_t)(end - (text + at)) : len - at;
        size_t n = split(text + at, line, t);

        at += line + 1;
        if (n == 0)
            continue;
        if (!begun) {
            if (!first_line(t, n, info))
                return false;
            begun = true;
        } else if (inside) {
            inside = !is(t[0], "]");
        } else if (is(t[0], "[")) {
            if (count == 0)
                return false;
            inside = true;
        } else if (is(t[0], "}")) {
            if (count > 1)
                info->fileset[0] = '\0';
            return count > 0;
        } else if (!fileset_line(t, n, info, count++)) {
            return false;
        }
    }
    return false;
}

static enum sg_err read_lpp_name(const struct package_input *in, const struct record *r,
                                 struct package_info *ret)
{
    struct package_info info = {.source = SG_PACKAGE_FROM_CONTENT};
    enum sg_err err;
    char *text;

    if (r->magic == MAGIC_PACKED || r->size != r->stored || r->size > LPP_NAME_MAX)
        return SG_ERR_NOT_FOUND;
    text = malloc((size_t)r->size + 1);
    if (text == NULL)
        return SG_ERR_NO_MEMORY;
    err = package_read_exactly(in, r->data, text, r->size);
    if (err == SG_OK) {
        if (parse(text, r->size, &info))
            *ret = info;
        else
            err = SG_ERR_NOT_FOUND;
    }
    free(text);
    return err;
}

enum sg_err package_bff_read(const struct package_input *in, struct package_info *ret)
{
    uint8_t header[FILE_HEADER];
    uint64_t at = FILE_HEADER;
    enum sg_err err = package_read_exactly(in, 0, header, sizeof header);

    if (err != SG_OK)
        return err;
    if (memcmp(header, "\x09\x00\x6b\xea", 4) != 0)
        return SG_ERR_NOT_FOUND;
    for (int i = 0; i < RECORDS_MAX; i++) {
        struct record r;

        err = read_record(in, at, &r);
        if (err != SG_OK)
            return err;
        if (strcmp(r.name, "lpp_name") == 0 || strcmp(r.name, "./lpp_name") == 0)
            return read_lpp_name(in, &r, ret);
        at = r.data + (((uint64_t)r.stored + 7) & ~UINT64_C(7));
    }
    return SG_ERR_NOT_FOUND;
}
