/* SPDX-License-Identifier: Apache-2.0 */
/* The media type of stored content, by name and first bytes, from the shared MIME database. Thread
 * safe. */
#ifndef SG_CORE_MEDIATYPE_H
#define SG_CORE_MEDIATYPE_H

#include <stddef.h>
#include <stdint.h>

#define SG_MEDIATYPE_SIZE  128  /* with NUL, as in struct entry_record */
#define SG_MEDIATYPE_SNIFF 4096 /* first bytes that are looked at */

/*
 * Always gives a valid `type/subtype`: "application/octet-stream" for what is not known. Text whose
 * first bytes are UTF-8 (a character cut at the end is fine) gets "; charset=utf-8". `name` is the
 * last segment of the path; `data` at least the first min(SG_MEDIATYPE_SNIFF, size) bytes; more are
 * ignored. It says what the content is likely to be, never that a browser may run it.
 */
void mediatype_guess(const char *name, const void *data, size_t len, char ret[SG_MEDIATYPE_SIZE]);

#endif
