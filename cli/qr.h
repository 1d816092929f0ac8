/* SPDX-License-Identifier: Apache-2.0 */
/* A QR code on a terminal. */
#ifndef SG_CLI_QR_H
#define SG_CLI_QR_H

#include <stdbool.h>

struct buf;
struct json_object;

/*
 * Appends rows of modules ("0101...", 1 is dark) as lines of half blocks, two rows in one line,
 * with the quiet zone of four modules around. Dark modules are left blank and light ones filled, so
 * that it can be read on a dark ground; `inverse` the other way. False for what is no square of 21
 * to 177 modules (ISO/IEC 18004).
 */
bool qr_append(struct buf *b, struct json_object *rows, bool inverse);

#endif
