/* SPDX-License-Identifier: Apache-2.0 */
/* Route matching: captures lie within the path, and what matches is allowed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ROW(m, p)                                                                                  \
    {                                                                                              \
        .method = (m), .pattern = (p)                                                              \
    }

static const struct route table[] = {
    ROW(SG_METHOD_GET, "/"),
    ROW(SG_METHOD_GET, "/v1/users"),
    ROW(SG_METHOD_PATCH, "/v1/users/{name}"),
    ROW(SG_METHOD_GET, "/v1/users/me"),
    ROW(SG_METHOD_GET, "/v1/files/{path...}"),
    ROW(SG_METHOD_PUT, "/v1/files/{path...}"),
    ROW(SG_METHOD_GET, "/v1/files/{dir...}/"),
    ROW(SG_METHOD_GET, "/a/{x}/b/{y}"),
    ROW(SG_METHOD_DELETE, "/{a}/{b}/{c}/{d}"),
    ROW(SG_METHOD_GET, "/.well-known/jwks.json"),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct route_index *routes;
    struct route_match m;
    enum http_method method;
    char *path;

    if (routes == NULL)
        routes = route_index_new(table, sizeof table / sizeof table[0]);
    if (routes == NULL || len < 1)
        return 0;
    path = malloc(len);
    if (path == NULL)
        return 0;
    memcpy(path, data + 1, len - 1);
    path[len - 1] = '\0';
    method = (enum http_method)(data[0] % (SG_METHOD_OTHER + 1));
    route_find(routes, method, path, &m);
    if (m.route != NULL && (m.allow & 1u << method) == 0)
        abort();
    for (size_t i = 0; m.route != NULL && i < m.captures; i++)
        if (m.capture[i].value < path || m.capture[i].value_len < 1 ||
            m.capture[i].value + m.capture[i].value_len > path + strlen(path))
            abort();
    free(path);
    return 0;
}
