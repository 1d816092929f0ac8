/* SPDX-License-Identifier: Apache-2.0 */
/* `secgated new-epoch`: for after a backup of the database was put back. */
#ifndef SG_APP_NEWEPOCH_H
#define SG_APP_NEWEPOCH_H

struct config;

/*
 * Gives the event log a new identity, so that cursors from after the backup are refused instead of
 * taken for what came to have their numbers. Holds the lock of the data directory meanwhile: not
 * while a gateway runs. Says on standard output or error how it went; returns the exit status.
 */
int newepoch_run(const char *argv0, const struct config *config);

#endif
