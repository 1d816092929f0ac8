/* SPDX-License-Identifier: Apache-2.0 */
/* The blob store on a local file system: DIR/blobs/ab/<64 hex digits>, temporary files in DIR/tmp.
 */
#ifndef SG_STORE_FSBLOBS_H
#define SG_STORE_FSBLOBS_H

#include "store/blobs.h"

struct fsblobs;

/* Makes the directories (0700) and removes temporary files of former processes. `reserve` bytes of
 * the file system are kept free of content, at most a twentieth of its size. */
enum sg_err fsblobs_open(const char *dir, uint64_t reserve, struct fsblobs **ret) SG_MUST_CHECK;
void fsblobs_close(struct fsblobs *b);
struct blobs_store fsblobs_store(struct fsblobs *b);

#endif
