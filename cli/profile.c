/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: a gateway with a name. It never leaves a secret readable for others. */
#include "cli/profile.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SG_PROFILE_NAME_MAX    64
#define SG_PROFILE_CONFIG_MAX  (size_t)65536
#define SG_PROFILE_LOCK_WAIT_S 60

static char *root_dir(void)
{
    const char *own = getenv("SECCTL_HOME");
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (own && *own)
        return strdup(own);
    if (xdg && xdg[0] == '/')
        return file_join(xdg, "secgate");
    return file_join(home && *home ? home : ".", ".config/secgate");
}

static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return len > 0 && len <= SG_PROFILE_NAME_MAX && !name[len] && name[0] != '.' && name[0] != '-';
}

static enum cli_status read_config(struct profile *p)
{
    SG_BUF_CLEANUP struct buf text = {0};
    SG_JSON_CLEANUP struct json_object *config = NULL;

    if (access(p->config_path, F_OK) != 0)
        return SG_CLI_OK;
    buf_init(&text, SG_PROFILE_CONFIG_MAX);
    if (file_read(p->config_path, &text) != SG_OK)
        return report_errno("read", p->config_path);
    config = json_parse(buf_str(&text), text.len);
    const char *url = json_text(config, "url", NULL);
    const char *username = json_text(config, "username", NULL);
    if (!url)
        return report_error(SG_CLI_USAGE, "remove it and log in again", "%s is damaged",
                            p->config_path);
    p->url = strdup(url);
    p->username = username ? strdup(username) : NULL;
    if (!p->url || (username && !p->username))
        return report_no_memory();
    p->has_ca = access(p->ca_path, R_OK) == 0;
    return SG_CLI_OK;
}

static bool set_paths(struct profile *p, const char *name)
{
    char *root = root_dir();

    p->name = strdup(name);
    p->dir = root ? file_join(root, name) : NULL;
    free(root);
    if (!p->name || !p->dir)
        return false;
    p->config_path = file_join(p->dir, "config.json");
    p->ca_path = file_join(p->dir, "ca.pem");
    p->session_path = file_join(p->dir, "session.json");
    p->lock_path = file_join(p->dir, "session.lock");
    p->certificate_path = file_join(p->dir, "client.pem");
    p->has_certificate = p->certificate_path && access(p->certificate_path, R_OK) == 0;
    return p->config_path && p->ca_path && p->session_path && p->lock_path && p->certificate_path;
}

enum cli_status profile_open(const char *name, struct profile **ret)
{
    struct profile *p;
    enum cli_status status;

    if (!name)
        name = getenv("SECGATE_PROFILE");
    if (!name || !*name)
        name = "default";
    if (!is_name(name))
        return report_error(SG_CLI_USAGE, "use letters, digits, . _ and -, at most 64",
                            "\"%s\" cannot be the name of a profile", name);
    p = calloc(1, sizeof(*p));
    if (!p)
        return report_no_memory();
    status = set_paths(p, name) ? read_config(p) : report_no_memory();
    if (status == SG_CLI_OK)
        *ret = p;
    else
        profile_close(p);
    return status;
}

void profile_close(struct profile *p)
{
    if (!p)
        return;
    free(p->name);
    free(p->dir);
    free(p->config_path);
    free(p->ca_path);
    free(p->session_path);
    free(p->lock_path);
    free(p->certificate_path);
    free(p->url);
    free(p->username);
    free(p);
}

static bool change_path(struct profile *p, char **path, const char *name)
{
    free(*path);
    *path = file_join(p->dir, name);
    return *path != NULL;
}

enum cli_status profile_use_sealed(struct profile *p)
{
    if (change_path(p, &p->session_path, "sealed.json") &&
        change_path(p, &p->lock_path, "sealed.lock"))
        return SG_CLI_OK;
    return report_no_memory();
}

static int open_lock(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

enum cli_status profile_lock(struct profile *p, const char *path, int *ret)
{
    int64_t deadline = clock_monotonic_ns() + SG_PROFILE_LOCK_WAIT_S * SG_NS_PER_S;
    int fd = open_lock(path);

    if (fd < 0 && errno == ENOENT) {
        if (file_mkdirs(p->dir, 0700) != SG_OK)
            return report_errno("make", p->dir);
        fd = open_lock(path);
    }
    if (fd < 0)
        return report_errno("open", path);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

        if (errno != EWOULDBLOCK && errno != EINTR) {
            enum cli_status status = report_errno("lock", path);
            (void)close(fd);
            return status;
        }
        if (term_interrupted() || clock_monotonic_ns() > deadline) {
            (void)close(fd);
            return term_interrupted() ? SG_CLI_INTERRUPTED
                                      : report_error(SG_CLI_USAGE, "end the other secctl process",
                                                     "%s has been locked for a minute", path);
        }
        (void)nanosleep(&pause, NULL);
    }
    *ret = fd;
    return SG_CLI_OK;
}

enum cli_status profile_forget_gateway(struct profile *p, bool same)
{
    static const char *const names[] = {"session.json", "sealed.json", "channel.json",
                                        "client.pem"};
    enum cli_status status = SG_CLI_OK;

    /* The certificate is the last one. */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) - same; i++) {
        char *path = profile_path(p, names[i]);

        status = cli_worse(status, path ? profile_remove(path) : report_no_memory());
        free(path);
    }
    p->has_certificate = p->has_certificate && same;
    return status;
}

static enum cli_status set(char **member, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return report_no_memory();
    free(*member);
    *member = copy;
    return SG_CLI_OK;
}

enum cli_status profile_set_url(struct profile *p, const char *url)
{
    return set(&p->url, url);
}

enum cli_status profile_set_username(struct profile *p, const char *name)
{
    return set(&p->username, name);
}

enum cli_status profile_write(struct profile *p, const char *path, const char *text, size_t len)
{
    if (file_mkdirs(p->dir, 0700) != SG_OK)
        return report_error(SG_CLI_USAGE, NULL, "cannot make the directory %s", p->dir);
    /* It may have been there before with a looser mode. */
    if (chmod(p->dir, 0700) != 0)
        return report_errno("protect", p->dir);
    if (file_write_atomic(path, text, len, 0600) != SG_OK)
        return report_error(SG_CLI_USAGE, "is the disk full, or the directory not yours?",
                            "cannot write %s", path);
    return SG_CLI_OK;
}

enum cli_status profile_save(struct profile *p)
{
    SG_JSON_CLEANUP struct json_object *config = json_object_new_object();
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, SG_PROFILE_CONFIG_MAX);
    if (!json_put_text(config, "url", p->url) ||
        (p->username && !json_put_text(config, "username", p->username)))
        return report_no_memory();
    json_append(&text, config);
    buf_putc(&text, '\n');
    return profile_write(p, p->config_path, buf_str(&text), text.len);
}

enum cli_status profile_save_ca(struct profile *p, const char *pem, size_t len)
{
    enum cli_status status = profile_write(p, p->ca_path, pem, len);

    p->has_ca = p->has_ca || status == SG_CLI_OK;
    return status;
}

char *profile_path(const struct profile *p, const char *name)
{
    return file_join(p->dir, name);
}

enum cli_status profile_remove(const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return SG_CLI_OK;
    return report_errno("remove", path);
}
