/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with one of the small public files of the data directory, as it is at that moment. */
#ifndef SG_API_PUBLIC_FILE_H
#define SG_API_PUBLIC_FILE_H

#include "base/err.h"

struct request;

/* Reads the file (it blocks) and answers 200; SG_ERR_UNAVAILABLE when it is not there (yet). */
enum sg_err public_file_reply(struct request *r, const char *path, const char *content_type,
                              const char *cache_control) SG_MUST_CHECK;

#endif
