/* SPDX-License-Identifier: Apache-2.0 */
/* The parent: opens sockets and data directory, starts keyring and worker, restarts them, passes
 * signals on. It handles no request and reads no key. */
#ifndef SG_APP_SUPERVISE_H
#define SG_APP_SUPERVISE_H

struct config;

/* Runs until it is told to stop; returns the exit status. Takes the configuration's content. `argv`
 * are the options (argv[0] is the program), for when the configuration is read again. */
int supervise_run(int argc, char **argv, struct config *config);

#endif
