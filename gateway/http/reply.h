/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an answer leaves: builds it from what the operation set, or from the error, with the headers
 * that every answer carries. For the event loop's thread of the connection.
 */
#ifndef SG_HTTP_REPLY_H
#define SG_HTTP_REPLY_H

#include "http/internal.h"

/* Makes sure that there is an answer in `reply`: turns the request's error into one. Whoever has
 * the request. */
void reply_settle(struct request *r);

/* Whether the content of the answer goes with it. */
bool reply_sends_content(const struct request *r);

/* Hands the answer to libmicrohttpd; the result is the access handler's. */
enum MHD_Result reply_queue(struct request *r);

/* Sends a complete error answer on the TLS session at once, where libmicrohttpd takes none (in the
 * middle of a body); the connection must end after it. */
void reply_send_now(struct request *r);

/* Whether a browser asks, for a page of an origin that is allowed, what it may send (Fetch, CORS
 * preflight). */
bool reply_is_preflight(const struct request *r);

/* 204 with Allow, and what CORS wants to know. */
void reply_options(struct request *r);

/* Adds Allow for a 405. */
void reply_allow(struct request *r);

/* The answer has been written: sends what was held back of it. */
void reply_flush(struct request *r);

/* Sends what the socket holds back, now and from now on. */
void reply_uncork(struct conn *c);

/* For a content reader: ends the connection in the middle of the content. libmicrohttpd's own way,
 * MHD_CONTENT_READER_END_WITH_ERROR, forgets connections that have been suspended: here it is given
 * a byte, and finds that it cannot be sent. */
ssize_t reply_cut(struct request *r, char *buf);

/* Releases what the reply holds. */
void reply_fini(struct request *r);

/* Reads the whole content of a file's answer, reply.total bytes, to memory. May block. */
enum sg_err reply_file_collect(struct request *r, char *to) SG_MUST_CHECK;

/* Content readers of streamed answers, `cls` is the request. */
ssize_t reply_file_read(void *cls, uint64_t pos, char *buf, size_t max);
ssize_t reply_stream_read(void *cls, uint64_t pos, char *buf, size_t max);

#endif
