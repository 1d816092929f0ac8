/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is being downloaded: NAME.secctl-part, with the ETag it belongs to in
 * NAME.secctl-part-etag, until it is whole and gets its name by rename(2). Everything happens
 * relative to an open directory and follows no symlink, so that it stays in there.
 */
#ifndef SG_CLI_PART_H
#define SG_CLI_PART_H

#include "cli/cli.h"

#include <stdint.h>
#include <sys/types.h>

#define SG_PART_NAME_SIZE 256

struct part {
    int dir;
    int fd;
    int64_t size;   /* bytes that are there */
    char etag[128]; /* of these bytes; "" when unknown, then size is 0 */
    char name[SG_PART_NAME_SIZE];
    char data_name[SG_PART_NAME_SIZE];
    char etag_name[SG_PART_NAME_SIZE];
};

/*
 * Opens the directory `path` ("a/b", relative) below the open directory `root`, making what is
 * missing; no segment may be a symlink. The caller has checked the names
 * (remote_is_safe_relative). -1 with errno.
 */
int part_open_dir(int root, const char *path, size_t len);

/*
 * Opens or begins the part of `name` in `dir`, which it takes over, also on failure. SG_CLI_USAGE,
 * reported with `label`, if it cannot be or another process is at it.
 */
enum cli_status part_open(struct part *part, int dir, const char *name,
                          const char *label) SG_CLI_MUST_CHECK;

/* Begins anew with content whose ETag is `etag`. False with errno. */
bool part_restart(struct part *part, const char *etag);

/* Appends. False with errno. */
bool part_write(struct part *part, const void *data, size_t len);

/* Reads what is there from `offset`; the count, 0 at the end, -1 with errno. */
ssize_t part_read(const struct part *part, void *data, size_t len, int64_t offset);

/* Gives the file its name, replacing a file that has it. False with errno. */
bool part_publish(struct part *part);

/* Removes it. */
void part_discard(struct part *part);

/* Closes it; what is there stays for another time, unless it is empty. */
void part_close(struct part *part);

#endif
