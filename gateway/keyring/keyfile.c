/* SPDX-License-Identifier: Apache-2.0 */
/* Private key files; it never reads one whose mode or owner would let somebody else at it. */
#include "keyring/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "certs/pki.h"
#include "keyring/sealed.h"

#define KIND "private-key"

static enum sg_err refuse(const char *path, const char *reason, mode_t mode)
{
    char octal[16];

    (void)snprintf(octal, sizeof octal, "%04o", (unsigned)(mode & 07777));
    log_write(SG_LOG_ERROR, "keyring.file_refused", SG_STR("path", path), SG_STR("reason", reason),
              SG_STR("mode", octal));
    return SG_ERR_FORBIDDEN;
}

enum sg_err keyfile_check_dir(const char *path)
{
    struct stat st;
    enum sg_err err = file_mkdirs(path, 0700);

    if (err != SG_OK)
        return err;
    if (lstat(path, &st) != 0)
        return err_from_errno(errno);
    if (!S_ISDIR(st.st_mode))
        return refuse(path, "not a directory", st.st_mode);
    if (st.st_uid != geteuid())
        return refuse(path, "owned by another user", st.st_mode);
    if ((st.st_mode & 0077) != 0)
        return refuse(path, "directory mode is looser than 0700", st.st_mode);
    return SG_OK;
}

static enum sg_err check_file(int fd, const char *path, enum keyfile_policy policy)
{
    struct stat st;
    bool own = policy == SG_KEYFILE_OWN;

    if (fstat(fd, &st) != 0)
        return err_from_errno(errno);
    if (!S_ISREG(st.st_mode))
        return refuse(path, "not a regular file", st.st_mode);
    if (st.st_uid != geteuid() && (own || st.st_uid != 0))
        return refuse(path, "owned by another user", st.st_mode);
    if (own && (st.st_mode & 0077) != 0)
        return refuse(path, "file mode is looser than 0600", st.st_mode);
    if ((st.st_mode & 0037) != 0)
        return refuse(path, "file mode is looser than 0640", st.st_mode);
    return SG_OK;
}

/* Reads from the descriptor that was checked, so that the file cannot be exchanged in between. */
static enum sg_err read_checked(int fd, struct buf *out)
{
    for (;;) {
        size_t room = out->max - out->len < 4096 ? out->max - out->len : 4096;
        uint8_t over = 0;
        uint8_t *to = room > 0 ? buf_reserve(out, room) : &over;
        ssize_t n;

        if (to == NULL)
            return buf_status(out);
        n = read(fd, to, room > 0 ? room : 1);
        if (n < 0 && errno != EINTR)
            return err_from_errno(errno);
        if (n == 0)
            return SG_OK;
        if (n > 0 && room == 0)
            return SG_ERR_TOO_LARGE;
        if (n > 0)
            buf_commit(out, (size_t)n);
    }
}

enum sg_err keyfile_read(const char *path, enum keyfile_policy policy, struct buf *out)
{
    int follow = policy == SG_KEYFILE_OWN ? O_NOFOLLOW : 0;
    SG_FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);
    enum sg_err err;

    if (fd < 0 && errno == ELOOP)
        return refuse(path, "a symbolic link", 0);
    if (fd < 0)
        return err_from_errno(errno);
    err = check_file(fd, path, policy);
    return err == SG_OK ? read_checked(fd, out) : err;
}

static enum sg_err unreadable(const char *path, enum sg_err err)
{
    log_write(SG_LOG_ERROR, "keyring.key_unreadable", SG_STR("path", path),
              SG_STR("error", err_code(err)));
    return err;
}

enum sg_err keyfile_load_operator(const char *path, gnutls_privkey_t *ret)
{
    struct buf pem;
    enum sg_err err;

    buf_init(&pem, SG_PKI_PEM_MAX);
    err = keyfile_read(path, SG_KEYFILE_OPERATOR, &pem);
    if (err == SG_OK) {
        err = pki_key_from_pem(pem.data, pem.len, ret);
        if (err != SG_OK)
            (void)unreadable(path, err);
    }
    buf_wipe(&pem);
    return err;
}

enum sg_err keyfile_save(const struct kek *kek, const char *path, const char *name,
                         gnutls_privkey_t key)
{
    struct buf pem;
    enum sg_err err;

    buf_init(&pem, SG_PKI_PEM_MAX);
    err = pki_key_to_pem(key, &pem);
    if (err == SG_OK)
        err = sealed_save(kek, path, KIND, name, pem.data, pem.len);
    buf_wipe(&pem);
    return err;
}

/* A key of before there was sealing: from now on it is sealed. The plain one is replaced only by
 * the rename of a file that is complete on disk. */
static enum sg_err seal_plain(const struct kek *kek, const char *path, const char *name,
                              gnutls_privkey_t key)
{
    enum sg_err err = keyfile_save(kek, path, name, key);

    log_write(err == SG_OK ? SG_LOG_INFO : SG_LOG_ERROR, "keyring.key_sealed", SG_STR("path", path),
              SG_STR("result", err_code(err)));
    return err;
}

enum sg_err keyfile_load(const struct kek *kek, const char *path, const char *name,
                         gnutls_privkey_t *ret)
{
    SG_BUF_CLEANUP struct buf file;
    struct buf pem;
    gnutls_privkey_t key = NULL;
    enum sg_err err;

    buf_init(&file, SG_SEALED_MAX);
    buf_init(&pem, SG_PKI_PEM_MAX);
    err = keyfile_read(path, SG_KEYFILE_OWN, &file);
    if (err != SG_OK)
        return err;
    if (sealed_is(file.data, file.len)) {
        err = sealed_open(kek, KIND, name, file.data, file.len, &pem);
        if (err == SG_OK)
            err = pki_key_from_pem(pem.data, pem.len, &key);
    } else {
        err = pki_key_from_pem(file.data, file.len, &key);
        if (err == SG_OK)
            err = seal_plain(kek, path, name, key);
    }
    secret_wipe(file.data, file.len);
    buf_wipe(&pem);
    if (err != SG_OK) {
        if (key != NULL)
            gnutls_privkey_deinit(key);
        return unreadable(path, err);
    }
    *ret = key;
    return SG_OK;
}
