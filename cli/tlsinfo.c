/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway says about the connection, in one line. */
#include "cli/tlsinfo.h"

#include "cli/json.h"

#include <stdio.h>

void tlsinfo_format(struct json_object *tls, char *ret, size_t size)
{
    snprintf(ret, size, "%s, %s, %s, %s", json_text(tls, "version", "?"),
             json_text(tls, "cipher", "?"), json_text(tls, "group", "?"),
             json_truth(tls, "resumed", false) ? "resumed" : "new handshake");
}
