/* SPDX-License-Identifier: Apache-2.0 */
/* The entry point: tells the roles and subcommands apart. It does nothing else. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "app/config.h"
#include "app/newepoch.h"
#include "app/supervise.h"
#include "app/worker.h"
#include "base/buf.h"

static int print_help(void)
{
    SG_BUF_CLEANUP struct buf text;

    buf_init(&text, 65536);
    buf_puts(
        &text,
        "secgated - files, time, signatures, chat and token sessions over HTTPS\n\n"
        "usage: secgated [OPTION]...              serve until SIGTERM\n"
        "       secgated check-config [OPTION]... say what is wrong with the configuration\n"
        "       secgated new-epoch [OPTION]...    refuse cursors of events from now on, after a "
        "backup\n"
        "                                         was put back; not while a gateway runs\n"
        "       secgated routes                   print method, path and operation of every route\n"
        "       secgated --help | --version\n\n"
        "Flags win over variables, variables over the file, the file over defaults.\n\n"
        "  --config FILE\n      Configuration file (INI). variable: SECGATE_CONFIG\n");
    config_help(&text);
    buf_puts(&text, "\nSIGHUP reads certificate and configuration again, SIGTERM and SIGINT end "
                    "gracefully (twice:\n"
                    "at once). Exit status: 0 ended as told, 1 could not start, 2 wrong usage.\n");
    fputs(buf_str(&text), stdout);
    return 0;
}

static int print_routes(void)
{
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];

        printf("%s ", http_method_name(r->method));
        for (const char *c = r->pattern; *c != '\0'; c++) {
            if (strncmp(c, "...}", 4) == 0) /* as the OpenAPI document writes it */
                c += 3;
            putchar(*c);
        }
        printf(" %s\n", r->operation_id);
    }
    return 0;
}

/* Options only: anything else on the command line is a mistake. */
static int load(int argc, char **argv, struct config *config)
{
    SG_BUF_CLEANUP struct buf errors;
    int rest;

    buf_init(&errors, 16384);
    if (config_load(argc, argv, environ, config, &rest, &errors) != SG_OK) {
        fputs(buf_str(&errors), stderr);
        return 1;
    }
    if (rest < argc) {
        fprintf(stderr, "secgated: unexpected '%s' (try --help)\n", argv[rest]);
        config_fini(config);
        return 2;
    }
    return 0;
}

static int check_config(int argc, char **argv)
{
    struct config config;
    int status = load(argc, argv, &config);

    if (status == 0) {
        puts("the configuration is valid");
        config_fini(&config);
    }
    return status;
}

/* argv[1] is the subcommand. */
static int new_epoch(int argc, char **argv)
{
    struct config config;
    int status = load(argc - 1, argv + 1, &config);

    if (status == 0) {
        status = newepoch_run(argv[0], &config);
        config_fini(&config);
    }
    return status;
}

static int serve(int argc, char **argv)
{
    struct config config;
    int status = load(argc, argv, &config);

    if (status != 0)
        return 2;
    return supervise_run(argc, argv, &config);
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";

    if (strcmp(first, "worker") == 0)
        return worker_run(argc, argv);
    if (strcmp(first, "routes") == 0)
        return print_routes();
    if (strcmp(first, "check-config") == 0)
        return check_config(argc - 1, argv + 1);
    if (strcmp(first, "new-epoch") == 0)
        return new_epoch(argc, argv);
    if (strcmp(first, "--version") == 0) {
        puts("secgated " SG_VERSION);
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return print_help();
    }
    return serve(argc, argv);
}
