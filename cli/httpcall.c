/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libcurl handle of one exchange. It never follows a redirect, speaks anything but HTTPS, or
 * trusts another CA than the profile's.
 */
#include "cli/httpcall.h"

#include "cli/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_HTTP_CONNECT_S 15L
/* A large upload is hashed and made durable before it is answered. */
#define SG_HTTP_STALL_S       180L
#define SG_HTTP_TOKEN_MAX     (size_t)16384
#define SG_HTTP_BUFFER        (256L << 10)
#define SG_HTTP_UPLOAD_BUFFER (256L << 10)

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
static bool set_common(struct http_call *call, const struct httpcall_gateway *gateway,
                       const struct http_request *request)
{
    CURL *easy = call->easy;
    CURLcode bad = CURLE_OK;

    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    bad |= curl_easy_setopt(easy, CURLOPT_SHARE, gateway->share);
    bad |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, gateway->ca_file);
    bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (gateway->certificate) {
        bad |= curl_easy_setopt(easy, CURLOPT_SSLCERT, gateway->certificate);
        bad |= curl_easy_setopt(easy, CURLOPT_SSLKEY, gateway->certificate);
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

static bool set_request(struct http_call *call, const struct httpcall_gateway *gateway,
                        const struct http_request *request)
{
    CURL *easy = call->easy;
    CURLcode bad = CURLE_OK;
    SG_BUF_CLEANUP struct buf url = {0};

    buf_init(&url, SG_HTTP_TOKEN_MAX * 2);
    buf_puts(&url, gateway->url);
    buf_puts(&url, request->target);
    if (url.failed || !add_headers(call, request))
        return false;
    bad |= curl_easy_setopt(easy, CURLOPT_URL, buf_str(&url));
    if (url_is_loopback(gateway->url))
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

bool httpcall_open(struct http_call *call, const struct httpcall_gateway *gateway,
                   const struct http_request *request)
{
    call->easy = curl_easy_init();
    if (call->easy && set_common(call, gateway, request) && set_request(call, gateway, request))
        return true;
    httpcall_close(call);
    return false;
}

bool httpcall_reopen(struct http_call *call, const struct buf *body)
{
    CURLcode bad = CURLE_OK;

    buf_clear(&call->body);
    call->status = 0;
    call->error[0] = 0;
    if (body) {
        bad |= curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
        bad |= curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS, buf_str(body));
    }
    return bad == CURLE_OK;
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

void httpcall_settle(struct http_call *call, CURLcode code)
{
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
}

void httpcall_close(struct http_call *call)
{
    if (call->easy)
        curl_easy_cleanup(call->easy);
    call->easy = NULL;
}
