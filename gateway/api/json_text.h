/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text to json-c's values, without a copy of a secret that stays behind. */
#ifndef SG_API_JSON_TEXT_H
#define SG_API_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct json_object;

/* Parses what json_scan has accepted; `text` is followed by a NUL. SG_ERR_BAD_JSON,
 * SG_ERR_NO_MEMORY. Free *ret with json_text_free. */
enum sg_err json_text_parse(const uint8_t *text, size_t len,
                            struct json_object **ret) SG_MUST_CHECK;

/* Wipes all strings of a value and gives it back; NULL is legal. */
void json_text_free(struct json_object *value);

#endif
