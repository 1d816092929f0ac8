/* SPDX-License-Identifier: Apache-2.0 */
/* The table of configuration keys and what their values must look like. */
#include "app/config_keys.h"

#include <ctype.h>
#include <string.h>

#include "core/phcstring.h"

#define AT(field) offsetof(struct config, field)
#define GIB       (UINT64_C(1) << 30)

static bool is_listen(const char *text)
{
    char host[256], port[8];

    return config_split_listen(text, host, port) == SG_OK;
}

static bool is_host_name(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > 253)
        return false;
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && strchr(".-:", *text) == NULL)
            return false;
    }
    return true;
}

static bool is_https_url(const char *text)
{
    if (*text == '\0')
        return true;
    if (strncmp(text, "https://", 8) != 0 || text[8] == '\0' || strlen(text) > 250)
        return false;
    for (text += 8; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 127 ||
            strchr("\"\\?#", *text) != NULL)
            return false;
    }
    return text[-1] != '/';
}

static bool is_origin(const char *text)
{
    const char *host;

    if (strcmp(text, "*") == 0)
        return true;
    host = strstr(text, "://");
    if (host == NULL || host == text || host[3] == '\0')
        return false;
    for (host += 3; *host != '\0'; host++) {
        if (!isalnum((unsigned char)*host) && strchr(".-:[]", *host) == NULL)
            return false;
    }
    return true;
}

static bool is_not_empty(const char *text)
{
    return *text != '\0';
}

static bool is_path(const char *text)
{
    return *text == '\0' || *text == '/';
}

static bool is_credential(const char *text)
{
    return *text != '\0' && *text != '.' && strchr(text, '/') == NULL && strlen(text) < 256;
}

#define TEXT(s, n, field, fb, rl, val, hlp, chk, why)                                              \
    {                                                                                              \
        .section = s, .name = n, .type = SG_KEY_TEXT, .offset = AT(field), .fallback = fb,         \
        .reloads = rl, .value = val, .help = hlp, .check = chk, .check_fail = why                  \
    }
#define LIST(s, n, field, fb, rl, val, hlp, chk, why)                                              \
    {                                                                                              \
        .section = s, .name = n, .type = SG_KEY_LIST, .offset = AT(field), .fallback = fb,         \
        .reloads = rl, .value = val, .help = hlp, .check = chk, .check_fail = why                  \
    }
#define UINT(s, n, field, fb, lo, hi, hlp)                                                         \
    {                                                                                              \
        .section = s, .name = n, .type = SG_KEY_UINT, .offset = AT(field), .fallback = fb,         \
        .min = lo, .max = hi, .value = "N", .help = hlp                                            \
    }
#define SIZE(s, n, field, fb, lo, hi, hlp)                                                         \
    {                                                                                              \
        .section = s, .name = n, .type = SG_KEY_SIZE, .offset = AT(field), .fallback = fb,         \
        .min = lo, .max = hi, .value = "BYTES", .help = hlp                                        \
    }
#define CHOICE(s, n, field, fb, ch, rl, hlp)                                                       \
    {                                                                                              \
        .section = s, .name = n, .type = SG_KEY_CHOICE, .offset = AT(field), .fallback = fb,       \
        .choices = ch, .reloads = rl, .value = ch, .help = hlp                                     \
    }
#define BOOL(s, n, field, fb, hlp)                                                                 \
    {                                                                                              \
        .section = s, .name = n, .type = SG_KEY_BOOL, .offset = AT(field), .fallback = fb,         \
        .value = "yes|no", .help = hlp                                                             \
    }

const struct config_key config_keys[] = {
    TEXT("server", "data", data, "/var/lib/secgate", false, "DIR",
         "Directory of database, files, certificates and keys; made when it is not there.",
         is_not_empty, "must not be empty"),
    LIST("server", "listen", listen, "localhost:8443", false, "HOST:PORT",
         "Address to serve; may be repeated; port 0 takes any free one, an empty host all "
         "addresses.",
         is_listen, "must be HOST:PORT, with an IPv6 address in brackets"),
    LIST("server", "name", name, "", true, "NAME",
         "Further DNS name or IP address for the server certificate; may be repeated.",
         is_host_name, "must be a DNS name or an IP address"),
    TEXT("server", "issuer", issuer, "", false, "URL",
         "Public address of this gateway, the `iss` of its tokens (https://localhost:PORT if not "
         "set).",
         is_https_url, "must be an https:// address without a trailing slash, query or fragment"),
    TEXT("server", "share", share, "", false, "DIR",
         "Directory with web/ and openapi/ (found beside the program if not set).", NULL, NULL),
    CHOICE("log", "format", log_format, "text", "text|json", true,
           "Form of the log on standard error."),
    CHOICE("log", "level", log_level, "info", "debug|info|warn|error", true,
           "Least level that is written; `info` has one line per request."),
    TEXT("tls", "certificate", tls_certificate, "", false, "FILE",
         "Certificate chain (PEM) of your own instead of the gateway's CA.", NULL, NULL),
    TEXT("tls", "key", tls_key, "", false, "FILE",
         "Its private key (PEM), read by the keyring only.", NULL, NULL),
    UINT("tls", "ticket-seconds", tls_ticket_seconds, "3600", 60, 86400,
         "Life of a TLS session ticket key, in seconds."),
    CHOICE("tls", "client-certificates", client_certificates, "optional", "off|optional|required",
           true, "Whether clients may, or must, show a certificate; strangers' ones are refused."),
    LIST("tls", "client-ca", client_ca, "", true, "FILE RULE [CRL]",
         "CA (PEM) of somebody else whose client certificates count, how they name a user, and its "
         "revocation list (docs/operations.md); may be repeated.",
         is_not_empty, "must be a file and a rule"),
    CHOICE(
        "keyring", "kek", kek, "file", "file|credential|passphrase", false,
        "What the private keys on disk are sealed with; a passphrase is asked for at the start."),
    TEXT("keyring", "kek-file", kek_file, "", false, "FILE",
         "For `file`: where that is (keyring/kek in the data directory if not set); made at the "
         "first start.",
         is_path, "must be an absolute path"),
    TEXT("keyring", "kek-credential", kek_credential, "secgate-kek", false, "NAME",
         "For `credential`: its name, as in LoadCredential= of the service.", is_credential,
         "must be the name of a credential"),
    TEXT("keyring", "pkcs11-module", pkcs11_module, "", false, "FILE",
         "PKCS#11 module for signing keys that live in a token.", is_path,
         "must be an absolute path"),
    TEXT("keyring", "pkcs11-pin-file", pkcs11_pin_file, "", false, "FILE",
         "Its PIN, in the first line, read by the keyring only.", is_path,
         "must be an absolute path"),
    LIST("keyring", "pkcs11-paths", pkcs11_paths, "", false, "PATH",
         "Directory or device that the module reads and writes; may be repeated.", is_path,
         "must be an absolute path"),
    CHOICE("accounts", "signup", signup, "invite", "open|invite|closed", false, "Who may sign up."),
    UINT("accounts", "access-token-seconds", access_token_seconds, "600", 10, 3600,
         "Life of an access token, in seconds."),
    UINT("accounts", "session-seconds", session_seconds, "2592000", 60, 31536000,
         "Life of a session, in seconds."),
    UINT("accounts", "argon2-memory-kib", argon2_memory_kib, "19456", 8, SG_PHC_MEMORY_KIB_MAX,
         "Memory of one password hash (argon2id), in KiB."),
    UINT("accounts", "argon2-passes", argon2_passes, "2", 1, SG_PHC_PASSES_MAX,
         "Passes of one password hash."),
    UINT("accounts", "argon2-lanes", argon2_lanes, "1", 1, SG_PHC_LANES_MAX,
         "Lanes of one password hash."),
    UINT("accounts", "argon2-concurrent", argon2_concurrent, "2", 1, 64,
         "Password hashes that are computed at a time."),
    UINT("accounts", "certificate-days", certificate_days, "90", 1, 90,
         "Life of a client certificate, in days."),
    UINT("accounts", "device-seconds", device_seconds, "600", 60, 1800,
         "Time to let a device in that asks for it (device grant), in seconds."),
    CHOICE("channel", "bind-address", channel_bind, "default", "off|default|always", false,
           "Whether the session of a channel is bound to the address it was opened from."),
    UINT("channel", "session-seconds", channel_session_seconds, "1800", 10, 86400,
         "Life of the session of a channel, in seconds."),
    UINT("channel", "responses-per-epoch", channel_responses, "10", 1, 1000000,
         "Answers after which the keys of a channel change."),
    UINT("channel", "window", channel_window, "64", 1, 64,
         "How far sequence numbers of a channel may be out of order or ahead."),
    UINT("channel", "data-bytes", channel_data_bytes, "1048576", 1024, 4194304,
         "Largest request, and largest answer, in a sealed message."),
    UINT("audit", "keep-seconds", audit_seconds, "0", 0, 3153600000,
         "How long entries of the audit log are kept, in seconds; 0 is for ever."),
    UINT("audit", "keep-entries", audit_entries, "1000000", 1000, 4000000000,
         "How many entries of the audit log are kept."),
    UINT(
        "audit", "keep-young-seconds", audit_young_seconds, "604800", 0, 3153600000,
        "Entries of the audit log that are younger than this many seconds are kept, however many."),
    LIST("cors", "origins", cors_origins, "", false, "ORIGIN",
         "Origin whose pages may call the API from a browser; may be repeated; `*` is any.",
         is_origin, "must be an origin such as https://app.example, or *"),
    BOOL("metrics", "public", metrics_public, "no",
         "Serve /metrics to everybody instead of loopback and admins."),
    UINT("chat", "retention-seconds", retention_seconds, "0", 0, 3153600000,
         "How long events are kept, in seconds, where a space does not say; 0 is for ever."),
    UINT("chat", "retention-events", retention_events, "1000000", 0, 4000000000,
         "How many events of a space are kept where it does not say; 0 is all."),
    UINT("limits", "connections", connections, "10000", 1, 15000, "Open connections in all."),
    UINT("limits", "connections-per-address", connections_per_address, "4000", 0, 15000,
         "Open connections from one address (IPv6: one /64); 0 is no limit."),
    UINT("limits", "header-bytes", header_bytes, "6144", 4096, 65536,
         "Size of a request head, with 64 for each field; every connection has memory for it."),
    UINT("limits", "header-seconds", header_seconds, "10", 1, 600,
         "Time for the TLS handshake and for a request head, in seconds."),
    UINT("limits", "idle-seconds", idle_seconds, "60", 1, 3600,
         "Time that a kept connection may be idle, in seconds."),
    UINT("limits", "body-seconds", body_seconds, "8", 1, 600,
         "Grace before the least rate of a body counts, in seconds."),
    UINT("limits", "body-bytes-per-second", body_bytes_per_second, "1024", 1, 1048576,
         "Least average rate of a body in either direction."),
    UINT("limits", "stream-seconds", stream_seconds, "60", 1, 3600,
         "Time until a client that reads nothing of a stream of events is cut off, in seconds."),
    UINT("limits", "waiters", waiters, "9000", 0, 15000,
         "Requests that may wait for events, in all; fewer than connections (nine tenths of them, "
         "if there are less than that)."),
    UINT("limits", "waiters-per-user", waiters_per_user, "1000", 0, 15000,
         "Requests of one user that may wait for events; 0 is no limit."),
    UINT("limits", "waiters-per-address", waiters_per_address, "900", 0, 15000,
         "Requests from one address (IPv6: one /64) that may wait for events; 0 is no limit; fewer "
         "than connections-per-address."),
    UINT("limits", "pool-threads", pool_threads, "16", 1, 256,
         "Threads for work that blocks (database writes, disk); half as many more for logins."),
    UINT("limits", "pool-queue", pool_queue, "4096", 1, 65536,
         "Jobs that may wait for such a thread."),
    UINT("limits", "event-threads", event_threads, "0", 0, 64,
         "Event loop threads; 0 is one per core."),
    UINT("limits", "drain-seconds", drain_seconds, "30", 1, 3600,
         "Time that requests in progress have to end after SIGTERM, in seconds."),
    SIZE("limits", "file-bytes", file_bytes, "64G", 1, GIB << 20,
         "Largest file that can be uploaded; K, M, G, T are powers of 1024."),
    SIZE("limits", "reserve-bytes", reserve_bytes, "64M", 0, GIB << 10,
         "Disk space that uploads leave free for the database, at most a twentieth of the disk."),
};
const size_t config_key_count = sizeof config_keys / sizeof config_keys[0];

_Static_assert(sizeof config_keys / sizeof config_keys[0] <= SG_CONFIG_KEYS_MAX, "too many keys");
