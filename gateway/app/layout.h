/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are: the data directory and the files that come with the program. */
#ifndef SG_APP_LAYOUT_H
#define SG_APP_LAYOUT_H

#include "app/config.h"
#include "base/err.h"

/* Paths in the data directory DATA; all owned. */
struct layout {
    char *data;        /* DATA (0700) */
    char *lock;        /* DATA/lock: one gateway at a time */
    char *db;          /* DATA/db: the database */
    char *blobs;       /* DATA/blobs: contents of files */
    char *tmp;         /* DATA/tmp: uploads in progress */
    char *channels;    /* DATA/channels: state of sealed channels */
    char *setup_code;  /* DATA/setup-code */
    char *ca;          /* DATA/ca.pem */
    char *tls;         /* DATA/tls */
    char *tls_ca;      /* DATA/tls/ca.pem: a copy of it that the worker may read */
    char *crl;         /* DATA/tls/ca.crl */
    char *log;         /* DATA/log: the transparency log, written by the keyring */
    char *certificate; /* DATA/tls/server.pem, or the operator's */
    char *web;         /* SHARE/web */
    char *openapi;     /* SHARE/openapi/openapi.yaml */
    char *program;     /* this program */
    char *keyring;     /* secgated-keyring beside it */
    char *secctl;      /* secctl beside it as the user would type it; NULL when it is not there */
};

/* Works them out. SG_ERR_NOT_FOUND with `errors` when the shared files or the keyring program are
 * missing. */
enum sg_err layout_find(const struct config *c, const char *argv0, struct layout *ret,
                        struct buf *errors) SG_MUST_CHECK;
/* Makes the directories. */
enum sg_err layout_make(const struct layout *l) SG_MUST_CHECK;
/* Takes the lock of the data directory for the life of the process (*ret_fd stays open).
 * SG_ERR_CONFLICT when another gateway has it. */
enum sg_err layout_lock(const struct layout *l, int *ret_fd) SG_MUST_CHECK;
void layout_fini(struct layout *l);

#endif
