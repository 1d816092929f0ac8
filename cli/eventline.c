/* SPDX-License-Identifier: Apache-2.0 */
/* Events as lines for people. It never lets a text pass for more than a text. */
#include "cli/eventline.h"

#include "base/buf.h"
#include "cli/json.h"
#include "cli/term.h"
#include "cli/text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_EVENTLINE_INDENT   4
#define SG_EVENTLINE_TEXT_MAX ((size_t)1 << 20)
/* Narrower than this nothing is wrapped. */
#define SG_EVENTLINE_NARROW 20

#define DIM   "\033[2m"
#define PLAIN "\033[0m"

bool eventline_has_colour(void)
{
    const char *forbidden = getenv("NO_COLOR"), *kind = getenv("TERM");

    return term_stdout_is_tty() && !(forbidden && *forbidden) && kind && strcmp(kind, "dumb") != 0;
}

const char *eventline_colour(const char *name)
{
    static const char *const colours[] = {"\033[31m", "\033[32m", "\033[33m", "\033[35m",
                                          "\033[36m", "\033[91m", "\033[92m", "\033[93m",
                                          "\033[94m", "\033[95m", "\033[96m"};
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619U;
    return colours[hash % (sizeof(colours) / sizeof(colours[0]))];
}

static void pad(struct buf *b, size_t count)
{
    while (count-- > 0)
        buf_putc(b, ' ');
}

/* Length of the next piece of `text`: a word with the spaces before it, or what fits of it. */
static size_t next_piece(const char *text, size_t room, bool at_start, bool *ret_break)
{
    size_t spaces = strspn(text, " "), word = strcspn(text + spaces, " ");
    SG_BUF_CLEANUP struct buf piece = {0};

    buf_init(&piece, SG_EVENTLINE_TEXT_MAX * 8);
    buf_append(&piece, text, spaces + word);
    size_t width = text_width(buf_str(&piece));
    *ret_break = width > room && !at_start;
    if (width <= room || !at_start)
        return spaces + word;
    size_t fit = text_fit(buf_str(&piece), room);
    return fit > 0 ? fit : spaces + word;
}

/* One line of a text, escaped already, from column *used on. */
static void wrap_line(struct buf *b, const char *text, size_t *used, size_t indent, size_t columns)
{
    bool at_start = *used <= indent;

    while (*text) {
        size_t room = *used < columns ? columns - *used : 0;
        bool wrap = false;
        size_t len = next_piece(text, room, at_start, &wrap);

        if (wrap || (room == 0 && at_start && *used > indent)) {
            buf_putc(b, '\n');
            pad(b, indent);
            *used = indent;
            at_start = true;
            text += strspn(text, " ");
            continue;
        }
        SG_BUF_CLEANUP struct buf piece = {0};
        buf_init(&piece, SG_EVENTLINE_TEXT_MAX * 8);
        buf_append(&piece, text, len);
        buf_append(b, text, len);
        *used += text_width(buf_str(&piece));
        text += len;
        at_start = false;
    }
}

void eventline_wrap(struct buf *b, const char *text, size_t len, size_t used, size_t indent,
                    size_t columns)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    for (size_t from = 0; from <= len;) {
        const char *end = from < len ? memchr(text + from, '\n', len - from) : NULL;
        size_t line = end ? (size_t)(end - text) - from : len - from;
        size_t shown = line > 0 && end && text[from + line - 1] == '\r' ? line - 1 : line;
        SG_BUF_CLEANUP struct buf safe = {0};

        if (from > 0) {
            buf_putc(b, '\n');
            pad(b, indent);
            used = indent;
        }
        buf_init(&safe, SG_EVENTLINE_TEXT_MAX * 8);
        text_escape(&safe, text + from, shown);
        if (columns < indent + SG_EVENTLINE_NARROW)
            buf_puts(b, buf_str(&safe));
        else
            wrap_line(b, buf_str(&safe), &used, indent, columns);
        from += line + 1;
    }
}

/* The start of a line: time, space, number. Returns its width. */
static size_t put_head(struct buf *b, struct json_object *event, const struct eventline_style *s)
{
    char when[SG_TEXT_SIZE] = "?";
    int64_t at = 0;
    SG_BUF_CLEANUP struct buf head = {0};

    buf_init(&head, 4096);
    if (text_parse_time(json_text(event, "sent_at", ""), &at))
        text_datetime(at, when);
    if (s->now) {
        char today[SG_TEXT_SIZE];

        text_datetime(s->now, today);
        /* "2026-11-20 16:02": the day is the first ten. */
        if (strlen(when) == 16 && strncmp(when, today, 10) == 0)
            memmove(when, when + 11, 6);
    }
    buf_printf(&head, "[%s] ", when);
    if (s->numbers && json_int(event, "seq", 0) > 0)
        buf_printf(&head, "%lld ", (long long)json_int(event, "seq", 0));
    if (s->space) {
        const char *space = json_text(event, "space", "?");

        text_escape(&head, space, strlen(space));
        buf_putc(&head, ' ');
    }
    if (s->colour)
        buf_puts(b, DIM);
    buf_puts(b, buf_str(&head));
    if (s->colour)
        buf_puts(b, PLAIN);
    return text_width(buf_str(&head));
}

/* Returns the name's width. */
static size_t put_name(struct buf *b, const char *name, const struct eventline_style *s)
{
    SG_BUF_CLEANUP struct buf safe = {0};

    buf_init(&safe, 4096);
    text_escape(&safe, name, strlen(name));
    if (s->colour)
        buf_puts(b, eventline_colour(name));
    buf_puts(b, buf_str(&safe));
    if (s->colour)
        buf_puts(b, PLAIN);
    return text_width(buf_str(&safe));
}

static void put_files(struct buf *b, struct json_object *event)
{
    struct json_object *files = json_array(event, "files");

    for (size_t i = 0; files && i < json_object_array_length(files); i++) {
        struct json_object *file = json_object_array_get_idx(files, i);
        const char *path = json_text(file, "path", "?");
        char size[SG_TEXT_SIZE];

        text_size(json_int(file, "size", 0), true, size);
        pad(b, SG_EVENTLINE_INDENT);
        buf_puts(b, "file ");
        text_escape(b, path, strlen(path));
        buf_printf(b, " (%s)\n", size);
    }
}

static void put_message(struct buf *b, struct json_object *event, const struct eventline_style *s)
{
    struct json_object *revision = json_member(event, "revision");
    const char *text = json_text(revision ? revision : event, "text", NULL);
    size_t used = put_head(b, event, s);
    int64_t reply = json_int(event, "reply_to", 0);
    char about[64] = ": ";

    used += put_name(b, json_text(event, "sender", "?"), s);
    if (reply > 0)
        snprintf(about, sizeof(about), " (to %lld): ", (long long)reply);
    buf_puts(b, about);
    if (text)
        eventline_wrap(b, text, strlen(text), used + strlen(about), SG_EVENTLINE_INDENT,
                       s->columns);
    else
        buf_puts(b, json_truth(revision, "deleted", false) ? "(deleted)" : "(not readable)");
    if (text && revision)
        buf_puts(b, " (edited)");
    buf_putc(b, '\n');
    put_files(b, event);
}

static void put_update(struct buf *b, struct json_object *event, const struct eventline_style *s)
{
    const char *text = json_text(event, "text", NULL);
    size_t used = put_head(b, event, s);
    char about[64];

    used += put_name(b, json_text(event, "sender", "?"), s);
    snprintf(about, sizeof(about), " changed %lld%s", (long long)json_int(event, "target", 0),
             text ? ": " : "");
    buf_puts(b, about);
    if (text)
        eventline_wrap(b, text, strlen(text), used + strlen(about), SG_EVENTLINE_INDENT,
                       s->columns);
    buf_putc(b, '\n');
}

/* Everything else is a name and what it did, with %p path, %f from_path, %m member, %r role, %t
 * target. */
static const struct {
    const char *type, *words;
} deeds[] = {
    {"message.deleted", " deleted %t"},      {"file.stored", " stored %p"},
    {"file.moved", " moved %f to %p"},       {"file.deleted", " deleted %p"},
    {"member.added", " added %m as %r"},     {"member.updated", " made %m %r"},
    {"member.removed", " removed %m"},       {"space.created", " made the space"},
    {"space.updated", " changed the space"}, {"signature.created", " signed %p"},
    {"presence.joined", " joined"},          {"presence.left", " left"},
};

static void put_word(struct buf *b, struct json_object *event, char letter)
{
    static const struct {
        char letter;
        const char *member;
    } names[] = {{'p', "path"}, {'f', "from_path"}, {'m', "member"}, {'r', "role"}};
    const char *text = "?";

    if (letter == 't') {
        buf_printf(b, "%lld", (long long)json_int(event, "target", 0));
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].letter == letter)
            text = json_text(event, names[i].member, "?");
    }
    text_escape(b, text, strlen(text));
    if (letter == 'p' && json_truth(event, "directory", false))
        buf_putc(b, '/');
}

static void put_deed(struct buf *b, struct json_object *event, const char *words,
                     const struct eventline_style *s)
{
    const char *sender = json_text(event, "sender", "?");

    (void)put_head(b, event, s);
    buf_puts(b, "-- ");
    (void)put_name(b, sender, s);
    if (strcmp(words, " removed %m") == 0 && strcmp(sender, json_text(event, "member", "")) == 0)
        words = " left the space";
    for (; *words; words++) {
        if (*words == '%')
            put_word(b, event, *++words);
        else
            buf_putc(b, *words);
    }
    buf_putc(b, '\n');
}

static bool is_own_presence(struct json_object *event, const char *type, const char *self)
{
    return self && strncmp(type, "presence.", 9) == 0 &&
           strcmp(json_text(event, "sender", ""), self) == 0;
}

void eventline_append(struct buf *b, struct json_object *event, const struct eventline_style *s)
{
    const char *type = json_text(event, "type", "");

    if (is_own_presence(event, type, s->self))
        return;
    if (strcmp(type, "message") == 0) {
        put_message(b, event, s);
        return;
    }
    if (strcmp(type, "message.updated") == 0) {
        put_update(b, event, s);
        return;
    }
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(deeds[i].type, type) == 0)
            put_deed(b, event, deeds[i].words, s);
    }
}
