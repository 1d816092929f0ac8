/* SPDX-License-Identifier: Apache-2.0 */
/* Makes entries of acts and hands them to the store, few enough of what strangers cause. It never
 * refuses an act. */
#include "core/audit.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/canonical.h"

#define SG_PRUNE_BATCH 1000 /* entries that one write removes */
#define SG_HOUR_S      3600

/* How many there were. */
struct failures {
    int64_t second, hour; /* since which they are counted, by the monotonic clock */
    unsigned in_second, in_hour;
};

struct audit {
    struct audit_store store;
    struct audit_retention retention;
    pthread_mutex_t lock; /* guards the two below */
    struct failures strangers, users;
    _Atomic uint64_t omitted; /* failures since the last entry */
};

enum sg_err audit_new(const struct audit_store *store, const struct audit_retention *retention,
                      struct audit **ret)
{
    struct audit *a = calloc(1, sizeof(*a));
    if (!a)
        return SG_ERR_NO_MEMORY;
    a->store = *store;
    a->retention = *retention;
    pthread_mutex_init(&a->lock, NULL);
    atomic_init(&a->omitted, 0);
    *ret = a;
    return SG_OK;
}

void audit_free(struct audit *a)
{
    if (!a)
        return;
    uint64_t omitted = atomic_load(&a->omitted);
    if (omitted > 0)
        log_write(SG_LOG_WARN, "audit.omitted", SG_INT("count", (int64_t)omitted));
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* -- making an entry ------------------------------------------------------------------------------
 */

/* As much of a text as fits, whole characters; what is not UTF-8 becomes '?'. */
static void copy_text(const char *text, char *ret, size_t size)
{
    size_t len = text ? strnlen(text, size - 1) : 0;
    memcpy(ret, text ? text : "", len);
    ret[len] = '\0';
    const uint8_t *bad;
    while ((bad = u8_check((const uint8_t *)ret, len)) != NULL) {
        size_t at = (size_t)(bad - (const uint8_t *)ret);
        if (text[len] != '\0' && len - at < 4) { /* the character that was cut */
            ret[at] = '\0';
            return;
        }
        ret[at] = '?';
    }
}

static void put_detail(struct buf *out, const struct audit_detail *d)
{
    char name[32], text[SG_AUDIT_TEXT_SIZE];
    copy_text(d->name, name, sizeof(name));
    canonical_string_n(out, name, strlen(name));
    buf_putc(out, ':');
    if (d->text) {
        copy_text(d->text, text, sizeof(text));
        canonical_string_n(out, text, strlen(text));
        return;
    }
    if (d->number < 0)
        buf_putc(out, '-');
    uint64_t number = d->number < 0 ? -(uint64_t)d->number : (uint64_t)d->number;
    canonical_integer(out, number < SG_CANONICAL_INTEGER_MAX ? number : SG_CANONICAL_INTEGER_MAX);
}

/* By their names, which are ASCII; a name given twice counts once. */
static size_t sort_details(const struct audit_detail *from, size_t count,
                           const struct audit_detail *ret[])
{
    size_t sorted = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = sorted;
        while (at > 0 && strcmp(ret[at - 1]->name, from[i].name) > 0)
            at--;
        if (at > 0 && strcmp(ret[at - 1]->name, from[i].name) == 0)
            continue;
        memmove(&ret[at + 1], &ret[at], (sorted - at) * sizeof(ret[0]));
        ret[at] = &from[i];
        sorted++;
    }
    return sorted;
}

/* What does not fit is left out. */
static void put_details(const struct audit_act *act, uint64_t omitted,
                        char ret[SG_AUDIT_DETAILS_SIZE])
{
    struct audit_detail all[SG_AUDIT_DETAILS + 1];
    const struct audit_detail *sorted[SG_AUDIT_DETAILS + 1];
    size_t count = act->detail_count < SG_AUDIT_DETAILS ? act->detail_count : SG_AUDIT_DETAILS;
    SG_BUF_CLEANUP struct buf out;
    memcpy(all, act->detail, count * sizeof(all[0]));
    if (omitted > 0)
        all[count++] = (struct audit_detail){.name = "omitted", .number = (int64_t)omitted};
    count = sort_details(all, count, sorted);
    ret[0] = '\0';
    buf_init(&out, SG_AUDIT_DETAILS_SIZE - 1);
    for (size_t i = 0; i < count; i++) {
        SG_BUF_CLEANUP struct buf one;
        buf_init(&one, SG_AUDIT_DETAILS_SIZE);
        put_detail(&one, sorted[i]);
        if (buf_status(&one) || out.len + one.len + 3 > out.max)
            continue;
        buf_putc(&out, out.len == 0 ? '{' : ',');
        buf_append(&out, one.data, one.len);
    }
    if (out.len == 0)
        return;
    buf_putc(&out, '}');
    if (buf_status(&out) == SG_OK)
        memcpy(ret, buf_str(&out), out.len + 1);
}

static void make_entry(const struct audit_act *act, uint64_t omitted, struct audit_entry *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->type = act->type;
    ret->at_ns = clock_now_ns();
    ret->result = act->result;
    ret->has_session = act->session != NULL;
    if (act->session)
        memcpy(ret->session_id, act->session, SG_SESSION_ID_SIZE);
    copy_text(act->actor, ret->actor, sizeof(ret->actor));
    copy_text(act->subject, ret->subject, sizeof(ret->subject));
    copy_text(act->address, ret->address, sizeof(ret->address));
    copy_text(act->request_id, ret->request_id, sizeof(ret->request_id));
    put_details(act, omitted, ret->details);
}

/* -- notes ----------------------------------------------------------------------------------------
 */

static void failed(struct audit *a, const struct audit_entry *entry, uint64_t omitted,
                   enum sg_err err)
{
    atomic_fetch_add(&a->omitted, omitted + 1);
    log_write(SG_LOG_ERROR, "audit.append", SG_STR("type", audit_type_name(entry->type)),
              SG_STR("actor", entry->actor), SG_STR("error", err_code(err)));
}

/* An entry that was to be written later, and those that it would have counted. */
static void lost(void *ctx, uint64_t count, enum sg_err why)
{
    struct audit *a = ctx;
    atomic_fetch_add(&a->omitted, count);
    log_write(SG_LOG_ERROR, "audit.append", SG_STR("error", err_code(why)));
}

void audit_note(struct audit *a, const struct audit_act *act)
{
    if (!a)
        return;
    struct audit_entry entry;
    uint64_t omitted = atomic_exchange(&a->omitted, 0);
    make_entry(act, omitted, &entry);
    enum sg_err err = a->store.vt->append(a->store.self, &entry);
    if (err)
        failed(a, &entry, omitted, err);
}

/* Whether one more failure may be kept. */
static bool take_turn(struct audit *a, struct failures *f)
{
    int64_t now = clock_monotonic_ns() / SG_NS_PER_S;
    pthread_mutex_lock(&a->lock);
    if (now != f->second) {
        f->second = now;
        f->in_second = 0;
    }
    if (now - f->hour >= SG_HOUR_S) {
        f->hour = now;
        f->in_hour = 0;
    }
    bool turn = f->in_second < SG_AUDIT_FAILURES_SECOND && f->in_hour < SG_AUDIT_FAILURES_HOUR;
    f->in_second += turn;
    f->in_hour += turn;
    pthread_mutex_unlock(&a->lock);
    if (!turn)
        atomic_fetch_add(&a->omitted, 1);
    return turn;
}

void audit_note_attempt(struct audit *a, const struct audit_act *act)
{
    if (a && take_turn(a, &a->users))
        audit_note(a, act);
}

void audit_note_failure(struct audit *a, const struct audit_act *act)
{
    if (!a || !take_turn(a, &a->strangers))
        return;
    struct audit_entry entry;
    uint64_t omitted = atomic_exchange(&a->omitted, 0);
    make_entry(act, omitted, &entry);
    const struct audit_loss loss = {.tell = lost, .ctx = a, .count = omitted + 1};
    enum sg_err err = a->store.vt->append_later(a->store.self, &entry, &loss);
    if (err)
        failed(a, &entry, omitted, err);
}

/* -- reading and pruning --------------------------------------------------------------------------
 */

enum sg_err audit_list(struct audit *a, const struct audit_query *query, struct arena *arena,
                       struct audit_row *ret, size_t *ret_count, struct audit_range *ret_range)
{
    return a->store.vt->list(a->store.self, query, arena, ret, ret_count, ret_range);
}

static int64_t ago_ns(uint64_t seconds)
{
    return clock_now_ns() - (int64_t)seconds * SG_NS_PER_S;
}

void audit_prune(struct audit *a)
{
    if (!a || (a->retention.seconds == 0 && a->retention.entries == 0))
        return;
    struct audit_cut cut = {.before_ns = INT64_MIN,
                            .keep = a->retention.entries,
                            .young_ns = ago_ns(a->retention.young_seconds)};
    if (a->retention.seconds > 0)
        cut.before_ns = ago_ns(a->retention.seconds);
    size_t removed = SG_PRUNE_BATCH;
    while (removed == SG_PRUNE_BATCH) {
        enum sg_err err = a->store.vt->prune(a->store.self, &cut, SG_PRUNE_BATCH, &removed);
        if (err) {
            log_write(SG_LOG_WARN, "audit.prune", SG_STR("error", err_code(err)));
            return;
        }
    }
}
