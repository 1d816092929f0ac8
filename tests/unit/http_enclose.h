/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that enclose others: those of http_ops.h and http_wait.h, and some of their own. */
#ifndef SG_TESTS_HTTP_ENCLOSE_H
#define SG_TESTS_HTTP_ENCLOSE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "http/server.h"

#define HTTP_ENCLOSE_MAX     (1024 * 1024)     /* bytes of an enclosed answer */
#define HTTP_ENCLOSE_BODY    (2 * 1024 * 1024) /* bytes of a body that encloses */
#define HTTP_ENCLOSE_MEMBERS 100000            /* bytes of what /refuse and /make say */

/* Of the operations that enclose. */
extern atomic_int http_enclose_begun;
extern atomic_int http_enclose_ended;
/* While the first is set, one request is made at a time; then the second tells whether an operation
 * that encloses ended before the one in it. */
extern atomic_bool http_enclose_alone;
extern atomic_bool http_enclose_disordered;

/* Of all that may be enclosed and count. */
int http_all_begun(void);
int http_all_ended(void);

/*
 * POST /enclose, /enclose-job (on a pool thread where the body has an odd number of bytes) and
 * /small (100 bytes of answer at most): the body is "METHOD TARGET\nName:
 * value\n\nbody" or "nothing", the answer "STATUS\nName: value\n\nbody"; with X-Cut it cannot be
 * made. GET /nested encloses whatever it came in; /who and /who-blocks (only enclosed) tell what
 * they see; /refuse answers items-invalid with HTTP_ENCLOSE_MEMBERS bytes of members, and
 * POST /make 201 with so many bytes.
 */
void http_enclose_config(struct server_config *config);

#endif
