/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .rpm: lead, signature header, main header (the LSB's package file format, rpm's
 * docs/manual/format). Reads the index of the main header in pieces and single values where it
 * points to; never the payload, and verifies nothing.
 */
#include "package/package_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEAD_SIZE   96
#define INTRO_SIZE  16
#define ENTRY_SIZE  16
#define ENTRIES_MAX 65535                 /* as rpm itself */
#define DATA_MAX    ((uint32_t)256 << 20) /* as rpm itself */
#define PIECE       256                   /* entries read at once */
#define TYPE_INT32  4
#define TYPE_STRING 6

enum {
    TAG_NAME = 1000,
    TAG_VERSION,
    TAG_RELEASE,
    TAG_EPOCH,
    TAG_ARCH = 1022,
    TAG_SOURCERPM = 1044
};

struct header {
    uint64_t index; /* where the entries begin in the file */
    uint64_t data;  /* where their values begin */
    uint64_t end;
    uint32_t entries;
    uint32_t data_size;
};

struct values {
    char name[SG_PACKAGE_FIELD_SIZE], version[SG_PACKAGE_FIELD_SIZE];
    char release[SG_PACKAGE_FIELD_SIZE], arch[SG_PACKAGE_FIELD_SIZE];
    uint32_t epoch;
    bool has_epoch, has_source;
};

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum sg_err read_header(const struct package_input *in, uint64_t at, struct header *ret)
{
    uint8_t intro[INTRO_SIZE];
    enum sg_err err = package_read_exactly(in, at, intro, sizeof intro);

    if (err != SG_OK)
        return err;
    ret->entries = big32(intro + 8);
    ret->data_size = big32(intro + 12);
    if (memcmp(intro, "\x8e\xad\xe8\x01", 4) != 0 || ret->entries > ENTRIES_MAX ||
        ret->data_size > DATA_MAX)
        return SG_ERR_NOT_FOUND;
    ret->index = at + INTRO_SIZE;
    ret->data = ret->index + (uint64_t)ret->entries * ENTRY_SIZE;
    ret->end = ret->data + ret->data_size;
    return ret->end <= in->size ? SG_OK : SG_ERR_NOT_FOUND;
}

static enum sg_err read_string(const struct package_input *in, const struct header *h,
                               const uint8_t *entry, char field[SG_PACKAGE_FIELD_SIZE])
{
    char text[SG_PACKAGE_FIELD_SIZE];
    uint32_t offset = big32(entry + 8);
    size_t room, len = 0;
    enum sg_err err;

    if (field[0] != '\0' || big32(entry + 4) != TYPE_STRING || big32(entry + 12) != 1 ||
        offset >= h->data_size)
        return SG_ERR_NOT_FOUND;
    room = h->data_size - offset < sizeof text ? h->data_size - offset : sizeof text;
    err = package_read_some(in, h->data + offset, text, room, &len);
    if (err != SG_OK)
        return err;
    if (memchr(text, '\0', len) == NULL || !package_set(field, text, strlen(text)))
        return SG_ERR_NOT_FOUND;
    return SG_OK;
}

static enum sg_err read_epoch(const struct package_input *in, const struct header *h,
                              const uint8_t *entry, struct values *v)
{
    uint32_t offset = big32(entry + 8);
    uint8_t number[4];
    enum sg_err err;

    if (v->has_epoch || big32(entry + 4) != TYPE_INT32 || big32(entry + 12) != 1 ||
        h->data_size < sizeof number || offset > h->data_size - sizeof number)
        return SG_ERR_NOT_FOUND;
    err = package_read_exactly(in, h->data + offset, number, sizeof number);
    if (err != SG_OK)
        return err;
    v->epoch = big32(number);
    v->has_epoch = true;
    return SG_OK;
}

static enum sg_err read_entry(const struct package_input *in, const struct header *h,
                              const uint8_t *entry, struct values *v)
{
    switch (big32(entry)) {
    case TAG_NAME:
        return read_string(in, h, entry, v->name);
    case TAG_VERSION:
        return read_string(in, h, entry, v->version);
    case TAG_RELEASE:
        return read_string(in, h, entry, v->release);
    case TAG_ARCH:
        return read_string(in, h, entry, v->arch);
    case TAG_EPOCH:
        return read_epoch(in, h, entry, v);
    case TAG_SOURCERPM: /* what was built from a source package names it */
        v->has_source = true;
        return SG_OK;
    default:
        return SG_OK;
    }
}

static enum sg_err read_values(const struct package_input *in, const struct header *h,
                               struct values *v)
{
    uint8_t piece[PIECE * ENTRY_SIZE];

    for (uint32_t done = 0; done < h->entries;) {
        uint32_t n = h->entries - done < PIECE ? h->entries - done : PIECE;
        enum sg_err err = package_read_exactly(in, h->index + (uint64_t)done * ENTRY_SIZE, piece,
                                               (size_t)n * ENTRY_SIZE);

        for (uint32_t i = 0; err == SG_OK && i < n; i++)
            err = read_entry(in, h, piece + (size_t)i * ENTRY_SIZE, v);
        if (err != SG_OK)
            return err;
        done += n;
    }
    return SG_OK;
}

/* False when the text does not fit. */
static bool join(char field[SG_PACKAGE_FIELD_SIZE], const char *a, const char *between,
                 const char *b)
{
    int n = snprintf(field, SG_PACKAGE_FIELD_SIZE, "%s%s%s", a, between, b);

    return n > 0 && n < SG_PACKAGE_FIELD_SIZE;
}

enum sg_err package_rpm_read(const struct package_input *in, struct package_info *ret)
{
    struct package_info info = {.source = SG_PACKAGE_FROM_CONTENT};
    struct values v = {.epoch = 0};
    struct header signature = {.end = 0}, h = {.end = 0};
    char evr[16] = "", versions[SG_PACKAGE_FIELD_SIZE];
    uint8_t lead[LEAD_SIZE];
    enum sg_err err = package_read_exactly(in, 0, lead, sizeof lead);

    /* The rest of the lead is obsolete; newer packages leave it empty. */
    if (err == SG_OK && memcmp(lead, "\xed\xab\xee\xdb", 4) != 0)
        err = SG_ERR_NOT_FOUND;
    if (err == SG_OK)
        err = read_header(in, LEAD_SIZE, &signature);
    if (err == SG_OK)
        err = read_header(in, (signature.end + 7) & ~UINT64_C(7), &h);
    if (err == SG_OK)
        err = read_values(in, &h, &v);
    if (err != SG_OK)
        return err;
    if (v.has_epoch)
        snprintf(evr, sizeof evr, "%" PRIu32 ":", v.epoch);
    if (v.name[0] == '\0' || v.version[0] == '\0' || v.release[0] == '\0' || v.arch[0] == '\0' ||
        !join(versions, v.version, "-", v.release) || !join(info.vrmf, evr, "", versions) ||
        !join(info.fileset, v.name, ".", v.has_source ? v.arch : "src"))
        return SG_ERR_NOT_FOUND;
    memcpy(info.package, v.name, sizeof info.package);
    snprintf(info.ftype, sizeof info.ftype, "%s", v.has_source ? "rpm" : "srpm");
    *ret = info;
    return SG_OK;
}
