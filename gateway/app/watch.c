/* SPDX-License-Identifier: Apache-2.0 */
/* inotify on the directories of a few files. It never reads the files. */
#include "app/watch.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE)

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

enum sg_err watch_open(const char *const *files, size_t count, int *ret_fd)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd == -1)
        return err_from_errno(errno);
    for (size_t i = 0; i < count; i++) {
        char *dir = file_directory_of(files[i]);

        if (dir == NULL || inotify_add_watch(fd, dir, EVENTS) == -1) {
            enum sg_err err = dir == NULL ? SG_ERR_NO_MEMORY : err_from_errno(errno);

            free(dir);
            close(fd);
            return err;
        }
        free(dir);
    }
    *ret_fd = fd;
    return SG_OK;
}

bool watch_changed(int fd, const char *const *files, size_t count)
{
    alignas(struct inotify_event) char events[4096];
    bool changed = false;
    ssize_t n;

    while ((n = read(fd, events, sizeof events)) > 0) {
        for (char *at = events; at < events + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)at;

            for (size_t i = 0; i < count; i++)
                changed |= e->len > 0 && strcmp(e->name, base_name(files[i])) == 0;
            changed |= (e->mask & IN_Q_OVERFLOW) != 0;
            at += sizeof *e + e->len;
        }
    }
    return changed;
}
