/* SPDX-License-Identifier: Apache-2.0 */
/* Names and numbers of the kinds of keys and formats; tables and nothing else. */
#include "sigfmt/sigfmt.h"

#include <stddef.h>
#include <string.h>

const char *sig_key_type_name(enum sig_key_type type)
{
    switch (type) {
#define X(name, number, text, algorithm)                                                           \
    case SG_KEY_##name:                                                                            \
        return text;
        SG_KEY_TYPES(X)
#undef X
    }
    return NULL;
}

const char *sig_key_type_algorithm(enum sig_key_type type)
{
    switch (type) {
#define X(name, number, text, algorithm)                                                           \
    case SG_KEY_##name:                                                                            \
        return algorithm;
        SG_KEY_TYPES(X)
#undef X
    }
    return NULL;
}

enum sg_err sig_key_type_parse(const char *text, enum sig_key_type *ret)
{
#define X(name, number, shown, algorithm)                                                          \
    if (strcmp(text, shown) == 0) {                                                                \
        *ret = SG_KEY_##name;                                                                      \
        return SG_OK;                                                                              \
    }
    SG_KEY_TYPES(X)
#undef X
    return SG_ERR_BAD_FIELD;
}

const char *sig_format_name(enum sig_format format)
{
    switch (format) {
#define X(name, bit, text, extension)                                                              \
    case SG_FORMAT_##name:                                                                         \
        return text;
        SG_SIG_FORMATS(X)
#undef X
    }
    return NULL;
}

const char *sig_format_extension(enum sig_format format)
{
    switch (format) {
#define X(name, bit, text, extension)                                                              \
    case SG_FORMAT_##name:                                                                         \
        return extension;
        SG_SIG_FORMATS(X)
#undef X
    }
    return NULL;
}

enum sg_err sig_format_parse(const char *text, enum sig_format *ret)
{
#define X(name, bit, shown, extension)                                                             \
    if (strcmp(text, shown) == 0) {                                                                \
        *ret = SG_FORMAT_##name;                                                                   \
        return SG_OK;                                                                              \
    }
    SG_SIG_FORMATS(X)
#undef X
    return SG_ERR_BAD_FIELD;
}

static const struct public_row {
    const char *name, *media_type;
} publics[SG_PUBLIC_FORMAT_COUNT] = {
#define X(name, text, media_type) [SG_PUBLIC_##name] = {text, media_type},
    SG_PUBLIC_FORMATS(X)
#undef X
};

const char *sig_public_format_name(enum sig_public_format format)
{
    return (unsigned)format < SG_PUBLIC_FORMAT_COUNT ? publics[format].name : NULL;
}

const char *sig_public_format_media_type(enum sig_public_format format)
{
    return (unsigned)format < SG_PUBLIC_FORMAT_COUNT ? publics[format].media_type : NULL;
}

enum sg_err sig_public_format_parse(const char *text, enum sig_public_format *ret)
{
    for (unsigned i = 0; i < SG_PUBLIC_FORMAT_COUNT; i++)
        if (strcmp(publics[i].name, text) == 0) {
            *ret = (enum sig_public_format)i;
            return SG_OK;
        }
    return SG_ERR_BAD_FIELD;
}

unsigned sig_key_type_formats(enum sig_key_type type)
{
    if (type == SG_KEY_ED25519)
        return SG_FORMATS_ALL;
    return SG_FORMATS_ALL & ~(unsigned)(SG_FORMAT_MINISIGN | SG_FORMAT_SIGNIFY);
}
