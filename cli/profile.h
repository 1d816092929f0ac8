/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile is a gateway with a name: a directory (0700) that holds config.json (address, last user
 * name), ca.pem (the CA that was trusted), session.json (tokens), client.pem (certificate and key
 * of enroll), channel.json and sealed.json (a sealed channel and its session), history (of chat),
 * verified.json (chat verify), trusted.json (public keys), log.json (log check), all 0600. Files
 * are replaced atomically. The directory is made when something is saved first.
 */
#ifndef SG_CLI_PROFILE_H
#define SG_CLI_PROFILE_H

#include "cli/cli.h"

#include <stddef.h>

struct profile {
    char *name;
    char *dir;
    char *config_path;
    char *ca_path;
    char *session_path;
    char *lock_path;
    char *certificate_path; /* client.pem: certificate and its key */
    char *url;              /* NULL: no gateway yet */
    char *username;         /* of the last login; NULL: none */
    bool has_ca;
    bool has_certificate; /* there is one, and it is shown to the gateway */
};

/*
 * Opens the profile `name` (NULL: $SECGATE_PROFILE, else "default") below $SECCTL_HOME, else
 * $XDG_CONFIG_HOME/secgate, else ~/.config/secgate. SG_CLI_USAGE, reported, for a bad name or a
 * damaged file.
 */
enum cli_status profile_open(const char *name, struct profile **ret) SG_CLI_MUST_CHECK;
void profile_close(struct profile *profile);

/* Sets a member of the configuration to a copy of `value`. */
enum cli_status profile_set_url(struct profile *profile, const char *url) SG_CLI_MUST_CHECK;
enum cli_status profile_set_username(struct profile *profile, const char *name) SG_CLI_MUST_CHECK;

/* Writes config.json. */
enum cli_status profile_save(struct profile *profile) SG_CLI_MUST_CHECK;

/* Writes ca.pem. */
enum cli_status profile_save_ca(struct profile *profile, const char *pem,
                                size_t len) SG_CLI_MUST_CHECK;

/* Writes any other file of the profile, 0600, atomically, making the directory if need be. */
enum cli_status profile_write(struct profile *profile, const char *path, const char *text,
                              size_t len) SG_CLI_MUST_CHECK;

/* From now on the session is that of the sealed channel, in files of its own. */
enum cli_status profile_use_sealed(struct profile *profile) SG_CLI_MUST_CHECK;

/* Locks the file `path` of the profile; *ret is the descriptor that holds the lock. Waits a minute
 * at most. */
enum cli_status profile_lock(struct profile *profile, const char *path, int *ret) SG_CLI_MUST_CHECK;

/* Forgets both sessions and the channel and, unless it is the same gateway elsewhere, the
 * certificate. */
enum cli_status profile_forget_gateway(struct profile *profile, bool same) SG_CLI_MUST_CHECK;

/* Path of another file of the profile, in fresh memory; NULL without. */
char *profile_path(const struct profile *profile, const char *name);

/* Removes a file of the profile; one that is not there is fine. */
enum cli_status profile_remove(const char *path) SG_CLI_MUST_CHECK;

#endif
