/* SPDX-License-Identifier: Apache-2.0 */
/* Private key files; it never reads one whose mode or owner would let somebody else at it. */
#include "keyring/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"

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
static enum sg_err read_checked(int fd, struct buf *pem)
{
    for (;;) {
        uint8_t *to = buf_reserve(pem, 4096);
        ssize_t n;

        if (to == NULL)
            return buf_status(pem);
        n = read(fd, to, 4096);
        if (n < 0 && errno != EINTR)
            return err_from_errno(errno);
        if (n == 0)
            return SG_OK;
        if (n > 0)
            buf_commit(pem, (size_t)n);
    }
}

enum sg_err keyfile_load(const char *path, enum keyfile_policy policy, gnutls_privkey_t *ret)
{
    int follow = policy == SG_KEYFILE_OWN ? O_NOFOLLOW : 0;
    SG_FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);
    struct buf pem;
    enum sg_err err;

    if (fd < 0 && errno == ELOOP)
        return refuse(path, "a symbolic link", 0);
    if (fd < 0)
        return err_from_errno(errno);
    err = check_file(fd, path, policy);
    if (err != SG_OK)
        return err;
    buf_init(&pem, SG_PKI_PEM_MAX);
    err = read_checked(fd, &pem);
    if (err == SG_OK)
        err = pki_key_from_pem(pem.data, pem.len, ret);
    buf_wipe(&pem);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.key_unreadable", SG_STR("path", path),
                  SG_STR("error", err_code(err)));
    return err;
}

enum sg_err keyfile_save(const char *path, gnutls_privkey_t key)
{
    struct buf pem;
    enum sg_err err;

    buf_init(&pem, SG_PKI_PEM_MAX);
    err = pki_key_to_pem(key, &pem);
    if (err == SG_OK)
        err = file_write_atomic(path, pem.data, pem.len, 0600);
    buf_wipe(&pem);
    return err;
}
