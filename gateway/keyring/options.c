/* SPDX-License-Identifier: Apache-2.0 */
/* Command line options; nothing is done with what is only half understood. */
#include "keyring/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ISSUER "https://localhost:8443"

static const char usage_text[] =
    "usage: secgated-keyring --data DIR [OPTION]...\n"
    "       secgated-keyring export --data DIR [--key NAME] [--file FILE] [OPTION]...\n"
    "       secgated-keyring import --data DIR --file FILE [OPTION]...\n"
    "       secgated-keyring accept-log --data DIR [OPTION]...\n"
    "\n"
    "Holds the private keys of secgated, which starts it with a control channel (SOCK_SEQPACKET) "
    "as\n"
    "descriptor 3: the first form is not meant to be started by hand. `export` writes the keys, "
    "under a\n"
    "passphrase that it asks for, as PEM that openssl reads; `import` puts them into a data "
    "directory that\n"
    "has none, of a stopped gateway; `accept-log`, for a stopped one too, makes the log on disk "
    "the one\n"
    "that goes on. Passphrases are asked for on the terminal, or are lines of standard input: "
    "that of the\n"
    "KEK first, if it has one, then that of the backup.\n"
    "\n"
    "  --data DIR             data directory; keys are in DIR/keyring (0700)\n"
    "  --issuer URL           claim iss of access tokens (default " DEFAULT_ISSUER ")\n"
    "  --tls-key FILE         the operator's own TLS key (PEM) instead of DIR/keyring/tls.key\n"
    "  --kek SOURCE           what the keys are sealed with: file (default), credential, "
    "passphrase\n"
    "  --kek-file FILE        for file: where it is (default DIR/keyring/kek)\n"
    "  --kek-credential NAME  for credential: its name in $CREDENTIALS_DIRECTORY\n"
    "  --passphrase-fd N      for passphrase: the descriptor to read it from, instead of asking\n"
    "  --pkcs11-module FILE   PKCS#11 module for keys in a token\n"
    "  --pkcs11-pin-file FILE its PIN\n"
    "  --pkcs11-path PATH     what the module reads and writes; may be repeated\n"
    "  --key NAME             for export: this named key only\n"
    "  --file FILE            for export: where to (standard output); for import: where from\n"
    "  --log-format FORMAT    text (default) or json\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done or the parent is gone, 1 usage, 2 keys unusable (a wrong passphrase too), "
    "3\n"
    "malformed control message.\n";

static const struct option long_options[] = {
    {"data", required_argument, NULL, 'd'},
    {"issuer", required_argument, NULL, 'i'},
    {"tls-key", required_argument, NULL, 'k'},
    {"kek", required_argument, NULL, 's'},
    {"kek-file", required_argument, NULL, 'f'},
    {"kek-credential", required_argument, NULL, 'c'},
    {"passphrase-fd", required_argument, NULL, 'p'},
    {"pkcs11-module", required_argument, NULL, 'm'},
    {"pkcs11-pin-file", required_argument, NULL, 'n'},
    {"pkcs11-path", required_argument, NULL, 'a'},
    {"key", required_argument, NULL, 'K'},
    {"file", required_argument, NULL, 'F'},
    {"log-format", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

/* Printable ASCII without what would need escaping. */
static bool is_issuer(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > 255)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

static _Noreturn void leave(FILE *stream, const char *text, int status)
{
    (void)fputs(text, stream);
    exit(status);
}

static bool set_format(struct options *o, const char *text)
{
    if (strcmp(text, "json") != 0 && strcmp(text, "text") != 0)
        return false;
    o->format = strcmp(text, "json") == 0 ? SG_LOG_JSON : SG_LOG_TEXT;
    return true;
}

static bool set_descriptor(struct options *o, const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || *end != '\0' || n < 0 || n > 1023)
        return false;
    o->passphrase_fd = (int)n;
    return true;
}

/* One option of the KEK or of tokens; false when its value is none. */
static bool set_secrets(struct options *o, int c, const char *value)
{
    struct setup_options *s = &o->setup;

    switch (c) {
    case 's':
        return kek_source_parse(value, &s->kek.source) == SG_OK;
    case 'f':
        s->kek.file = value;
        return true;
    case 'c':
        s->kek.credential = value;
        return true;
    case 'p':
        return set_descriptor(o, value);
    case 'm':
        s->pkcs11_module = value;
        return true;
    case 'n':
        s->pkcs11_pin_file = value;
        return true;
    case 'a':
        if (s->pkcs11_path_count == SG_PKCS11_PATHS_MAX)
            return false;
        s->pkcs11_path[s->pkcs11_path_count++] = value;
        return true;
    default:
        return false;
    }
}

static bool set(struct options *o, int c, const char *value)
{
    switch (c) {
    case 'd':
        o->setup.data = value;
        return true;
    case 'i':
        o->setup.issuer = value;
        return is_issuer(value);
    case 'k':
        o->setup.tls_key = value;
        return true;
    case 'K':
        o->key = value;
        return o->command == COMMAND_EXPORT;
    case 'F':
        o->file = value;
        return o->command == COMMAND_EXPORT || o->command == COMMAND_IMPORT;
    case 'l':
        return set_format(o, value);
    default:
        return set_secrets(o, c, value);
    }
}

static enum keyring_command command_of(const char *word)
{
    if (strcmp(word, "export") == 0)
        return COMMAND_EXPORT;
    if (strcmp(word, "import") == 0)
        return COMMAND_IMPORT;
    if (strcmp(word, "accept-log") == 0)
        return COMMAND_ACCEPT_LOG;
    return COMMAND_SERVE;
}

void options_parse(int argc, char **argv, struct options *ret)
{
    struct options o = {.setup = {.issuer = DEFAULT_ISSUER, .kek = {.source = SG_KEK_FILE}},
                        .format = SG_LOG_TEXT,
                        .passphrase_fd = -1};
    int c;

    if (argc > 1)
        o.command = command_of(argv[1]);
    if (o.command != COMMAND_SERVE) {
        argc--;
        argv++;
    }
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (c == 'h')
            leave(stdout, usage_text, EXIT_SUCCESS);
        if (c == 'v')
            leave(stdout, "secgated-keyring " SG_VERSION "\n", EXIT_SUCCESS);
        if (!set(&o, c, optarg))
            leave(stderr, usage_text, EXIT_USAGE);
    }
    if (o.setup.data == NULL || optind != argc || (o.command == COMMAND_IMPORT && o.file == NULL))
        leave(stderr, usage_text, EXIT_USAGE);
    *ret = o;
}
