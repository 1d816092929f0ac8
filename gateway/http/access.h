/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of requests: what libmicrohttpd calls. `cls` is the loop. Event loop's thread
 * only. */
#ifndef SG_HTTP_ACCESS_H
#define SG_HTTP_ACCESS_H

#include "http/internal.h"

/* MHD_OPTION_URI_LOG_CALLBACK: the request line is there, a request begins. */
void *access_begin(void *cls, const char *target, struct MHD_Connection *connection);

/* The access handler. */
enum MHD_Result access_handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **context);

/* MHD_OPTION_NOTIFY_COMPLETED. */
void access_completed(void *cls, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code);

#endif
