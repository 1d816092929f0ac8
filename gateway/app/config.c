/* SPDX-License-Identifier: Apache-2.0 */
/* Puts flags, environment and file into one struct by way of the key table. It never starts
 * anything. */
#include "app/config.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config_keys.h"

#define CONFIG_LINE_MAX 4096
#define ERRORS_MAX      50

/* One pass over one source of values. */
struct layer {
    struct config *config;
    struct buf *errors;
    unsigned problems;
    const char *file; /* NULL: not a file */
    int line;
    bool once; /* a scalar may be given once only (files) */
    bool seen[SG_CONFIG_KEYS_MAX];
};

static void complain(struct layer *l, const char *where, const char *what)
{
    if (++l->problems > ERRORS_MAX)
        return;
    if (l->file != NULL)
        buf_printf(l->errors, "%s:%d: %s: %s\n", l->file, l->line, where, what);
    else
        buf_printf(l->errors, "%s: %s\n", where, what);
}

static void set_value(struct layer *l, const struct config_key *key, const char *where,
                      const char *value)
{
    size_t i = config_key_index(key);
    bool first = !l->seen[i];
    char why[160];

    l->seen[i] = true;
    if (!first && l->once && key->type != SG_KEY_LIST) {
        complain(l, where, "is given twice");
        return;
    }
    if (config_key_set(key, l->config, value, first, why, sizeof why) != SG_OK)
        complain(l, where, why);
}

/* -- file -------------------------------------------------------------------------------------- */

struct ini_source {
    FILE *stream;
    struct layer *layer;
    bool in_long_line;
};

/* Called by the parser for each line, so that errors can name it. */
static char *read_line(char *text, int size, void *arg)
{
    struct ini_source *s = arg;
    char *line = fgets(text, size, s->stream);
    size_t len;

    if (line == NULL)
        return NULL;
    len = strlen(line);
    if (!s->in_long_line)
        s->layer->line++;
    s->in_long_line = len + 1 == (size_t)size && line[len - 1] != '\n' && !feof(s->stream);
    if (s->in_long_line)
        complain(s->layer, "line", "is too long");
    return line;
}

static int on_pair(void *arg, const char *section, const char *name, const char *value)
{
    struct layer *l = ((struct ini_source *)arg)->layer;
    const struct config_key *key = config_key_find(section, name);
    char where[128];

    snprintf(where, sizeof where, "%s%s%s", section, *section ? "." : "", name);
    if (key == NULL)
        complain(l, where, *section ? "there is no such key" : "stands before any [section]");
    else
        set_value(l, key, where, value);
    return 1;
}

/* The parser hands the same argument to reader and handler. */
static void load_file(struct layer *l, const char *path)
{
    struct ini_source source = {.layer = l};
    int broken;

    l->file = path;
    l->line = 0;
    l->once = true;
    source.stream = fopen(path, "re");
    if (source.stream == NULL) {
        complain(l, "cannot be opened", strerror(errno));
        return;
    }
    broken = ini_parse_stream(read_line, &source, on_pair, &source);
    if (ferror(source.stream)) { /* the parser takes it for the end; a directory fails here, too */
        complain(l, "cannot be read", strerror(errno));
        broken = 0;
    }
    fclose(source.stream);
    if (broken > 0) {
        l->line = broken;
        complain(l, "syntax", "neither [section] nor key = value");
    } else if (broken < 0) {
        complain(l, "syntax", "cannot be read");
    }
}

/* -- environment and flags --------------------------------------------------------------------- */

static void load_environment(struct layer *l, char *const *env)
{
    for (; *env != NULL; env++) {
        const char *equals = strchr(*env, '=');
        const struct config_key *key;

        if (equals == NULL || strncmp(*env, "SECGATE_", 8) != 0)
            continue;
        key = config_key_by_variable(*env, (size_t)(equals - *env));
        if (key != NULL) {
            char where[96];

            snprintf(where, sizeof where, "%.*s", (int)(equals - *env), *env);
            set_value(l, key, where, equals + 1);
        }
    }
}

#define OPTION_CONFIG 1000

/* Walks the flags; with `layer` NULL it only looks for --config. */
static int walk_flags(int argc, char *const *argv, struct layer *layer, const char **ret_file)
{
    struct option options[SG_CONFIG_KEYS_MAX + 2];
    char names[SG_CONFIG_KEYS_MAX][64];
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    size_t n = 0;
    int c, rest;

    if (copy == NULL)
        return argc;
    memcpy(copy, argv, (size_t)argc * sizeof *copy);
    for (; n < config_key_count; n++) {
        config_key_flag(&config_keys[n], names[n], sizeof names[n]);
        options[n] = (struct option){names[n], required_argument, NULL, (int)n};
    }
    options[n++] = (struct option){"config", required_argument, NULL, OPTION_CONFIG};
    options[n] = (struct option){NULL, 0, NULL, 0};

    optind = 0; /* a second scan starts anew */
    opterr = 0;
    while ((c = getopt_long(argc, copy, "+:", options, NULL)) != -1) {
        char where[80];

        if (c == OPTION_CONFIG) {
            *ret_file = optarg;
        } else if (c == '?' || c == ':') {
            if (layer != NULL)
                complain(layer, copy[optind - 1],
                         c == ':' ? "needs a value" : "there is no such option (try --help)");
        } else if (layer != NULL) {
            snprintf(where, sizeof where, "--%s", names[c]);
            set_value(layer, &config_keys[c], where, optarg);
        }
    }
    rest = optind;
    free(copy);
    return rest;
}

/* -- all --------------------------------------------------------------------------------------- */

static void set_defaults(struct config *c)
{
    char why[160];

    for (size_t i = 0; i < config_key_count; i++) {
        if (config_key_set(&config_keys[i], c, config_keys[i].fallback, true, why, sizeof why) !=
            SG_OK)
            abort(); /* a default that is refused is a bug in the table */
    }
}

/* Below the number of connections: others must have room, too. What was not set follows. */
static void fit(struct layer *l, const char *where, bool given, unsigned *waiters,
                unsigned connections)
{
    char why[120];

    if (connections < 2 || *waiters < connections)
        return;
    if (given) {
        snprintf(why, sizeof why, "must be less than the number of connections, %u", connections);
        complain(l, where, why);
    } else {
        *waiters = connections - (connections + 9) / 10;
    }
}

static bool is_given(const bool *given, const char *name)
{
    return given[config_key_index(config_key_find("limits", name))];
}

static void check_waiters(struct layer *l, const bool *given)
{
    struct config *c = l->config;

    fit(l, "limits.waiters", is_given(given, "waiters"), &c->waiters, c->connections);
    fit(l, "limits.waiters-per-address", is_given(given, "waiters-per-address"),
        &c->waiters_per_address, c->connections_per_address);
}

/* `given`: the keys that some layer has set. */
static void check_whole(struct layer *l, const bool *given)
{
    const struct config *c = l->config;

    check_waiters(l, given);
    if ((*c->tls_certificate == '\0') != (*c->tls_key == '\0'))
        complain(l, "tls", "certificate and key are needed together");
    if (c->listen.count == 0)
        complain(l, "listen", "at least one address is needed");
}

enum sg_err config_load(int argc, char *const *argv, char *const *env, struct config *ret,
                        int *ret_rest, struct buf *errors)
{
    const char *file = NULL;
    struct layer from_file = {.config = ret, .errors = errors};
    struct layer from_env = {.config = ret, .errors = errors};
    struct layer from_flags = {.config = ret, .errors = errors};
    bool given[SG_CONFIG_KEYS_MAX] = {false};

    memset(ret, 0, sizeof *ret);
    set_defaults(ret);
    (void)walk_flags(argc, argv, NULL, &file);
    for (char *const *e = env; file == NULL && e != NULL && *e != NULL; e++) {
        if (strncmp(*e, "SECGATE_CONFIG=", 15) == 0)
            file = *e + 15;
    }
    if (file != NULL)
        load_file(&from_file, file);
    if (env != NULL)
        load_environment(&from_env, env);
    *ret_rest = walk_flags(argc, argv, &from_flags, &file);
    for (size_t i = 0; i < config_key_count; i++)
        given[i] = from_file.seen[i] || from_env.seen[i] || from_flags.seen[i];
    if (from_file.problems + from_env.problems + from_flags.problems == 0)
        check_whole(&from_flags, given);
    if (from_file.problems + from_env.problems + from_flags.problems == 0)
        return SG_OK;
    config_fini(ret);
    return SG_ERR_BAD_FIELD;
}

void config_fini(struct config *c)
{
    for (size_t i = 0; i < config_key_count; i++)
        config_key_clear(&config_keys[i], c);
    memset(c, 0, sizeof *c);
}

char **config_to_args(const struct config *c, size_t *ret_count)
{
    struct buf text;
    char **args = calloc(config_key_count + SG_CONFIG_LIST_MAX * 3 + 1, sizeof *args);
    size_t n = 0;

    if (args == NULL)
        return NULL;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        size_t values = config_key_values(key, c);
        char flag[64];

        config_key_flag(key, flag, sizeof flag);
        for (size_t v = 0; v < values; v++) {
            buf_init(&text, CONFIG_LINE_MAX * 2);
            buf_printf(&text, "--%s=", flag);
            config_key_format(key, c, v, &text);
            args[n] = buf_take(&text, NULL);
            if (args[n++] == NULL) {
                config_args_free(args);
                return NULL;
            }
        }
    }
    *ret_count = n;
    return args;
}

void config_args_free(char **args)
{
    for (size_t i = 0; args != NULL && args[i] != NULL; i++)
        free(args[i]);
    free(args);
}

void config_changed(const struct config *old, const struct config *new, struct buf *ret)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        struct buf a, b;

        if (key->reloads)
            continue;
        buf_init(&a, CONFIG_LINE_MAX * SG_CONFIG_LIST_MAX);
        buf_init(&b, CONFIG_LINE_MAX * SG_CONFIG_LIST_MAX);
        for (size_t v = 0; v < config_key_values(key, old); v++) {
            config_key_format(key, old, v, &a);
            buf_putc(&a, ',');
        }
        for (size_t v = 0; v < config_key_values(key, new); v++) {
            config_key_format(key, new, v, &b);
            buf_putc(&b, ',');
        }
        if (strcmp(buf_str(&a), buf_str(&b)) != 0)
            buf_printf(ret, "%s%s.%s", ret->len ? " " : "", key->section, key->name);
        buf_fini(&a);
        buf_fini(&b);
    }
}

void config_help(struct buf *out)
{
    const char *section = "";

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char flag[64], variable[80];

        if (strcmp(section, key->section) != 0) {
            section = key->section;
            buf_printf(out, "\n[%s]\n", section);
        }
        config_key_flag(key, flag, sizeof flag);
        config_key_variable(key, variable, sizeof variable);
        buf_printf(out, "  --%s %s\n      %s\n      file: %s.%s, variable: %s, default: %s%s\n",
                   flag, key->value, key->help, key->section, key->name, variable,
                   *key->fallback ? key->fallback : "none",
                   key->reloads ? ", reloads on SIGHUP" : "");
    }
}

enum sg_err config_split_listen(const char *text, char *host, char *port)
{
    const char *colon = strrchr(text, ':');
    const char *start = text;
    size_t host_len;
    char *end;
    unsigned long number;

    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return SG_ERR_BAD_FIELD;
    host_len = (size_t)(colon - text);
    if (host_len >= 2 && text[0] == '[' && colon[-1] == ']') {
        start++;
        host_len -= 2;
    } else if (memchr(text, ':', host_len) != NULL) {
        return SG_ERR_BAD_FIELD; /* an IPv6 address needs brackets */
    }
    number = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || number > 65535 || host_len > 255)
        return SG_ERR_BAD_FIELD;
    memcpy(host, start, host_len);
    host[host_len] = '\0';
    snprintf(port, 8, "%lu", number);
    return SG_OK;
}
