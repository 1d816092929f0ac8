/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of a conversation. It never sends a line under two keys, and never one line before the
 * line that was said before it.
 */
#include "cli/talk.h"

#include "base/clock.h"
#include "cli/feed.h"
#include "cli/json.h"
#include "cli/outbox.h"

#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SG_TALK_SLICE_MS 30000
/* With so many items not taken, the thread asks for no more. */
#define SG_TALK_ITEMS_MAX 2000
#define SG_TALK_PAUSE_MS  100

struct talk {
    struct cli *cli;
    char *space;
    int fd;
    pthread_t thread;
    struct feed_sink sink;
    struct feed feed;     /* the thread's */
    struct outbox outbox; /* the thread's */

    pthread_mutex_t lock; /* of all below */
    bool stop;
    struct talk_item *first, *last;
    size_t items;
    struct outbox_request *asked, *asked_last;
    size_t pending; /* of these, and given to the outbox */
    size_t reads;   /* likewise, SG_TALK_ASK_READ */
    bool behind;    /* the last poll for events has failed */
};

void talk_item_free(struct talk_item *item)
{
    if (!item)
        return;
    free(item->text);
    (void)json_object_put(item->json);
    free(item);
}

/* Hands an item over. Takes `json`; copies `text`. Without memory it is lost, and that ends. */
static bool put_item(struct talk *t, enum talk_kind kind, enum cli_status status, const char *text,
                     struct json_object *json)
{
    struct talk_item *item = calloc(1, sizeof(*item));
    const uint64_t one = 1;

    if (item)
        item->text = text ? strdup(text) : NULL;
    if (!item || (text && !item->text)) {
        free(item);
        (void)json_object_put(json);
        return false;
    }
    item->kind = kind;
    item->status = status;
    item->json = json;
    pthread_mutex_lock(&t->lock);
    if (t->last)
        t->last->next = item;
    else
        t->first = item;
    t->last = item;
    t->items++;
    pthread_mutex_unlock(&t->lock);
    (void)!write(t->fd, &one, sizeof(one));
    return true;
}

/* A copy that shares nothing: json-c counts references without a lock. NULL for NULL. */
static struct json_object *copy_of(struct json_object *json)
{
    struct json_object *copy = NULL;

    return json && json_object_deep_copy(json, &copy, NULL) == 0 ? copy : NULL;
}

/* -- the thread -----------------------------------------------------------------------------------
 */

static bool on_event(void *context, struct json_object *event)
{
    struct json_object *copy = copy_of(event);

    return copy && put_item(context, SG_TALK_EVENT, SG_CLI_OK, NULL, copy);
}

static bool on_gap(void *context, const struct feed_gap *gap)
{
    return put_item(context, SG_TALK_NOTICE, SG_CLI_OK, feed_explain(gap->code), NULL);
}

static void on_lost(void *context, const char *why)
{
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, 4096);
    buf_printf(&text, "no connection, trying again (%s)", why);
    (void)put_item(context, SG_TALK_NOTICE, SG_CLI_OK, buf_str(&text), NULL);
}

static void on_back(void *context)
{
    (void)put_item(context, SG_TALK_NOTICE, SG_CLI_OK, "connected again", NULL);
}

/* What became of something that was asked for. */
static void on_result(void *context, const struct outbox_request *request, const char *refused,
                      struct json_object *answer)
{
    struct talk *t = context;

    pthread_mutex_lock(&t->lock);
    t->behind = t->feed.failures > 0;
    *(request->what == SG_TALK_ASK_READ ? &t->reads : &t->pending) -= 1;
    pthread_mutex_unlock(&t->lock);
    if (request->what == SG_TALK_ASK_READ)
        return;
    if (refused)
        (void)put_item(t, SG_TALK_REFUSED, SG_CLI_REFUSED, refused, NULL);
    else
        (void)put_item(t, request->what == SG_TALK_ASK_WHO ? SG_TALK_ANSWER : SG_TALK_SAID,
                       SG_CLI_OK, NULL, copy_of(answer));
}

/* Takes over what has been asked for; false when the thread is to stop. */
static bool take_asked(struct talk *t, bool *ret_room)
{
    pthread_mutex_lock(&t->lock);
    t->behind = t->feed.failures > 0;
    bool stop = t->stop;
    struct outbox_request *asked = t->asked;
    t->asked = t->asked_last = NULL;
    *ret_room = t->items < SG_TALK_ITEMS_MAX;
    pthread_mutex_unlock(&t->lock);
    outbox_add(&t->outbox, asked);
    return !stop;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static void *run(void *context)
{
    struct talk *t = context;
    struct report_capture *errors = &t->feed.errors;
    enum cli_status status = SG_CLI_OK;
    bool room;

    while (status == SG_CLI_OK && !t->feed.over && take_asked(t, &room)) {
        int delay = SG_TALK_PAUSE_MS;

        if (room || t->feed.running)
            status = feed_turn(&t->feed);
        if (status == SG_CLI_OK && room)
            delay = feed_delay_ms(&t->feed, SG_TALK_SLICE_MS);
        if (status == SG_CLI_OK) {
            errors = &t->outbox.errors;
            status = outbox_turn(&t->outbox);
        }
        if (status != SG_CLI_OK)
            break;
        errors = &t->feed.errors;
        delay = smaller(delay, outbox_delay_ms(&t->outbox, SG_TALK_SLICE_MS));
        struct http_call *call = http_next_within(t->cli->http, delay);
        if (call && call->owner == &t->outbox)
            outbox_settle(&t->outbox);
        else if (call)
            status = feed_settle(&t->feed);
    }
    if (t->feed.over) {
        /* An item could not be handed over. */
        report_capture(errors);
        status = report_no_memory();
        report_release();
    }
    (void)put_item(t, SG_TALK_END, status, buf_str(&errors->printed), NULL);
    return NULL;
}

/* -- the other side -------------------------------------------------------------------------------
 */

static enum cli_status start_thread(struct talk *t)
{
    sigset_t all, before;

    /* Signals are for the thread that owns the terminal. */
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&t->thread, NULL, run, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    return failed ? report_errno("start", "a thread") : SG_CLI_OK;
}

static void free_talk(struct talk *t)
{
    feed_fini(&t->feed);
    outbox_fini(&t->outbox);
    outbox_free(t->asked);
    while (t->first) {
        struct talk_item *item = t->first;

        t->first = item->next;
        talk_item_free(item);
    }
    if (t->fd >= 0)
        (void)close(t->fd);
    pthread_mutex_destroy(&t->lock);
    free(t->space);
    free(t);
}

enum cli_status talk_open(struct cli *cli, const char *space, const char *cursor, struct talk **ret)
{
    struct talk *t = calloc(1, sizeof(*t));

    if (!t)
        return report_no_memory();
    pthread_mutex_init(&t->lock, NULL);
    t->cli = cli;
    t->space = strdup(space);
    t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->sink = (struct feed_sink){
        .context = t, .event = on_event, .gap = on_gap, .lost = on_lost, .back = on_back};
    enum cli_status status = t->space && t->fd >= 0 ? SG_CLI_OK : report_no_memory();
    if (status == SG_CLI_OK)
        status = feed_init(&t->feed, cli, &t->sink, t->space, NULL, cursor);
    outbox_init(&t->outbox, cli, t->space, on_result, t);
    if (status == SG_CLI_OK)
        status = start_thread(t);
    if (status == SG_CLI_OK)
        *ret = t;
    else
        free_talk(t);
    return status;
}

void talk_close(struct talk *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_mutex_unlock(&t->lock);
    http_wake(t->cli->http);
    (void)pthread_join(t->thread, NULL);
    free_talk(t);
}

int talk_fd(const struct talk *t)
{
    return t->fd;
}

struct talk_item *talk_take(struct talk *t)
{
    uint64_t count;

    pthread_mutex_lock(&t->lock);
    struct talk_item *item = t->first;
    if (item) {
        t->first = item->next;
        if (!t->first)
            t->last = NULL;
        t->items--;
        item->next = NULL;
    } else {
        (void)!read(t->fd, &count, sizeof(count));
    }
    pthread_mutex_unlock(&t->lock);
    return item;
}

enum cli_status talk_ask(struct talk *t, enum talk_ask what, const char *text, size_t len,
                         int64_t seq)
{
    struct outbox_request *request = outbox_new(what, text, len, seq);

    if (!request)
        return report_no_memory();
    pthread_mutex_lock(&t->lock);
    if (t->asked_last)
        t->asked_last->next = request;
    else
        t->asked = request;
    t->asked_last = request;
    *(what == SG_TALK_ASK_READ ? &t->reads : &t->pending) += 1;
    pthread_mutex_unlock(&t->lock);
    http_wake(t->cli->http);
    return SG_CLI_OK;
}

size_t talk_pending(struct talk *t)
{
    pthread_mutex_lock(&t->lock);
    size_t pending = t->pending;
    pthread_mutex_unlock(&t->lock);
    return pending;
}

bool talk_is_behind(struct talk *t)
{
    pthread_mutex_lock(&t->lock);
    bool behind = t->behind;
    pthread_mutex_unlock(&t->lock);
    return behind;
}

bool talk_is_idle(struct talk *t)
{
    pthread_mutex_lock(&t->lock);
    bool idle = t->pending == 0 && t->reads == 0;
    pthread_mutex_unlock(&t->lock);
    return idle;
}
