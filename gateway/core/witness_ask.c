/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP of add-checkpoint: no redirects, capped answers, https with a verified certificate. */
#include "core/witness_ask.h"

#include <stdio.h>
#include <string.h>

#include "core/witness.h"
#include "core/witness_text.h"

#define REQUEST_MAX (SG_NOTE_MAX + 64 * 64)

/* -- what may be asked --------------------------------------------------------------------------
 */

static bool loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "[::1]") == 0;
}

static bool has_part(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(u, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return has;
}

/* Libcurl forgives what stands before the host. */
static bool well_begun(const char *url)
{
    const char *host = strstr(url, "://");

    return host != NULL && host[3] != '/' && host[3] != '\\' && host[3] != '\0';
}

static const char *url_obstacle(CURLU *u, const char *url)
{
    char *scheme = NULL;
    char *host = NULL;
    const char *obstacle = NULL;

    if (!well_begun(url) ||
        curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        obstacle = "witnesses: the address is malformed";
    else if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD) ||
             has_part(u, CURLUPART_QUERY) || has_part(u, CURLUPART_FRAGMENT))
        obstacle = "witnesses: an address must have no more than host, port and path";
    else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        obstacle = "witnesses: an address must be https, or http to this host";
    else if (strcmp(scheme, "http") == 0 && !loopback(host))
        obstacle = "witnesses: an address must be https, or http to this host";
    curl_free(scheme);
    curl_free(host);
    return obstacle;
}

const char *witness_obstacle(const struct keyring_witness *w)
{
    const char *obstacle;
    struct note_key key;
    CURLU *u;

    if (note_key_parse(w->vkey, &key) != SG_OK || key.type != SG_NOTE_COSIGNATURE)
        return "witnesses: the key must be a cosignature/v1 verifier key";
    for (const char *p = w->url; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return "witnesses: the address is malformed";
    u = curl_url();
    if (u == NULL)
        return "out of memory";
    obstacle = url_obstacle(u, w->url);
    curl_url_cleanup(u);
    return obstacle;
}

/* -- the request -------------------------------------------------------------------------------
 */

static size_t on_answer(char *data, size_t size, size_t count, void *arg)
{
    struct witness_ask *a = arg;

    (void)size; /* is 1 */
    buf_append(&a->answer, data, count);
    return a->answer.failed ? 0 : count; /* ends the transfer */
}

static enum sg_err put_body(struct witness_ask *a)
{
    struct logread_growth growth;
    enum sg_err err =
        logread_consistency(a->log, &a->head->of, a->old_size, a->head->of.size, &growth);

    if (err != SG_OK)
        return err;
    buf_clear(&a->body);
    buf_clear(&a->answer);
    witness_text_request(&a->body, a->old_size, (const merkle_hash *)growth.proof, growth.count,
                         a->head->note, a->head->note_len);
    err = buf_status(&a->body);
    if (err == SG_OK &&
        (curl_easy_setopt(a->easy, CURLOPT_POSTFIELDSIZE, (long)a->body.len) != CURLE_OK ||
         curl_easy_setopt(a->easy, CURLOPT_POSTFIELDS, buf_str(&a->body)) != CURLE_OK))
        err = SG_ERR_NO_MEMORY;
    return err;
}

static bool set_url(struct witness_ask *a)
{
    bool plain = strncmp(a->witness->url, "http:", 5) == 0;
    size_t len = strlen(a->witness->url);
    SG_BUF_CLEANUP struct buf url;
    bool bad = false;

    buf_init(&url, sizeof a->witness->url + 16);
    while (len > 0 && a->witness->url[len - 1] == '/')
        len--;
    buf_append(&url, a->witness->url, len);
    buf_puts(&url, "/add-checkpoint");
    bad |= buf_status(&url) != SG_OK;
    bad |= curl_easy_setopt(a->easy, CURLOPT_URL, buf_str(&url)) != CURLE_OK;
    bad |= curl_easy_setopt(a->easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https") != CURLE_OK;
    if (plain)
        bad |= curl_easy_setopt(a->easy, CURLOPT_PROXY, "") != CURLE_OK;
    return !bad;
}

static bool set_options(struct witness_ask *a, const char *ca_file, long timeout_ms)
{
    CURL *easy = a->easy;
    bool bad = false;

    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, a) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_POST, 1L) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, a->headers) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "secgate/" SG_VERSION) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK;
    if (ca_file != NULL) {
        bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) != CURLE_OK;
        bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) != CURLE_OK;
    }
    bad |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, a->reason) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) != CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, a) != CURLE_OK;
    return !bad && set_url(a);
}

enum sg_err witness_ask_start(struct witness_ask *a, const char *ca_file, long timeout_ms)
{
    struct curl_slist *more;

    buf_init(&a->line, SG_NOTE_VKEY_SIZE + 512);
    buf_init(&a->body, REQUEST_MAX);
    buf_init(&a->answer, SG_WITNESS_ANSWER_MAX);
    a->easy = curl_easy_init();
    a->headers = curl_slist_append(NULL, "Content-Type: text/plain; charset=utf-8");
    more = a->headers == NULL ? NULL : curl_slist_append(a->headers, "Expect:");
    if (a->easy == NULL || more == NULL)
        return SG_ERR_NO_MEMORY;
    a->headers = more;
    return set_options(a, ca_file, timeout_ms) ? put_body(a) : SG_ERR_NO_MEMORY;
}

void witness_ask_fini(struct witness_ask *a)
{
    curl_easy_cleanup(a->easy);
    curl_slist_free_all(a->headers);
    buf_fini(&a->line);
    buf_fini(&a->body);
    buf_fini(&a->answer);
}

/* -- the answer --------------------------------------------------------------------------------
 */

static void end(struct witness_ask *a, enum sg_err err, const char *reason)
{
    a->done = true;
    a->err = err;
    if (reason != NULL)
        (void)snprintf(a->reason, sizeof a->reason, "%s", reason);
}

/* The witness has seen another size than was said: once, with that. */
static void correct(struct witness_ask *a, long timeout_ms)
{
    char *type = NULL;
    uint64_t size;
    enum sg_err err;

    (void)curl_easy_getinfo(a->easy, CURLINFO_CONTENT_TYPE, &type);
    if (a->corrected || type == NULL || strcmp(type, "text/x.tlog.size") != 0 ||
        witness_text_size(buf_str(&a->answer), a->answer.len, &size) != SG_OK) {
        end(a, SG_ERR_CONFLICT, "it refuses what the log has become");
        return;
    }
    if (size > a->head->of.size) {
        end(a, SG_ERR_CONFLICT, "it has seen a longer log than this one");
        return;
    }
    a->corrected = true;
    a->old_size = size;
    err = timeout_ms > 0 ? put_body(a) : SG_ERR_TIMEOUT;
    if (err == SG_OK && curl_easy_setopt(a->easy, CURLOPT_TIMEOUT_MS, timeout_ms) != CURLE_OK)
        err = SG_ERR_NO_MEMORY;
    if (err != SG_OK)
        end(a, err, err_title(err));
}

void witness_ask_finished(struct witness_ask *a, CURLcode result, long timeout_ms)
{
    enum sg_err err;

    a->status = 0;
    (void)curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &a->status);
    if (result != CURLE_OK) {
        end(a, result == CURLE_OPERATION_TIMEDOUT ? SG_ERR_TIMEOUT : SG_ERR_UNAVAILABLE,
            a->answer.failed       ? "its answer is too long"
            : a->reason[0] != '\0' ? NULL
                                   : curl_easy_strerror(result));
        return;
    }
    if (a->status == 409) {
        correct(a, timeout_ms);
        return;
    }
    if (a->status != 200) {
        end(a, SG_ERR_UNAVAILABLE, "it refuses");
        return;
    }
    err = witness_text_cosignature(a->head->note, a->head->note_len, buf_str(&a->answer),
                                   a->answer.len, &a->key, &a->line);
    if (err == SG_OK)
        a->old_size = a->head->of.size;
    end(a, err, err == SG_OK ? "" : "its answer has no valid cosignature");
}
