/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's state, shared by its files: supervise.c (the loop), supervise_reload.c (SIGHUP) and
 * supervise_roles.c (the children). */
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
    /* A reload: sent and not answered; wanted once more; not sent, for the worker was starting. */
    bool reloading, reload_again, reload_missed;
    /* Of clients' certificates, what a worker has taken before, while it is open whether it takes
     * what `config` says now. */
    bool clients_unsure;
    unsigned former_certificates;
    struct config_list former_ca;
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
/* Tells keyring and worker to read the certificate and its key again, and the worker whose
 * certificates of clients count; later, while it still does the same. */
void roles_reload(struct supervisor *s);

/* SIGHUP: reads the configuration again, and what follows from it. */
void reload_wanted(struct supervisor *s);
/* The worker's answer to roles_reload; it serves for the first time; it has ended. */
void reload_answered(struct supervisor *s, enum sg_err result);
void reload_worker_ready(struct supervisor *s);
void reload_worker_ended(struct supervisor *s);
void reload_fini(struct supervisor *s);

#endif
