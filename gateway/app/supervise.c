/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's loop: signals, children that ended, files that changed, timers. */
#include "app/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/announce.h"
#include "app/control.h"
#include "app/supervise_internal.h"
#include "app/watch.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/passphrase.h"
#include "base/secret.h"

#define RELOAD_DELAY   (200 * SG_NS_PER_MS) /* several files change together */
#define STOP_GRACE_S   10                   /* beyond the drain time */
#define KEYRING_END_MS 3000

/* -- start ------------------------------------------------------------------------------------- */

static enum sg_err open_signals(int *ret_fd)
{
    static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        sigaddset(&set, wanted[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return err_from_errno(errno);
    *ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd == -1 ? err_from_errno(errno) : SG_OK;
}

static enum sg_err say(struct buf *errors, enum sg_err err, const char *what, const char *why)
{
    buf_printf(errors, "%s: %s\n", what, why);
    return err;
}

static enum sg_err open_data(struct supervisor *s, struct buf *errors)
{
    enum sg_err err = layout_find(&s->config, s->argv[0], &s->layout, errors);

    if (err != SG_OK)
        return err;
    err = layout_make(&s->layout);
    if (err != SG_OK)
        return say(errors, err, s->layout.data,
                   err == SG_ERR_NO_SPACE ? "cannot be made: no space is left"
                                          : "cannot be made or written (not a directory, or not "
                                            "permitted)");
    err = layout_lock(&s->layout, &s->lock_fd);
    if (err == SG_ERR_CONFLICT)
        return say(errors, err, s->layout.data,
                   "another gateway is running with this data directory");
    if (err != SG_OK)
        return say(errors, err, s->layout.lock, "cannot be locked");
    return SG_OK;
}

static enum sg_err default_issuer(struct supervisor *s)
{
    char text[64];

    if (*s->config.issuer != '\0')
        return SG_OK;
    snprintf(text, sizeof text, "https://localhost:%u", s->listener.port);
    free(s->config.issuer);
    s->config.issuer = strdup(text);
    return s->config.issuer == NULL ? SG_ERR_NO_MEMORY : SG_OK;
}

/* Before anything is started: nobody is asked again when a child is. */
static enum sg_err ask_passphrase(struct supervisor *s, struct buf *errors)
{
    char *info;
    bool first;
    enum sg_err err;

    if (s->config.kek != SG_KEK_FROM_PASSPHRASE)
        return SG_OK;
    info = file_join(s->layout.data, "keyring/kek.info");
    first = info != NULL && access(info, F_OK) != 0;
    free(info);
    /* It stays in this process: out of core files and swap. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)mlock(s->passphrase, sizeof s->passphrase);
    err = passphrase_ask(first ? "New passphrase of the keys" : "Passphrase of the keys", first,
                         s->passphrase, sizeof s->passphrase);
    return err == SG_OK
               ? err
               : say(errors, err, "keyring.kek",
                     "a passphrase is wanted, on the terminal or as the first line of standard "
                     "input");
}

static enum sg_err start_all(struct supervisor *s, struct buf *errors)
{
    enum sg_err err = open_signals(&s->signal_fd);

    if (err == SG_OK)
        err = open_data(s, errors);
    if (err == SG_OK)
        err = ask_passphrase(s, errors);
    if (err == SG_OK)
        err = listen_open(&s->config.listen, &s->listener, errors);
    if (err == SG_OK)
        err = default_issuer(s);
    if (err == SG_OK && (err = roles_start_keyring(s)) != SG_OK)
        return say(errors, err, "keyring", "did not start; its log above says why");
    if (err == SG_OK && (err = roles_start_worker(s)) != SG_OK)
        return say(errors, err, "worker", "did not start");
    if (err != SG_OK)
        return err;
    roles_connect(s);
    s->watched[s->watched_count++] = s->layout.certificate;
    if (*s->config.tls_key != '\0')
        s->watched[s->watched_count++] = s->config.tls_key;
    err = watch_open(s->watched, s->watched_count, &s->watch_fd);
    if (err != SG_OK) /* SIGHUP still reads them again */
        log_write(SG_LOG_WARN, "certificate.not_watched", SG_STR("file", s->layout.certificate),
                  SG_STR("error", err_code(err)));
    s->care_ns = clock_monotonic_ns() + 60 * SG_NS_PER_S;
    return SG_OK;
}

/* -- stop -------------------------------------------------------------------------------------- */

static void begin_stop(struct supervisor *s)
{
    struct control drain = {.type = SG_CONTROL_DRAIN};

    if (s->stopping) { /* told twice: at once */
        if (s->worker.pid != 0)
            kill(s->worker.pid, SIGKILL);
        return;
    }
    s->stopping = true;
    s->stop_deadline_ns =
        clock_monotonic_ns() + (int64_t)(s->config.drain_seconds + STOP_GRACE_S) * SG_NS_PER_S;
    log_write(SG_LOG_INFO, "stopping");
    if (s->worker.pid != 0 && control_send(s->worker.control, &drain, NULL, 0) != SG_OK)
        kill(s->worker.pid, SIGKILL);
}

/* The keyring ends when its channel closes. */
static void end_keyring(struct supervisor *s)
{
    file_close(&s->keyring.control);
    for (int waited = 0; s->keyring.pid != 0; waited += 10) {
        if (waitpid(s->keyring.pid, NULL, WNOHANG) != 0) {
            s->keyring.pid = 0;
        } else if (waited >= KEYRING_END_MS) {
            kill(s->keyring.pid, SIGKILL);
            waitpid(s->keyring.pid, NULL, 0);
            s->keyring.pid = 0;
        } else {
            usleep(10000);
        }
    }
}

/* -- events ------------------------------------------------------------------------------------ */

static void log_end(const struct child *c, int status)
{
    log_write(SG_LOG_WARN, "role.ended", SG_STR("child", c->role), SG_INT("pid", c->pid),
              WIFSIGNALED(status) ? SG_INT("signal", WTERMSIG(status))
                                  : SG_INT("status", WEXITSTATUS(status)));
}

static void on_child_end(struct supervisor *s, pid_t pid, int status)
{
    if (pid == s->worker.pid) {
        if (!s->stopping || status != 0)
            log_end(&s->worker, status);
        child_ended(&s->worker, s->worker_ready);
        s->worker_ready = false;
        if (!s->stopping)
            reload_worker_ended(s);
        if (!s->ever_ready) /* it can't start at all: say so instead of trying for ever */
            s->failed = true;
    } else if (pid == s->keyring.pid) {
        log_end(&s->keyring, status);
        child_ended(&s->keyring, s->keyring_ready);
        s->keyring_ready = false;
    }
}

static void on_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(s->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            begin_stop(s);
        } else if (info.ssi_signo == SIGHUP) {
            reload_wanted(s);
        }
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        on_child_end(s, pid, status);
}

/* The worker may not change the data directory itself. */
static void set_setup_code(const struct supervisor *s, const char *line)
{
    enum sg_err err = SG_OK;

    if (*line != '\0')
        err = file_write_atomic(s->layout.setup_code, line, strlen(line), 0600);
    else if (unlink(s->layout.setup_code) != 0 && errno != ENOENT)
        err = err_from_errno(errno);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "setup_code.file", SG_STR("error", err_code(err)));
}

static void on_worker_message(struct supervisor *s)
{
    int fds[16];
    size_t nfds;
    struct control m;
    enum sg_err err = control_receive(s->worker.control, 0, &m, fds, &nfds);

    if (err == SG_ERR_TIMEOUT)
        return;
    if (err != SG_OK || nfds != 0 || m.type < SG_CONTROL_READY) {
        for (size_t i = 0; i < nfds; i++)
            file_close(&fds[i]);
        file_close(&s->worker.control); /* it is ending, or it is not itself any more */
        if (err != SG_ERR_UNAVAILABLE && s->worker.pid != 0)
            kill(s->worker.pid, SIGKILL);
        return;
    }
    if (m.type == SG_CONTROL_SETUP_CODE) {
        set_setup_code(s, m.line);
        secret_wipe(&m, sizeof m);
        return;
    }
    if (m.type == SG_CONTROL_RELOADED) {
        reload_answered(s, m.result);
        return;
    }
    s->worker_ready = true;
    reload_worker_ready(s);
    log_write(SG_LOG_INFO, "worker.ready", SG_INT("pid", s->worker.pid),
              SG_INT("ms", (clock_monotonic_ns() - s->worker.started_ns) / SG_NS_PER_MS));
    if (!s->ever_ready)
        announce_print(&s->config, &s->layout, &s->listener);
    s->ever_ready = true;
}

static void on_time(struct supervisor *s)
{
    int64_t now = clock_monotonic_ns();

    if (s->stopping) {
        if (now >= s->stop_deadline_ns && s->worker.pid != 0)
            kill(s->worker.pid, SIGKILL);
        return;
    }
    if (s->keyring.pid == 0 && now >= s->keyring.restart_ns) {
        if (roles_start_keyring(s) == SG_OK)
            roles_connect(s);
        else if (s->keyring.pid != 0)
            kill(s->keyring.pid, SIGKILL);
        else
            s->keyring.restart_ns = now + SG_NS_PER_S;
    }
    if (s->worker.pid == 0 && now >= s->worker.restart_ns) {
        if (roles_start_worker(s) == SG_OK)
            roles_connect(s);
        else
            s->worker.restart_ns = now + SG_NS_PER_S;
    }
    if (now >= s->alive_ns)
        roles_check_keyring(s);
    if (now >= s->care_ns && roles_care(s))
        s->reload_ns = now;
    if (s->reload_ns != 0 && now >= s->reload_ns)
        roles_reload(s);
}

static int next_timeout_ms(const struct supervisor *s)
{
    int64_t now = clock_monotonic_ns();
    int64_t next = s->stopping ? s->stop_deadline_ns : s->care_ns;

    if (!s->stopping) {
        if (s->alive_ns < next)
            next = s->alive_ns;
        if (s->reload_ns != 0 && s->reload_ns < next)
            next = s->reload_ns;
        if (s->keyring.pid == 0 && s->keyring.restart_ns < next)
            next = s->keyring.restart_ns;
        if (s->worker.pid == 0 && s->worker.restart_ns < next)
            next = s->worker.restart_ns;
    }
    if (next <= now)
        return 0;
    return (int)((next - now) / SG_NS_PER_MS) + 1;
}

static void loop(struct supervisor *s)
{
    while (!s->failed && !(s->stopping && s->worker.pid == 0)) {
        struct pollfd fds[] = {{.fd = s->signal_fd, .events = POLLIN},
                               {.fd = s->worker.control, .events = POLLIN},
                               {.fd = s->watch_fd, .events = POLLIN}};
        int n = poll(fds, 3, next_timeout_ms(s));

        if (n > 0 && fds[1].revents != 0)
            on_worker_message(s);
        if (n > 0 && fds[2].revents != 0 &&
            watch_changed(s->watch_fd, s->watched, s->watched_count))
            s->reload_ns = clock_monotonic_ns() + RELOAD_DELAY;
        if (n > 0 && fds[0].revents != 0)
            on_signals(s);
        on_time(s);
    }
}

int supervise_run(int argc, char **argv, struct config *config)
{
    struct supervisor s = {.argc = argc,
                           .argv = argv,
                           .config = *config,
                           .lock_fd = -1,
                           .signal_fd = -1,
                           .watch_fd = -1,
                           .keyring = {.role = "keyring", .control = -1},
                           .worker = {.role = "worker", .control = -1}};
    SG_BUF_CLEANUP struct buf errors;
    enum sg_err err;

    umask(077);
    buf_init(&errors, 16384);
    log_setup("parent", (enum log_format)s.config.log_format, (enum log_level)s.config.log_level);
    err = start_all(&s, &errors);
    if (err == SG_OK)
        loop(&s);
    else
        fprintf(stderr, "secgated: cannot start\n%s", buf_str(&errors));
    if (s.failed)
        fprintf(stderr, "secgated: the worker did not start; its log above says why\n");
    if (s.worker.pid != 0) {
        kill(s.worker.pid, SIGKILL);
        waitpid(s.worker.pid, NULL, 0);
    }
    end_keyring(&s);
    reload_fini(&s);
    listen_close(&s.listener);
    file_close(&s.worker.control);
    file_close(&s.signal_fd);
    file_close(&s.watch_fd);
    file_close(&s.lock_fd);
    if (err == SG_OK && !s.failed)
        log_write(SG_LOG_INFO, "stopped");
    secret_wipe(s.passphrase, sizeof s.passphrase);
    layout_fini(&s.layout);
    config_fini(&s.config);
    return err == SG_OK && !s.failed ? 0 : 1;
}
