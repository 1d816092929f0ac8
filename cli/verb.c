/* SPDX-License-Identifier: Apache-2.0 */
/* What a command can do, chosen by its first operand. It never connects before that is known. */
#include "cli/verb.h"

#include "base/buf.h"
#include "cli/connect.h"
#include "cli/report.h"

#include <stdio.h>
#include <string.h>

#define SG_VERB_TEXT_MAX ((size_t)1024)

static const struct verb *find(const struct verb *verbs, const char *name)
{
    for (const struct verb *v = verbs; v->name; v++) {
        if (name ? strcmp(v->name, name) == 0 : v->standard)
            return v;
    }
    return NULL;
}

/* "list, create or rm" */
static void list_names(const struct verb *verbs, struct buf *ret)
{
    for (const struct verb *v = verbs; v->name; v++)
        buf_printf(ret, "%s%s", v == verbs ? "" : v[1].name ? ", " : " or ", v->name);
}

static enum cli_status report_unknown(const struct cli *cli, const struct verb *verbs,
                                      const char *name)
{
    SG_BUF_CLEANUP struct buf names = {0}, next = {0};

    buf_init(&names, SG_VERB_TEXT_MAX);
    buf_init(&next, SG_VERB_TEXT_MAX);
    list_names(verbs, &names);
    if (!name)
        return report_error(SG_CLI_USAGE, "add --help for how to use it", "%s is missing",
                            buf_str(&names));
    buf_printf(&next, "it is %s; see: secctl %s --help", buf_str(&names), cli->command);
    return report_error(SG_CLI_USAGE, buf_str(&next), "there is no \"secctl %s %s\"", cli->command,
                        name);
}

static bool takes(const struct verb *v, int key)
{
    for (const int *option = v->options; option && *option; option++) {
        if (*option == key)
            return true;
    }
    return false;
}

/* An option that would do nothing may be one that the user relies on. */
static enum cli_status expect_options(const struct cli *cli, const struct args *args,
                                      const struct verb *v)
{
    char next[64];

    snprintf(next, sizeof(next), "see: secctl %s --help", cli->command);
    for (const struct args_option *o = args->own; o && o->key; o++) {
        if (args_has(args, o->key) && !takes(v, o->key))
            return report_error(SG_CLI_USAGE, next, "\"secctl %s %s\" takes no --%s", cli->command,
                                v->name, o->name);
    }
    return SG_CLI_OK;
}

enum cli_status verb_choose(const struct cli *cli, const struct args *args,
                            const struct verb *verbs, const struct verb **ret)
{
    const char *name = args->n_operands ? args->operands[0] : NULL;
    const struct verb *v = find(verbs, name);

    if (!v)
        return report_unknown(cli, verbs, name);
    *ret = v;
    enum cli_status status = name ? args_expect(args, v->least + 1, v->most + 1, v->what)
                                  : args_expect(args, v->least, v->most, v->what);
    return status == SG_CLI_OK ? expect_options(cli, args, v) : status;
}

enum cli_status verb_run(struct cli *cli, const struct args *args, const struct verb *verbs)
{
    const struct verb *verb = NULL;
    enum cli_status status = verb_choose(cli, args, verbs, &verb);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    return status == SG_CLI_OK ? verb->run(cli, args) : status;
}
