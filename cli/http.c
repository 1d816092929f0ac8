/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTPS exchanges with one gateway on libcurl. It never follows a redirect, speaks anything but
 * HTTPS, or trusts another CA than the profile's.
 */
#include "cli/http.h"

#include "base/clock.h"
#include "base/secret.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_HTTP_CONNECT_S 15L
/* A large upload is hashed and made durable before it is answered. */
#define SG_HTTP_STALL_S       180L
#define SG_HTTP_WAIT_MS       200
#define SG_HTTP_TOKEN_MAX     (size_t)16384
#define SG_HTTP_BUFFER        (256L << 10)
#define SG_HTTP_UPLOAD_BUFFER (256L << 10)

struct http {
    CURLM *multi;
    CURLSH *share;
    const char *url;
    const char *ca_file;
    size_t active;
    const char *certificate;
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
    http->url = url;
    http->ca_file = ca_file;
    http->multi = curl_multi_init();
    http->share = curl_share_init();
    if (!http->multi || !http->share)
        goto fail;
    (void)curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
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
    if (http->share)
        (void)curl_share_cleanup(http->share);
    free(http);
    curl_global_cleanup();
}

void http_set_certificate(struct http *http, const char *pem_file)
{
    http->certificate = pem_file;
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

static void copy_header(CURL *easy, const char *name, char *ret, size_t size)
{
    struct curl_header *header = NULL;

    ret[0] = 0;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return;
    /* A value that does not fit is none that we know; cut, it would look like one. */
    if (strlen(header->value) < size)
        memcpy(ret, header->value, strlen(header->value) + 1);
}

static void read_answer(struct http_call *call)
{
    char retry[16];
    curl_off_t length = -1;

    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->status);
    (void)curl_easy_getinfo(call->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    call->length = length;
    copy_header(call->easy, "ETag", call->etag, sizeof(call->etag));
    copy_header(call->easy, "Repr-Digest", call->repr_digest, sizeof(call->repr_digest));
    copy_header(call->easy, "Content-Range", call->content_range, sizeof(call->content_range));
    copy_header(call->easy, "X-Request-Id", call->request_id, sizeof(call->request_id));
    copy_header(call->easy, "Retry-After", retry, sizeof(retry));
    call->retry_after = strtol(retry, NULL, 10);
}

static bool is_success(const struct http_call *call)
{
    return call->status >= 200 && call->status < 300;
}

/* Tells the stream about the header, once; of an answer that is wrapped it comes later. */
static bool begin_body(struct http_call *call)
{
    if (call->started_body || call->wrapped)
        return true;
    call->started_body = true;
    read_answer(call);
    if (!is_success(call) || !call->stream || !call->stream->begin)
        return true;
    return call->stream->begin(call->stream->context, call);
}

static size_t on_write(char *data, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t len = size * count;

    if (!begin_body(call))
        return CURL_WRITEFUNC_ERROR;
    if (!call->wrapped && is_success(call) && call->stream && call->stream->write)
        return call->stream->write(call->stream->context, data, len) ? len : CURL_WRITEFUNC_ERROR;
    buf_append(&call->body, data, len);
    return call->body.failed ? CURL_WRITEFUNC_ERROR : len;
}

static size_t on_read(char *data, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    int64_t got = call->stream->read(call->stream->context, data, size * count);

    call->sent_anything = true;
    return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
    struct http_call *call = context;

    if (!call->sent_anything && offset == 0)
        return CURL_SEEKFUNC_OK;
    if (origin != SEEK_SET || !call->stream->seek ||
        !call->stream->seek(call->stream->context, offset))
        return CURL_SEEKFUNC_FAIL;
    return CURL_SEEKFUNC_OK;
}

static bool add_header(struct http_call *call, const char *line)
{
    struct curl_slist *list = curl_slist_append(call->headers, line);

    if (list)
        call->headers = list;
    return list != NULL;
}

static bool add_headers(struct http_call *call, const struct http_request *request)
{
    char line[256];
    bool ok = true;

    for (size_t i = 0; i < SG_HTTP_HEADERS && request->headers[i]; i++)
        ok = ok && add_header(call, request->headers[i]);
    if (request->content_type) {
        snprintf(line, sizeof(line), "Content-Type: %s", request->content_type);
        ok = ok && add_header(call, line);
    }
    if (request->token) {
        struct buf value;

        buf_init(&value, SG_HTTP_TOKEN_MAX);
        buf_printf(&value, "Authorization: Bearer %s", request->token);
        ok = ok && !value.failed && add_header(call, buf_str(&value));
        buf_wipe(&value);
    }
    return ok;
}

/* What all exchanges have in common. The GnuTLS flavour of libcurl 7.88 takes a CA as file only. */
static bool set_common(struct http *http, struct http_call *call,
                       const struct http_request *request)
{
    CURL *easy = call->easy;
    CURLcode bad = CURLE_OK;

    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    bad |= curl_easy_setopt(easy, CURLOPT_SHARE, http->share);
    bad |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (http->certificate) {
        bad |= curl_easy_setopt(easy, CURLOPT_SSLCERT, http->certificate);
        bad |= curl_easy_setopt(easy, CURLOPT_SSLKEY, http->certificate);
    }
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, SG_HTTP_CONNECT_S);
    bad |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                            request->stall_s ? request->stall_s : SG_HTTP_STALL_S);
    bad |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, SG_HTTP_BUFFER);
    bad |= curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, SG_HTTP_UPLOAD_BUFFER);
    bad |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "secctl/" SG_VERSION);
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    return bad == CURLE_OK;
}

static bool set_request(struct http *http, struct http_call *call,
                        const struct http_request *request)
{
    CURL *easy = call->easy;
    CURLcode bad = CURLE_OK;
    SG_BUF_CLEANUP struct buf url = {0};

    buf_init(&url, SG_HTTP_TOKEN_MAX * 2);
    buf_puts(&url, http->url);
    buf_puts(&url, request->target);
    if (url.failed || !add_headers(call, request))
        return false;
    bad |= curl_easy_setopt(easy, CURLOPT_URL, buf_str(&url));
    if (url_is_loopback(http->url))
        bad |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (request->upload) {
        bad |= curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        bad |= curl_easy_setopt(easy, CURLOPT_READDATA, call);
        bad |= curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        bad |= curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
        bad |= curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->stream->size);
    } else if (request->body) {
        bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        bad |= curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body);
    }
    bad |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    return bad == CURLE_OK;
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
    call->easy = curl_easy_init();
    if (!call->easy || !set_common(http, call, request) || !set_request(http, call, request) ||
        curl_multi_add_handle(http->multi, call->easy) != CURLM_OK) {
        if (call->easy)
            curl_easy_cleanup(call->easy);
        call->easy = NULL;
        http_call_fini(call);
        return report_no_memory();
    }
    http->active++;
    return SG_CLI_OK;
}

static enum http_failure classify(CURLcode code)
{
    if (code == CURLE_OK)
        return SG_HTTP_DONE;
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return SG_HTTP_UNTRUSTED;
    if (code == CURLE_WRITE_ERROR || code == CURLE_ABORTED_BY_CALLBACK)
        return SG_HTTP_GAVE_UP;
    if (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CACERT_BADFILE ||
        code == CURLE_SSL_CIPHER)
        return SG_HTTP_TLS;
    return SG_HTTP_NETWORK;
}

/* Sends what a call has sent once more, or `body` instead, after `delay_ms`. */
static bool send_again(struct http *http, struct http_call *call, const struct buf *body,
                       int delay_ms)
{
    buf_clear(&call->body);
    call->status = 0;
    call->error[0] = 0;
    if (body && (curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len) !=
                     CURLE_OK ||
                 curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS, buf_str(body)) != CURLE_OK))
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
    const struct http_stream *stream = is_success(call) ? call->stream : NULL;
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
    long sent = 0;

    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
    call->sent = sent > 0;
    call->failure = classify(code);
    if (call->failure == SG_HTTP_DONE && !begin_body(call))
        call->failure = SG_HTTP_GAVE_UP;
    read_answer(call);
    /* A refusal that came before all was sent counts, although sending then failed. */
    if ((code == CURLE_SEND_ERROR || code == CURLE_SEND_FAIL_REWIND) && call->status >= 400)
        call->failure = SG_HTTP_DONE;
    if (call->failure != SG_HTTP_DONE && !call->error[0])
        snprintf(call->error, sizeof(call->error), "%s", curl_easy_strerror(code));
    (void)curl_multi_remove_handle(http->multi, call->easy);
    if (call->wrapped && unwrap(http, call))
        return;
    curl_easy_cleanup(call->easy);
    call->easy = NULL;
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
        curl_easy_cleanup(call->easy);
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
