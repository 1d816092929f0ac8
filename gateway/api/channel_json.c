/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the offer of a channel; whoever calls wipes the answer. */
#include "api/channel_json.h"

#include "base/clock.h"
#include "core/channels.h"

void channel_json_offer(struct json_out *o, const char *name, const struct channel_offer *offer)
{
    const struct channel_terms *t = &offer->terms;

    json_out_object(o, name);
    json_out_string(o, "suite", offer->suite);
    if (offer->given) {
        json_out_base64(o, "key", offer->secret, sizeof offer->secret);
    } else {
        json_out_base64(o, "server_public_key", t->server_public, sizeof t->server_public);
        json_out_base64(o, "identity_key", offer->identity_key, sizeof offer->identity_key);
        json_out_base64(o, "signature", offer->signature, sizeof offer->signature);
    }
    json_out_base64(o, "salt", t->salt, sizeof t->salt);
    json_out_integer(o, "epoch", (int64_t)offer->epoch);
    json_out_time(o, "created_at", t->created_s * SG_NS_PER_S);
    json_out_time(o, "expires_at", t->expires_s * SG_NS_PER_S);
    json_out_array(o, "bind");
    if (offer->bound_address)
        json_out_string(o, NULL, "address");
    json_out_close(o, ']');
    json_out_integer(o, "responses_per_epoch", offer->responses_per_epoch);
    json_out_integer(o, "window", offer->window);
    json_out_close(o, '}');
}
