/* SPDX-License-Identifier: Apache-2.0 */
/* Ends connections that are past the deadline of their phase, and does what else is due from time
 * to time. */
#ifndef SG_HTTP_REAPER_H
#define SG_HTTP_REAPER_H

#include "base/err.h"

struct reaper;
struct registry;
struct tls_tickets;

/* Starts the thread; both are borrowed until reaper_free. */
enum sg_err reaper_new(struct registry *registry, struct tls_tickets *tickets,
                       struct reaper **ret) SG_MUST_CHECK;
void reaper_free(struct reaper *r); /* NULL is legal */

#endif
