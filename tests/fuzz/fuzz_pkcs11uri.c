/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds any text to the check of URIs of token keys. What it accepts names a key and brings no PIN
 * and no module. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keyring/pkcs11.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char prefix[] = "pkcs11:";
    char text[1024] = "";

    /* The first byte chooses whether the prefix is given. */
    if (size < 1 || size >= sizeof text - sizeof prefix)
        return 0;
    if ((data[0] & 1) != 0)
        memcpy(text, prefix, sizeof prefix);
    memcpy(text + strlen(text), data + 1, size - 1);
    if (!pkcs11_uri_is_valid(text))
        return 0;
    if (strncmp(text, prefix, strlen(prefix)) != 0 || strchr(text, '?') != NULL ||
        strstr(text, ";pin-") != NULL || strncmp(text + strlen(prefix), "pin-", 4) == 0 ||
        strstr(text, ";module-") != NULL || strncmp(text + strlen(prefix), "module-", 7) == 0 ||
        (strstr(text, "object=") == NULL && strstr(text, "id=") == NULL))
        abort();
    return 0;
}
