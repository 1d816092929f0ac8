/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DATA/keyring/audit: one line for each use and each change of a named key, appended; a refusal has
 * one too. A file that has grown to SG_AUDIT_FILE_MAX becomes audit.1, that one audit.2, and so on;
 * SG_AUDIT_FILES of them are kept. Any thread may call.
 */
#ifndef SG_KEYRING_AUDIT_H
#define SG_KEYRING_AUDIT_H

#include <stdint.h>

#include "base/err.h"

#define SG_AUDIT_FILE_MAX (16 * 1024 * 1024) /* bytes */
#define SG_AUDIT_FILES    16                 /* former ones */

struct audit;
struct keyring_actor;

struct audit_event {
    const char *what;                  /* "sign", "create", ... */
    const char *key;                   /* name */
    uint32_t version;                  /* 0: not said */
    uint64_t count;                    /* of signatures; 0: not said */
    const char *detail;                /* short text of ours; NULL: none */
    const struct keyring_actor *actor; /* NULL: the operator */
    enum sg_err result;
};

/* Opens the file in `dir`, made when missing; `file_max` bytes before it is put aside. */
enum sg_err audit_open(const char *dir, uint64_t file_max, struct audit **ret) SG_MUST_CHECK;
void audit_close(struct audit *a);

/* Appends a line, "TIME WHAT key=K version=N count=N user=NAME id=ID result=CODE", and writes the
 * same to the log. Handed to the kernel on return, not yet on disk. With NULL: to the log only. */
enum sg_err audit_write(struct audit *a, const struct audit_event *e) SG_MUST_CHECK;

#endif
