/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: what of the configuration counts anew, and whether the worker took it. What it refuses is
 * not what the next worker is started with. */
#include "app/supervise_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static void swap_lists(struct config_list *a, struct config_list *b)
{
    struct config_list kept = *a;

    *a = *b;
    *b = kept;
}

static bool same_lists(const struct config_list *a, const struct config_list *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->item[i], b->item[i]) == 0;
    return same;
}

/* Takes the list out of `fresh`. What the worker is known to have taken is kept meanwhile. */
static void take_clients(struct supervisor *s, struct config *fresh)
{
    if (s->config.client_certificates == fresh->client_certificates &&
        same_lists(&s->config.client_ca, &fresh->client_ca))
        return;
    swap_lists(&s->config.client_ca, &fresh->client_ca);
    if (!s->clients_unsure) {
        swap_lists(&s->former_ca, &fresh->client_ca);
        s->former_certificates = s->config.client_certificates;
        s->clients_unsure = true;
    }
    s->config.client_certificates = fresh->client_certificates;
}

static void settle_clients(struct supervisor *s, bool taken)
{
    if (!s->clients_unsure)
        return;
    if (!taken) {
        swap_lists(&s->config.client_ca, &s->former_ca);
        s->config.client_certificates = s->former_certificates;
        log_write(SG_LOG_ERROR, "config.refused",
                  SG_STR("keys", "tls.client-certificates tls.client-ca"));
    }
    config_list_fini(&s->former_ca);
    s->clients_unsure = false;
}

static void reload_config(struct supervisor *s)
{
    struct config fresh;
    SG_BUF_CLEANUP struct buf errors;
    SG_BUF_CLEANUP struct buf changed;
    int rest;

    buf_init(&errors, 16384);
    buf_init(&changed, 4096);
    if (config_load(s->argc, s->argv, environ, &fresh, &rest, &errors) != SG_OK) {
        log_write(SG_LOG_ERROR, "config.invalid", SG_STR("errors", buf_str(&errors)));
        return;
    }
    if (*fresh.issuer == '\0') {
        free(fresh.issuer);
        fresh.issuer = strdup(s->config.issuer);
    }
    if (fresh.issuer != NULL)
        config_changed(&s->config, &fresh, &changed);
    if (changed.len > 0)
        log_write(SG_LOG_WARN, "config.needs_restart", SG_STR("keys", buf_str(&changed)));
    swap_lists(&s->config.name, &fresh.name);
    take_clients(s, &fresh);
    s->config.log_format = fresh.log_format;
    s->config.log_level = fresh.log_level;
    config_fini(&fresh);
    log_setup("parent", (enum log_format)s->config.log_format, (enum log_level)s->config.log_level);
    log_write(SG_LOG_INFO, "config.reloaded");
}

/* One at a time, so that it is known what the worker's answer is about. */
void reload_wanted(struct supervisor *s)
{
    s->reload_again = s->reloading;
    if (s->reloading)
        return;
    reload_config(s);
    (void)roles_care(s);
    roles_reload(s);
}

void reload_answered(struct supervisor *s, enum sg_err result)
{
    log_write(result == SG_OK ? SG_LOG_INFO : SG_LOG_ERROR, "certificate.reload",
              SG_STR("result", err_code(result)));
    s->reloading = false;
    settle_clients(s, result == SG_OK);
    if (s->reload_again)
        reload_wanted(s);
}

void reload_worker_ready(struct supervisor *s)
{
    if (s->reload_missed) /* it was started with what counted before */
        s->reload_ns = clock_monotonic_ns();
    else
        settle_clients(s, true);
    s->reload_missed = false;
}

void reload_worker_ended(struct supervisor *s)
{
    bool again = s->reload_again;

    s->reloading = s->reload_missed = s->reload_again = false;
    settle_clients(s, false);
    if (again)
        reload_wanted(s);
}

void reload_fini(struct supervisor *s)
{
    config_list_fini(&s->former_ca);
}
