/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of its own for a test, gone afterwards. */
#ifndef SG_TESTS_TEMPDIR_H
#define SG_TESTS_TEMPDIR_H

/* Makes an empty directory below $TMPDIR or /tmp (mode 0700); free() the path. */
char *tempdir_make(void);

/* Removes it with all that is in it, and frees the path. */
void tempdir_remove(char *path);

/* "DIR/NAME" formatted into one of four static places. */
const char *tempdir_path(const char *dir, const char *name);

#endif
