/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .deb (deb(5)): an ar archive with debian-binary, then control.tar with ./control in it, through
 * libarchive. Compressed data is unpacked into a buffer with a cap before anything looks at it, so
 * a small archive costs no more time and memory than that, whatever it unpacks to.
 */
#include "package/package_internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MEMBERS_MAX 8   /* before control.tar; only debian-binary has to be there */
#define FILES_MAX   256 /* in control.tar before ./control */
#define BLOCK       16384
#define PACKED_MAX  ((size_t)8 << 20) /* of control.tar as it is stored */

/* What libarchive reads from: the content's first bytes. */
struct source {
    const struct package_input *in;
    uint64_t offset, end;
    enum sg_err err;
    uint8_t block[BLOCK];
};

struct bytes {
    uint8_t *data;
    size_t len;
};

static void bytes_cleanup(struct bytes *b)
{
    free(b->data);
}

static void archive_cleanup(struct archive **a)
{
    archive_read_free(*a); /* NULL is legal */
}
#define ARCHIVE_CLEANUP __attribute__((cleanup(archive_cleanup)))

static la_ssize_t read_source(struct archive *a, void *ctx, const void **ret)
{
    struct source *s = ctx;
    size_t want = s->end - s->offset < BLOCK ? (size_t)(s->end - s->offset) : BLOCK;
    size_t got = 0;

    (void)a;
    if (want > 0)
        s->err = package_read_some(s->in, s->offset, s->block, want, &got);
    if (s->err != SG_OK)
        return ARCHIVE_FATAL;
    s->offset += got;
    *ret = s->block;
    return (la_ssize_t)got;
}

/* Reads an entry's data up to `max` bytes, more is SG_ERR_TOO_LARGE; what came before a damaged end
 * is good for `ret` too. */
static enum sg_err read_data(struct archive *a, size_t max, struct bytes *ret)
{
    size_t cap = 0;
    la_ssize_t n;

    do {
        if (ret->len == cap) {
            uint8_t *more;

            if (cap == max)
                return SG_ERR_TOO_LARGE;
            cap = cap == 0 ? 65536 : cap * 2 < max ? cap * 2 : max;
            more = realloc(ret->data, cap);
            if (more == NULL)
                return SG_ERR_NO_MEMORY;
            ret->data = more;
        }
        n = archive_read_data(a, ret->data + ret->len, cap - ret->len);
        if (n > 0)
            ret->len += (size_t)n;
    } while (n > 0 || n == ARCHIVE_RETRY);
    return SG_OK;
}

static bool same_name(const char *name, const char *wanted)
{
    if (name == NULL)
        return false;
    if (strncmp(name, "./", 2) == 0)
        name += 2;
    return strcmp(name, wanted) == 0;
}

/* Finds control.tar.X in the ar archive; *ret_suffix is what follows "control.tar". */
static enum sg_err find_control_tar(struct archive *a, const char **ret_suffix, struct bytes *ret)
{
    static const char *const suffixes[] = {"", ".gz", ".xz", ".zst"};
    struct archive_entry *entry = NULL;

    for (int i = 0; i < MEMBERS_MAX; i++) {
        const char *name;

        if (archive_read_next_header(a, &entry) != ARCHIVE_OK)
            return SG_ERR_NOT_FOUND;
        name = archive_entry_pathname(entry);
        if (name == NULL || (i == 0 && strcmp(name, "debian-binary") != 0))
            return SG_ERR_NOT_FOUND;
        if (strncmp(name, "control.tar", 11) != 0)
            continue;
        for (size_t k = 0; k < sizeof suffixes / sizeof suffixes[0]; k++)
            if (strcmp(name + 11, suffixes[k]) == 0) {
                *ret_suffix = suffixes[k];
                return read_data(a, PACKED_MAX, ret);
            }
        return SG_ERR_NOT_FOUND;
    }
    return SG_ERR_NOT_FOUND;
}

static enum sg_err read_control_tar(const struct package_input *in, const char **ret_suffix,
                                    struct bytes *ret)
{
    ARCHIVE_CLEANUP struct archive *a = archive_read_new();
    struct source *s = calloc(1, sizeof *s);
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (a != NULL && s != NULL) {
        s->in = in;
        s->end = in->size < SG_PACKAGE_WINDOW ? in->size : SG_PACKAGE_WINDOW;
        err = SG_ERR_NOT_FOUND;
        if (archive_read_support_format_ar(a) == ARCHIVE_OK &&
            archive_read_open(a, s, NULL, read_source, NULL) == ARCHIVE_OK)
            err = find_control_tar(a, ret_suffix, ret);
        if (s->err != SG_OK)
            err = s->err;
        archive_read_close(a);
    }
    free(s);
    return err;
}

/* Undoes one compression; what lies beyond the cap is not unpacked. */
static enum sg_err unpack(const struct bytes *packed, const char *suffix, struct bytes *ret)
{
    ARCHIVE_CLEANUP struct archive *a = archive_read_new();
    struct archive_entry *entry = NULL;
    enum sg_err err;
    int rc;

    if (a == NULL)
        return SG_ERR_NO_MEMORY;
    /* Without its library libarchive would run a program instead and says so with a warning. */
    rc = strcmp(suffix, ".gz") == 0   ? archive_read_support_filter_gzip(a)
         : strcmp(suffix, ".xz") == 0 ? archive_read_support_filter_xz(a)
                                      : archive_read_support_filter_zstd(a);
    if (rc != ARCHIVE_OK || archive_read_support_format_raw(a) != ARCHIVE_OK ||
        archive_read_open_memory(a, packed->data, packed->len) != ARCHIVE_OK ||
        archive_read_next_header(a, &entry) != ARCHIVE_OK || archive_filter_count(a) < 2)
        return SG_ERR_NOT_FOUND;
    err = read_data(a, SG_PACKAGE_UNPACKED, ret);
    return err == SG_ERR_TOO_LARGE ? SG_OK : err;
}

/* The value of a field at the start of a line, without the blanks around it. */
static bool field(const char *line, size_t len, const char *name, const char **ret, size_t *ret_len)
{
    size_t n = strlen(name);

    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    line += n + 1;
    len -= n + 1;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL && line[len - 1] != '\0')
        len--;
    *ret = line;
    *ret_len = len;
    return true;
}

/* The first paragraph of deb-control(5); each of the two fields exactly once. */
static bool parse_control(const char *text, size_t len, struct package_info *info)
{
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end != NULL ? (size_t)(end - (text + at)) : len - at;
        const char *value;
        size_t value_len;

        if (line == 0)
            break;
        if (field(text + at, line, "Package", &value, &value_len)) {
            if (info->package[0] != '\0' || !package_set(info->package, value, value_len))
                return false;
        } else if (field(text + at, line, "Version", &value, &value_len)) {
            if (info->vrmf[0] != '\0' || !package_set(info->vrmf, value, value_len))
                return false;
        }
        at += line + 1;
    }
    return info->package[0] != '\0' && info->vrmf[0] != '\0';
}

static enum sg_err read_control(const struct bytes *tar, struct package_info *info)
{
    ARCHIVE_CLEANUP struct archive *a = archive_read_new();
    struct archive_entry *entry = NULL;

    if (a == NULL)
        return SG_ERR_NO_MEMORY;
    if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
        archive_read_open_memory(a, tar->data, tar->len) != ARCHIVE_OK)
        return SG_ERR_NOT_FOUND;
    for (int i = 0; i < FILES_MAX; i++) {
        int rc = archive_read_next_header(a, &entry);
        __attribute__((cleanup(bytes_cleanup))) struct bytes text = {.data = NULL};
        enum sg_err err;

        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return SG_ERR_NOT_FOUND;
        if (!same_name(archive_entry_pathname(entry), "control") ||
            archive_entry_filetype(entry) != AE_IFREG)
            continue;
        if (archive_entry_size(entry) > (la_int64_t)tar->len)
            return SG_ERR_NOT_FOUND; /* a file with holes, or one that was cut */
        err = read_data(a, tar->len + 1, &text);
        if (err == SG_ERR_NO_MEMORY)
            return err;
        if (err != SG_OK || (la_int64_t)text.len != archive_entry_size(entry) ||
            !parse_control((const char *)text.data, text.len, info))
            return SG_ERR_NOT_FOUND;
        return SG_OK;
    }
    return SG_ERR_NOT_FOUND;
}

enum sg_err package_deb_read(const struct package_input *in, struct package_info *ret)
{
    __attribute__((cleanup(bytes_cleanup))) struct bytes packed = {.data = NULL};
    __attribute__((cleanup(bytes_cleanup))) struct bytes tar = {.data = NULL};
    struct package_info info = {.ftype = "deb", .source = SG_PACKAGE_FROM_CONTENT};
    const char *suffix = "";
    enum sg_err err = read_control_tar(in, &suffix, &packed);

    if (err == SG_OK && suffix[0] != '\0')
        err = unpack(&packed, suffix, &tar);
    if (err == SG_OK)
        err = read_control(suffix[0] != '\0' ? &tar : &packed, &info);
    if (err == SG_ERR_TOO_LARGE)
        err = SG_ERR_NOT_FOUND;
    if (err != SG_OK)
        return err;
    memcpy(info.fileset, info.package, sizeof info.fileset);
    *ret = info;
    return SG_OK;
}
