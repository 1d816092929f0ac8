/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: flags, then environment, then file (INI), then defaults, in that order of
 * precedence. One table (config_keys) holds every key; help, check and hand-over to the worker are
 * made from it.
 */
#ifndef SG_APP_CONFIG_H
#define SG_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SG_CONFIG_LIST_MAX 32

struct config_list {
    size_t count;
    char *item[SG_CONFIG_LIST_MAX];
};

/* The choices of keyring.kek, in the order of the key table. */
enum kek_choice { SG_KEK_FROM_FILE, SG_KEK_FROM_CREDENTIAL, SG_KEK_FROM_PASSPHRASE };

/* Who must show a certificate, in the order of the key table. */
enum client_certificates {
    SG_CERTIFICATES_OFF,
    SG_CERTIFICATES_OPTIONAL,
    SG_CERTIFICATES_REQUIRED
};
/* Whether a channel's session is bound to its address where the client does not say so: never, by
 * default, always. */
enum channel_bind_choice { SG_BIND_OFF, SG_BIND_DEFAULT, SG_BIND_ALWAYS };

/* Values; strings are owned, "" when not set. Units are in the names, meanings in the key table. */
struct config {
    char *data;
    struct config_list listen;
    struct config_list name;
    char *issuer;
    char *share;
    unsigned log_format; /* enum log_format */
    unsigned log_level;  /* enum log_level */
    char *tls_certificate;
    char *tls_key;
    unsigned tls_ticket_seconds;
    unsigned client_certificates; /* enum client_certificates */
    struct config_list client_ca;
    unsigned kek; /* enum kek_choice */
    char *kek_file;
    char *kek_credential;
    char *pkcs11_module;
    char *pkcs11_pin_file;
    struct config_list pkcs11_paths;
    unsigned signup; /* enum signup_mode */
    unsigned access_token_seconds;
    unsigned session_seconds;
    unsigned argon2_memory_kib;
    unsigned argon2_passes;
    unsigned argon2_lanes;
    unsigned argon2_concurrent;
    unsigned certificate_days;
    unsigned device_seconds;
    unsigned channel_bind; /* enum channel_bind_choice */
    unsigned channel_session_seconds;
    unsigned channel_responses;
    unsigned channel_window;
    unsigned channel_data_bytes;
    unsigned audit_seconds;
    unsigned audit_entries;
    unsigned audit_young_seconds;
    struct config_list cors_origins;
    bool metrics_public;
    unsigned retention_seconds;
    unsigned retention_events;
    unsigned connections;
    unsigned connections_per_address;
    unsigned header_bytes;
    unsigned header_seconds;
    unsigned idle_seconds;
    unsigned body_seconds;
    unsigned body_bytes_per_second;
    unsigned stream_seconds;
    unsigned waiters;
    unsigned waiters_per_user;
    unsigned waiters_per_address;
    unsigned pool_threads;
    unsigned pool_queue;
    unsigned event_threads;
    unsigned drain_seconds;
    uint64_t file_bytes;
    uint64_t reserve_bytes;
};

/*
 * Reads all layers. `argc/argv` are the program's (options only; argv[0] is skipped); `env` is
 * `environ` or NULL (tests, worker). Every problem is one line in `errors`: "FILE:LINE:
 * section.key: what is wrong", "--flag: ...", "VARIABLE: ...". SG_ERR_BAD_FIELD when there is any;
 * *ret is then empty. *ret_rest is the index of the first argument that is no option.
 */
enum sg_err config_load(int argc, char *const *argv, char *const *env, struct config *ret,
                        int *ret_rest, struct buf *errors) SG_MUST_CHECK;
void config_fini(struct config *c);
void config_list_fini(struct config_list *list);

/* The effective configuration as `--key=value` arguments for the worker; NULL-ended, free with
 * config_args_free. NULL without memory. */
char **config_to_args(const struct config *c, size_t *ret_count);
void config_args_free(char **args);

/* Names (space-separated, "limits.connections") of the keys that differ and only count after a
 * restart. */
void config_changed(const struct config *old, const struct config *new, struct buf *ret);

/* Appends the part of `--help` that describes every key: flag, variable, file key, default. */
void config_help(struct buf *out);

/* "HOST:PORT", "[::1]:PORT", ":PORT" (all addresses); `host` and `port` hold 256 and 8 bytes. */
enum sg_err config_split_listen(const char *text, char *host, char *port) SG_MUST_CHECK;

#endif
