/* SPDX-License-Identifier: Apache-2.0 */
/* Confines the whole process's view of the file system to named places (Landlock, Linux 5.19 and
 * later). */
#ifndef SG_BASE_LANDLOCK_H
#define SG_BASE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct landlock_place {
    const char *path; /* a file, or a directory with all that is below it; NULL, "" or absent on
                         disk: skipped */
    bool write;       /* also make, change, rename and remove below it */
    bool replaced; /* a file that is replaced by new ones: its directory, and that of what it links
                      to */
};

/*
 * From now on this process (and threads started later) can open only what the places allow;
 * descriptors that are open stay usable. Call before threads start. SG_ERR_UNAVAILABLE when the
 * kernel has no Landlock of version 2: the caller decides. Under a sanitizer, which needs /proc and
 * more, it does nothing and says SG_OK.
 */
enum sg_err landlock_confine(const struct landlock_place *places, size_t count) SG_MUST_CHECK;

/* True when this program was built with AddressSanitizer or ThreadSanitizer. */
bool landlock_under_sanitizer(void);

#endif
