/* SPDX-License-Identifier: Apache-2.0 */
/* Events as lines for people. No input or output. */
#ifndef SG_CLI_EVENTLINE_H
#define SG_CLI_EVENTLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct json_object;

struct eventline_style {
    bool colour;
    bool numbers;     /* messages with their number, to refer to them */
    bool space;       /* with the name of the space */
    size_t columns;   /* lines are wrapped to this width; 0: not */
    int64_t now;      /* times of this day are short; 0: always with the date */
    const char *self; /* whose own coming and going is not shown; NULL: everybody's is */
};

/* Whether names may be coloured on standard output: a terminal that can, and no $NO_COLOR. */
bool eventline_has_colour(void);

/* The SGR sequence for a name, always the same for the same name. */
const char *eventline_colour(const char *name);

/*
 * Appends an event as one or more lines. A text's own line breaks continue below, indented, so that
 * nothing can look like another event; all else that a terminal obeys is escaped. Appends nothing
 * for what is not to be shown (typing, unknown notes).
 */
void eventline_append(struct buf *b, struct json_object *event,
                      const struct eventline_style *style);

/*
 * Appends escaped `text` after something that took `used` columns, broken between words at
 * `columns` (0: not at all), with continued lines indented by `indent`. No line break at the end.
 */
void eventline_wrap(struct buf *b, const char *text, size_t len, size_t used, size_t indent,
                    size_t columns);

#endif
