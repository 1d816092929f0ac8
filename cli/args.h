/* SPDX-License-Identifier: Apache-2.0 */
/* Command line options from declared tables, on getopt_long. */
#ifndef SG_CLI_ARGS_H
#define SG_CLI_ARGS_H

#include "cli/cli.h"

#include <stddef.h>

/* Options in one table, and given on one command line, at most. */
#define SG_ARGS_OPTIONS 24
#define SG_ARGS_GIVEN   64

/* Keys of options that have no letter. */
enum args_key {
    SG_ARG_PROFILE = 256,
    SG_ARG_URL,
    SG_ARG_CA,
    SG_ARG_FINGERPRINT,
    SG_ARG_JSON,
    SG_ARG_NO_PROGRESS,
    SG_ARG_HELP,
    SG_ARG_CODE,
    SG_ARG_PASSWORD_FILE,
    SG_ARG_OLD_PASSWORD_FILE,
    SG_ARG_LOCAL,
    SG_ARG_SORT,
    SG_ARG_IF_MATCH,
    SG_ARG_CREATE_ONLY,
    SG_ARG_OTHERS,
    SG_ARG_ROLE,
    SG_ARG_EXPIRES,
    SG_ARG_TZ,
    SG_ARG_DESCRIPTION,
    SG_ARG_RETENTION,
    SG_ARG_KEEP,
    SG_ARG_FILE,
    SG_ARG_REPLY,
    SG_ARG_TYPES,
    SG_ARG_SPACE,
    SG_ARG_AFTER,
    SG_ARG_CHAIN,
    SG_ARG_FORGET,
    SG_ARG_KEY,
    SG_ARG_FORMAT,
    SG_ARG_OUT,
    SG_ARG_STORED,
    SG_ARG_SHA512,
    SG_ARG_OFFLINE,
    SG_ARG_SIGNATURE,
    SG_ARG_LOG_KEY,
    SG_ARG_TYPE,
    SG_ARG_URI,
    SG_ARG_OLDEST,
    SG_ARG_SIGNERS,
    SG_ARG_MANAGERS,
    SG_ARG_QUORUM,
    SG_ARG_WITNESS,
    SG_ARG_VERSION,
    SG_ARG_FROM,
    SG_ARG_NONCE,
    SG_ARG_SIGNED,
    SG_ARG_SEALED,
    SG_ARG_TOKEN_FILE,
    SG_ARG_CODE_FILE,
    SG_ARG_WEB,
    SG_ARG_SCOPES,
    SG_ARG_INTERVAL,
    SG_ARG_COUNT,
    SG_ARG_CSR,
    SG_ARG_USER,
    SG_ARG_NAME,
    SG_ARG_DAYS,
    SG_ARG_ALL,
    SG_ARG_ACTOR,
    SG_ARG_SINCE,
    SG_ARG_UNTIL,
    SG_ARG_SPACES,
    SG_ARG_KEYS
};

/* One option; a table of them ends with key 0. */
struct args_option {
    int key;           /* its letter, or an enum args_key */
    const char *name;  /* long name without dashes, NULL: letter only */
    const char *value; /* what the value is called in the help, NULL: no value */
    const char *help;
};

struct args {
    const struct args_option *own; /* table of the command; NULL: none */
    struct {
        int key;
        const char *value;
    } given[SG_ARGS_GIVEN];
    size_t n_given;
    char **operands; /* borrowed from argv */
    size_t n_operands;
};

/* Options that every command takes. */
extern const struct args_option args_global[];

/*
 * Parses argv[1..] by the tables `own` (NULL: none) and args_global. With `stop_early` it ends at
 * the first operand, else options and operands may be mixed; `--` ends the options. `help` is the
 * command to name in an error ("secctl ls --help").
 */
enum cli_status args_parse(struct args *args, int argc, char **argv, const struct args_option *own,
                           bool stop_early, const char *help) SG_CLI_MUST_CHECK;

/* Whether option `key` was given, and its last value (NULL when it was not). */
bool args_has(const struct args *args, int key);
const char *args_get(const struct args *args, int key);

/* Reports SG_CLI_USAGE unless there are `least` to `most` operands. */
enum cli_status args_expect(const struct args *args, size_t least, size_t most,
                            const char *what) SG_CLI_MUST_CHECK;

#endif
