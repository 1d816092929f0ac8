/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels in one mapped file, DIR/state, of fixed slots; answers that are too large for their slot
 * are files in DIR/answers. Each slot has two copies of its record, written in turn, with the
 * number of the writing last: a process that is killed at any instant leaves a whole one in the
 * page cache, and nothing needs to be synced for that. After a restart of the machine that was not
 * in order, and in any file but the one that was written (its own inode number and time of birth
 * stand in it; each start makes a new one), all of it is void.
 */
#ifndef SG_STORE_FSCHANNELS_H
#define SG_STORE_FSCHANNELS_H

#include "store/channels.h"

#define SG_FSCHANNELS_MAX 65536 /* channels at a time */

struct fschannels;

/* Makes the directory's content if it is not there. *ret_void (may be NULL): there was a file and
 * it counts for nothing. SG_ERR_IO, SG_ERR_NO_SPACE, SG_ERR_NO_MEMORY. */
enum sg_err fschannels_open(const char *dir, struct fschannels **ret, bool *ret_void) SG_MUST_CHECK;
/* In order: what is there is on the disk at return. NULL is legal. */
void fschannels_close(struct fschannels *f);
/* Without order, as if the process had been killed; for tests. */
void fschannels_drop(struct fschannels *f);
struct channels_store fschannels_store(struct fschannels *f);

#endif
