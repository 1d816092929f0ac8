/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files: the fields are printable, and pieces of the name in the same order. */
#include "fuzz_package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct package_info info;
    char *text = malloc(len + 1);
    const char *base, *at;

    if (text == NULL)
        return 0;
    memcpy(text, data, len);
    text[len] = '\0';
    package_from_name(text, &info);
    fuzz_package_info(&info);
    if (info.source != SG_PACKAGE_FROM_NAME)
        abort();
    base = strrchr(text, '/') != NULL ? strrchr(text, '/') + 1 : text;
    if (strncmp(base, info.package, strlen(info.package)) != 0)
        abort();
    if ((info.package[0] == '\0') != (info.vrmf[0] == '\0'))
        abort();
    at = strchr(info.vrmf, ':');
    if (at == NULL && strstr(base + strlen(info.package), info.vrmf) == NULL)
        abort();
    free(text);
    return 0;
}
