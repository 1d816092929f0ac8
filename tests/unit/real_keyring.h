/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: the program secgated-keyring ($SECGATE_BUILD, or build) in a process of its own, and
 * calls on its channels. */
#ifndef SG_TESTS_REAL_KEYRING_H
#define SG_TESTS_REAL_KEYRING_H

#include <stddef.h>
#include <sys/types.h>

#include "ipc/keyring_client.h"

struct real_keyring {
    pid_t pid;
    int control;
};

/* Starts it on a data directory with further arguments (NULL ends; NULL: none). Its log goes to
 * DIR.log, appended. */
struct real_keyring real_keyring_start(const char *dir, const char *const *args);
/* Closes the control channel and waits: the exit status, 128 + signal. */
int real_keyring_stop(struct real_keyring *k);
/* Waits for it to end by itself. */
int real_keyring_wait(struct real_keyring *k);

/* A call on the control channel whose answer is empty, or one u8 in *ret (may be NULL). */
enum sg_err real_keyring_ask(struct real_keyring *k, enum keyring_message type, uint8_t *ret);
enum sg_err real_keyring_ensure(struct real_keyring *k, const char *const *names, size_t count,
                                uint8_t *ret_changed);

/* Attaches `count` channels; the worker's ends. */
enum sg_err real_keyring_attach(struct real_keyring *k, int *ret_fds, size_t count);
/* Attaches a client with SG_KEYRING_CHANNELS channels. */
struct keyring_client *real_keyring_client(struct real_keyring *k);

/* Sends raw bytes and waits for what comes: SG_ERR_UNAVAILABLE when the channel was ended. */
enum sg_err real_keyring_send_raw(int fd, const void *data, size_t len, struct buf *reply);

#endif
