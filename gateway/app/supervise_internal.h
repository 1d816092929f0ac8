/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's state, shared by its two files: supervise.c (the loop) and supervise_roles.c (the
 * children). */
#ifndef SG_APP_SUPERVISE_INTERNAL_H
#define SG_APP_SUPERVISE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "app/child.h"
#include "app/config.h"
#include "app/layout.h"
#include "app/listen.h"

#define SG_PASSPHRASE_SIZE 1025 /* with its NUL */

struct supervisor {
    int argc;
    char **argv;
    struct config config;
    struct layout layout;
    struct listener listener;
    int lock_fd, signal_fd, watch_fd; /* -1: not open */
    const char *watched[2];           /* certificate, key; borrowed from layout and config */
    size_t watched_count;
    struct child keyring, worker;
    char passphrase[SG_PASSPHRASE_SIZE]; /* for the keyring, at each of its starts; "": none */
    bool keyring_ready;                  /* this keyring has its keys */
    bool connected;                      /* the two have channels to each other */
    bool worker_ready;                   /* this worker serves */
    bool ever_ready;                     /* some worker has */
    bool stopping;
    bool failed;
    int64_t stop_deadline_ns; /* monotonic times; 0: none */
    int64_t reload_ns;
    int64_t care_ns;  /* next look at certificate life and token key age */
    int64_t alive_ns; /* next question whether the keyring is alive */
};

/* Starts the keyring and waits for its keys; sees to the certificate. */
enum sg_err roles_start_keyring(struct supervisor *s) SG_MUST_CHECK;
enum sg_err roles_start_worker(struct supervisor *s) SG_MUST_CHECK;
/* Gives both ends of new keyring channels to the two of them; nothing while one is down. */
void roles_connect(struct supervisor *s);
/* Certificate and token keys that are due are made anew; true when the worker should reload. */
bool roles_care(struct supervisor *s);
/* Ends a keyring that no longer answers; connects it with the worker if that failed before. */
void roles_check_keyring(struct supervisor *s);
/* Tells keyring and worker to read the certificate and its key again. */
void roles_reload(struct supervisor *s);

#endif
