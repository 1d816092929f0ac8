/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the SQLite engine share: connections with their statement caches, the pool of
 * reading connections and the writer's queue. Never included outside of the engine and its tests.
 */
#ifndef SG_STORE_SQLITE_INTERNAL_H
#define SG_STORE_SQLITE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/eventtext.h"
#include "store/sqlite.h"
#include "store/sqlite_names.h"

#define SG_SQLITE_READERS_MAX  32   /* open reading connections; further readers wait for one */
#define SG_SQLITE_QUEUE_MAX    4096 /* writes that wait for a commit */
#define SG_SQLITE_TOUCH_MAX    1024 /* sessions whose last use is not written yet */
#define SG_SQLITE_IDLE_MS      2000 /* longest time that a noted last use waits for its write */
#define SG_KNOWN_ADDRESSES     32   /* addresses remembered per user */
#define SG_SQLITE_SWEEP_EVENTS 2000 /* events of dropped spaces that one write removes */
#define SG_SQLITE_RECORD_MAX   4096 /* bytes of a record that a row becomes */
#define SG_SQLITE_NUMBERS_MAX  4    /* columns of a row of numbers */

enum sqlite_sql {
#define X(name) SG_SQL_##name,
    SG_SQL_NAMES(X) SG_SQL_IDENTITY_NAMES(X)
#undef X
        SG_SQL_COUNT
};

/* The text of a statement; static storage. */
const char *sqlite_sql_text(enum sqlite_sql id);
/* The same for SG_SQL_IDENTITY_NAMES only. */
const char *sqlite_sql_identity_text(enum sqlite_sql id);
/* The steps that make the schema, `[0]` leads from an empty database to version 1; NULL ends. */
const char *sqlite_sql_migration(unsigned index);

/* A connection: used by one thread at a time. */
struct sqlite_conn {
    sqlite3 *db;
    sqlite3_stmt *statements[SG_SQL_COUNT]; /* prepared at first use */
    struct sqlite_conn *next;               /* in the pool's free list */
    uint64_t snapshot;      /* epoch under which its read transaction was begun; 0: it has none */
    struct sqlite_log *log; /* the writer's; NULL for readers */
};

/* A write: lives on the stack of the thread that waits for it, or, with `finish`, in what nobody
 * waits for (hence the attribute: in memory that was declared as something else). */
struct __attribute__((may_alias)) sqlite_job {
    enum sg_err (*run)(struct sqlite_conn *c, void *ctx);
    void *ctx;
    enum sg_err result;
    bool done;
    pthread_cond_t finished;
    struct sqlite_job *next;
    void (*finish)(struct sqlite_job *job); /* called instead of waking a thread */
};

/* The end of the event log, and the events of a batch that nobody has seen yet. All is the writer's
 * thread's, but `head` and, before the first event, the sink. */
struct sqlite_log {
    _Atomic uint64_t head; /* seq of the last event that is committed */
    bool loaded;           /* `epoch` and `seq` are right */
    char epoch[SG_EPOCH_SIZE];
    uint64_t seq;          /* the last one given out */
    struct event **events; /* in order of seq */
    size_t count, committed, room;
    size_t of_members;    /* how many of them have a member_id */
    struct buf canonical; /* of the event that is being made */
    void (*sink)(void *ctx, struct event *const *events, size_t count);
    void *sink_ctx;
};

struct sqlite_touch {
    uint8_t id[SG_SESSION_ID_SIZE];
    int64_t ns; /* 0: the slot is free */
};

struct sqlite_writer {
    pthread_mutex_t lock; /* guards everything below but `conn`, which is the thread's */
    pthread_cond_t wake;
    pthread_t thread;
    bool started, stopping;
    struct sqlite_job *first, **last;
    size_t queued;
    enum sg_err last_commit;
    size_t touches;
    struct sqlite_touch touch[SG_SQLITE_TOUCH_MAX]; /* open addressing by the id's first bytes */
    struct sqlite_conn conn;
};

struct sqlite_store {
    char *path;
    struct sqlite_writer writer;
    struct sqlite_log log;
    pthread_mutex_t readers_lock; /* guards the three below */
    pthread_cond_t reader_free;
    struct sqlite_conn *readers; /* free ones, latest used first */
    size_t readers_open;
    /* Goes up before the writer begins and after it has ended: odd while it writes. A reader's
     * transaction stays open for the next reader as long as this does not change. */
    _Atomic uint64_t epoch;
};

/* -- connections (sqlite_conn.c) ----------------------------------------------------------------
 */

/* Converts an SQLite result where it comes in; `db` tells the system's error, NULL is legal. */
enum sg_err sqlite_conn_error(sqlite3 *db, int rc);
/* Opens with the settings that every connection has. `write` only for the writer's. */
enum sg_err sqlite_conn_open(const char *path, bool write, struct sqlite_conn *ret) SG_MUST_CHECK;
void sqlite_conn_close(struct sqlite_conn *c);
/* Runs texts of several statements (migrations, pragmas). */
enum sg_err sqlite_conn_exec(struct sqlite_conn *c, const char *sql) SG_MUST_CHECK;

/* Takes a reading connection out of the pool, opening one if there are not too many, else waiting.
 */
enum sg_err sqlite_conn_acquire(struct sqlite_store *s, struct sqlite_conn **ret) SG_MUST_CHECK;
void sqlite_conn_release(struct sqlite_store *s, struct sqlite_conn *c);
/* Around several statements of a reader that must see the same: a common transaction is missing
 * while the writer writes. *ret_own is for the end. */
enum sg_err sqlite_conn_view_begin(struct sqlite_conn *c, bool *ret_own) SG_MUST_CHECK;
/* `err` is what went wrong meanwhile; it comes first. */
enum sg_err sqlite_conn_view_end(struct sqlite_conn *c, bool own, enum sg_err err) SG_MUST_CHECK;
/* Around each transaction of the writer. The first ends what readers have left open, so that the
 * log can be checkpointed; the second comes before anybody hears of the commit. */
void sqlite_conn_write_begins(struct sqlite_store *s);
void sqlite_conn_write_ended(struct sqlite_store *s);

/* -- statements (sqlite_query.c) ----------------------------------------------------------------
 */

/*
 * One run of a statement: begin or open, bind_* in order, and an ending, which resets the statement
 * and says whether all of it worked: run, change, one, rows, numbers, found; or, for what fits none
 * of them, next until it is false (or enough), and end. The first error is kept: nothing happens
 * after it, and it is what the ending gives back.
 */
struct sqlite_query {
    struct sqlite_conn *conn;
    struct sqlite_store *store; /* who gets the connection back at the end; NULL: nobody */
    sqlite3_stmt *stmt;
    struct arena *arena; /* for texts without a bound; the caller sets it when rows have some */
    int bound;
    enum sg_err err;
};
/* On a connection of the caller's. */
void sqlite_query_begin(struct sqlite_query *q, struct sqlite_conn *c, enum sqlite_sql id);
/* On a reading connection of its own. */
void sqlite_query_open(struct sqlite_query *q, struct sqlite_store *s, enum sqlite_sql id);

/* Bound bytes are borrowed until the query ends; NULL is bound as such. */
void sqlite_query_int(struct sqlite_query *q, int64_t value);
void sqlite_query_text(struct sqlite_query *q, const char *value);
void sqlite_query_text_n(struct sqlite_query *q, const char *value, size_t len);
void sqlite_query_blob(struct sqlite_query *q, const void *value, size_t len);
void sqlite_query_null(struct sqlite_query *q);

/* How a row becomes a record: `read` fills all of *ret, which has `size` bytes. */
struct sqlite_row {
    size_t size; /* at most SG_SQLITE_RECORD_MAX */
    void (*read)(struct sqlite_query *q, void *ret);
};
/* Ends a statement whose rows nobody wants. */
enum sg_err sqlite_query_run(struct sqlite_query *q) SG_MUST_CHECK;
/* Ends a change; `none` when there was no row to change. */
enum sg_err sqlite_query_change(struct sqlite_query *q, enum sg_err none) SG_MUST_CHECK;
/* Ends with the first row; SG_ERR_NOT_FOUND when there is none. */
enum sg_err sqlite_query_one(struct sqlite_query *q, const struct sqlite_row *row,
                             void *ret) SG_MUST_CHECK;
/* Ends with the first `limit` rows, into an array of as many records. */
enum sg_err sqlite_query_rows(struct sqlite_query *q, const struct sqlite_row *row, size_t limit,
                              void *ret, size_t *ret_count) SG_MUST_CHECK;
/* Ends with the first `count` columns of the first row; zeros when there is none. */
enum sg_err sqlite_query_numbers(struct sqlite_query *q, size_t count, int64_t *ret) SG_MUST_CHECK;
/* Ends with whether there is a row. */
enum sg_err sqlite_query_found(struct sqlite_query *q, bool *ret) SG_MUST_CHECK;
/* The next row: false at the end and after an error, which sqlite_query_end gives back. */
bool sqlite_query_next(struct sqlite_query *q);
enum sg_err sqlite_query_end(struct sqlite_query *q) SG_MUST_CHECK;

/* The whole of a run without parameters, and with a number as the only one. */
enum sg_err sqlite_conn_run(struct sqlite_conn *c, enum sqlite_sql id) SG_MUST_CHECK;
enum sg_err sqlite_query_run_int(struct sqlite_conn *c, enum sqlite_sql id,
                                 int64_t value) SG_MUST_CHECK;

/* Columns of the current row; SG_ERR_CORRUPT is kept in the query when a value does not fit. */
int64_t sqlite_query_get_int(struct sqlite_query *q, int column);
bool sqlite_query_is_null(struct sqlite_query *q, int column);
void sqlite_query_get_text(struct sqlite_query *q, int column, char *ret, size_t size);
void sqlite_query_get_blob(struct sqlite_query *q, int column, void *ret, size_t size);
/* A text in the query's arena. */
char *sqlite_query_get_dup(struct sqlite_query *q, int column);
/* Keeps an error that was found in a row. */
void sqlite_query_fail(struct sqlite_query *q, enum sg_err err);

/* -- the writer (sqlite_writer.c) ---------------------------------------------------------------
 */

/* Starts the thread on an open writer.conn. */
enum sg_err sqlite_writer_start(struct sqlite_writer *w) SG_MUST_CHECK;
/* Ends it after what is queued. */
void sqlite_writer_stop(struct sqlite_writer *w);
/*
 * Runs `run(conn, ctx)` inside the writer's transaction and returns after its commit: the result of
 * `run`, or the commit's error. `run` may write to ctx only. SG_ERR_OVERLOADED when the queue is
 * full, SG_ERR_UNAVAILABLE when the store is closing.
 */
enum sg_err sqlite_write(struct sqlite_store *s,
                         enum sg_err (*run)(struct sqlite_conn *c, void *ctx),
                         void *ctx) SG_MUST_CHECK;
/* As sqlite_write without waiting: with SG_OK `job->finish(job)` is called exactly once, by the
 * writer, after the commit and after the sink, with the result in the job; it may free the job and
 * may write later again, but never wait. */
enum sg_err sqlite_write_later(struct sqlite_store *s, struct sqlite_job *job) SG_MUST_CHECK;
/* Notes a session's last use for the next commit. Dropped when too many wait. */
void sqlite_writer_touch(struct sqlite_writer *w, const uint8_t *id, int64_t now_ns);

/* -- shared between the files of the engine -----------------------------------------------------
 */

/* The vtables (sqlite_users.c, sqlite_sessions.c, sqlite_files.c, ...). */
extern const struct users_vtable sqlite_users_vtable;
extern const struct sessions_vtable sqlite_sessions_vtable;
extern const struct tokens_vtable sqlite_tokens_vtable;
extern const struct factors_vtable sqlite_factors_vtable;
extern const struct certificates_vtable sqlite_certificates_vtable;
extern const struct files_vtable sqlite_files_vtable;
extern const struct spaces_vtable sqlite_spaces_vtable;
extern const struct events_vtable sqlite_events_vtable;
extern const struct oauth_vtable sqlite_oauth_vtable;
extern const struct signatures_vtable sqlite_signatures_vtable;
extern const struct audit_vtable sqlite_audit_vtable;

/* SG_ERR_NOT_FOUND without such a user, USER_DISABLED (sqlite_users.c). */
enum sg_err sqlite_users_enabled(struct sqlite_conn *c, int64_t id) SG_MUST_CHECK;

/* -- spaces and members (sqlite_spaces.c, sqlite_spaces_change.c, sqlite_members.c) -------------
 */

/* As the functions of the vtable without `spaces_`, on a connection. */
enum sg_err sqlite_spaces_find(struct sqlite_conn *c, const char *name, int64_t user_id,
                               struct space_record *ret) SG_MUST_CHECK;
enum sg_err sqlite_spaces_info_find(struct sqlite_conn *c, int64_t id, int64_t user_id,
                                    struct space_info *ret) SG_MUST_CHECK;
/* The direct space of a user and another, with id 0 when there is none. NOT_FOUND: no such other.
 */
enum sg_err sqlite_spaces_direct_find(struct sqlite_conn *c, int64_t user_id, const char *other,
                                      struct space_record *ret) SG_MUST_CHECK;
enum sg_err sqlite_spaces_kind(struct sqlite_conn *c, int64_t id,
                               enum space_kind *ret) SG_MUST_CHECK;

/* Inside a write: a user's own space; the end of a space with all in it, but for its events, which
 * sqlite_spaces_sweep removes; an event of an actor's (fills sender and time). */
enum sg_err sqlite_spaces_add_own(struct sqlite_conn *c, const char *user, int64_t user_id,
                                  int64_t now_ns) SG_MUST_CHECK;
enum sg_err sqlite_spaces_drop(struct sqlite_conn *c, int64_t id) SG_MUST_CHECK;
/* The id of some dropped space with events; 0: there is none. */
enum sg_err sqlite_spaces_dropped(struct sqlite_conn *c, int64_t *ret) SG_MUST_CHECK;
enum sg_err sqlite_spaces_event(struct sqlite_conn *c, int64_t space_id,
                                const struct space_actor *actor,
                                struct event_draft *draft) SG_MUST_CHECK;
/* Inside a write: NOT_FOUND without such a user; a new member, no event; everything of a user that
 * leaves the gateway. */
enum sg_err sqlite_members_user_there(struct sqlite_conn *c, int64_t user_id) SG_MUST_CHECK;
enum sg_err sqlite_members_add(struct sqlite_conn *c, int64_t id, int64_t user_id,
                               enum space_role role, int64_t now_ns) SG_MUST_CHECK;
enum sg_err sqlite_members_remove_user(struct sqlite_conn *c, int64_t user_id,
                                       const char *name) SG_MUST_CHECK;

/* Functions of the vtable. */
enum sg_err sqlite_spaces_direct(void *self, int64_t user_id, const char *other, int64_t now_ns,
                                 struct space_record *ret) SG_MUST_CHECK;
enum sg_err sqlite_spaces_create(void *self, const char *name, const char *description,
                                 const struct space_actor *actor,
                                 struct space_info *ret) SG_MUST_CHECK;
enum sg_err sqlite_spaces_update(void *self, int64_t id, const struct space_change *change,
                                 const struct space_actor *actor,
                                 struct space_info *ret) SG_MUST_CHECK;
enum sg_err sqlite_spaces_remove(void *self, int64_t id) SG_MUST_CHECK;
void sqlite_spaces_sweep(void *self);
enum sg_err sqlite_spaces_read_set(void *self, int64_t id, int64_t user_id,
                                   uint64_t seq) SG_MUST_CHECK;
enum sg_err sqlite_members_get(void *self, int64_t id, const char *user,
                               struct member_record *ret) SG_MUST_CHECK;
enum sg_err sqlite_members_list(void *self, int64_t id, const char *after, size_t limit,
                                struct member_record *ret, size_t *ret_count) SG_MUST_CHECK;
enum sg_err sqlite_members_set(void *self, int64_t id, const char *user, enum space_role role,
                               const struct space_actor *actor, struct member_record *ret,
                               bool *ret_created) SG_MUST_CHECK;
enum sg_err sqlite_members_remove(void *self, int64_t id, const char *user,
                                  const struct space_actor *actor,
                                  int64_t *ret_user_id) SG_MUST_CHECK;

/* -- files (sqlite_files.c, sqlite_files_move.c, sqlite_list.c) ---------------------------------
 */

/* An entry; path[0..len) needs no NUL, "" is the root. `arena` NULL leaves out the path. */
enum sg_err sqlite_files_entry(struct sqlite_conn *c, int64_t space_id, const char *path,
                               size_t len, struct arena *arena,
                               struct entry_record *ret) SG_MUST_CHECK;
/* Inside a write: the directories above an entry that are missing, as its owner's. */
enum sg_err sqlite_files_make_parents(struct sqlite_conn *c, int64_t space_id,
                                      const struct entry_record *entry) SG_MUST_CHECK;
/* `current` NULL: nothing is there. */
enum sg_err sqlite_files_check(const struct entry_condition *condition,
                               const struct entry_record *current) SG_MUST_CHECK;
/* Inside a write: the least version that a new entry may have. */
enum sg_err sqlite_files_free_version(struct sqlite_conn *c, int64_t space_id, const char *path,
                                      uint64_t *ret) SG_MUST_CHECK;
enum sg_err sqlite_files_delete(struct sqlite_conn *c, int64_t space_id,
                                const char *path) SG_MUST_CHECK;
/* Inside a write: an event of `type` about an entry as it is (or was); `from_path` or NULL. */
enum sg_err sqlite_files_event(struct sqlite_conn *c, int64_t space_id, enum event_type type,
                               const char *path, const struct entry_record *entry,
                               const char *from_path,
                               const struct space_actor *actor) SG_MUST_CHECK;
/* Bounds of everything below a directory: path >= low and path < high. NOT_FOUND: too long. */
struct sqlite_files_bounds {
    char low[SG_PATH_SIZE + 1], high[SG_PATH_SIZE + 1];
};
enum sg_err sqlite_files_below(const char *dir, struct sqlite_files_bounds *ret) SG_MUST_CHECK;
/* Function of the vtable. */
enum sg_err sqlite_files_move(void *self, int64_t from_space_id, const char *from_path,
                              int64_t to_space_id, const char *to_path, bool overwrite,
                              const struct entry_condition *condition,
                              const struct space_actor *actor, struct arena *arena,
                              struct entry_record *ret,
                              uint8_t ret_old_sha256[SG_DIGEST_SIZE]) SG_MUST_CHECK;

/* Columns as in SG_ENTRY_COLUMNS; without an arena the path is left out. */
extern const struct sqlite_row sqlite_entry_row;
/* As files_vtable.list, without a look at the directory itself. */
enum sg_err sqlite_list_page(struct sqlite_conn *c, const struct entry_query *query,
                             struct arena *arena, struct entry_record *ret, size_t *ret_count,
                             bool *ret_more) SG_MUST_CHECK;

/* -- the event log (sqlite_log.c) ---------------------------------------------------------------
 */

/*
 * Inside a write: enters an event. Fills draft->seq and epoch, makes the canonical form and the
 * chain value, and keeps the event for the sink; when the write or the transaction is undone, so is
 * it. SG_ERR_NOT_FOUND when there is no such space.
 */
enum sg_err sqlite_events_append(struct sqlite_conn *c, int64_t space_id, int64_t sender_id,
                                 struct event_draft *draft) SG_MUST_CHECK;
/* What is written down about the log. */
struct sqlite_log_meta {
    char epoch[SG_EPOCH_SIZE];
    uint64_t head;
};
enum sg_err sqlite_log_meta(struct sqlite_conn *c, struct sqlite_log_meta *ret) SG_MUST_CHECK;
/* The writer's part: epoch and seq from the database, when they are not known. */
enum sg_err sqlite_log_load(struct sqlite_conn *c) SG_MUST_CHECK;
void sqlite_log_fini(struct sqlite_log *log);
/* Forgets the events after the first `count`: what they were entered for has been undone. */
void sqlite_log_drop(struct sqlite_log *log, size_t count);
/* Writes down the last seq, before a commit. */
enum sg_err sqlite_log_flush(struct sqlite_conn *c) SG_MUST_CHECK;
/* The transaction is over: its events are kept for sqlite_log_show, or dropped. */
void sqlite_log_end(struct sqlite_log *log, bool committed);
/* Inside a write: what `check` says (NULL: nothing is asked), and SG_ERR_CONFLICT when the user's
 * membership in the space has changed since the sink heard of events last, for what is known of it
 * outside may be old. */
enum sg_err sqlite_log_check(const struct sqlite_log *log, int64_t space_id, int64_t user_id,
                             enum sg_err (*check)(void *ctx), void *ctx) SG_MUST_CHECK;
/* Hands all events to the sink and forgets them. */
void sqlite_log_show(struct sqlite_log *log);

/* Reading (sqlite_events_read.c): one event, and functions of the vtable. */
enum sg_err sqlite_events_load(struct sqlite_conn *c, uint64_t seq,
                               struct event **ret) SG_MUST_CHECK;
enum sg_err sqlite_events_list(void *self, const struct event_query *query, struct event **ret,
                               size_t *ret_count, uint64_t *ret_seq) SG_MUST_CHECK;
enum sg_err sqlite_events_epoch(void *self, char ret[SG_EPOCH_SIZE]) SG_MUST_CHECK;
enum sg_err sqlite_events_head(void *self, uint64_t *ret) SG_MUST_CHECK;
enum sg_err sqlite_events_range(void *self, int64_t space_id,
                                struct event_range *ret) SG_MUST_CHECK;
enum sg_err sqlite_events_linked_file(void *self, int64_t space_id, const char *path,
                                      uint64_t version, struct arena *arena,
                                      struct entry_record *ret) SG_MUST_CHECK;

/* The device functions of sqlite_oauth_vtable (sqlite_devices.c). */
enum sg_err sqlite_device_add(void *self, const struct device_grant *grant, size_t in_all,
                              size_t of_address) SG_MUST_CHECK;
enum sg_err sqlite_device_get(void *self, const uint8_t *user_sha256, int64_t now_ns,
                              struct device_grant *ret) SG_MUST_CHECK;
enum sg_err sqlite_device_decide(void *self, const struct device_decision *d) SG_MUST_CHECK;
enum sg_err sqlite_device_poll(void *self, const uint8_t *device_sha256, const char *client_id,
                               int64_t now_ns, struct device_grant *ret,
                               enum device_poll *ret_answer) SG_MUST_CHECK;

#endif
