/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/chat/{space}/messages: hands a message to the log and waits, without a thread, until it
 * is durable; it answers nothing before.
 */
#include <stddef.h>
#include <stdio.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/eventjson.h"
#include "api/message_request.h"
#include "api/operations.h"
#include "base/metrics.h"
#include "http/request.h"

/* Rights may change while it waits for its turn; then it is judged anew. */
#define TRIES_MAX 4

struct state {
    struct request *request;
    struct event_post post;
    struct chat_message message;
    struct space_record space;
    unsigned tries;
};

/* On a thread of the store, which must not wait; the state may be gone when this returns. */
static void done(struct event_post *post)
{
    struct state *s = (struct state *)(void *)((char *)post - offsetof(struct state, post));

    request_wake(s->request);
}

/* Authority, and on its way to the log. *ret_done false: its space must be made first. */
static enum sg_err send(struct request *r, struct state *s, bool make, bool *ret_done)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    uint64_t generation = spaces_generation(api->spaces);
    const char *name, *reason = "";
    enum space_role role;
    enum sg_err err = request_param(r, "space", &name);

    *ret_done = true;
    if (err == SG_OK)
        err = spaces_authorize(api->spaces, who, name, SG_SPACE_WRITER, &s->space, &role);
    if (err != SG_OK)
        return err;
    if (s->space.id == 0 && !make) {
        *ret_done = false;
        return SG_OK;
    }
    if (s->space.id == 0)
        err = spaces_make(api->spaces, who, &s->space);
    if (err == SG_OK && s->tries == 0)
        err = message_request_files(r, &s->space, &s->message);
    if (err != SG_OK)
        return err;
    s->tries++;
    s->post.done = done;
    err = chat_post(api->chat, who, &s->space, generation, &s->message, &s->post, &reason);
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "%s", reason);
    if (err == SG_OK)
        request_wait(r, 0, false);
    return answer_error(r, err, 0);
}

static enum sg_err run_at_once(struct request *r, bool *ret_done)
{
    struct state *s = request_state(r);
    const struct principal *who = request_principal(r);
    enum sg_err err;

    s->request = r;
    err = message_request_read(r, &s->message);
    /* The answer says whether they are there, and what is in them by their digests. */
    if (err == SG_OK && s->message.file_count > 0 && (who->scopes & SG_SCOPE_FILES_READ) == 0)
        err = answer_lacks_scope(r, "files:read");
    return err == SG_OK ? send(r, s, false, ret_done) : err;
}

static enum sg_err run(struct request *r)
{
    bool sent;

    return send(r, request_state(r), true, &sent);
}

static enum sg_err reply(struct request *r, const struct state *s)
{
    const struct event *e = s->post.event;
    char location[SG_SPACE_NAME_SIZE + 64];

    (void)snprintf(location, sizeof location, "/v1/chat/%s/messages/%llu", s->space.name,
                   (unsigned long long)e->seq);
    reply_header(r, "Location", location);
    if (s->post.replayed) {
        reply_header(r, "Idempotency-Replayed", "true");
        metrics_add(SG_METRIC_MESSAGES_REPLAYED, 1);
    }
    return eventjson_reply_event(r, 201, s->space.name, e);
}

static enum sg_err woken(struct request *r, enum request_wake why)
{
    struct state *s = request_state(r);
    bool sent = false;
    enum sg_err err;

    (void)why;
    switch ((int)s->post.result) {
    case SG_OK:
        return reply(r, s);
    case SG_ERR_CONFLICT:
        if (s->tries < TRIES_MAX) {
            /* A direct space that is to be made is one that has just gone with its other user. */
            err = send(r, s, false, &sent);
            return err == SG_OK && !sent ? SG_ERR_NOT_FOUND : err;
        }
        return request_fail(r, SG_ERR_CONFLICT,
                            "The message of this key is no longer kept, or rights change too "
                            "often.");
    case SG_ERR_NOT_FOUND:
        return s->message.reply_to != 0
                   ? request_fail(r, SG_ERR_NOT_FOUND, "reply_to: no such message in this space")
                   : SG_ERR_NOT_FOUND;
    case SG_ERR_NO_FILE:
        return request_fail(r, SG_ERR_NO_FILE, "files: %s does not exist",
                            s->message.files[s->post.bad_file]);
    default:
        return s->post.result;
    }
}

static void end(struct request *r)
{
    struct state *s = request_state(r);

    event_unref(s->post.event);
}

const struct operation messages_create_operation = {.state_size = sizeof(struct state),
                                                    .run_at_once = run_at_once,
                                                    .run = run,
                                                    .woken = woken,
                                                    .end = end};
