/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may try a password or a code now. Counters in memory, in tables of fixed size, by the
 * monotonic clock:
 *   - per name and address: 5 failures are free, then one must wait 1, 2, 4 ... 60 s after each;
 *   - per address: 30 failures a minute;
 *   - per name, from addresses where that user never had a session: 20 failures a minute, so that
 * guessing from many places is slow and the owner, at a known address, is never locked out by it;
 *   - second factors, per name, at known addresses and elsewhere apart: 10 tries, then one every
 * six minutes, until one is right. Only who knows the password gets there, so this need not spare
 * anybody, and six digits hold out for years;
 *   - sign-up, per address: 10 wrong codes, or accounts made without one, a minute.
 * IPv6 addresses count by their /64. A full table gives up the entry that restricts least, so
 * nobody gets rid of a restriction by filling it; places in it follow a secret, so nobody can aim.
 * Any thread may call; nothing blocks.
 */
#ifndef SG_CORE_THROTTLE_H
#define SG_CORE_THROTTLE_H

#include <stdbool.h>

#include "base/err.h"

#define SG_THROTTLE_FREE      5
#define SG_THROTTLE_DELAY_MAX 60  /* s */
#define SG_THROTTLE_FORGET    900 /* s after the last failure of a name and address */
#define SG_THROTTLE_ADDRESS   30  /* failures a minute */
#define SG_THROTTLE_NAME      20
#define SG_THROTTLE_CODE      10
#define SG_THROTTLE_FACTOR    10 /* tries an hour */

struct throttle;

struct throttle *throttle_new(void); /* NULL without memory */
void throttle_free(struct throttle *t);

/* May this name be tried from this address? SG_ERR_THROTTLED with the seconds to wait (1 or more).
 * `known`: the user had a session from there. */
enum sg_err throttle_login(struct throttle *t, const char *name, const char *address, bool known,
                           unsigned *ret_retry_after_s) SG_MUST_CHECK;
void throttle_login_failed(struct throttle *t, const char *name, const char *address, bool known);
/* Forgets the failures of this name and address. */
void throttle_login_succeeded(struct throttle *t, const char *name, const char *address);

/* Takes one of the tries of a second factor, before it is looked at; gives all back when it was
 * right. */
enum sg_err throttle_factor(struct throttle *t, const char *name, bool known,
                            unsigned *ret_retry_after_s) SG_MUST_CHECK;
void throttle_factor_succeeded(struct throttle *t, const char *name, bool known);

enum sg_err throttle_code(struct throttle *t, const char *address,
                          unsigned *ret_retry_after_s) SG_MUST_CHECK;
void throttle_code_failed(struct throttle *t, const char *address);

#endif
