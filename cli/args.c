/* SPDX-License-Identifier: Apache-2.0 */
/* Command line options from declared tables. It never looks at what an option means. */
#include "cli/args.h"

#include "cli/report.h"
#include "cli/term.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

const struct args_option args_global[] = {
    {SG_ARG_PROFILE, "profile", "NAME", "use the gateway of this profile (or $SECGATE_PROFILE)"},
    {SG_ARG_URL, "url", "URL", "address of the gateway, when the profile has none yet"},
    {SG_ARG_CA, "ca", "FILE", "trust the gateway whose CA certificate is in FILE (PEM)"},
    {SG_ARG_FINGERPRINT, "fingerprint", "HEX", "trust the gateway whose CA has this SHA-256"},
    {SG_ARG_SEALED, "sealed", NULL, "send everything through the channel of: secctl session open"},
    {SG_ARG_TOKEN_FILE, "token-file", "FILE",
     "use the script token in FILE (or $SECGATE_TOKEN), no session"},
    {SG_ARG_JSON, "json", NULL, "print JSON, errors too"},
    {'q', "quiet", NULL, "say nothing but errors and what was asked for"},
    {SG_ARG_NO_PROGRESS, "no-progress", NULL, "no progress bar, not even on a terminal"},
    {SG_ARG_HELP, "help", NULL, "explain the command"},
    {0, NULL, NULL, NULL},
};

struct tables {
    struct option longs[2 * SG_ARGS_OPTIONS + 1];
    char letters[3 * 2 * SG_ARGS_OPTIONS + 4];
    size_t n_longs;
    size_t n_letters;
};

static void add_table(struct tables *t, const struct args_option *options)
{
    for (size_t i = 0; options && options[i].key && i < SG_ARGS_OPTIONS; i++) {
        const struct args_option *o = &options[i];

        if (o->name)
            t->longs[t->n_longs++] =
                (struct option){o->name, o->value ? required_argument : no_argument, NULL, o->key};
        if (o->key < 256) {
            t->letters[t->n_letters++] = (char)o->key;
            if (o->value)
                t->letters[t->n_letters++] = ':';
        }
    }
}

/* `letters` are those that there are: of several in one argument (-xl), an unknown one may leave
 * optind at that argument, so that the one before it has nothing to do with the error. */
static enum cli_status bad_option(char **argv, int code, const char *letters, const char *help)
{
    char next[128], letter[3] = {'-', (char)optopt, 0};
    bool is_letter = optopt > 0 && optopt < 256 &&
                     (strchr(letters, optopt) == NULL || strncmp(argv[optind - 1], "--", 2) != 0);
    const char *option = is_letter ? letter : argv[optind - 1];

    snprintf(next, sizeof(next), "see: %s", help);
    return report_error(SG_CLI_USAGE, next,
                        code == ':' ? "option %s needs a value" : "unknown option %s", option);
}

enum cli_status args_parse(struct args *args, int argc, char **argv, const struct args_option *own,
                           bool stop_early, const char *help)
{
    struct tables t = {.letters = {stop_early ? '+' : ':', ':', 0}};
    int code;

    /* "+:" or "::" would differ; ':' must lead, after '+' if that is there. */
    t.n_letters = stop_early ? 2 : 1;
    add_table(&t, own);
    add_table(&t, args_global);
    t.letters[t.n_letters] = 0;
    memset(args, 0, sizeof(*args));
    args->own = own;
    opterr = 0;
    optind = 0;
    while ((code = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
        if (code == '?' || code == ':')
            return bad_option(argv, code, t.letters, help);
        if (args->n_given == SG_ARGS_GIVEN)
            return report_error(SG_CLI_USAGE, NULL, "too many options");
        args->given[args->n_given].key = code;
        args->given[args->n_given++].value = optarg;
    }
    args->operands = argv + optind;
    args->n_operands = (size_t)(argc - optind);
    return SG_CLI_OK;
}

bool args_has(const struct args *args, int key)
{
    for (size_t i = 0; i < args->n_given; i++) {
        if (args->given[i].key == key)
            return true;
    }
    return false;
}

const char *args_get(const struct args *args, int key)
{
    for (size_t i = args->n_given; i > 0; i--) {
        if (args->given[i - 1].key == key)
            return args->given[i - 1].value;
    }
    return NULL;
}

enum cli_status args_expect(const struct args *args, size_t least, size_t most, const char *what)
{
    if (args->n_operands < least)
        return report_error(SG_CLI_USAGE, "add --help for how to use it", "%s is missing", what);
    if (args->n_operands > most)
        return report_error(SG_CLI_USAGE, "add --help for how to use it",
                            "\"%s\" is one argument too many", args->operands[most]);
    return SG_CLI_OK;
}
