/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway says about the connection, in one line; shared by tls and status. */
#ifndef SG_CLI_TLSINFO_H
#define SG_CLI_TLSINFO_H

#include <stddef.h>

struct json_object;

/* "TLS1.3, AES-256-GCM, X25519, resumed" of a tls_get answer. */
void tlsinfo_format(struct json_object *tls, char *ret, size_t size);

#endif
