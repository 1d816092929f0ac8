/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all storage engines share: ids, roles, sizes, and the rule of every vtable: a function
 * returns after its effect is durable, may block (never call one that writes from an event loop
 * thread), may be called from any thread, and copies what it returns into the caller's memory or
 * arena.
 */
#ifndef SG_STORE_STORE_H
#define SG_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define SG_USER_NAME_SIZE  33 /* 32 characters and NUL */
#define SG_SPACE_NAME_SIZE 40 /* "~" user name, or a space's name */
#define SG_PATH_SIZE       4097
#define SG_PATH_SEGMENTS   127 /* of a path in a space */
#define SG_DIGEST_SIZE     32  /* SHA-256 */
#define SG_SESSION_ID_SIZE 16

enum user_role { SG_ROLE_GUEST = 0, SG_ROLE_MEMBER = 1, SG_ROLE_ADMIN = 2 };

#endif
