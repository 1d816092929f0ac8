/* SPDX-License-Identifier: Apache-2.0 */
/* A thin layer on json-c: strict parsing, typed access that tolerates what is missing, output. */
#ifndef SG_CLI_JSON_H
#define SG_CLI_JSON_H

#include "cli/cli.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;
struct buf;

/* Releases *json (NULL is legal). */
void json_cleanup(struct json_object **json);
#define SG_JSON_CLEANUP __attribute__((cleanup(json_cleanup)))

/* Parses one whole document: valid UTF-8, at most 32 deep; NULL when it is anything else. */
struct json_object *json_parse(const char *text, size_t len);

/* Member `key` as text, or `fallback` when it is missing or no string. Borrowed. */
const char *json_text(struct json_object *object, const char *key, const char *fallback);
int64_t json_int(struct json_object *object, const char *key, int64_t fallback);
bool json_truth(struct json_object *object, const char *key, bool fallback);
/* Member `key`, which must be an object (array); NULL otherwise. Borrowed. */
struct json_object *json_member(struct json_object *object, const char *key);
struct json_object *json_array(struct json_object *object, const char *key);

/* Adds a text, number or truth value; false without memory. A NULL text adds null. */
bool json_put_text(struct json_object *object, const char *key, const char *value);
bool json_put_int(struct json_object *object, const char *key, int64_t value);
bool json_put_bool(struct json_object *object, const char *key, bool value);
/* Takes `value`, also on failure. */
bool json_put(struct json_object *object, const char *key, struct json_object *value);

/* Appends the document on one line, safe for a terminal. */
void json_append(struct buf *b, struct json_object *json);

/* Prints the document as one line on standard output. */
void json_print(struct json_object *json);

#endif
