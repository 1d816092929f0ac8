/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files of any content: never a crash, an error always has a text, what is accepted
 * survives the hand-over to the worker unchanged. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hand_over(const struct config *c)
{
    size_t count = 0;
    char **args = config_to_args(c, &count);
    char *argv[512] = {(char *)(uintptr_t) "worker"};
    struct config again;
    struct buf errors, changed;
    int rest;

    if (args == NULL || count > 510)
        abort();
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = args[i];
    buf_init(&errors, 65536);
    buf_init(&changed, 65536);
    if (config_load((int)count + 1, argv, NULL, &again, &rest, &errors) != SG_OK)
        abort();
    config_changed(c, &again, &changed);
    if (changed.len != 0)
        abort();
    config_fini(&again);
    buf_fini(&errors);
    buf_fini(&changed);
    config_args_free(args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("config", 0);
    char flag[64];
    char *argv[] = {(char *)(uintptr_t) "secgated", flag, NULL};
    struct config c;
    struct buf errors;
    int rest;

    if (fd == -1 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(flag, sizeof flag, "--config=/proc/self/fd/%d", fd);
    buf_init(&errors, 1 << 20);
    if (config_load(2, argv, NULL, &c, &rest, &errors) == SG_OK) {
        hand_over(&c);
        config_fini(&c);
    } else if (errors.len == 0) {
        abort();
    }
    buf_fini(&errors);
    close(fd);
    return 0;
}
