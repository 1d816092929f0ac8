/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of secgated-keyring. */
#ifndef SG_KEYRING_OPTIONS_H
#define SG_KEYRING_OPTIONS_H

#include <stdbool.h>

#include "base/log.h"
#include "keyring/setup.h"

enum { EXIT_USAGE = 1, EXIT_KEYS = 2, EXIT_CHANNEL = 3 };

enum keyring_command { COMMAND_SERVE, COMMAND_EXPORT, COMMAND_IMPORT, COMMAND_ACCEPT_LOG };

struct options {
    enum keyring_command command;
    struct setup_options setup;
    enum log_format format;
    int passphrase_fd; /* where the KEK's passphrase is; -1: ask for it */
    const char *key;   /* --key of export; NULL: all */
    const char *file;  /* --file of export (NULL: standard output) and import */
};

/* Ends the process for --help, --version and what it does not understand. */
void options_parse(int argc, char **argv, struct options *ret);

#endif
