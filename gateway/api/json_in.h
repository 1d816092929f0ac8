/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON input from a table: one row per member that the body may have. What is not in the
 * table, not of its type or not within its limits is refused with a detail that names the member.
 */
#ifndef SG_API_JSON_IN_H
#define SG_API_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct request;

enum json_kind {
    SG_JSON_STRING,
    SG_JSON_INTEGER,
    SG_JSON_INTEGER_OR_NULL, /* null is read as 0 */
    SG_JSON_BOOLEAN,
    SG_JSON_OBJECT,
    SG_JSON_STRINGS, /* an array of strings of 1 to SG_JSON_ITEM_MAX characters */
    SG_JSON_HEX,     /* a string of hexadecimal digits of either case, for exactly `max` bytes */
    SG_JSON_OBJECTS, /* an array of objects */
    SG_JSON_ANY      /* whatever it is, it is not read */
};
#define SG_JSON_ITEM_MAX 4096
#define SG_JSON_FIELDS   64 /* of one table */

struct json_strings {
    size_t count;
    char **items; /* in the arena, as their texts */
};

struct json_field;

/* Objects of an array: each is read by its own table into `one`, which is zeroed before, and copied
 * from there into `items`. */
struct json_objects {
    const struct json_field *fields; /* point into `one` */
    size_t field_count;
    void *one;
    size_t size; /* bytes of it */
    size_t count;
    void *items; /* in the arena */
};

struct json_field {
    const char *in; /* the object that it is part of, such as "a" or "a.b"; NULL: the outermost */
    const char *name;
    enum json_kind kind;
    bool required;    /* of its object, if that is there */
    int64_t min, max; /* characters of a string, value of an integer, items of an array */
    union {
        char **string; /* in the arena, NUL-terminated, holds no other NUL */
        int64_t *integer;
        bool *boolean;
        struct json_strings *strings;
        uint8_t *bytes;
        struct json_objects *objects;
    } to;        /* untouched when the member is absent */
    bool *given; /* whether it is there; may be NULL, must be for objects inside objects */
};

#define SG_JSON_DETAIL_SIZE 160

/*
 * Parses one object, whose text is followed by a NUL, and fills what the fields point to.
 * SG_ERR_BAD_JSON when it is not JSON as this gateway reads it (json_scan.h) or not an object,
 * SG_ERR_BAD_FIELD for a member; ret_detail is fit for the client. What the JSON library copied is
 * wiped before it is freed.
 */
enum sg_err json_in_parse(const uint8_t *text, size_t len, struct arena *arena,
                          const struct json_field *fields, size_t count,
                          char ret_detail[SG_JSON_DETAIL_SIZE]) SG_MUST_CHECK;

/* The same for the body of a request, which is wiped; sets the detail of the answer. */
enum sg_err json_in_read(struct request *r, const struct json_field *fields,
                         size_t count) SG_MUST_CHECK;

/* The same into an arena of the caller's, for bodies that are larger than a request's own. */
enum sg_err json_in_read_into(struct request *r, struct arena *arena,
                              const struct json_field *fields, size_t count) SG_MUST_CHECK;

/* Whether a text, followed by a NUL, is an object with this member in JSON as this gateway reads
 * it.
 */
bool json_in_has(const uint8_t *text, size_t len, const char *name);

/* Wipes the request's buffered body. */
void json_in_wipe_body(struct request *r);
/* Wipes a string that json_in_read made; NULL is legal. */
void json_in_wipe(char *text);

#endif
