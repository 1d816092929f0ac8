/* SPDX-License-Identifier: Apache-2.0 */
/* Names in certificates of other CAs; nothing is folded, trimmed or guessed. */
#include "core/certrule.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "certs/pki.h"
#include "core/identity.h"

#define NAMES_MAX 64  /* alternative names that are looked at */
#define TEXT_SIZE 512 /* of one, with NUL; longer ones name no user */

enum sg_err certrule_parse(const char *text, struct certrule *ret)
{
    static const struct {
        const char *word;
        enum certrule_kind kind;
    } words[] = {{"cn", SG_CERTRULE_CN},
                 {"email", SG_CERTRULE_EMAIL},
                 {"uri", SG_CERTRULE_URI},
                 {"dns", SG_CERTRULE_DNS}};
    struct certrule rule = {.domain = ""};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i].word) == 0) {
            rule.kind = words[i].kind;
            *ret = rule;
            return SG_OK;
        }
    }
    if (strncmp(text, "email@", 6) != 0 || text[6] == '\0' ||
        strlen(text + 6) >= sizeof rule.domain)
        return SG_ERR_BAD_FIELD;
    rule.kind = SG_CERTRULE_EMAIL;
    memcpy(rule.domain, text + 6, strlen(text + 6) + 1);
    *ret = rule;
    return SG_OK;
}

/* Takes a candidate: false when it is another than one before. What is no user's name is passed
 * over. */
static bool take(const char *text, size_t len, char found[SG_USER_NAME_SIZE])
{
    char name[SG_USER_NAME_SIZE];

    if (len >= sizeof name || memchr(text, '\0', len) != NULL)
        return true;
    memcpy(name, text, len);
    name[len] = '\0';
    if (!identity_user_name_ok(name))
        return true;
    if (found[0] != '\0')
        return strcmp(found, name) == 0;
    memcpy(found, name, len + 1);
    return true;
}

/* The part of an alternative name that may name a user; false for none. */
static bool cut_name(const struct certrule *rule, const char **text, size_t *len)
{
    static const char prefix[] = SG_PKI_USER_URI;
    const char *at;

    switch (rule->kind) {
    case SG_CERTRULE_EMAIL:
        at = memchr(*text, '@', *len);
        if (at == NULL)
            return false;
        if (rule->domain[0] != '\0' &&
            (*len - (size_t)(at + 1 - *text) != strlen(rule->domain) ||
             strncasecmp(at + 1, rule->domain, strlen(rule->domain)) != 0))
            return false;
        *len = (size_t)(at - *text);
        return true;
    case SG_CERTRULE_URI:
        if (*len < sizeof prefix - 1 || memcmp(*text, prefix, sizeof prefix - 1) != 0)
            return false;
        *text += sizeof prefix - 1;
        *len -= sizeof prefix - 1;
        return true;
    case SG_CERTRULE_DNS:
        return true;
    case SG_CERTRULE_CN:
        break;
    }
    return false;
}

static bool from_alternatives(const struct certrule *rule, gnutls_x509_crt_t cert,
                              char found[SG_USER_NAME_SIZE])
{
    const int type = rule->kind == SG_CERTRULE_EMAIL ? GNUTLS_SAN_RFC822NAME
                     : rule->kind == SG_CERTRULE_URI ? GNUTLS_SAN_URI
                                                     : GNUTLS_SAN_DNSNAME;

    for (unsigned i = 0; i < NAMES_MAX; i++) {
        char text[TEXT_SIZE];
        size_t len = sizeof text;
        const char *at = text;
        int rc = gnutls_x509_crt_get_subject_alt_name(cert, i, text, &len, NULL);

        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return true;
        if (rc == type && cut_name(rule, &at, &len) && !take(at, len, found))
            return false;
    }
    return false; /* too many to know them all */
}

static bool from_subject(gnutls_x509_crt_t cert, char found[SG_USER_NAME_SIZE])
{
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        char text[TEXT_SIZE];
        size_t len = sizeof text;
        int rc = gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, i, 0, text, &len);

        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return true;
        if (rc < 0 || !take(text, len, found))
            return false;
    }
    return false;
}

enum sg_err certrule_apply(const struct certrule *rule, gnutls_x509_crt_t cert,
                           char ret[SG_USER_NAME_SIZE])
{
    char found[SG_USER_NAME_SIZE] = "";
    bool clear = rule->kind == SG_CERTRULE_CN ? from_subject(cert, found)
                                              : from_alternatives(rule, cert, found);

    if (!clear || found[0] == '\0')
        return SG_ERR_NOT_FOUND;
    memcpy(ret, found, sizeof found);
    return SG_OK;
}
