/* SPDX-License-Identifier: Apache-2.0 */
/* Splits entries of tls.client-ca; what the words mean is for those who use them. */
#include "app/clientca.h"

#include <string.h>

char *clientca_word(const char *entry, enum clientca_word which)
{
    static const char blank[] = " \t";
    size_t len;

    entry += strspn(entry, blank);
    for (int i = 0; i < (int)which; i++) {
        entry += strcspn(entry, blank);
        entry += strspn(entry, blank);
    }
    len = strcspn(entry, blank);
    return len > 0 ? strndup(entry, len) : NULL;
}
