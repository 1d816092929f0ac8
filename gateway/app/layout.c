/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the program's own files and names those of the data directory. It reads none of them. */
#include "app/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static bool has_share(const char *dir)
{
    char *index = file_join(dir, "web/index.html");
    char *document = file_join(dir, "openapi/openapi.yaml");
    bool found = index != NULL && document != NULL && access(index, R_OK) == 0 &&
                 access(document, R_OK) == 0;

    free(index);
    free(document);
    return found;
}

/* Installed: PREFIX/sbin/../share/secgate. Built: the tree that holds build/ (or build/asan/). */
static char *find_share(const struct config *c, const char *beside)
{
    static const char *const places[] = {"../share/secgate", "..", "../.."};

    if (*c->share != '\0')
        return has_share(c->share) ? strdup(c->share) : NULL;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *dir = file_join(beside, places[i]);

        if (dir != NULL && has_share(dir))
            return dir;
        free(dir);
    }
    return NULL;
}

static enum sg_err find_programs(const char *argv0, struct layout *l, char *beside, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", beside, size - 1);
    char *typed, *slash;

    if (n <= 0)
        return err_from_errno(errno);
    beside[n] = '\0';
    l->program = strdup(beside);
    slash = strrchr(beside, '/');
    if (l->program == NULL || slash == NULL)
        return SG_ERR_NO_MEMORY;
    *slash = '\0';
    l->keyring = file_join(beside, "secgated-keyring");
    if (strchr(argv0, '/') != NULL) {
        typed = file_directory_of(argv0);
        l->secctl = typed == NULL ? NULL : file_join(typed, "secctl");
        free(typed);
    } else {
        l->secctl = strdup("secctl");
        return l->keyring == NULL ? SG_ERR_NO_MEMORY : SG_OK;
    }
    if (l->secctl != NULL && access(l->secctl, X_OK) != 0) {
        free(l->secctl);
        l->secctl = NULL;
    }
    return l->keyring == NULL ? SG_ERR_NO_MEMORY : SG_OK;
}

enum sg_err layout_find(const struct config *c, const char *argv0, struct layout *ret,
                        struct buf *errors)
{
    char beside[PATH_MAX];
    struct layout l = {0};
    char *share = NULL;
    enum sg_err err = find_programs(argv0, &l, beside, sizeof beside);

    if (err == SG_OK)
        share = find_share(c, beside);
    if (err == SG_OK && share == NULL) {
        buf_printf(errors, "share: no directory with web/index.html and openapi/openapi.yaml was "
                           "found; set --share\n");
        err = SG_ERR_NOT_FOUND;
    }
    if (err == SG_OK && access(l.keyring, X_OK) != 0) {
        buf_printf(errors, "%s: %s\n", l.keyring, strerror(errno));
        err = SG_ERR_NOT_FOUND;
    }
    if (err == SG_OK) {
        l.data = strdup(c->data);
        l.lock = file_join(c->data, "lock");
        l.db = file_join(c->data, "db");
        l.blobs = file_join(c->data, "blobs");
        l.tmp = file_join(c->data, "tmp");
        l.channels = file_join(c->data, "channels");
        l.setup_code = file_join(c->data, "setup-code");
        l.ca = file_join(c->data, "ca.pem");
        l.tls = file_join(c->data, "tls");
        l.tls_ca = file_join(c->data, "tls/ca.pem");
        l.crl = file_join(c->data, "tls/ca.crl");
        l.log = file_join(c->data, "log");
        l.certificate =
            *c->tls_certificate ? strdup(c->tls_certificate) : file_join(c->data, "tls/server.pem");
        l.web = file_join(share, "web");
        l.openapi = file_join(share, "openapi/openapi.yaml");
        if (!l.data || !l.lock || !l.db || !l.blobs || !l.tmp || !l.setup_code || !l.ca || !l.tls ||
            !l.tls_ca || !l.crl || !l.log || !l.certificate || !l.web || !l.openapi || !l.channels)
            err = SG_ERR_NO_MEMORY;
    }
    free(share);
    if (err == SG_OK)
        *ret = l;
    else
        layout_fini(&l);
    return err;
}

enum sg_err layout_make(const struct layout *l)
{
    const char *const dirs[] = {l->data, l->db, l->blobs, l->tmp, l->tls, l->log, l->channels};

    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        enum sg_err err = file_mkdirs(dirs[i], 0700);

        if (err != SG_OK)
            return err;
    }
    return file_sync_dir(l->data);
}

enum sg_err layout_lock(const struct layout *l, int *ret_fd)
{
    int fd = open(l->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd == -1)
        return err_from_errno(errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum sg_err err = errno == EWOULDBLOCK ? SG_ERR_CONFLICT : err_from_errno(errno);

        close(fd);
        return err;
    }
    *ret_fd = fd;
    return SG_OK;
}

void layout_fini(struct layout *l)
{
    char **all[] = {&l->data,        &l->lock, &l->db,      &l->blobs,   &l->tmp,
                    &l->setup_code,  &l->ca,   &l->tls,     &l->tls_ca,  &l->crl,
                    &l->certificate, &l->web,  &l->openapi, &l->program, &l->keyring,
                    &l->secctl,      &l->log,  &l->channels};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(*all[i]);
        *all[i] = NULL;
    }
}
