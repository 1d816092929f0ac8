/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a sealed channel: a key pair for this one channel, and whether who answers is the gateway
 * that was met before. It never uses a channel whose answer was not signed by the pinned key.
 */
#include "base/encode.h"
#include "base/secret.h"
#include "cli/chanstate.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/sealed.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/trusted.h"

#include <gnutls/abstract.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define SG_SEALED_SIGNATURE 64

struct sealed_offer {
    uint8_t secret[SG_CHANNEL_KEY_SIZE];
    uint8_t public_key[SG_CHANNEL_KEY_SIZE];
};

enum cli_status sealed_offer(struct json_object *body, struct sealed_offer **ret)
{
    struct sealed_offer *offer = calloc(1, sizeof(*offer));
    struct json_object *channel = json_object_new_object();
    char text[SG_BASE64_SIZE(SG_CHANNEL_KEY_SIZE)];

    if (offer) {
        channel_key_pair(offer->secret, offer->public_key);
        encode_base64(offer->public_key, sizeof(offer->public_key), text);
    }
    if (!offer || !json_put_text(channel, "public_key", text)) {
        json_cleanup(&channel);
        sealed_offer_free(offer);
        return report_no_memory();
    }
    if (!json_put(body, "channel", channel)) {
        sealed_offer_free(offer);
        return report_no_memory();
    }
    *ret = offer;
    return SG_CLI_OK;
}

void sealed_offer_free(struct sealed_offer *offer)
{
    if (!offer)
        return;
    secret_wipe(offer, sizeof(*offer));
    free(offer);
}

static enum cli_status not_understood(void)
{
    return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                        "the gateway's channel cannot be understood");
}

/* Holds the identity key against the pinned one. */
static enum cli_status check_identity(struct trusted *trusted, const char *shown, bool forget)
{
    const char *pinned = trusted_verifier(trusted, SG_TRUSTED_IDENTITY);

    if (!pinned || strcmp(pinned, shown) == 0 || forget)
        return SG_CLI_OK;

    term_warn("secctl: THE IDENTITY KEY OF THE GATEWAY IS NOT THE ONE THAT WAS SEEN BEFORE");
    term_warn("  seen before: %s", pinned);
    term_warn("  shown now:   %s", shown);
    return report_error(SG_CLI_NETWORK,
                        "ask the operator; only if it was replaced on purpose: secctl session "
                        "open --forget",
                        "somebody else may be in the middle; the channel is not used");
}

/* Keeps a key that has signed, at first contact or because that is wanted. */
static enum cli_status pin_identity(struct trusted *trusted, const char *shown)
{
    const char *pinned = trusted_verifier(trusted, SG_TRUSTED_IDENTITY);

    if (pinned && strcmp(pinned, shown) == 0)
        return SG_CLI_OK;
    term_note("secctl: the identity key of the gateway is %s; it is kept from now on", shown);
    return trusted_set_verifier(trusted, SG_TRUSTED_IDENTITY, shown);
}

static bool is_signed(const struct channel_terms *terms, const uint8_t key[SG_CHANNEL_KEY_SIZE],
                      const uint8_t signature[SG_SEALED_SIGNATURE])
{
    SG_BUF_CLEANUP struct buf text = {0};
    gnutls_pubkey_t pubkey;
    gnutls_datum_t x = {(unsigned char *)(uintptr_t)key, SG_CHANNEL_KEY_SIZE};
    gnutls_datum_t sig = {(unsigned char *)(uintptr_t)signature, SG_SEALED_SIGNATURE};
    bool ok;

    buf_init(&text, 4096);
    channel_signed_text(terms, &text);
    if (text.failed || gnutls_pubkey_init(&pubkey) < 0)
        return false;
    gnutls_datum_t data = {text.data, (unsigned)text.len};
    ok = gnutls_pubkey_import_ecc_raw(pubkey, GNUTLS_ECC_CURVE_ED25519, &x, NULL) >= 0 &&
         gnutls_pubkey_verify_data2(pubkey, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &sig) >= 0;
    gnutls_pubkey_deinit(pubkey);
    return ok;
}

static bool read_terms(struct json_object *created, const struct sealed_offer *offer,
                       struct channel_terms *t)
{
    struct json_object *channel = json_member(created, "channel");
    const char *id = json_text(created, "session_id", "");

    if (strcmp(json_text(channel, "suite", ""), SG_CHANNEL_SUITE_X25519) != 0 ||
        json_int(channel, "epoch", -1) != 0 || strlen(id) != SG_CHANSTATE_ID_SIZE - 1 ||
        encode_unhex(id, strlen(id), t->session_id, sizeof(t->session_id)) != SG_OK)
        return false;
    memcpy(t->client_public, offer->public_key, sizeof(t->client_public));
    return chanstate_bytes(channel, "server_public_key", t->server_public,
                           sizeof(t->server_public)) &&
           chanstate_bytes(channel, "salt", t->salt, sizeof(t->salt)) &&
           text_parse_time(json_text(channel, "created_at", ""), &t->created_s) &&
           text_parse_time(json_text(channel, "expires_at", ""), &t->expires_s);
}

enum cli_status sealed_accept(struct cli *cli, struct sealed_offer *offer,
                              struct json_object *created, bool forget, struct chanstate *ret)
{
    struct json_object *channel = json_member(created, "channel");
    uint8_t key[SG_CHANNEL_KEY_SIZE], signature[SG_SEALED_SIGNATURE], shared[SG_CHANNEL_KEY_SIZE];
    const char *shown = json_text(channel, "identity_key", "");
    struct trusted *trusted = NULL;
    struct channel_terms terms;
    enum cli_status status;

    memset(ret, 0, sizeof(*ret));
    if (!read_terms(created, offer, &terms) ||
        !chanstate_bytes(channel, "identity_key", key, sizeof(key)) ||
        !chanstate_bytes(channel, "signature", signature, sizeof(signature)))
        return not_understood();
    status = trusted_open(cli->profile, &trusted);
    if (status == SG_CLI_OK)
        status = check_identity(trusted, shown, forget);
    if (status == SG_CLI_OK && !is_signed(&terms, key, signature))
        status =
            report_error(SG_CLI_NETWORK, "tell the operator; the channel is not used",
                         "somebody else may be in the middle: the gateway's part of the channel "
                         "is not signed by its identity key");
    /* Not before: a key that has signed nothing replaces none. */
    if (status == SG_CLI_OK)
        status = pin_identity(trusted, shown);
    trusted_close(trusted);
    if (status != SG_CLI_OK)
        return status;
    if (channel_agree(offer->secret, terms.server_public, shared) != SG_OK ||
        channel_start(&terms, shared, &ret->epoch) != SG_OK)
        status = not_understood();
    secret_wipe(shared, sizeof(shared));
    memcpy(ret->session_id, terms.session_id, sizeof(ret->session_id));
    encode_hex(terms.session_id, sizeof(terms.session_id), ret->id);
    ret->expires_s = terms.expires_s;
    return status;
}
