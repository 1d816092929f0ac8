/* SPDX-License-Identifier: Apache-2.0 */
/* Confines the worker. It never fails the start: what the kernel lacks is logged. */
#include "app/sandbox.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/landlock.h"
#include "base/log.h"

void sandbox_harden(void)
{
    const struct rlimit none = {0, 0};

    prctl(PR_SET_NAME, "secgated-worker");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!landlock_under_sanitizer()) /* the leak checker attaches to its own process */
        prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGPIPE, SIG_IGN);
    umask(077);
}

void sandbox_confine(const struct layout *l, const char *tls_certificate)
{
    const struct landlock_place places[] = {
        {.path = l->db, .write = true},
        {.path = l->blobs, .write = true},
        {.path = l->tmp, .write = true},
        {.path = l->setup_code},
        {.path = l->tls},
        {.path = l->log}, /* the keyring writes it */
        {.path = tls_certificate, .replaced = true},
        {.path = "/usr/share/zoneinfo"},
        {.path = "/usr/share/mime"},
        {.path = "/usr/local/share/mime"},
        {.path = "/etc/localtime"},
        {.path = "/proc/self"}, /* metrics: own memory and descriptors */
        {.path = "/dev/urandom"},
        /* Witnesses of the log: their names, and whose certificates to trust. */
        {.path = "/etc/resolv.conf"},
        {.path = "/etc/hosts"},
        {.path = "/etc/nsswitch.conf"},
        {.path = "/etc/host.conf"},
        {.path = "/etc/gai.conf"},
        {.path = "/run/systemd/resolve"},
        {.path = "/etc/ssl/certs"},
        {.path = "/usr/share/ca-certificates"},
        {.path = "/usr/local/share/ca-certificates"},
    };
    enum sg_err err = landlock_confine(places, sizeof places / sizeof places[0]);

    if (err != SG_OK)
        log_write(SG_LOG_WARN, "worker.hardening_missing", SG_STR("feature", "landlock"),
                  SG_STR("error", err_code(err)));
}
