/* SPDX-License-Identifier: Apache-2.0 */
/* Wiping and comparing secrets; it never branches on their content. */
#include "base/secret.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void secret_wipe(void *data, size_t len)
{
    if (len > 0)
        explicit_bzero(data, len);
}

void secret_free_string(char *text)
{
    if (text == NULL)
        return;
    secret_wipe(text, strlen(text));
    free(text);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t difference = 0;

    for (size_t i = 0; i < len; i++)
        difference = (uint8_t)(difference | (x[i] ^ y[i]));
    return difference == 0;
}
