/* SPDX-License-Identifier: Apache-2.0 */
/* A small route table for tests of the server; it counts what begins and ends. */
#ifndef SG_TESTS_HTTP_OPS_H
#define SG_TESTS_HTTP_OPS_H

#include <stdatomic.h>
#include <stdint.h>

#include "http/server.h"

#define HTTP_FILE_SIZE (3 * 1024 * 1024 + 17)

extern atomic_int http_ops_begun;
extern atomic_int http_ops_ended;
extern atomic_int http_ops_body_delay_us; /* of each call of the upload's `body` */
extern atomic_llong http_ops_received;    /* by uploads */
extern int http_ops_file;                 /* descriptor of the file that GET /file serves */

/* Byte `i` of that file. */
uint8_t http_ops_byte(uint64_t i);

/*
 * GET /hello (inline), /blocking, /at-once, /slow?ms= (blocking), /fail/{code}, /nothing, /file,
 * /tls; POST /json, /form (echo, at most 1000 bytes); PUT /up/{path...} (?fail_after=,
 * ?refuse=true), /inline-up; answers {"received":N}.
 */
void http_ops_config(struct server_config *config);
void http_ops_init(void);
void http_ops_fini(void);

#endif
