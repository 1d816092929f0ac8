/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary directories for tests; it never follows a symbolic link when it removes one. */
#include "tempdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

char *tempdir_make(void)
{
    const char *base = getenv("TMPDIR");
    char *path;

    if (asprintf(&path, "%s/secgate-test.XXXXXX", base != NULL ? base : "/tmp") < 0 ||
        mkdtemp(path) == NULL)
        abort();
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void tempdir_remove(char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

const char *tempdir_path(const char *dir, const char *name)
{
    static char places[4][512];
    static unsigned next;
    char *place = places[next++ % 4];

    (void)snprintf(place, sizeof places[0], "%s/%s", dir, name);
    return place;
}
