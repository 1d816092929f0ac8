/* SPDX-License-Identifier: Apache-2.0 */
/* Gives the event log a new identity. It never makes a database. */
#include "app/newepoch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/config.h"
#include "app/layout.h"
#include "base/file.h"
#include "store/sqlite.h"

static enum sg_err renew(const char *dir, char ret[SG_EPOCH_SIZE])
{
    struct sqlite_store *db = NULL;
    enum sg_err err = sqlite_store_open(dir, &db);

    if (err == SG_OK) {
        struct events_store events = sqlite_store_events(db);

        err = events.vt->new_epoch(events.self);
        if (err == SG_OK)
            err = events.vt->epoch(events.self, ret);
    }
    sqlite_store_close(db);
    return err;
}

static enum sg_err renew_in(const struct layout *l, char ret[SG_EPOCH_SIZE], const char **ret_why)
{
    char *database = file_join(l->db, "secgate.db");
    SG_FD_CLEANUP int lock = -1;
    enum sg_err err = SG_OK;

    *ret_why = "the database could not be changed";
    if (database == NULL || access(database, F_OK) != 0) {
        *ret_why = "there is no database";
        err = SG_ERR_NOT_FOUND;
    }
    free(database);
    if (err != SG_OK)
        return err;
    err = layout_lock(l, &lock);
    if (err == SG_OK)
        err = renew(l->db, ret);
    else
        *ret_why = err == SG_ERR_CONFLICT ? "a gateway runs with it: stop it first"
                                          : "its lock cannot be taken";
    return err;
}

int newepoch_run(const char *argv0, const struct config *config)
{
    SG_BUF_CLEANUP struct buf errors;
    char epoch[SG_EPOCH_SIZE];
    struct layout layout;
    const char *why;
    enum sg_err err;

    buf_init(&errors, 16384);
    err = layout_find(config, argv0, &layout, &errors);
    if (err != SG_OK) {
        fputs(buf_str(&errors), stderr);
        return 1;
    }
    err = renew_in(&layout, epoch, &why);
    if (err == SG_OK)
        printf("the event log is %s from now on\n", epoch);
    else
        fprintf(stderr, "secgated: %s: %s (%s)\n", config->data, why, err_code(err));
    layout_fini(&layout);
    return err == SG_OK ? 0 : 1;
}
