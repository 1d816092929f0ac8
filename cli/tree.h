/* SPDX-License-Identifier: Apache-2.0 */
/* What is below a directory of this machine, by name, each directory before what is in it. */
#ifndef SG_CLI_TREE_H
#define SG_CLI_TREE_H

#include "cli/cli.h"

#include <stdint.h>

/* A regular file, or an empty directory. Borrowed while it is visited. */
struct tree_node {
    const char *path;  /* to open it by */
    const char *below; /* relative to the root, without "/" at its beginning; "" is the root */
    int64_t size;      /* of a file, in bytes */
    bool directory;
};

/* Who visits a tree. */
struct tree_visitor {
    void *context;
    enum cli_status (*visit)(void *context, const struct tree_node *node);
    bool goes_on;     /* after what fails or cannot be read; else that ends it */
    bool directories; /* empty directories are visited, too */
};

/*
 * Walks through the tree at `root`, until Ctrl-C at most. A symbolic link is followed at the root
 * only; inside, what is neither a regular file nor a directory is left out, and said so. What
 * cannot be read is reported. The worst of all results.
 */
enum cli_status tree_walk(const char *root, const struct tree_visitor *visitor) SG_CLI_MUST_CHECK;

#endif
