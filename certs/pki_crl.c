/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists: made, read, written and asked about; which list is due is decided elsewhere. */
#include "certs/pki.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"

#define NUMBER_SIZE 8

/* -- the entries ---------------------------------------------------------------------------------
 * GnuTLS writes revokedCertificates also when nothing is revoked, as an empty SEQUENCE; RFC 5280,
 * 5.1.2.6, wants it absent then, and strict readers insist. And the time it takes to add an entry
 * grows with their number. So it makes a list without entries, which is taken apart, put together
 * with them, or without the empty SEQUENCE, and signed again. */

enum {
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_UTC_TIME = 0x17,
    TAG_GENERAL_TIME = 0x18,
    TAG_SEQUENCE = 0x30
};

#define UTC_TIME_END_S INT64_C(2524608000) /* 2050: from then on times have four digits of year */
#define ENTRY_MAX      64

/* What the list is to have. */
struct entries {
    const struct pki_revoked *revoked;
    size_t count;
};

/* One element of DER, or a row of them. */
struct der {
    uint8_t tag;
    const uint8_t *whole; /* with tag and length */
    size_t whole_len;
    const uint8_t *content;
    size_t len;
};

/* Takes the next element off the row in content and len; false at its end and for what is no DER.
 */
static bool next_element(struct der *row, struct der *ret)
{
    struct der e = {.whole = row->content};
    size_t header = 2;

    if (row->len < header)
        return false;
    e.tag = row->content[0];
    e.len = row->content[1];
    if (e.len >= 0x80) {
        size_t octets = e.len & 0x7f;

        header += octets;
        if (octets == 0 || octets > 4 || row->len < header)
            return false;
        e.len = 0;
        for (size_t i = 0; i < octets; i++)
            e.len = e.len << 8 | row->content[2 + i];
    }
    if (e.len > row->len - header)
        return false;
    e.content = row->content + header;
    e.whole_len = header + e.len;
    row->content += e.whole_len;
    row->len -= e.whole_len;
    *ret = e;
    return true;
}

/* The tag and the length, below 2^24, of an element whose content follows. */
static void put_header(struct buf *out, uint8_t tag, size_t len)
{
    size_t octets = len < 0x80 ? 0 : len < 0x100 ? 1 : len < 0x10000 ? 2 : 3;

    buf_putc(out, (char)tag);
    buf_putc(out, (char)(octets == 0 ? len : 0x80 | octets));
    for (; octets > 0; octets--)
        buf_putc(out, (char)(len >> (8 * (octets - 1)) & 0xff));
}

static void put_time(struct buf *out, int64_t at_s)
{
    bool utc = at_s < UTC_TIME_END_S;
    time_t seconds = (time_t)at_s;
    char text[32];
    const char *at;
    struct tm tm;

    (void)gmtime_r(&seconds, &tm);
    (void)strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm);
    at = utc ? text + 2 : text; /* two digits of the year */
    put_header(out, utc ? TAG_UTC_TIME : TAG_GENERAL_TIME, strlen(at));
    buf_puts(out, at);
}

/* revokedCertificates; nothing when none is. */
static enum sg_err put_entries(const struct entries *entries, struct buf *out)
{
    SG_BUF_CLEANUP struct buf all;

    buf_init(&all, SG_PKI_CRL_MAX);
    if (entries->count == 0)
        return SG_OK;
    for (size_t i = 0; i < entries->count; i++) {
        const struct pki_revoked *r = &entries->revoked[i];
        SG_BUF_CLEANUP struct buf entry;
        bool sign_bit = r->serial[0] >= 0x80; /* serial numbers are positive */

        buf_init(&entry, ENTRY_MAX);
        put_header(&entry, TAG_INTEGER, r->serial_len + (sign_bit ? 1 : 0));
        if (sign_bit)
            buf_putc(&entry, 0);
        buf_append(&entry, r->serial, r->serial_len);
        put_time(&entry, r->revoked_s);
        put_header(&all, TAG_SEQUENCE, entry.len);
        buf_append(&all, entry.data, entry.len);
    }
    put_header(out, TAG_SEQUENCE, all.len);
    buf_append(out, all.data, all.len);
    return buf_status(&all);
}

/* Appends TBSCertList anew with the entries, which stand after the times. */
static enum sg_err put_with_entries(struct der tbs, const struct entries *entries, struct buf *out)
{
    SG_BUF_CLEANUP struct buf fields;
    bool after_time = false;
    struct der e;
    enum sg_err err = SG_OK;

    buf_init(&fields, SG_PKI_CRL_MAX);
    while (err == SG_OK && next_element(&tbs, &e)) {
        bool time = e.tag == TAG_UTC_TIME || e.tag == TAG_GENERAL_TIME;

        if (after_time && !time)
            err = put_entries(entries, &fields);
        if (e.tag != TAG_SEQUENCE || e.len > 0 || !after_time)
            buf_append(&fields, e.whole, e.whole_len);
        after_time = time;
    }
    if (err != SG_OK || tbs.len > 0 || buf_status(&fields) != SG_OK)
        return SG_ERR_INTERNAL;
    put_header(out, TAG_SEQUENCE, fields.len);
    buf_append(out, fields.data, fields.len);
    return buf_status(out);
}

/* Appends the signed list: the new TBSCertList, the algorithm as it was, the new signature. */
static enum sg_err put_signed(const struct der *tbs, const struct der *algorithm,
                              const struct entries *entries, gnutls_privkey_t key, struct buf *out)
{
    SG_BUF_CLEANUP struct buf b;
    gnutls_datum_t data;
    gnutls_datum_t signature;
    enum sg_err err;

    buf_init(&b, SG_PKI_CRL_MAX);
    err = put_with_entries(*tbs, entries, &b);
    if (err != SG_OK)
        return err;
    data = (gnutls_datum_t){.data = b.data, .size = (unsigned)b.len};
    if (gnutls_privkey_sign_data(key, GNUTLS_DIG_SHA256, 0, &data, &signature) < 0)
        return SG_ERR_INTERNAL;
    buf_append(&b, algorithm->whole, algorithm->whole_len);
    put_header(&b, TAG_BIT_STRING, signature.size + 1);
    buf_putc(&b, 0); /* unused bits */
    buf_append(&b, signature.data, signature.size);
    gnutls_free(signature.data);
    put_header(out, TAG_SEQUENCE, b.len);
    buf_append(out, b.data, b.len);
    err = buf_status(&b);
    return err == SG_OK ? buf_status(out) : err;
}

static enum sg_err import_der(const struct buf *b, gnutls_x509_crl_t *ret)
{
    gnutls_datum_t datum = {.data = b->data, .size = (unsigned)b->len};
    gnutls_x509_crl_t crl;

    if (b->len == 0)
        return SG_ERR_CORRUPT;
    if (gnutls_x509_crl_init(&crl) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_x509_crl_import(crl, &datum, GNUTLS_X509_FMT_DER) < 0) {
        gnutls_x509_crl_deinit(crl);
        return SG_ERR_CORRUPT;
    }
    *ret = crl;
    return SG_OK;
}

static enum sg_err sign_again(gnutls_x509_crl_t crl, const struct entries *entries,
                              gnutls_privkey_t key, gnutls_x509_crl_t *ret)
{
    SG_BUF_CLEANUP struct buf b;
    gnutls_datum_t der;
    struct der row;
    struct der list;
    struct der tbs;
    struct der algorithm;
    enum sg_err err = SG_ERR_INTERNAL;

    buf_init(&b, SG_PKI_CRL_MAX);
    if (gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_DER, &der) < 0)
        return SG_ERR_INTERNAL;
    row = (struct der){.content = der.data, .len = der.size};
    if (next_element(&row, &list) && next_element(&list, &tbs) && next_element(&list, &algorithm))
        err = put_signed(&tbs, &algorithm, entries, key, &b);
    gnutls_free(der.data);
    return err == SG_OK ? import_der(&b, ret) : err;
}

/* -- the list ---------------------------------------------------------------------------------- */

/* The identifier of the CA's key, as its own certificate states it. */
static int set_authority(gnutls_x509_crl_t crl, gnutls_x509_crt_t ca)
{
    uint8_t id[64];
    size_t size = sizeof id;
    int rc = gnutls_x509_crt_get_subject_key_id(ca, id, &size, NULL);

    return rc < 0 ? rc : gnutls_x509_crl_set_authority_key_id(crl, id, size);
}

static int set_number(gnutls_x509_crl_t crl, uint64_t number)
{
    uint8_t octets[NUMBER_SIZE + 1] = {0}; /* the first keeps it positive */
    size_t zeros = 0;

    for (size_t i = NUMBER_SIZE; i > 0; i--, number >>= 8)
        octets[i] = (uint8_t)number;
    /* DER wants the shortest form. */
    while (zeros < NUMBER_SIZE && octets[zeros] == 0 && octets[zeros + 1] < 0x80)
        zeros++;
    return gnutls_x509_crl_set_number(crl, octets + zeros, sizeof octets - zeros);
}

static int fill(gnutls_x509_crl_t crl, const struct pki_issuer *issuer, uint64_t number,
                int64_t now_s)
{
    int rc = gnutls_x509_crl_set_version(crl, 2);

    if (rc >= 0)
        rc = gnutls_x509_crl_set_this_update(crl, (time_t)(now_s - SG_PKI_BACKDATE_S));
    if (rc >= 0)
        rc = gnutls_x509_crl_set_next_update(crl, (time_t)(now_s + SG_PKI_CRL_LIFE_S));
    if (rc >= 0)
        rc = set_authority(crl, issuer->cert);
    if (rc >= 0)
        rc = set_number(crl, number);
    if (rc >= 0)
        rc = gnutls_x509_crl_privkey_sign(crl, issuer->cert, issuer->key, GNUTLS_DIG_SHA256, 0);
    return rc;
}

enum sg_err pki_make_crl(const struct pki_issuer *issuer, uint64_t number, int64_t now_s,
                         const struct pki_revoked *revoked, size_t count, gnutls_x509_crl_t *ret)
{
    const struct entries entries = {.revoked = revoked, .count = count};
    gnutls_x509_crl_t made;
    gnutls_x509_crl_t crl;
    enum sg_err err = SG_ERR_INTERNAL;

    if (count > SG_PKI_REVOKED_MAX)
        return SG_ERR_LIMIT;
    if (gnutls_x509_crl_init(&made) < 0)
        return SG_ERR_NO_MEMORY;
    if (fill(made, issuer, number, now_s) >= 0)
        err = sign_again(made, &entries, issuer->key, &crl);
    gnutls_x509_crl_deinit(made);
    if (err != SG_OK)
        return err;
    if (!pki_crl_is_issued_by(crl, issuer->cert)) {
        gnutls_x509_crl_deinit(crl);
        return SG_ERR_INTERNAL;
    }
    *ret = crl;
    return SG_OK;
}

/* Whether two numbers are the same, whatever zeros stand before. */
static bool same_number(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    for (; a_len > 0 && *a == 0; a_len--)
        a++;
    for (; b_len > 0 && *b == 0; b_len--)
        b++;
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

bool pki_crl_lists(gnutls_x509_crl_t crl, const struct pki_revoked *revoked, size_t count)
{
    gnutls_x509_crl_iter_t at = NULL;
    uint8_t serial[64];
    size_t size = sizeof serial;
    size_t i = 0;
    bool same = true;

    while (same && gnutls_x509_crl_iter_crt_serial(crl, &at, serial, &size, NULL) >= 0) {
        same = i < count && same_number(serial, size, revoked[i].serial, revoked[i].serial_len);
        size = sizeof serial;
        i++;
    }
    gnutls_x509_crl_iter_deinit(at);
    return same && i == count;
}

bool pki_crl_is_issued_by(gnutls_x509_crl_t crl, gnutls_x509_crt_t ca)
{
    const unsigned time_faults =
        GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE | GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED;
    unsigned status = GNUTLS_CERT_INVALID;

    if (gnutls_x509_crl_check_issuer(crl, ca) == 0 ||
        gnutls_x509_crl_verify(crl, &ca, 1, 0, &status) < 0)
        return false;
    /* Whether it is good today is another question, which no flag keeps GnuTLS from asking. */
    if ((status & time_faults) != 0)
        status &= ~(time_faults | GNUTLS_CERT_INVALID);
    return status == 0;
}

uint64_t pki_crl_number(gnutls_x509_crl_t crl)
{
    uint8_t octets[32];
    size_t size = sizeof octets;
    uint64_t number = 0;

    if (gnutls_x509_crl_get_number(crl, octets, &size, NULL) < 0)
        return 0;
    for (size_t i = 0; i < size; i++) {
        if (number >> 56 != 0)
            return 0;
        number = number << 8 | octets[i];
    }
    return number;
}

int64_t pki_crl_seconds_left(gnutls_x509_crl_t crl, int64_t now_s)
{
    return (int64_t)gnutls_x509_crl_get_next_update(crl) - now_s;
}

enum sg_err pki_crl_load(const char *path, gnutls_x509_crl_t *ret)
{
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;

    buf_init(&b, SG_PKI_CRL_MAX);
    err = file_read(path, &b);
    return err == SG_OK ? import_der(&b, ret) : err;
}

enum sg_err pki_crl_save(const char *path, gnutls_x509_crl_t crl, mode_t mode)
{
    gnutls_datum_t der;
    enum sg_err err;

    if (gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_DER, &der) < 0)
        return SG_ERR_INTERNAL;
    err = der.size > SG_PKI_CRL_MAX ? SG_ERR_TOO_LARGE
                                    : file_write_atomic(path, der.data, der.size, mode);
    gnutls_free(der.data);
    return err;
}
