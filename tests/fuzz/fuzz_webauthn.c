/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes what strangers may send as a passkey: clientDataJSON, attestation objects, authenticator
 * data (ours and, behind it, the library's reading), and typed recovery codes. The first byte
 * chooses. */
#include "base/encode.h"
#include "core/passkeys_data.h"
#include "core/passkeys_fido.h"
#include "core/recovery.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool inside(const void *part, size_t part_len, const uint8_t *data, size_t size)
{
    const uint8_t *at = part;

    return at >= data && at <= data + size && part_len <= (size_t)(data + size - at);
}

static void fuzz_client_data(const uint8_t *data, size_t size)
{
    struct passkey_client_data c;

    if (passkeys_client_data(data, size, &c) != SG_OK)
        return;
    must(size <= SG_PASSKEY_CLIENT_DATA_MAX && data[0] == '{' && data[size - 1] == '}');
    must(inside(c.type, c.type_len, data, size) && inside(c.origin, c.origin_len, data, size));
    must(inside(c.challenge, c.challenge_len, data, size));
    for (size_t i = 0; i < c.origin_len; i++)
        must(c.origin[i] >= 0x20 && c.origin[i] < 0x7f && c.origin[i] != '\\' &&
             c.origin[i] != '"');
}

/* The library must not be given more than has been looked at, and must live with all that is
 * left. */
static void fuzz_attestation(const uint8_t *data, size_t size)
{
    static const uint8_t client_data[] = "{}";
    struct passkey_attestation_object object;
    struct passkey_record key = {.id_len = 0};
    struct passkey_auth_head head;

    if (passkeys_attestation_object(data, size, &object) != SG_OK)
        return;
    must(inside(object.auth_data.data, object.auth_data.len, data, size));
    must(inside(object.statement.data, object.statement.len, data, size));
    must(object.self == (object.algorithm != 0));
    if (passkeys_auth_head(object.auth_data.data, object.auth_data.len, &head) != SG_OK)
        return;
    if (passkeys_fido_attested("localhost", &(struct passkey_bytes){client_data, 2}, &object,
                               &key) == SG_OK)
        must(key.id_len > 0 && key.id_len <= sizeof key.id && key.public_key_len > 0 &&
             key.public_key_len <= sizeof key.public_key);
}

/* No signature of chance is one. */
static void fuzz_assertion(const uint8_t *data, size_t size)
{
    static const uint8_t client_data[] = "{}";
    struct passkey_record key = {.algorithm = -8, .public_key_len = 32, .public_key = {9}};
    struct passkey_assertion a = {.client_data = {client_data, 2}};
    struct passkey_auth_head head;
    size_t cut = size > 0 ? data[0] : 0;

    if (size < 1 || cut > size - 1 ||
        passkeys_auth_head(data + 1 + cut, size - 1 - cut, &head) != SG_OK)
        return;
    a.signature = (struct passkey_bytes){data + 1, cut};
    a.authenticator_data = (struct passkey_bytes){data + 1 + cut, size - 1 - cut};
    must(passkeys_fido_asserted("localhost", &a, &key) != SG_OK);
}

static void fuzz_recovery(const char *text)
{
    static const uint8_t key[SG_FACTOR_KEY_SIZE] = {1};
    uint8_t digest[SG_DIGEST_SIZE];
    size_t count = 0;

    if (recovery_digest(key, 1, text, digest) != SG_OK)
        return;
    for (; *text != '\0'; text++)
        count += *text != '-' && *text != ' ';
    must(count == 12);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0)
        return 0;
    switch (data[0] % 4) {
    case 0:
        fuzz_client_data(data + 1, size - 1);
        break;
    case 1:
        fuzz_attestation(data + 1, size - 1);
        break;
    case 2:
        fuzz_assertion(data + 1, size - 1);
        break;
    default:
        text = strndup((const char *)data + 1, size - 1);
        must(text != NULL);
        fuzz_recovery(text);
        free(text);
    }
    return 0;
}
