/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: a gateway with a name. It never leaves a secret readable for others. */
#include "cli/profile.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/json.h"
#include "cli/report.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SG_PROFILE_NAME_MAX   64
#define SG_PROFILE_CONFIG_MAX (size_t)65536

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
    return p->config_path && p->ca_path && p->session_path && p->lock_path;
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
    free(p->url);
    free(p->username);
    free(p);
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
