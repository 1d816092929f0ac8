/* SPDX-License-Identifier: Apache-2.0 */
/* Confines the worker. It never fails the start: what the kernel lacks is logged. */
#include "app/sandbox.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/landlock.h"
#include "base/log.h"

void sandbox_harden(void)
{
    const struct rlimit none = {0, 0};
    struct rlimit files;

    prctl(PR_SET_NAME, "secgated-worker");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!landlock_under_sanitizer()) /* the leak checker attaches to its own process */
        prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    umask(077);
}

void sandbox_confine(const struct layout *l, const char *tls_certificate)
{
    char *given = file_directory_of(tls_certificate);
    char *real = *tls_certificate ? realpath(tls_certificate, NULL) : NULL;
    char *given_real = real == NULL ? NULL : file_directory_of(real);
    const struct landlock_place places[] = {
        {l->db, true},
        {l->blobs, true},
        {l->tmp, true},
        {l->setup_code, false},
        {l->tls, false},
        {*tls_certificate ? given : NULL, false},
        {given_real, false},
        {"/usr/share/zoneinfo", false},
        {"/usr/share/mime", false},
        {"/usr/local/share/mime", false},
        {"/etc/localtime", false},
        {"/proc/self", false}, /* metrics: own memory and descriptors */
        {"/dev/urandom", false},
    };
    enum sg_err err = given == NULL ? SG_ERR_NO_MEMORY
                                    : landlock_confine(places, sizeof places / sizeof places[0]);

    if (err != SG_OK)
        log_write(SG_LOG_WARN, "worker.hardening_missing", SG_STR("feature", "landlock"),
                  SG_STR("error", err_code(err)));
    free(given);
    free(real);
    free(given_real);
}
