/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secgated-keyring: the process that holds the private keys. Its parent starts it with a control
 * channel as descriptor 3; it ends when that does. It never opens a socket, never reads JSON and
 * never hands out a private key.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "keyring/commands.h"
#include "keyring/keyserve.h"
#include "keyring/options.h"
#include "base/passphrase.h"
#include "keyring/sandbox.h"
#include "keyring/setup.h"

#define CONTROL_FD 3

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

/* `passphrase` is wiped as soon as the key-encryption key has been derived from it. */
static int serve(const struct options *o, char *passphrase, size_t size)
{
    struct setup s = {.dir = NULL};
    enum sg_err err = setup_kek(&o->setup, &s);

    secret_wipe(passphrase, size);
    if (err == SG_OK)
        err = setup_open(&o->setup, &s);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.keys_unusable", SG_STR("error", err_code(err)));
        setup_close(&s);
        return EXIT_KEYS;
    }
    log_write(SG_LOG_INFO, "keyring.ready", SG_STR("issuer", o->setup.issuer));
    err = keyserve_run(&s.services, CONTROL_FD);
    setup_close(&s);
    log_write(SG_LOG_INFO, "keyring.ended", SG_STR("result", err_code(err)));
    return err == SG_OK ? EXIT_SUCCESS : EXIT_CHANNEL;
}

/* The passphrase of the key-encryption key, into `text`; from its descriptor, which is closed. */
static enum sg_err take_passphrase(const struct options *o, char *text, size_t size)
{
    enum sg_err err = SG_OK;

    if (o->setup.kek.source == SG_KEK_PASSPHRASE && o->passphrase_fd != -1) {
        err = passphrase_read_line(o->passphrase_fd, text, size);
        (void)close(o->passphrase_fd);
    }
    return err;
}

int main(int argc, char **argv)
{
    char passphrase[SG_PASSPHRASE_MAX + 1] = "";
    struct options o;

    options_parse(argc, argv, &o);
    log_setup("keyring", o.format, SG_LOG_INFO);
    sandbox_process();
    if (o.command != COMMAND_SERVE)
        return commands_run(&o);
    sandbox_end_with_parent();
    /* Before the descriptors that were not asked for are closed. */
    if (take_passphrase(&o, passphrase, sizeof passphrase) != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.no_passphrase", SG_INT("descriptor", o.passphrase_fd));
    if (!settle_descriptors()) {
        log_write(SG_LOG_ERROR, "keyring.no_control_channel");
        return EXIT_USAGE;
    }
    settle_signals();
    o.setup.kek.passphrase = passphrase;
    return serve(&o, passphrase, sizeof passphrase);
}
