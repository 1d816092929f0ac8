/* SPDX-License-Identifier: Apache-2.0 */
/* secctl version: shows the version of secctl and its libraries. */
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/term.h"

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <json-c/json.h>

enum cli_status cmd_version(struct cli *cli, const struct args *args)
{
    enum cli_status status = args_expect(args, 0, 0, NULL);
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "secctl", SG_VERSION) &&
            json_put_text(json, "curl", curl->version) &&
            json_put_text(json, "tls", curl->ssl_version) &&
            json_put_text(json, "gnutls", gnutls_check_version(NULL)) &&
            json_put_text(json, "json_c", json_c_version()))
            json_print(json);
    } else {
        term_line("secctl %s (libcurl/%s %s json-c/%s)", SG_VERSION, curl->version,
                  curl->ssl_version, json_c_version());
    }
    return SG_CLI_OK;
}
