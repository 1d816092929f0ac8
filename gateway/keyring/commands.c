/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's commands. Keys go to where the operator says and nowhere else, never unencrypted.
 */
#include "keyring/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/passphrase.h"
#include "base/secret.h"
#include "keyring/acceptlog.h"
#include "keyring/backup.h"

static int say(const char *what, enum sg_err err)
{
    (void)fprintf(stderr, "secgated-keyring: %s (%s)\n", what, err_code(err));
    return EXIT_KEYS;
}

/* Nobody else changes the directory from here on, until the process ends. */
static enum sg_err lock(const char *data)
{
    char *path = file_join(data, "lock");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    enum sg_err err = fd != -1 ? SG_OK : err_from_errno(errno);

    free(path);
    if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        err = errno == EWOULDBLOCK ? SG_ERR_CONFLICT : err_from_errno(errno);
        (void)close(fd);
    }
    return err;
}

/* The key-encryption key, with its passphrase if it has one. One that is not there yet is made for
 * import only. */
static enum sg_err open_kek(const struct options *o, bool confirm, struct setup *s)
{
    char passphrase[SG_PASSPHRASE_MAX + 1] = "";
    struct setup_options setup = o->setup;
    enum sg_err err = SG_OK;

    if (setup.kek.source == SG_KEK_PASSPHRASE)
        err =
            o->passphrase_fd != -1
                ? passphrase_read_line(o->passphrase_fd, passphrase, sizeof passphrase)
                : passphrase_ask("Passphrase of the keys", confirm, passphrase, sizeof passphrase);
    setup.kek.passphrase = passphrase;
    if (err == SG_OK)
        err = setup_kek(&setup, s);
    secret_wipe(passphrase, sizeof passphrase);
    return err;
}

/* Whether there are sealed keys in the directory. */
static bool has_keys(const char *data)
{
    char *path = file_join(data, "keyring/kek.info");
    bool there = path != NULL && access(path, F_OK) == 0;

    free(path);
    return there;
}

/* -- export ------------------------------------------------------------------------------------ */

static enum sg_err write_out(const char *file, const struct buf *text)
{
    if (file != NULL)
        return file_write_atomic(file, text->data, text->len, 0600);
    return file_write_all(STDOUT_FILENO, text->data, text->len);
}

static int export_keys(const struct options *o, struct setup *s)
{
    char passphrase[SG_PASSPHRASE_MAX + 1] = "";
    struct backup b = {.count = 0};
    SG_BUF_CLEANUP struct buf text; /* nothing in it is readable */
    size_t count;
    enum sg_err err;

    buf_init(&text, SG_BACKUP_MAX);
    if (!has_keys(o->setup.data))
        return say("there are no sealed keys in this data directory", SG_ERR_NOT_FOUND);
    if (o->file == NULL && isatty(STDOUT_FILENO))
        return say("not onto a terminal: use --file FILE", SG_ERR_BAD_FIELD);
    err = open_kek(o, false, s);
    if (err != SG_OK)
        return say("the key-encryption key is not the one of this directory; see above", err);
    err = backup_collect(&s->kek, s->dir, o->key, &b);
    if (err != SG_OK)
        return say(o->key != NULL && err == SG_ERR_NOT_FOUND ? "there is no key of that name"
                                                             : "the keys cannot be read; see above",
                   err);
    err = passphrase_ask("Passphrase of the backup", true, passphrase, sizeof passphrase);
    if (err == SG_OK && strlen(passphrase) < SG_BACKUP_PASSPHRASE_MIN)
        err = SG_ERR_BAD_FIELD;
    if (err == SG_OK)
        err = backup_put(&b, passphrase, &text);
    count = b.count;
    backup_fini(&b);
    secret_wipe(passphrase, sizeof passphrase);
    if (err == SG_ERR_BAD_FIELD)
        return say("a passphrase has 8 characters at least", err);
    if (err != SG_OK)
        return say("the backup cannot be made", err);
    err = write_out(o->file, &text);
    if (err != SG_OK)
        return say("the backup cannot be written", err);
    (void)fprintf(stderr, "%zu files of keys are in the backup\n", count);
    return EXIT_SUCCESS;
}

/* -- import ------------------------------------------------------------------------------------ */

static enum sg_err read_backup(const char *file, struct backup *ret)
{
    char passphrase[SG_PASSPHRASE_MAX + 1] = "";
    SG_BUF_CLEANUP struct buf text;
    enum sg_err err;

    buf_init(&text, SG_BACKUP_MAX);
    err = file_read(file, &text);
    if (err == SG_OK)
        err = passphrase_ask("Passphrase of the backup", false, passphrase, sizeof passphrase);
    if (err == SG_OK)
        err = backup_get(text.data, text.len, passphrase, ret);
    secret_wipe(passphrase, sizeof passphrase);
    return err;
}

/* The log's key belongs to the log: where that is not, a second one under the same key would be a
 * fork of the first. */
static bool leave_log_key_out(const char *data, struct backup *b)
{
    char *checkpoint = file_join(data, "log/checkpoint");
    bool left_out = false;
    size_t kept = 0;

    if (checkpoint != NULL && access(checkpoint, F_OK) == 0) {
        free(checkpoint);
        return false;
    }
    free(checkpoint);
    for (size_t i = 0; i < b->count; i++) {
        struct backup_file *f = &b->file[i];

        if (strcmp(f->path, "log.key") == 0 || strcmp(f->path, "log.pub") == 0) {
            buf_wipe(&f->content);
            left_out = true;
        } else {
            b->file[kept++] = *f;
        }
    }
    b->count = kept;
    return left_out;
}

static int import_keys(const struct options *o, struct setup *s)
{
    struct backup b = {.count = 0};
    bool new_log;
    size_t count;
    enum sg_err err = file_mkdirs(o->setup.data, 0700);

    if (err == SG_OK)
        err = lock(o->setup.data);
    if (err == SG_ERR_CONFLICT)
        return say("a gateway runs with this data directory: stop it first", err);
    if (err != SG_OK)
        return say("the data directory cannot be locked", err);
    err = open_kek(o, !has_keys(o->setup.data), s);
    if (err != SG_OK)
        return say("the key-encryption key cannot be used; see above", err);
    err = read_backup(o->file, &b);
    if (err == SG_ERR_BAD_CREDENTIALS)
        return say("wrong passphrase, or the backup was altered", err);
    if (err != SG_OK)
        return say("this is no backup of a keyring", err);
    new_log = leave_log_key_out(o->setup.data, &b);
    err = backup_restore(&s->kek, s->dir, &b);
    count = b.count;
    backup_fini(&b);
    if (err == SG_ERR_CONFLICT)
        return say("other keys are there already; nothing was changed", err);
    if (err != SG_OK)
        return say("not all keys could be written; the next import completes it", err);
    (void)fprintf(stderr, "%zu files of keys are in place\n", count);
    if (new_log)
        (void)fprintf(stderr, "there is no log here: its key is left out, and a new log with a new "
                              "key will begin\n");
    return EXIT_SUCCESS;
}

/* -- accept-log -------------------------------------------------------------------------------- */

static int accept_log(const struct options *o)
{
    enum sg_err err = acceptlog_run(o->setup.data, stdout);

    return err == SG_OK ? EXIT_SUCCESS : say("the log was not accepted", err);
}

int commands_run(const struct options *o)
{
    struct setup s = {.dir = NULL};
    int status;

    if (o->command == COMMAND_EXPORT)
        status = export_keys(o, &s);
    else if (o->command == COMMAND_IMPORT)
        status = import_keys(o, &s);
    else
        status = accept_log(o);
    setup_close(&s);
    return status;
}
