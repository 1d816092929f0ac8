/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of the event log: "EPOCH.SEQ", in answers of /v1/events "EPOCH.SEQ.NOTE" with the number
 * of the last note (core/hub.h). Opaque to clients. Pure functions.
 */
#ifndef SG_CORE_EVENTCURSOR_H
#define SG_CORE_EVENTCURSOR_H

#include "store/events.h"

struct eventcursor {
    uint64_t seq;
    uint64_t note;
    bool has_note;
};
#define SG_EVENTCURSOR_SIZE 56

/* SG_ERR_BAD_CURSOR when it never was one, CURSOR_EPOCH when it is another log's. Whether it is of
 * the future or has been pruned only the log can tell. */
enum sg_err eventcursor_parse(const char *text, const char *epoch,
                              struct eventcursor *ret) SG_MUST_CHECK;
void eventcursor_format(const char *epoch, const struct eventcursor *cursor,
                        char ret[SG_EVENTCURSOR_SIZE]);

#endif
