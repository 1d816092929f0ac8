/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every part of the client shares: the exit codes and the context that is handed to a command.
 * It holds no logic.
 */
#ifndef SG_CLI_CLI_H
#define SG_CLI_CLI_H

#include <stdbool.h>

#ifndef SG_VERSION
#define SG_VERSION "0.1.0"
#endif

#define SG_CLI_DEFAULT_URL "https://localhost:8443"

/*
 * Result of everything in the client that can fail, and the exit code of the program. Whoever finds
 * an error has reported it (report.h) before it returns one of these. When several things fail, the
 * largest counts.
 */
enum cli_status {
    SG_CLI_OK = 0,
    SG_CLI_USAGE = 1,     /* wrong command line, or this machine (file, directory, memory) */
    SG_CLI_REFUSED = 2,   /* the gateway said no */
    SG_CLI_NETWORK = 3,   /* no connection, TLS failed, or the gateway is not trusted */
    SG_CLI_INTEGRITY = 4, /* content and digest differ */
    SG_CLI_HISTORY = 5,   /* the transparency log is not what it was */
    SG_CLI_INTERRUPTED = 130
};

#define SG_CLI_MUST_CHECK __attribute__((warn_unused_result))

struct profile;
struct http;
struct session;
struct sealed;

/* Options that every command takes; strings are borrowed from the command line. */
struct cli_options {
    const char *profile;
    const char *url;
    const char *ca_file;
    const char *fingerprint;
    const char *token_file;
    bool sealed;
    bool json;
    bool quiet;
    bool no_progress;
};

/* The context of one run. Members are NULL until connect_open has made them. */
struct cli {
    const char *command; /* its name; NULL before it is known */
    struct cli_options options;
    struct profile *profile;
    struct http *http;
    struct session *session;
    struct sealed *sealed;
};

/* The worse of two results. */
static inline enum cli_status cli_worse(enum cli_status a, enum cli_status b)
{
    return a > b ? a : b;
}

#endif
