/* SPDX-License-Identifier: Apache-2.0 */
/* The progress bar of transfers, on a terminal's status line; without one it does nothing. */
#ifndef SG_CLI_PROGRESS_H
#define SG_CLI_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#define SG_PROGRESS_NAME_SIZE 256

struct progress {
    int64_t expected; /* bytes of everything that is known */
    int64_t moved;
    size_t files;
    size_t files_done;
    char name[SG_PROGRESS_NAME_SIZE]; /* of the file begun last; may be cut */
    int64_t started_ns;
    int64_t drawn_ns;
    int64_t initial; /* bytes that were there before (resumed); not part of the rate */
};

void progress_init(struct progress *p);

/* Draws if a tenth of a second has passed, or `now` is set. */
void progress_draw(struct progress *p, int now);

/* Writes the line that progress_draw shows, for `columns`, `elapsed_ns` after the start. */
void progress_format(const struct progress *p, size_t columns, int64_t elapsed_ns, char *ret,
                     size_t size);

#endif
