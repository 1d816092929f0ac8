/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the keyring and the worker and connects them with each other. */
#include "app/supervise_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/control.h"
#include "app/keyring_control.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/keyring_client.h"

#define CARE_SECONDS  3600
#define START_MS      60000                /* for the keyring to load or make its keys */
#define ALIVE_MS      5000                 /* for its answer that it is alive */
#define ALIVE_SECONDS 5                    /* between such questions */
#define RELOAD_AGAIN  (200 * SG_NS_PER_MS) /* while one is under way */
#define RELOAD_RETRY  (2 * SG_NS_PER_S)

static void add_name(struct keyring_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->name[i], name) == 0)
            return;
    }
    if (*name != '\0' && names->count < SG_KEYRING_NAMES_MAX)
        snprintf(names->name[names->count++], SG_KEYRING_NAME_SIZE, "%s", name);
}

/* localhost, the host's own name, loopback addresses, what it listens on, and what the
 * configuration adds. */
static void collect_names(const struct supervisor *s, struct keyring_names *ret)
{
    char host[HOST_NAME_MAX + 1] = "";

    ret->count = 0;
    add_name(ret, "localhost");
    if (gethostname(host, sizeof host - 1) == 0)
        add_name(ret, host);
    add_name(ret, "127.0.0.1");
    add_name(ret, "::1");
    for (size_t i = 0; i < s->config.name.count; i++)
        add_name(ret, s->config.name.item[i]);
    for (size_t i = 0; i < s->config.listen.count; i++) {
        char bound[256], port[8];

        if (config_split_listen(s->config.listen.item[i], bound, port) == SG_OK &&
            strcmp(bound, "0.0.0.0") != 0 && strcmp(bound, "::") != 0)
            add_name(ret, bound);
    }
}

static enum sg_err ensure_cert(struct supervisor *s, bool *ret_changed)
{
    struct keyring_names *names = malloc(sizeof *names);
    enum sg_err err;

    if (names == NULL)
        return SG_ERR_NO_MEMORY;
    collect_names(s, names);
    err = keyring_control_ensure_cert(s->keyring.control, names, ret_changed);
    free(names);
    return err;
}

/* A keyring that does not answer, or that would answer the next question with this one's answer, is
 * ended; it comes back as after any other end. */
static void judge_keyring(const struct supervisor *s, enum sg_err err)
{
    if ((err != SG_ERR_TIMEOUT && err != SG_ERR_PROTOCOL) || s->keyring.pid == 0)
        return;
    log_write(SG_LOG_ERROR, "keyring.hangs", SG_INT("pid", s->keyring.pid),
              SG_STR("error", err_code(err)));
    kill(s->keyring.pid, SIGKILL);
}

/* A descriptor from which the keyring reads the passphrase; -1 in *ret_fd when there is none. */
static enum sg_err offer_passphrase(const struct supervisor *s, int *ret_fd)
{
    int ends[2];
    enum sg_err err;

    *ret_fd = -1;
    if (s->config.kek != SG_KEK_FROM_PASSPHRASE)
        return SG_OK;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_from_errno(errno);
    /* Shorter than what a pipe takes without waiting for a reader. */
    err = file_write_all(ends[1], s->passphrase, strlen(s->passphrase));
    file_close(&ends[1]);
    if (err != SG_OK)
        file_close(&ends[0]);
    else
        *ret_fd = ends[0];
    return err;
}

struct arguments {
    const char *item[32 + 2 * SG_CONFIG_LIST_MAX];
    size_t count;
};

/* An option, unless its value is empty. */
static void add_option(struct arguments *a, const char *name, const char *value)
{
    if (*value == '\0')
        return;
    a->item[a->count++] = name;
    a->item[a->count++] = value;
}

static void keyring_arguments(const struct supervisor *s, struct arguments *a)
{
    static const char *const sources[] = {[SG_KEK_FROM_FILE] = "file",
                                          [SG_KEK_FROM_CREDENTIAL] = "credential",
                                          [SG_KEK_FROM_PASSPHRASE] = "passphrase"};
    const struct config *c = &s->config;

    a->item[a->count++] = s->layout.keyring;
    add_option(a, "--data", s->layout.data);
    add_option(a, "--issuer", c->issuer);
    add_option(a, "--log-format", c->log_format == SG_LOG_JSON ? "json" : "text");
    add_option(a, "--tls-key", c->tls_key);
    add_option(a, "--kek", sources[c->kek]);
    if (c->kek == SG_KEK_FROM_FILE)
        add_option(a, "--kek-file", c->kek_file);
    if (c->kek == SG_KEK_FROM_CREDENTIAL)
        add_option(a, "--kek-credential", c->kek_credential);
    if (c->kek == SG_KEK_FROM_PASSPHRASE)
        add_option(a, "--passphrase-fd", "4");
    add_option(a, "--pkcs11-module", c->pkcs11_module);
    add_option(a, "--pkcs11-pin-file", c->pkcs11_pin_file);
    for (size_t i = 0; i < c->pkcs11_paths.count; i++)
        add_option(a, "--pkcs11-path", c->pkcs11_paths.item[i]);
}

enum sg_err roles_start_keyring(struct supervisor *s)
{
    struct arguments a = {.count = 0};
    SG_FD_CLEANUP int passphrase = -1;
    bool changed;
    enum sg_err err = offer_passphrase(s, &passphrase);

    keyring_arguments(s, &a);
    if (err == SG_OK)
        err = child_start(&s->keyring, s->layout.keyring, a.item, &passphrase,
                          passphrase != -1 ? 1 : 0);
    if (err == SG_OK)
        err = keyring_control_status(s->keyring.control, START_MS);
    if (err == SG_OK)
        err = ensure_cert(s, &changed);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.start", SG_STR("error", err_code(err)));
        return err;
    }
    s->keyring_ready = true;
    s->alive_ns = clock_monotonic_ns() + ALIVE_SECONDS * SG_NS_PER_S;
    log_write(SG_LOG_INFO, "keyring.ready", SG_INT("pid", s->keyring.pid));
    return SG_OK;
}

enum sg_err roles_start_worker(struct supervisor *s)
{
    size_t count = 0;
    char **settings = config_to_args(&s->config, &count);
    const char **argv = settings == NULL ? NULL : calloc(count + 4, sizeof *argv);
    char listeners[32];
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (argv != NULL) {
        snprintf(listeners, sizeof listeners, "%zu", s->listener.count);
        argv[0] = s->argv[0];
        argv[1] = "worker";
        argv[2] = listeners;
        for (size_t i = 0; i < count; i++)
            argv[3 + i] = settings[i];
        s->worker_ready = false;
        err = child_start(&s->worker, s->layout.program, argv, s->listener.fd, s->listener.count);
    }
    free((void *)argv);
    config_args_free(settings);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "worker.start", SG_STR("error", err_code(err)));
    return err;
}

void roles_connect(struct supervisor *s)
{
    int keyring_ends[SG_KEYRING_CHANNELS], worker_ends[SG_KEYRING_CHANNELS];
    struct control channels = {.type = SG_CONTROL_CHANNELS};
    size_t n = 0;
    enum sg_err err = SG_OK;

    if (s->keyring.pid == 0 || s->worker.pid == 0)
        return;
    while (n < SG_KEYRING_CHANNELS && err == SG_OK) {
        int pair[2];

        err = channel_pair(pair);
        if (err == SG_OK) {
            keyring_ends[n] = pair[0];
            worker_ends[n++] = pair[1];
        }
    }
    if (err == SG_OK) {
        err = keyring_control_attach(s->keyring.control, keyring_ends, n);
        judge_keyring(s, err);
    }
    if (err == SG_OK)
        err = control_send(s->worker.control, &channels, worker_ends, n);
    for (size_t i = 0; i < n; i++) {
        file_close(&keyring_ends[i]);
        file_close(&worker_ends[i]);
    }
    s->connected = err == SG_OK;
    if (err != SG_OK) /* one of the two is ending, or descriptors are short: tried again */
        log_write(SG_LOG_WARN, "roles.connect", SG_STR("error", err_code(err)));
}

bool roles_care(struct supervisor *s)
{
    bool cert = false, tokens = false;
    enum sg_err err;

    s->care_ns = clock_monotonic_ns() + CARE_SECONDS * SG_NS_PER_S;
    if (s->keyring.pid == 0)
        return false;
    err = ensure_cert(s, &cert);
    if (err == SG_OK)
        err = keyring_control_rotate_tokens(s->keyring.control, &tokens);
    judge_keyring(s, err);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.care", SG_STR("error", err_code(err)));
    if (cert || tokens)
        log_write(SG_LOG_INFO, "keyring.renewed", SG_INT("certificate", cert),
                  SG_INT("token_key", tokens));
    return cert;
}

void roles_check_keyring(struct supervisor *s)
{
    s->alive_ns = clock_monotonic_ns() + ALIVE_SECONDS * SG_NS_PER_S;
    if (s->keyring.pid != 0 && s->keyring_ready)
        judge_keyring(s, keyring_control_status(s->keyring.control, ALIVE_MS));
    if (!s->connected && s->keyring_ready)
        roles_connect(s);
}

void roles_reload(struct supervisor *s)
{
    struct control reload = {.type = SG_CONTROL_RELOAD,
                             .log_format = s->config.log_format,
                             .log_level = s->config.log_level,
                             .client_certificates = s->config.client_certificates,
                             .client_ca = s->config.client_ca};
    enum sg_err err = SG_ERR_UNAVAILABLE;

    s->reload_ns = s->reloading ? clock_monotonic_ns() + RELOAD_AGAIN : 0;
    if (s->reloading)
        return;
    if (s->keyring.pid != 0)
        err = keyring_control_reload(s->keyring.control);
    judge_keyring(s, err);
    s->reload_missed = !s->worker_ready;
    if (err == SG_OK && s->worker_ready)
        err = control_send(s->worker.control, &reload, NULL, 0);
    s->reloading = err == SG_OK && s->worker_ready;
    if (err == SG_ERR_UNAVAILABLE) /* one of the two is on its way back */
        s->reload_ns = clock_monotonic_ns() + RELOAD_RETRY;
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "certificate.reload", SG_STR("error", err_code(err)));
}
