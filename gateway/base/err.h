/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type of the whole gateway. Each value has its HTTP status, its public code and its
 * public title in one table; what a client sees follows from it (RFC 9457) and from nothing else.
 */
#ifndef SG_BASE_ERR_H
#define SG_BASE_ERR_H

/* A result that must not be ignored. */
#define SG_MUST_CHECK __attribute__((warn_unused_result))

/* X(name, HTTP status, public code, public title) */
#define SG_ERR_TABLE(X)                                                                            \
    X(INTERNAL, 500, "internal", "Internal error")                                                 \
    X(IO, 500, "io", "Input or output failed")                                                     \
    X(CORRUPT, 500, "corrupt", "Stored data is damaged")                                           \
    X(PROTOCOL, 500, "protocol", "Malformed internal message")                                     \
    X(NO_MEMORY, 503, "no-memory", "Out of memory")                                                \
    X(UNAVAILABLE, 503, "unavailable", "Temporarily unavailable")                                  \
    X(OVERLOADED, 503, "overloaded", "Too much work at the moment")                                \
    X(TOO_MANY_WAITERS, 503, "too-many-waiters", "Too many requests wait for events")              \
    X(DRAINING, 503, "draining", "The gateway is shutting down")                                   \
    X(CANCELLED, 499, "cancelled", "The client went away")                                         \
    X(TIMEOUT, 408, "request-timeout", "The request took too long to arrive")                      \
    X(BAD_REQUEST, 400, "bad-request", "Malformed request")                                        \
    X(BAD_JSON, 400, "json-invalid", "The body is not the JSON that is expected")                  \
    X(BAD_FIELD, 400, "parameter-invalid", "A parameter is missing or invalid")                    \
    X(BAD_PATH, 400, "path-invalid", "The path is not valid")                                      \
    X(BAD_CSR, 400, "csr-invalid", "The certificate request is not valid")                         \
    X(BAD_SEALED, 400, "sealed-invalid", "The sealed message is not authentic")                    \
    X(NOT_ENCLOSABLE, 400, "not-enclosable", "This request cannot be enclosed in another")         \
    X(BAD_TIMEZONE, 400, "timezone-unknown", "Unknown time zone")                                  \
    X(BAD_CURSOR, 400, "cursor-invalid", "The cursor is not valid here")                           \
    X(CURSOR_FUTURE, 400, "cursor-future", "The cursor is beyond the end of the log")              \
    X(BAD_DIGEST, 400, "digest-mismatch", "The content does not match its digest")                 \
    X(INCOMPLETE, 400, "body-incomplete", "The body ended early")                                  \
    X(UNAUTHENTICATED, 401, "unauthenticated", "A token is needed")                                \
    X(TOKEN_INVALID, 401, "token-invalid", "The token is not valid")                               \
    X(TOKEN_EXPIRED, 401, "token-expired", "The token has expired")                                \
    X(SESSION_ENDED, 401, "session-ended", "The session has ended")                                \
    X(SESSION_EXPIRED, 401, "session-expired", "The session has expired")                          \
    X(TOKEN_MISMATCH, 401, "token-mismatch", "The token is bound to something that was not shown") \
    X(BAD_PROOF, 401, "dpop-invalid", "The proof of possession is not valid")                      \
    X(PROOF_NONCE, 401, "dpop-nonce",                                                              \
      "The proof of possession must hold the nonce of this answer")                                \
    X(FACTOR_NEEDED, 401, "second-factor-required", "A second factor is needed")                   \
    X(BAD_FACTOR, 401, "second-factor-invalid", "The second factor is not valid")                  \
    X(BAD_CREDENTIALS, 401, "credentials-invalid", "Wrong user name or password")                  \
    X(FORBIDDEN, 403, "forbidden", "Not allowed")                                                  \
    X(LOGIN_NEEDED, 403, "login-needed", "Only somebody who has logged in may do this")            \
    X(SESSION_MISMATCH, 403, "session-mismatch", "The token belongs to another session")           \
    X(ADDRESS_MISMATCH, 403, "address-mismatch", "The session is bound to another address")        \
    X(CERT_NEEDED, 403, "certificate-required", "A client certificate is needed")                  \
    X(CERT_UNKNOWN, 403, "certificate-unknown", "The client certificate is not known")             \
    X(CERT_EXPIRED, 403, "certificate-expired",                                                    \
      "The client certificate is not valid at this time")                                          \
    X(CERT_REVOKED, 403, "certificate-revoked", "The client certificate has been revoked")         \
    X(SIGNUP_CLOSED, 403, "signup-closed", "Sign-up is closed")                                    \
    X(BAD_CODE, 403, "code-invalid", "The code is not valid")                                      \
    X(USER_DISABLED, 403, "user-disabled", "The user is disabled")                                 \
    X(NOT_FOUND, 404, "not-found", "Not found")                                                    \
    X(METHOD, 405, "method-not-allowed", "Method not allowed")                                     \
    X(NOT_ACCEPTABLE, 406, "not-acceptable", "No acceptable representation")                       \
    X(NAME_TAKEN, 409, "name-taken", "The name is taken")                                          \
    X(CONFLICT, 409, "conflict", "The state does not allow it")                                    \
    X(NO_CHANNEL, 409, "channel-missing", "The session has no channel")                            \
    X(EPOCH, 409, "epoch-unknown", "The epoch is neither the current one nor its predecessor")     \
    X(REPLAYED, 409, "sequence-replayed", "The sequence number was used before")                   \
    X(SEQUENCE_GAP, 409, "sequence-gap", "The sequence number is too far ahead")                   \
    X(SEQUENCE_BUSY, 409, "sequence-pending",                                                      \
      "The request with this sequence number is not answered yet")                                 \
    X(INTERRUPTED, 409, "sequence-interrupted", "What became of the request is not known")         \
    X(IS_DIRECTORY, 409, "is-directory", "A directory is there")                                   \
    X(NOT_DIRECTORY, 409, "not-a-directory", "A file is where a directory is needed")              \
    X(NOT_EMPTY, 409, "directory-not-empty", "The directory is not empty")                         \
    X(LAST_ADMIN, 409, "last-admin", "The last admin cannot be removed")                           \
    X(LAST_OWNER, 409, "last-owner", "The last owner cannot leave")                                \
    X(FIXED_MEMBERS, 409, "members-fixed", "The members of this space cannot be changed")          \
    X(LIMIT, 409, "limit-reached", "A limit is reached")                                           \
    X(GONE, 410, "gone", "It has been deleted")                                                    \
    X(CURSOR_EPOCH, 410, "cursor-unknown-epoch", "The cursor belongs to another log")              \
    X(CURSOR_PRUNED, 410, "cursor-pruned", "Events after the cursor have been pruned")             \
    X(PRECONDITION, 412, "precondition-failed", "A precondition does not hold")                    \
    X(TOO_LARGE, 413, "too-large", "The body is too large")                                        \
    X(URI_TOO_LONG, 414, "uri-too-long", "The address is too long")                                \
    X(MEDIA_TYPE, 415, "unsupported-media-type", "Unsupported content type")                       \
    X(RANGE, 416, "range-not-satisfiable", "The range cannot be satisfied")                        \
    X(EXPECTATION, 417, "expectation-failed", "Unsupported expectation")                           \
    X(IDEMPOTENCY, 422, "idempotency-mismatch", "The key was used for another request")            \
    X(NO_FILE, 422, "file-not-found", "A file that is named does not exist")                       \
    X(BAD_ITEMS, 422, "items-invalid", "Some items cannot be signed")                              \
    X(KEY_DISABLED, 409, "key-disabled", "The key is disabled")                                    \
    X(KEY_EXPIRED, 409, "key-expired", "The current version of the key has expired")               \
    X(QUORUM, 503, "quorum-not-reached", "Too few witnesses have seen the log")                    \
    X(LOG_CLOSED, 503, "log-closed", "The log does not continue what was published")               \
    X(CLOCK, 503, "clock-unreliable", "The clock cannot be trusted")                               \
    X(THROTTLED, 429, "throttled", "Too many attempts")                                            \
    X(HEADERS_TOO_LARGE, 431, "headers-too-large", "The header is too large")                      \
    X(NO_SPACE, 507, "insufficient-storage", "No space left to store this")

enum sg_err {
    SG_OK = 0,
#define X(name, status, code, title) SG_ERR_##name,
    SG_ERR_TABLE(X)
#undef X
        SG_ERR_COUNT
};

/* HTTP status of an error, 200 for SG_OK. */
unsigned err_status(enum sg_err err);

/* Stable public code ("not-found"); static storage, "ok" for SG_OK. */
const char *err_code(enum sg_err err);

/* Short public text; static storage. */
const char *err_title(enum sg_err err);

/*
 * Converts an errno value where it comes in: ENOSPC and EDQUOT become NO_SPACE, ENOMEM NO_MEMORY,
 * ENOENT NOT_FOUND, EMFILE and ENFILE OVERLOADED, ETIMEDOUT TIMEOUT, all else IO. Never SG_OK.
 */
enum sg_err err_from_errno(int code);

#endif
