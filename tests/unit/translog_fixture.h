/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a data directory with a log, leaves to put into it, and looks at its files. */
#ifndef SG_TESTS_TRANSLOG_FIXTURE_H
#define SG_TESTS_TRANSLOG_FIXTURE_H

#include <stdint.h>

#include "keyring/translog.h"

struct translog_fixture {
    char *data;
    struct translog *log;
};

/* A fresh data directory with an open log. */
void translog_fixture_begin(struct translog_fixture *f);
void translog_fixture_end(struct translog_fixture *f);
void translog_fixture_open(struct translog_fixture *f);
void translog_fixture_close(struct translog_fixture *f);

/* The text of leaf `number`: {"leaf":NUMBER}, longer for some. Static. */
const char *translog_fixture_leaf(uint64_t number);
/* Appends leaves first .. first + count - 1 of these. */
enum sg_err translog_fixture_append(struct translog_fixture *f, uint64_t first, size_t count,
                                    struct translog_receipt *ret);

/* Paths in the data directory; one of four static places. */
const char *translog_fixture_path(const struct translog_fixture *f, const char *name);
/* A file's whole content (free()); flips the bit of a byte; copies (new file). */
uint8_t *translog_fixture_read(const struct translog_fixture *f, const char *name, size_t *ret_len);
void translog_fixture_write(const struct translog_fixture *f, const char *name, const void *data,
                            size_t len);
void translog_fixture_flip(const struct translog_fixture *f, const char *name, long at);
void translog_fixture_copy(const struct translog_fixture *f, const char *from, const char *to);

/* The published checkpoint, after its signature was verified; all of its entries are
 * translog_fixture_leaf(their index) and make its root; every file read by tlog/logdir.h. */
struct checkpoint translog_fixture_check(const struct translog_fixture *f,
                                         const struct note_key *key);

#endif
