/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of small files that were read lately, in memory: opening, reading and closing one
 * costs more than sending it. Content is immutable and known by its digest, so nothing here can
 * become old; whoever may read an entry may read what its digest names. Thread safe.
 */
#ifndef SG_CORE_SMALLBLOBS_H
#define SG_CORE_SMALLBLOBS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/blobs.h"

#define SG_SMALLBLOB_MAX 32768 /* bytes of one; all together take at most 512 times as much */

struct smallblobs;
struct smallblob;

struct smallblobs *smallblobs_new(void);      /* NULL without memory */
void smallblobs_free(struct smallblobs *all); /* NULL is legal */

/* A reference; NULL when it is not there. */
struct smallblob *smallblobs_get(struct smallblobs *all, const uint8_t sha256[SG_DIGEST_SIZE],
                                 uint64_t size);
/* Reads all `size` bytes (1 to SG_SMALLBLOB_MAX) of a blob and remembers them. Blocks as pread
 * does. SG_ERR_CORRUPT when the file is shorter, IO, NO_MEMORY. */
enum sg_err smallblobs_read(struct smallblobs *all, const uint8_t sha256[SG_DIGEST_SIZE],
                            uint64_t size, int fd, struct smallblob **ret) SG_MUST_CHECK;

const void *smallblob_data(const struct smallblob *blob);
void smallblob_unref(void *blob); /* any thread; NULL is legal */

#endif
