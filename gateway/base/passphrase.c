/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for passphrases. The terminal is always left as it was. */
#include "base/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"

enum sg_err passphrase_read_line(int fd, char *ret, size_t size)
{
    size_t len = 0;

    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        if (n == 0 && len == 0)
            return SG_ERR_INCOMPLETE;
        if (n == 0 || c == '\n')
            break;
        if (c == '\0' || len + 1 >= size)
            return SG_ERR_TOO_LARGE;
        ret[len++] = c;
    }
    if (len > 0 && ret[len - 1] == '\r')
        len--;
    ret[len] = '\0';
    return SG_OK;
}

/* One question on the terminal. */
static enum sg_err ask_once(int tty, const char *prompt, char *ret, size_t size)
{
    struct termios was;
    struct termios quiet;
    sigset_t stops, before;
    enum sg_err err;

    if (tcgetattr(tty, &was) != 0)
        return err_from_errno(errno);
    quiet = was;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    /* An interrupt waits until the terminal shows again what is typed. */
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTSTP);
    sigaddset(&stops, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &stops, &before);
    quiet.c_lflag &= ~(tcflag_t)ISIG;
    /* Before the question: what is typed in answer to it is never shown, nor dropped. */
    (void)tcsetattr(tty, TCSAFLUSH, &quiet);
    (void)dprintf(tty, "%s: ", prompt);
    err = passphrase_read_line(tty, ret, size);
    (void)tcsetattr(tty, TCSAFLUSH, &was);
    (void)dprintf(tty, "\n");
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (err == SG_OK && memchr(ret, '\003', strlen(ret)) != NULL) /* Ctrl-C, not a character */
        err = SG_ERR_INCOMPLETE;
    return err;
}

enum sg_err passphrase_ask(const char *prompt, bool confirm, char *ret, size_t size)
{
    SG_FD_CLEANUP int tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
    char again[1025];
    char text[256];
    enum sg_err err;

    if (tty == -1)
        return passphrase_read_line(STDIN_FILENO, ret, size);
    err = ask_once(tty, prompt, ret, size);
    if (err != SG_OK || !confirm)
        return err;
    (void)snprintf(text, sizeof text, "%s, again", prompt);
    err = ask_once(tty, text, again, sizeof again);
    if (err == SG_OK && strcmp(again, ret) != 0) {
        (void)dprintf(STDERR_FILENO, "the two are not the same\n");
        err = SG_ERR_BAD_CREDENTIALS;
    }
    secret_wipe(again, sizeof again);
    return err;
}
