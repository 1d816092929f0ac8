/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTPS exchanges with one gateway: which run, which are sent again, which are finished. It never
 * hands one out before whatever it was wrapped in has been taken off.
 */
#include "cli/http.h"

#include "base/clock.h"
#include "base/secret.h"
#include "cli/httpcall.h"
#include "cli/report.h"
#include "cli/term.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define SG_HTTP_WAIT_MS 200

struct http {
    CURLM *multi;
    struct httpcall_gateway gateway;
    size_t active;
    const struct http_wrapper *wrapper;
    struct http_call *done; /* finished, not fetched; oldest first */
    struct http_call *late; /* to be sent again at again_ns */
    void (*tick)(void *context);
    void *tick_context;
};

struct http *http_open(const char *url, const char *ca_file)
{
    struct http *http = calloc(1, sizeof(*http));

    if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        goto fail;
    http->gateway.url = url;
    http->gateway.ca_file = ca_file;
    http->multi = curl_multi_init();
    http->gateway.share = curl_share_init();
    if (!http->multi || !http->gateway.share)
        goto fail;
    (void)curl_share_setopt(http->gateway.share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)SG_HTTP_PARALLEL_MAX);
    return http;
fail:
    http_close(http);
    (void)report_no_memory();
    return NULL;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    if (http->multi)
        (void)curl_multi_cleanup(http->multi);
    if (http->gateway.share)
        (void)curl_share_cleanup(http->gateway.share);
    free(http);
    curl_global_cleanup();
}

void http_set_certificate(struct http *http, const char *pem_file)
{
    http->gateway.certificate = pem_file;
}

void http_set_wrapper(struct http *http, const struct http_wrapper *wrapper)
{
    http->wrapper = wrapper;
}

void http_set_tick(struct http *http, void (*tick)(void *context), void *context)
{
    http->tick = tick;
    http->tick_context = context;
}

enum cli_status http_start(struct http *http, struct http_call *call,
                           const struct http_request *request)
{
    void *owner = call->owner;
    struct http_request outer = {.method = NULL};

    memset(call, 0, sizeof(*call));
    call->owner = owner;
    if (http->wrapper && !request->plain) {
        enum cli_status status =
            http->wrapper->wrap(http->wrapper->context, request, &outer, &call->wrapped);
        if (status != SG_CLI_OK)
            return status;
        call->sealed = true;
        outer.stream = request->stream;
        request = &outer;
    }
    call->http = http;
    call->stream = request->stream;
    call->length = -1;
    buf_init(&call->body, SG_HTTP_BODY_MAX);
    if (!httpcall_open(call, &http->gateway, request) ||
        curl_multi_add_handle(http->multi, call->easy) != CURLM_OK) {
        httpcall_close(call);
        http_call_fini(call);
        return report_no_memory();
    }
    http->active++;
    return SG_CLI_OK;
}

/* Sends what a call has sent once more, or `body` instead, after `delay_ms`. */
static bool send_again(struct http *http, struct http_call *call, const struct buf *body,
                       int delay_ms)
{
    if (!httpcall_reopen(call, body))
        return false;
    if (delay_ms <= 0)
        return curl_multi_add_handle(http->multi, call->easy) == CURLM_OK;
    call->again_ns = clock_monotonic_ns() + delay_ms * SG_NS_PER_MS;
    call->next = http->late;
    http->late = call;
    return true;
}

/* Whether an exchange in another one goes on; else its own answer is in the call. */
static bool unwrap(struct http *http, struct http_call *call)
{
    const struct buf *body = NULL;
    int delay_ms = 0;
    enum http_unwrapped what =
        http->wrapper->unwrap(http->wrapper->context, call->wrapped, call, &body, &delay_ms);

    if (what != SG_HTTP_UNWRAPPED && send_again(http, call, body, delay_ms))
        return true;
    http->wrapper->free(call->wrapped);
    call->wrapped = NULL;
    if (call->failure != SG_HTTP_DONE)
        return false;
    const struct http_stream *stream = http_call_ok(call) ? call->stream : NULL;
    bool ok = !stream || !stream->begin || stream->begin(stream->context, call);
    if (ok && stream && stream->write) {
        ok = call->body.len == 0 || stream->write(stream->context, call->body.data, call->body.len);
        buf_clear(&call->body);
    }
    if (!ok)
        call->failure = SG_HTTP_GAVE_UP;
    return false;
}

/* Takes a finished exchange off libcurl and puts it into the list. */
static void complete(struct http *http, struct http_call *call, CURLcode code)
{
    struct http_call **end = &http->done;

    httpcall_settle(call, code);
    (void)curl_multi_remove_handle(http->multi, call->easy);
    if (call->wrapped && unwrap(http, call))
        return;
    httpcall_close(call);
    http->active--;
    while (*end)
        end = &(*end)->next;
    call->next = NULL;
    *end = call;
}

/* Sends what is due again. */
static void send_late(struct http *http)
{
    int64_t now = http->late ? clock_monotonic_ns() : 0;

    for (struct http_call **p = &http->late; *p;) {
        struct http_call *call = *p;

        if (call->again_ns > now) {
            p = &call->next;
            continue;
        }
        *p = call->next;
        (void)curl_multi_add_handle(http->multi, call->easy);
    }
}

/* Moves all exchanges on without waiting. */
static void poke(struct http *http)
{
    int running, left;
    CURLMsg *message;

    send_late(http);
    (void)curl_multi_perform(http->multi, &running);
    while ((message = curl_multi_info_read(http->multi, &left))) {
        struct http_call *call = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        complete(http, call, code);
    }
    if (http->tick)
        http->tick(http->tick_context);
}

/* Takes `call`, or the oldest if that is NULL, from the finished ones. */
static struct http_call *fetch(struct http *http, const struct http_call *call)
{
    for (struct http_call **p = &http->done; *p; p = &(*p)->next) {
        struct http_call *found = *p;

        if (!call || found == call) {
            *p = found->next;
            found->next = NULL;
            return found;
        }
    }
    return NULL;
}

static struct http_call *wait_for(struct http *http, const struct http_call *call)
{
    for (;;) {
        struct http_call *found = fetch(http, call);

        if (found || term_interrupted() || http->active == 0)
            return found;
        poke(http);
        if (!http->done)
            (void)curl_multi_poll(http->multi, NULL, 0, SG_HTTP_WAIT_MS, NULL);
    }
}

struct http_call *http_next(struct http *http, bool wait)
{
    if (wait)
        return wait_for(http, NULL);
    poke(http);
    return fetch(http, NULL);
}

struct http_call *http_next_within(struct http *http, int timeout_ms)
{
    poke(http);
    if (http->late && timeout_ms > SG_HTTP_WAIT_MS)
        timeout_ms = SG_HTTP_WAIT_MS;
    if (!http->done && timeout_ms > 0) {
        (void)curl_multi_poll(http->multi, NULL, 0, timeout_ms, NULL);
        poke(http);
    }
    return fetch(http, NULL);
}

void http_wake(struct http *http)
{
    (void)curl_multi_wakeup(http->multi);
}

enum cli_status http_perform(struct http *http, struct http_call *call,
                             const struct http_request *request)
{
    enum cli_status status = http_start(http, call, request);

    if (status != SG_CLI_OK)
        return status;
    return wait_for(http, call) ? SG_CLI_OK : SG_CLI_INTERRUPTED;
}

void http_call_fini(struct http_call *call)
{
    if (call->easy) {
        for (struct http_call **p = &call->http->late; *p; p = &(*p)->next) {
            if (*p == call) {
                *p = call->next;
                break;
            }
        }
        (void)curl_multi_remove_handle(call->http->multi, call->easy);
        httpcall_close(call);
        call->http->active--;
    } else if (call->http) {
        (void)fetch(call->http, call);
    }
    if (call->wrapped && call->http)
        call->http->wrapper->free(call->wrapped);
    for (struct curl_slist *h = call->headers; h; h = h->next)
        secret_wipe(h->data, strlen(h->data));
    curl_slist_free_all(call->headers);
    if (call->http)
        buf_wipe(&call->body);
    void *owner = call->owner;
    memset(call, 0, sizeof(*call));
    call->owner = owner;
}
