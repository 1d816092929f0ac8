/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process-wide metrics in one table, updated with relaxed atomics, rendered in the Prometheus text
 * format 0.0.4. Names and help texts stand here and nowhere else.
 */
#ifndef SG_BASE_METRICS_H
#define SG_BASE_METRICS_H

#include <stdint.h>

struct buf;

/* X(enum name, "prometheus name", COUNTER|GAUGE, "help") */
#define SG_METRICS_TABLE(X)                                                                        \
    X(CONNECTIONS, "secgate_connections", GAUGE, "Open client connections.")                       \
    X(CONNECTIONS_TOTAL, "secgate_connections_total", COUNTER, "Connections accepted.")            \
    X(CONNECTIONS_REFUSED, "secgate_connections_refused_total", COUNTER,                           \
      "Connections refused by a limit.")                                                           \
    X(HANDSHAKES_FULL, "secgate_tls_handshakes_full_total", COUNTER, "Full TLS handshakes.")       \
    X(HANDSHAKES_RESUMED, "secgate_tls_handshakes_resumed_total", COUNTER,                         \
      "Resumed TLS handshakes.")                                                                   \
    X(REQUESTS_ACTIVE, "secgate_requests_active", GAUGE, "Requests in progress.")                  \
    X(BYTES_IN, "secgate_body_bytes_received_total", COUNTER, "Request body bytes received.")      \
    X(BYTES_OUT, "secgate_body_bytes_sent_total", COUNTER, "Response body bytes sent.")            \
    X(REAPED, "secgate_connections_reaped_total", COUNTER, "Connections ended by a deadline.")     \
    X(POOL_QUEUED, "secgate_pool_jobs_queued", GAUGE, "Jobs waiting for a pool thread.")           \
    X(POOL_REJECTED, "secgate_pool_jobs_rejected_total", COUNTER, "Jobs refused: queue full.")     \
    X(LOGIN_OK, "secgate_logins_total", COUNTER, "Successful logins.")                             \
    X(LOGIN_FAILED, "secgate_login_failures_total", COUNTER, "Failed logins.")                     \
    X(LOGIN_THROTTLED, "secgate_login_throttled_total", COUNTER, "Logins refused by throttling.")  \
    X(REFRESH_REUSE, "secgate_refresh_reuse_total", COUNTER, "Refresh tokens used again.")         \
    X(TOKENS_MINTED, "secgate_tokens_minted_total", COUNTER, "Access tokens minted.")              \
    X(TOKEN_CACHE_HITS, "secgate_token_cache_hits_total", COUNTER, "Tokens known from before.")    \
    X(TOKEN_VERIFIED, "secgate_token_verifications_total", COUNTER, "Token signatures verified.")  \
    X(DB_COMMITS, "secgate_db_commits_total", COUNTER, "Database commits.")                        \
    X(DB_WRITES, "secgate_db_writes_total", COUNTER,                                               \
      "Database write transactions, many a commit.")                                               \
    X(BLOBS_COLLECTED, "secgate_blobs_collected_total", COUNTER, "Unreferenced blobs removed.")    \
    X(KEYRING_CALLS, "secgate_keyring_calls_total", COUNTER, "Calls to the keyring.")              \
    X(KEYRING_FAILED, "secgate_keyring_call_failures_total", COUNTER, "Failed keyring calls.")     \
    X(CHANNELS, "secgate_channels", GAUGE, "Open sealed channels.")                                \
    X(CHANNEL_ANSWERS, "secgate_channel_answers_total", COUNTER, "Answers over sealed channels.")  \
    X(RELOADS, "secgate_certificate_reloads_total", COUNTER, "Certificate reloads.")               \
    X(WAITERS, "secgate_waiters", GAUGE, "Polls and streams that wait for events.")                \
    X(EVENT_STREAMS, "secgate_event_streams", GAUGE, "Open streams of events.")                    \
    X(EVENTS, "secgate_events_total", COUNTER, "Events published.")                                \
    X(EVENT_WAKES, "secgate_event_wakes_total", COUNTER, "Waiters woken by events.")               \
    X(MESSAGES_REPLAYED, "secgate_messages_replayed_total", COUNTER,                               \
      "Messages posted again under their idempotency key.")

enum metric {
#define X(name, text, kind, help) SG_METRIC_##name,
    SG_METRICS_TABLE(X)
#undef X
        SG_METRIC_COUNT
};

void metrics_add(enum metric m, int64_t n);
int64_t metrics_get(enum metric m);

/* Counts one finished request: status class and duration (histogram, seconds) per operation. `op`
 * indexes the route table (0 <= op < SG_METRICS_OPS); names are set once at start by
 * metrics_name_op. */
#define SG_METRICS_OPS 128
void metrics_name_op(unsigned op, const char *operation_id);
void metrics_request(unsigned op, unsigned status, int64_t duration_ns);

/* Appends everything in the Prometheus text format, with process RSS, descriptors and start time.
 */
void metrics_render(struct buf *out);

#endif
