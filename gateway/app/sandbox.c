/* SPDX-License-Identifier: Apache-2.0 */
/* Confines the worker. It never fails the start: what the kernel lacks is logged. */
#include "app/sandbox.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "app/clientca.h"
#include "base/landlock.h"
#include "base/log.h"

#define FIXED_MAX 32 /* places */

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

/* The operator's CAs of clients and their revocation lists, wherever they are: `words` are their
 * paths, owned. */
static size_t add_client_cas(const struct config *c, char **words, struct landlock_place *places)
{
    size_t n = 0;

    for (size_t i = 0; i < c->client_ca.count; i++) {
        words[n++] = clientca_word(c->client_ca.item[i], SG_CLIENTCA_FILE);
        words[n++] = clientca_word(c->client_ca.item[i], SG_CLIENTCA_CRL);
    }
    for (size_t i = 0; i < n; i++)
        places[i] = (struct landlock_place){.path = words[i], .replaced = true};
    return n;
}

void sandbox_confine(const struct layout *l, const struct config *c)
{
    const struct landlock_place fixed[] = {
        {.path = l->db, .write = true},
        {.path = l->blobs, .write = true},
        {.path = l->tmp, .write = true},
        {.path = l->channels, .write = true},
        {.path = l->setup_code},
        {.path = l->tls},
        {.path = l->log}, /* the keyring writes it */
        {.path = c->tls_certificate, .replaced = true},
        {.path = "/usr/share/zoneinfo"},
        {.path = "/usr/share/mime"},
        {.path = "/usr/local/share/mime"},
        {.path = "/etc/localtime"},
        {.path = "/proc/self"}, /* metrics: own memory and descriptors */
        {.path = "/dev/urandom"},
        {.path = "/proc/sys/kernel/random/boot_id"}, /* state of channels counts during one boot */
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
    struct landlock_place places[FIXED_MAX + 2 * SG_CONFIG_LIST_MAX];
    char *words[2 * SG_CONFIG_LIST_MAX];
    size_t fixed_count = sizeof fixed / sizeof fixed[0], count;
    enum sg_err err;

    _Static_assert(sizeof fixed / sizeof fixed[0] <= FIXED_MAX, "room for all places");
    memcpy(places, fixed, sizeof fixed);
    count = add_client_cas(c, words, places + fixed_count);
    err = landlock_confine(places, fixed_count + count);
    for (size_t i = 0; i < count; i++)
        free(words[i]);
    if (err != SG_OK)
        log_write(SG_LOG_WARN, "worker.hardening_missing", SG_STR("feature", "landlock"),
                  SG_STR("error", err_code(err)));
}
