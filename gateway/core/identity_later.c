/* SPDX-License-Identifier: Apache-2.0 */
/* Writes that are owed by whoever must not wait for them: the end of a session that was used from
 * elsewhere, the last use of a script's token. It never decides anything. */
#include "core/identity_internal.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 256 /* notes that wait */

struct note {
    bool end; /* else: a use of a script's token */
    uint8_t session_id[SG_SESSION_ID_SIZE];
    int64_t user_id;
    char user[SG_USER_NAME_SIZE];
    uint8_t token_id[SG_TOKEN_ID_SIZE];
    int64_t at_ns;
    char address[46];
};

struct later {
    struct identity *id;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t more, less;
    struct note ring[ROOM];
    size_t first, count; /* the first is being written down */
    bool stop;
};

static void write_down(struct identity *id, const struct note *note)
{
    struct session_record session = {.user_id = note->user_id};
    enum sg_err err;

    if (note->end) {
        memcpy(session.id, note->session_id, sizeof session.id);
        err = identity_end(id, &session, note->user, SG_AUDIT_SESSION_ENDED, note->address,
                           SG_ERR_ADDRESS_MISMATCH);
    } else {
        err = id->tokens.vt->touch(id->tokens.self, note->token_id, note->at_ns, note->address);
    }
    (void)err; /* nobody is there to hear of it; the next use will try again */
}

static void *run(void *ctx)
{
    struct later *l = ctx;
    struct note note;

    pthread_mutex_lock(&l->lock);
    while (l->count > 0 || !l->stop) {
        if (l->count == 0) {
            pthread_cond_wait(&l->more, &l->lock);
            continue;
        }
        note = l->ring[l->first];
        pthread_mutex_unlock(&l->lock);
        write_down(l->id, &note);
        pthread_mutex_lock(&l->lock);
        l->first = (l->first + 1) % ROOM;
        l->count--;
        pthread_cond_signal(&l->less);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

struct later *later_new(struct identity *id)
{
    struct later *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    l->id = id;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->more, NULL);
    pthread_cond_init(&l->less, NULL);
    if (pthread_create(&l->thread, NULL, run, l) != 0) {
        free(l);
        return NULL;
    }
    return l;
}

void later_free(struct later *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_signal(&l->more);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    pthread_cond_destroy(&l->less);
    pthread_cond_destroy(&l->more);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* Under the lock. */
static bool is_ending(const struct later *l, const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    for (size_t i = 0; i < l->count; i++) {
        const struct note *note = &l->ring[(l->first + i) % ROOM];

        if (note->end && memcmp(note->session_id, session_id, SG_SESSION_ID_SIZE) == 0)
            return true;
    }
    return false;
}

bool later_is_ending(struct later *l, const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    bool ending;

    pthread_mutex_lock(&l->lock);
    ending = is_ending(l, session_id);
    pthread_mutex_unlock(&l->lock);
    return ending;
}

/* Under the lock, with room. */
static void add(struct later *l, const struct note *note)
{
    l->ring[(l->first + l->count++) % ROOM] = *note;
    pthread_cond_signal(&l->more);
}

void later_end(struct later *l, const struct principal *who, const char *address)
{
    struct note note = {.end = true, .user_id = who->user_id, .at_ns = clock_now_ns()};

    memcpy(note.session_id, who->session_id, sizeof note.session_id);
    memcpy(note.user, who->user, sizeof note.user);
    (void)snprintf(note.address, sizeof note.address, "%s", address);
    pthread_mutex_lock(&l->lock);
    if (!is_ending(l, who->session_id)) {
        /* Rather wait than let a session live that must end. */
        while (l->count == ROOM)
            pthread_cond_wait(&l->less, &l->lock);
        add(l, &note);
    }
    pthread_mutex_unlock(&l->lock);
    /* So that what is remembered of its tokens is looked at again. */
    atomic_fetch_add(&l->id->rights, 1);
}

void later_used(struct later *l, const uint8_t token_id[SG_TOKEN_ID_SIZE], int64_t now_ns,
                const char *address)
{
    struct note note = {.at_ns = now_ns};

    memcpy(note.token_id, token_id, sizeof note.token_id);
    (void)snprintf(note.address, sizeof note.address, "%s", address);
    pthread_mutex_lock(&l->lock);
    if (l->count < ROOM / 2)
        add(l, &note);
    pthread_mutex_unlock(&l->lock);
}
