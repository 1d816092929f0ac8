/* SPDX-License-Identifier: Apache-2.0 */
/* The public keys that signatures are verified with: a file's, pinned ones, the gateway's; and what
 * the gateway says of them today. */
#ifndef SG_CLI_SIGKEYS_H
#define SG_CLI_SIGKEYS_H

#include "cli/cli.h"
#include "sigfmt/public.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;
struct trusted;

/* A key that is in use. */
struct sigkey {
    char name[72];   /* "" for a key from a file */
    int64_t version; /* 0: not known */
    struct sig_public public;
};

struct sigkeys {
    struct cli *cli;
    struct trusted *trusted;
    bool offline;
    bool fixed;      /* `key` is from a file, and the only one */
    char wanted[72]; /* name of the only key that counts; "": any */
    struct sigkey **keys;
    size_t count;
    struct json_object *list; /* of the gateway; NULL: not asked */
    bool asked;
};

/* `key` is a file with a public key, or the name of a key (NULL: any that the gateway has). Opens
 * profile or, unless `offline`, connection. All is reported. */
enum cli_status sigkeys_open(struct sigkeys *k, struct cli *cli, bool offline,
                             const char *key) SG_CLI_MUST_CHECK;
void sigkeys_close(struct sigkeys *k);

/*
 * The key of a name and version. *ret NULL, with a reason in `why` (static), when there is none
 * that may be used. Failures other than that are reported.
 */
enum cli_status sigkeys_get(struct sigkeys *k, const char *name, int64_t version,
                            const struct sigkey **ret, const char **why) SG_CLI_MUST_CHECK;
/* The same for what a signature itself says of its key (sig_hint; `len` 0: nothing). */
enum cli_status sigkeys_find(struct sigkeys *k, const uint8_t *hint, size_t len,
                             const struct sigkey **ret, const char **why) SG_CLI_MUST_CHECK;

/* What the gateway has against the key for a signature made at `timestamp` (RFC 3339, NULL: not
 * known): a code, such as "key-disabled"; NULL: nothing, or it was not asked (*ret_asked). */
enum cli_status sigkeys_objection(struct sigkeys *k, const struct sigkey *key,
                                  const char *timestamp, const char **ret,
                                  bool *ret_asked) SG_CLI_MUST_CHECK;

/* Same for the document of a key, for tests: no input or output. */
const char *sigkeys_judge(struct json_object *key, int64_t version, const char *timestamp);

#endif
