/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of gateways as they are typed. It never lets plain HTTP through. */
#include "cli/url.h"

#include "base/buf.h"
#include "cli/report.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#define SG_URL_MAX  (size_t)2048
#define SG_URL_PORT "8443"

static bool has_part(CURLU *parts, CURLUPart what)
{
    char *text = NULL;
    bool there = curl_url_get(parts, what, &text, 0) == CURLUE_OK && *text;

    if (what == CURLUPART_PATH && there && strcmp(text, "/") == 0)
        there = false;
    curl_free(text);
    return there;
}

static bool append(CURLU *parts, bool bare, struct buf *ret)
{
    char *host = NULL, *port = NULL;
    bool ok = curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host;

    if (curl_url_get(parts, CURLUPART_PORT, &port, bare ? 0 : CURLU_DEFAULT_PORT) != CURLUE_OK)
        port = NULL;
    if (ok) {
        for (char *p = host; *p; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        buf_printf(ret, "https://%s:%s", host, port ? port : SG_URL_PORT);
    }
    curl_free(host);
    curl_free(port);
    return ok && !ret->failed;
}

enum cli_status url_normalise(const char *typed, struct buf *ret)
{
    bool bare = strstr(typed, "://") == NULL;
    CURLU *parts = curl_url();
    SG_BUF_CLEANUP struct buf url = {0};
    bool ok = false;

    if (!bare && strncasecmp(typed, "https://", 8) != 0) {
        curl_url_cleanup(parts);
        return report_error(SG_CLI_USAGE, "gateways speak HTTPS only: https://HOST:PORT",
                            "\"%s\" is not an https address", typed);
    }
    buf_init(&url, SG_URL_MAX);
    buf_puts(&url, bare ? "https://" : "");
    buf_puts(&url, typed);
    if (parts && !url.failed && curl_url_set(parts, CURLUPART_URL, buf_str(&url), 0) == CURLUE_OK &&
        !has_part(parts, CURLUPART_USER) && !has_part(parts, CURLUPART_PASSWORD) &&
        !has_part(parts, CURLUPART_PATH) && !has_part(parts, CURLUPART_QUERY) &&
        !has_part(parts, CURLUPART_FRAGMENT))
        ok = append(parts, bare, ret);
    curl_url_cleanup(parts);
    if (ok)
        return SG_CLI_OK;
    return report_error(SG_CLI_USAGE, "give it as https://HOST:PORT",
                        "\"%s\" is not the address of a gateway", typed);
}

bool url_is_loopback(const char *url)
{
    const char *host = url + strcspn(url, "/");

    host += strspn(host, "/");
    /* Only digits and dots: "127.example" is somebody else. */
    if (strncmp(host, "127.", 4) == 0)
        return host[strspn(host, "0123456789.")] == ':';
    return strncmp(host, "localhost:", 10) == 0 || strncmp(host, "[::1]:", 6) == 0;
}
