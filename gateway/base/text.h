/* SPDX-License-Identifier: Apache-2.0 */
/* What names and lines that people type must not have. */
#ifndef SG_BASE_TEXT_H
#define SG_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether valid UTF-8 has a control character: C0 (also NUL), DEL, or C1 (U+0080 to U+009F). */
bool text_has_control(const char *text, size_t len);

#endif
