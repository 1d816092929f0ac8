/* SPDX-License-Identifier: Apache-2.0 */
/* The answer with one of the static files. */
#ifndef SG_API_WEB_REPLY_H
#define SG_API_WEB_REPLY_H

#include "base/err.h"

struct request;

/* 200 or 304 with the named file, SG_ERR_NOT_FOUND when there is none. */
enum sg_err web_reply(struct request *r, const char *name) SG_MUST_CHECK;

#endif
