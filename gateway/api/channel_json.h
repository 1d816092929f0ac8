/* SPDX-License-Identifier: Apache-2.0 */
/* A channel as sessions_create answers it. */
#ifndef SG_API_CHANNEL_JSON_H
#define SG_API_CHANNEL_JSON_H

#include "api/json_out.h"

#define SG_CHANNEL_JSON_MAX 1024 /* bytes of it */

struct channel_offer;

void channel_json_offer(struct json_out *o, const char *name, const struct channel_offer *offer);

#endif
