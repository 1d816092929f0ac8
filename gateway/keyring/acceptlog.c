/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the log that is there the one that the keyring goes on with; it accepts none that does not
 * verify in itself. */
#include "keyring/acceptlog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "keyring/translog_internal.h"

/* The work on one log. */
struct accept {
    const char *data;
    FILE *out;
    char *dir;
    char *state_path;
    char *key_path; /* the verifier key, kept beside the state */
    struct logfiles files;
    struct logstate former;
    bool has_former;
    bool published;       /* there is a checkpoint */
    struct checkpoint of; /* it */
    struct logstate found;
    struct merkle_frontier at_checkpoint;
    uint64_t length; /* of the file of entries */
};

static enum sg_err refuse(const struct accept *a, const char *why)
{
    (void)fprintf(a->out, "not accepted: %s\n", why);
    return SG_ERR_CORRUPT;
}

static enum sg_err lock_data(const struct accept *a, int *ret_fd)
{
    char *path = file_join(a->data, "lock");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    int code = errno;

    free(path);
    if (fd < 0) {
        (void)fprintf(a->out, "%s: %s\n", a->data, strerror(code));
        return err_from_errno(code);
    }
    *ret_fd = fd;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return SG_OK;
    (void)fprintf(a->out, "a gateway is running on %s: stop it first\n", a->data);
    return SG_ERR_CONFLICT;
}

/* The log's public key: from the state, or from the file beside it when the state is lost. */
static enum sg_err find_key(struct accept *a)
{
    SG_BUF_CLEANUP struct buf text;
    enum sg_err err = logstate_load(a->state_path, &a->former);

    buf_init(&text, SG_NOTE_VKEY_SIZE);
    a->has_former = err == SG_OK || err == SG_ERR_CONFLICT;
    if (err == SG_ERR_CONFLICT)
        (void)fprintf(a->out, "the keyring's state was copied or put back\n");
    else if (err != SG_OK)
        (void)fprintf(a->out, "the keyring's state: %s\n", err_title(err));
    if (a->has_former) {
        a->found.key = a->former.key;
        (void)fprintf(a->out, "the keyring remembers %" PRIu64 " entries\n",
                      a->former.frontier.size);
        return SG_OK;
    }
    err = file_read(a->key_path, &text);
    if (err == SG_OK && text.len > 0 && text.data[text.len - 1] == '\n')
        text.data[--text.len] = '\0';
    if (err == SG_OK)
        err = note_key_parse(buf_str(&text), &a->found.key);
    if (err != SG_OK)
        (void)fprintf(a->out, "not accepted: no public key of the log in %s: %s\n", a->key_path,
                      err_title(err));
    return err;
}

static enum sg_err read_checkpoint(struct accept *a)
{
    enum sg_err err = translog_read_checkpoint(&a->files, &a->found.key, &a->of);

    a->published = err == SG_OK;
    if (err == SG_ERR_NOT_FOUND) {
        (void)fprintf(a->out, "no checkpoint is there\n");
        return SG_OK;
    }
    if (err == SG_ERR_BAD_DIGEST)
        return refuse(a, "the checkpoint is not signed by this log's key");
    if (err == SG_OK)
        (void)fprintf(a->out, "a checkpoint of %" PRIu64 " entries is there\n", a->of.size);
    return err;
}

/* Reads all entries; with `derive`, writes what follows from them. */
static enum sg_err read_entries(struct accept *a, bool derive)
{
    const struct merkle_frontier nothing = {.size = 0};
    struct logscan scan;
    enum sg_err err = SG_OK;

    a->at_checkpoint = nothing;
    logscan_init(&scan, &nothing, 0);
    while (err == SG_OK && scan.bytes < a->length && !scan.torn) {
        err = logscan_next(&a->files, &scan, a->length, NULL);
        for (size_t i = 0; err == SG_OK && a->at_checkpoint.size < a->of.size &&
                           i < scan.hashes.len / SG_MERKLE_SIZE;
             i++)
            merkle_frontier_add(&a->at_checkpoint, scan.hashes.data + i * SG_MERKLE_SIZE);
        if (err == SG_OK && derive)
            err = logfiles_derive(&a->files, &scan);
    }
    a->found.frontier = scan.frontier;
    a->found.bytes = scan.bytes;
    logscan_fini(&scan);
    return err;
}

static enum sg_err judge(const struct accept *a)
{
    merkle_hash root;

    (void)fprintf(a->out,
                  "%" PRIu64 " whole entries are there, and %" PRIu64 " bytes that are none\n",
                  a->found.frontier.size, a->length - a->found.bytes);
    if (!a->published)
        return SG_OK;
    if (a->of.size > a->found.frontier.size)
        return refuse(a, "the checkpoint is of more entries than there are; put the entries back "
                         "that it belongs to");
    merkle_frontier_root(&a->at_checkpoint, root);
    if (memcmp(root, a->of.root, sizeof root) != 0)
        return refuse(a, "the checkpoint is of other entries than those that are there");
    return SG_OK;
}

static enum sg_err take_over(struct accept *a)
{
    const uint64_t synced = a->found.frontier.size / SG_TILE_WIDTH * SG_TILE_WIDTH;
    int64_t now = clock_now_ns();
    bool replaced;
    enum sg_err err = read_entries(a, true);

    if (err == SG_OK && a->found.bytes < a->length)
        err = logfiles_truncate(&a->files, a->found.bytes);
    if (err == SG_OK)
        err = logfiles_sync(&a->files);
    if (err == SG_OK)
        err = logfiles_sync_derived(&a->files);
    a->found.synced = synced;
    a->found.synced_bytes = a->found.bytes;
    if (err == SG_OK && synced < a->found.frontier.size)
        err = logdir_offset(a->files.reader, synced / SG_TILE_WIDTH, &a->found.synced_bytes);
    /* A clock that was ahead must not keep the log from going on for ever. */
    a->found.last_ns = a->has_former && a->former.last_ns < now ? a->former.last_ns : now;
    if (err == SG_OK)
        err = logstate_save(a->state_path, &a->found, &replaced);
    if (err != SG_OK)
        (void)fprintf(a->out, "not accepted: %s\n", err_title(err));
    return err;
}

static void report(const struct accept *a)
{
    char text[SG_BASE64_SIZE(SG_MERKLE_SIZE)];
    merkle_hash root;

    merkle_frontier_root(&a->found.frontier, root);
    encode_base64(root, sizeof root, text);
    (void)fprintf(a->out, "accepted: %s, %" PRIu64 " entries, root %s\n", a->found.key.name,
                  a->found.frontier.size, text);
    if (a->has_former && a->former.frontier.size > a->found.frontier.size)
        (void)fprintf(a->out,
                      "%" PRIu64 " entries are lost: whoever has seen them will find that the "
                      "history of this log has changed\n",
                      a->former.frontier.size - a->found.frontier.size);
}

static enum sg_err accept_log(struct accept *a)
{
    struct stat st;
    enum sg_err err;

    if (stat(a->dir, &st) != 0) {
        (void)fprintf(a->out, "%s: no log is there\n", a->dir);
        return SG_ERR_NOT_FOUND;
    }
    err = find_key(a);
    if (err == SG_OK)
        err = logfiles_open(&a->files, a->dir);
    if (err == SG_OK)
        err = logfiles_length(&a->files, &a->length);
    if (err == SG_OK)
        err = read_checkpoint(a);
    if (err == SG_OK)
        err = read_entries(a, false);
    if (err == SG_OK)
        err = judge(a);
    if (err == SG_OK)
        err = take_over(a);
    if (err == SG_OK)
        report(a);
    logfiles_close(&a->files);
    return err;
}

enum sg_err acceptlog_run(const char *data, FILE *out)
{
    struct accept *a = calloc(1, sizeof *a);
    SG_FD_CLEANUP int lock = -1;
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (a == NULL)
        return err;
    a->data = data;
    a->out = out;
    logfiles_init(&a->files);
    a->dir = file_join(data, "log");
    a->state_path = file_join(data, "keyring/log.state");
    a->key_path = file_join(data, "keyring/log.pub");
    if (a->dir != NULL && a->state_path != NULL && a->key_path != NULL)
        err = lock_data(a, &lock);
    if (err == SG_OK)
        err = accept_log(a);
    free(a->key_path);
    free(a->state_path);
    free(a->dir);
    free(a);
    return err;
}
