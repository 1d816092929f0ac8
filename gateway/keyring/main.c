/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secgated-keyring: the process that holds the private keys. Its parent starts it with a control
 * channel as descriptor 3; it ends when that does. It never opens a socket, never reads JSON and
 * never hands out a private key.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "keyring/keyserve.h"
#include "keyring/keystore.h"
#include "keyring/sandbox.h"

#define CONTROL_FD     3
#define DEFAULT_ISSUER "https://localhost:8443"

enum { EXIT_USAGE = 1, EXIT_KEYS = 2, EXIT_CHANNEL = 3 };

static const char usage_text[] =
    "usage: secgated-keyring --data DIR [--issuer URL] [--tls-key FILE] [--log-format text|json]\n"
    "\n"
    "Holds the private keys of secgated, which starts it with a control channel (SOCK_SEQPACKET) "
    "as\n"
    "descriptor 3. It is not meant to be started by hand.\n"
    "\n"
    "  --data DIR          data directory; keys are in DIR/keyring (0700)\n"
    "  --issuer URL        claim iss of access tokens (default " DEFAULT_ISSUER ")\n"
    "  --tls-key FILE      the operator's own TLS key (PEM) instead of DIR/keyring/tls.key\n"
    "  --log-format FORMAT text (default) or json\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 the parent is gone, 1 usage, 2 keys unusable, 3 malformed control message.\n";

static const struct option long_options[] = {
    {"data", required_argument, NULL, 'd'},
    {"issuer", required_argument, NULL, 'i'},
    {"tls-key", required_argument, NULL, 'k'},
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

static void parse(int argc, char **argv, struct keystore_options *keys, enum log_format *format)
{
    int c;

    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (c == 'd')
            keys->data = optarg;
        else if (c == 'i' && is_issuer(optarg))
            keys->issuer = optarg;
        else if (c == 'k')
            keys->tls_key = optarg;
        else if (c == 'l' && strcmp(optarg, "json") == 0)
            *format = SG_LOG_JSON;
        else if (c == 'l' && strcmp(optarg, "text") == 0)
            *format = SG_LOG_TEXT;
        else if (c == 'h')
            leave(stdout, usage_text, EXIT_SUCCESS);
        else if (c == 'v')
            leave(stdout, "secgated-keyring " SG_VERSION "\n", EXIT_SUCCESS);
        else
            leave(stderr, usage_text, EXIT_USAGE);
    }
    if (keys->data == NULL || optind != argc)
        leave(stderr, usage_text, EXIT_USAGE);
}

/* Leaves standard error and the control channel open, and nothing that was inherited by accident.
 */
static bool settle_descriptors(void)
{
    int type = 0;
    socklen_t size = sizeof type;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (getsockopt(CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        return false;
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return false;
    return close_range(CONTROL_FD + 1, ~0U, 0) == 0 && fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) == 0;
}

/* The parent decides when this process ends: a signal to the whole group must not end it before the
 * worker. */
static void settle_signals(void)
{
    sigset_t none;

    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
    struct keystore_options options = {.issuer = DEFAULT_ISSUER};
    enum log_format format = SG_LOG_TEXT;
    struct keystore *keys;
    enum sg_err err;

    parse(argc, argv, &options, &format);
    log_setup("keyring", format, SG_LOG_INFO);
    if (!settle_descriptors()) {
        log_write(SG_LOG_ERROR, "keyring.no_control_channel");
        return EXIT_USAGE;
    }
    settle_signals();
    err = file_mkdirs(options.data, 0700);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.data_unusable", SG_STR("path", options.data),
                  SG_STR("error", err_code(err)));
        return EXIT_KEYS;
    }
    sandbox_keyring(options.data, options.tls_key);
    err = keystore_open(&options, &keys);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.keys_unusable", SG_STR("error", err_code(err)));
        return EXIT_KEYS;
    }
    log_write(SG_LOG_INFO, "keyring.ready", SG_STR("issuer", options.issuer));
    err = keyserve_run(keys, CONTROL_FD);
    keystore_free(keys);
    log_write(SG_LOG_INFO, "keyring.ended", SG_STR("result", err_code(err)));
    return err == SG_OK ? EXIT_SUCCESS : EXIT_CHANNEL;
}
