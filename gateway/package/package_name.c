/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file's name says of the package in it. Each kind of name has a shape; a name that can be
 * read in two ways, or in none, gives its kind only.
 */
#include "package/package_internal.h"

#include <stdio.h>
#include <string.h>

#define EXTENSION_MAX 8
#define EPOCH         "%3a" /* how a ":" is written in names */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* All of letters, digits and `extra`, the first one a letter or digit. */
static bool made_of(const char *text, size_t len, const char *extra)
{
    if (len == 0 || !(letter(text[0]) || digit(text[0])))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!letter(text[i]) && !digit(text[i]) &&
            (text[i] == '\0' || strchr(extra, text[i]) == NULL))
            return false;
    return true;
}

static bool is_one_of(const char *text, size_t len, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strlen(*list) == len && memcmp(text, *list, len) == 0)
            return true;
    return false;
}

/* The last `c` before `len`; `len` when there is none. */
static size_t last(const char *text, size_t len, char c)
{
    for (size_t i = len; i > 0; i--)
        if (text[i - 1] == c)
            return i - 1;
    return len;
}

static bool fill(struct package_info *info, const char *name, size_t name_len, const char *version,
                 size_t version_len)
{
    if (package_set(info->package, name, name_len) && package_set(info->vrmf, version, version_len))
        return true;
    info->package[0] = info->vrmf[0] = '\0';
    return false;
}

/* NAME_VERSION_ARCH (deb-name of dpkg); an epoch is written "%3a" or left out. */
static void deb_name(const char *text, size_t len, struct package_info *info)
{
    const char *first = memchr(text, '_', len);
    size_t second = last(text, len, '_');
    const char *version;
    char plain[SG_PACKAGE_FIELD_SIZE];
    size_t n = 0, version_len;

    if (first == NULL || second == (size_t)(first - text))
        return;
    version = first + 1;
    version_len = second - (size_t)(version - text);
    for (size_t i = 0; i < version_len && n < sizeof plain; i++) {
        plain[n] = version[i];
        if (version_len - i > 3 && memcmp(version + i, EPOCH, 3) == 0) {
            plain[n] = ':';
            i += 2;
        }
        n++;
    }
    if (!made_of(text, (size_t)(first - text), "+-.") || !made_of(plain, n, "+-.~:") ||
        !made_of(text + second + 1, len - second - 1, "-") ||
        !fill(info, text, (size_t)(first - text), plain, n))
        return;
    memcpy(info->fileset, info->package, sizeof info->fileset);
}

static const char *const rpm_archs[] = {
    "noarch",  "x86_64",      "x86_64_v2", "i386",    "i486",    "i586",     "i686",
    "athlon",  "ia64",        "ppc",       "ppc64",   "ppc64le", "s390",     "s390x",
    "aarch64", "armhfp",      "armv5tel",  "armv6hl", "armv7hl", "armv7hnl", "mips",
    "mipsel",  "mips64",      "mips64el",  "riscv64", "sparc",   "sparcv9",  "sparc64",
    "alpha",   "loongarch64", "src",       "nosrc",   NULL};

/* NAME-VERSION-RELEASE.ARCH, from its end. */
static void rpm_name(const char *text, size_t len, struct package_info *info)
{
    size_t dot = last(text, len, '.');
    size_t release = dot < len ? last(text, dot, '-') : len;
    size_t version = release < dot ? last(text, release, '-') : len;
    const char *arch = text + dot + 1;
    size_t arch_len;
    bool source;
    int n;

    if (dot >= len || release >= dot || version >= release)
        return;
    arch_len = len - dot - 1;
    if (!is_one_of(arch, arch_len, rpm_archs) || !made_of(text, version, "+-._") ||
        !made_of(text + version + 1, release - version - 1, "+._~^") ||
        !made_of(text + release + 1, dot - release - 1, "+._~^"))
        return;
    source = arch_len >= 3 && memcmp(arch + arch_len - 3, "src", 3) == 0;
    snprintf(info->ftype, sizeof info->ftype, "%s", source ? "srpm" : "rpm");
    if (!fill(info, text, version, text + version + 1, dot - version - 1))
        return;
    n = snprintf(info->fileset, sizeof info->fileset, "%s.%.*s", info->package,
                 source ? 3 : (int)arch_len, source ? "src" : arch);
    if (n < 0 || (size_t)n >= sizeof info->fileset)
        info->fileset[0] = info->package[0] = info->vrmf[0] = '\0';
}

/* PACKAGE.V.R.M.F, as names of AIX are made: four numbers at the end. */
static bool bff_name(const char *text, size_t len, struct package_info *info)
{
    size_t at = len;

    for (int i = 0; i < 4; i++) {
        size_t end = at, dot = last(text, at, '.');

        if (dot >= end || end - dot - 1 == 0 || end - dot - 1 > 5)
            return false;
        for (size_t k = dot + 1; k < end; k++)
            if (!digit(text[k]))
                return false;
        at = dot;
    }
    return made_of(text, at, "+-._") && letter(text[0]) &&
           fill(info, text, at, text + at + 1, len - at - 1);
}

/* 1.2, v1.2.3, 1.2.3rc1, 1.2-beta.2, ... */
static bool version_shape(const char *v, size_t len)
{
    static const char *const words[] = {"rc",  "alpha", "beta", "pre", "post",
                                        "dev", "a",     "b",    "p",   NULL};
    size_t i = 0, dots = 0, word;

    if (i < len && v[i] == 'v')
        i++;
    if (i == len || !digit(v[i]))
        return false;
    for (; i < len && (digit(v[i]) || (v[i] == '.' && i + 1 < len && digit(v[i + 1]))); i++)
        dots += v[i] == '.';
    if (dots == 0 || i == len)
        return dots > 0;
    if (strchr(".-_~+", v[i]) != NULL)
        i++;
    word = i;
    while (i < len && letter(v[i]))
        i++;
    if (!is_one_of(v + word, i - word, words))
        return false;
    for (; i < len; i++)
        if (!digit(v[i]) && v[i] != '.')
            return false;
    return digit(v[len - 1]) || letter(v[len - 1]);
}

/* NAME-VERSION, where only one "-" can be the one between them. */
static void archive_name(const char *text, size_t len, struct package_info *info)
{
    size_t dash = len;

    for (size_t i = 1; i + 1 < len; i++)
        if (text[i] == '-' &&
            (digit(text[i + 1]) || (text[i + 1] == 'v' && i + 2 < len && digit(text[i + 2])))) {
            if (dash != len)
                return;
            dash = i;
        }
    if (dash == len || !letter(text[0]) || !made_of(text, dash, "+-._") ||
        !version_shape(text + dash + 1, len - dash - 1))
        return;
    if (text[dash + 1] == 'v')
        (void)fill(info, text, dash, text + dash + 2, len - dash - 2);
    else
        (void)fill(info, text, dash, text + dash + 1, len - dash - 1);
}

/* Where the extension begins (at its dot); `len` when there is none. */
static size_t extension_at(const char *text, size_t len)
{
    size_t dot = last(text, len, '.');
    bool has_letter = false;

    if (dot == 0 || dot + 1 >= len || len - dot - 1 > EXTENSION_MAX)
        return len;
    for (size_t i = dot + 1; i < len; i++) {
        if (!letter(text[i]) && !digit(text[i]))
            return len;
        has_letter = has_letter || letter(text[i]);
    }
    if (!has_letter)
        return len;
    if (dot > 4 && memcmp(text + dot - 4, ".tar", 4) == 0)
        return dot - 4;
    return dot;
}

void package_from_name(const char *name, struct package_info *ret)
{
    static const char *const archives[] = {"tar",    "tar.gz", "tar.xz", "tar.zst", "tar.bz2",
                                           "tar.lz", "tgz",    "txz",    "tbz2",    "zip",
                                           "jar",    "gem",    "crate",  NULL};
    const char *slash = strrchr(name, '/');
    const char *text = slash != NULL ? slash + 1 : name;
    size_t len = strlen(text), end = extension_at(text, len);
    char extension[2 * EXTENSION_MAX] = "file";

    *ret = (struct package_info){.source = SG_PACKAGE_FROM_NAME};
    for (size_t i = end + 1; i < len; i++) {
        extension[i - end - 1] = (char)(text[i] | (letter(text[i]) ? 0x20 : 0));
        extension[i - end] = '\0';
    }
    snprintf(ret->ftype, sizeof ret->ftype, "%s", extension);
    if (strcmp(extension, "deb") == 0 || strcmp(extension, "udeb") == 0 ||
        strcmp(extension, "ddeb") == 0) {
        deb_name(text, end, ret);
    } else if (strcmp(extension, "rpm") == 0) {
        rpm_name(text, end, ret);
    } else if (strcmp(extension, "bff") == 0) {
        (void)bff_name(text, end, ret);
    } else if (end + 2 == len && (text[len - 1] == 'I' || text[len - 1] == 'U')) {
        /* installp's own names: .I for an installation, .U for an update */
        if (bff_name(text, end, ret))
            snprintf(ret->ftype, sizeof ret->ftype, "%s", text[len - 1] == 'I' ? "I" : "S");
    } else if (is_one_of(extension, strlen(extension), archives)) {
        archive_name(text, end, ret);
    }
}
