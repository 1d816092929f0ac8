/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in a token. The PIN never goes anywhere but into the module. */
#include "keyring/pkcs11.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gnutls/pkcs11.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "keyring/keyfile.h"

#define PIN_MAX 255

struct pkcs11 {
    char pin[PIN_MAX + 1]; /* "": none */
};

static enum sg_err read_pin(const char *path, char ret[PIN_MAX + 1])
{
    struct buf b;
    enum sg_err err;

    buf_init(&b, 4096);
    err = keyfile_read(path, SG_KEYFILE_OPERATOR, &b);
    if (err == SG_OK) {
        size_t len = b.data != NULL ? strcspn(buf_str(&b), "\r\n") : 0;

        err = len > 0 && len <= PIN_MAX ? SG_OK : SG_ERR_CORRUPT;
        if (err == SG_OK)
            memcpy(ret, b.data, len);
    }
    buf_wipe(&b);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.pkcs11_pin_unusable", SG_STR("path", path),
                  SG_STR("error", err_code(err)));
    return err;
}

/* One wrong PIN is enough: asking again would lock the token. */
static int give_pin(void *userdata, int attempt, const char *url, const char *label,
                    unsigned int flags, char *pin, size_t pin_max)
{
    const struct pkcs11 *p = userdata;

    (void)url;
    (void)label;
    if (attempt > 0 || p->pin[0] == '\0' || strlen(p->pin) >= pin_max ||
        (flags & (GNUTLS_PIN_FINAL_TRY | GNUTLS_PIN_WRONG)) != 0)
        return GNUTLS_E_PKCS11_PIN_ERROR;
    memcpy(pin, p->pin, strlen(p->pin) + 1);
    return 0;
}

enum sg_err pkcs11_open(const char *module, const char *pin_file, struct pkcs11 **ret)
{
    struct pkcs11 *p = calloc(1, sizeof *p);
    enum sg_err err = SG_OK;
    int rc;

    if (p == NULL)
        return SG_ERR_NO_MEMORY;
    if (pin_file != NULL)
        err = read_pin(pin_file, p->pin);
    if (err != SG_OK) {
        free(p);
        return err;
    }
    rc = gnutls_pkcs11_init(GNUTLS_PKCS11_FLAG_MANUAL, NULL);
    if (rc >= 0)
        rc = gnutls_pkcs11_add_provider(module, NULL);
    if (rc < 0) {
        log_write(SG_LOG_ERROR, "keyring.pkcs11_module", SG_STR("path", module),
                  SG_STR("reason", gnutls_strerror(rc)));
        pkcs11_close(p);
        return SG_ERR_UNAVAILABLE;
    }
    gnutls_pkcs11_set_pin_function(give_pin, p);
    log_write(SG_LOG_INFO, "keyring.pkcs11_module", SG_STR("path", module));
    *ret = p;
    return SG_OK;
}

void pkcs11_close(struct pkcs11 *p)
{
    if (p == NULL)
        return;
    gnutls_pkcs11_set_pin_function(NULL, NULL);
    gnutls_pkcs11_deinit();
    secret_wipe(p, sizeof *p);
    free(p);
}

/* Whether an attribute of that name may stand in a URI that came from a client. */
static bool is_allowed(const char *name, size_t len)
{
    static const char *const allowed[] = {
        "token",
        "manufacturer",
        "serial",
        "model",
        "library-manufacturer",
        "object",
        "library-description",
        "library-version",
        "type",
        "id",
        "slot-id",
        "slot-description",
        "slot-manufacturer",
    };

    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (strlen(allowed[i]) == len && memcmp(name, allowed[i], len) == 0)
            return true;
    return false;
}

/* RFC 7512: attributes of the path only, known by name. `?` would begin those that say where the
 * PIN or the module is; an escaped name is no known one. */
bool pkcs11_uri_is_valid(const char *uri)
{
    const char *at = uri;
    bool names_key = false;

    if (strncmp(uri, "pkcs11:", 7) != 0)
        return false;
    for (at += 7;; at++) {
        size_t name = strcspn(at, "=;");
        size_t len = strcspn(at, ";");

        if (at[name] != '=' || !is_allowed(at, name))
            return false;
        for (size_t i = name + 1; i < len; i++)
            if (!isalnum((unsigned char)at[i]) && strchr("-._~%:[]@!$'()*+,=&/", at[i]) == NULL)
                return false;
        names_key = names_key || (name == 6 && memcmp(at, "object", 6) == 0) ||
                    (name == 2 && memcmp(at, "id", 2) == 0);
        at += len;
        if (*at == '\0')
            return names_key;
    }
}

enum sg_err pkcs11_load(struct pkcs11 *p, const char *uri, gnutls_privkey_t *ret)
{
    gnutls_privkey_t key;
    int rc;

    if (p == NULL) {
        log_write(SG_LOG_WARN, "keyring.pkcs11_key", SG_STR("uri", uri),
                  SG_STR("reason", "keyring.pkcs11-module is not set"));
        return SG_ERR_UNAVAILABLE;
    }
    if (gnutls_privkey_init(&key) < 0)
        return SG_ERR_NO_MEMORY;
    gnutls_privkey_set_pin_function(key, give_pin, p);
    rc = gnutls_privkey_import_url(key, uri, 0);
    if (rc < 0) {
        log_write(SG_LOG_WARN, "keyring.pkcs11_key", SG_STR("uri", uri),
                  SG_STR("reason", gnutls_strerror(rc)));
        gnutls_privkey_deinit(key);
        return SG_ERR_UNAVAILABLE;
    }
    *ret = key;
    return SG_OK;
}
