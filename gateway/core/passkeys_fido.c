/* SPDX-License-Identifier: Apache-2.0 */
/* Hands what has been taken apart to libfido2. */
#include "core/passkeys_fido.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>

#include <string.h>

/* A key in the library's form, and how to free it. */
struct public_key {
    es256_pk_t *es256;
    eddsa_pk_t *eddsa;
    rs256_pk_t *rs256;
    const void *any;
};

static void free_key(struct public_key *k)
{
    es256_pk_free(&k->es256);
    eddsa_pk_free(&k->eddsa);
    rs256_pk_free(&k->rs256);
}

/* False when it is no valid key (a point off the curve, a modulus of another size). */
static bool load_key(const struct passkey_record *key, struct public_key *ret)
{
    const void *data = key->public_key;
    size_t len = key->public_key_len;
    int rc = FIDO_ERR_INVALID_ARGUMENT;

    *ret = (struct public_key){.any = NULL};
    if (key->algorithm == COSE_ES256 && (ret->es256 = es256_pk_new()) != NULL) {
        rc = es256_pk_from_ptr(ret->es256, data, len);
        ret->any = ret->es256;
    } else if (key->algorithm == COSE_EDDSA && (ret->eddsa = eddsa_pk_new()) != NULL) {
        rc = eddsa_pk_from_ptr(ret->eddsa, data, len);
        ret->any = ret->eddsa;
    } else if (key->algorithm == COSE_RS256 && (ret->rs256 = rs256_pk_new()) != NULL) {
        rc = rs256_pk_from_ptr(ret->rs256, data, len);
        ret->any = ret->rs256;
    }
    if (rc == FIDO_OK)
        return true;
    free_key(ret);
    return false;
}

/* -- registration ---------------------------------------------------------------------------------
 */

/* Whether the authenticator data holds a key of this algorithm. */
static bool load_credential(fido_cred_t *c, int algorithm, const char *rp_id,
                            const struct passkey_bytes *client_data,
                            const struct passkey_attestation_object *object)
{
    if (fido_cred_set_type(c, algorithm) != FIDO_OK ||
        fido_cred_set_rp(c, rp_id, NULL) != FIDO_OK ||
        fido_cred_set_uv(c, FIDO_OPT_TRUE) != FIDO_OK ||
        fido_cred_set_clientdata(c, client_data->data, client_data->len) != FIDO_OK ||
        fido_cred_set_authdata_raw(c, object->auth_data.data, object->auth_data.len) != FIDO_OK)
        return false;
    if (!object->self)
        return fido_cred_set_fmt(c, "none") == FIDO_OK;
    /* The library does not compare these two (section 8.2, self attestation). */
    return object->algorithm == algorithm && fido_cred_set_fmt(c, "packed") == FIDO_OK &&
           fido_cred_set_attstmt(c, object->statement.data, object->statement.len) == FIDO_OK &&
           fido_cred_verify_self(c) == FIDO_OK;
}

static bool take_credential(const fido_cred_t *c, int algorithm, struct passkey_record *ret)
{
    size_t id_len = fido_cred_id_len(c), key_len = fido_cred_pubkey_len(c);
    struct public_key key;

    if (fido_cred_type(c) != algorithm || id_len == 0 || id_len > sizeof ret->id || key_len == 0 ||
        key_len > sizeof ret->public_key)
        return false;
    memcpy(ret->id, fido_cred_id_ptr(c), id_len);
    ret->id_len = id_len;
    memcpy(ret->public_key, fido_cred_pubkey_ptr(c), key_len);
    ret->public_key_len = key_len;
    ret->algorithm = algorithm;
    if (!load_key(ret, &key))
        return false;
    free_key(&key);
    return true;
}

enum sg_err passkeys_fido_attested(const char *rp_id, const struct passkey_bytes *client_data,
                                   const struct passkey_attestation_object *object,
                                   struct passkey_record *ret)
{
    for (size_t i = 0; i < SG_PASSKEY_ALGORITHMS; i++) {
        struct passkey_record key = *ret;
        fido_cred_t *c = fido_cred_new();
        bool good;

        if (c == NULL)
            return SG_ERR_NO_MEMORY;
        good = load_credential(c, passkeys_algorithms[i], rp_id, client_data, object) &&
               take_credential(c, passkeys_algorithms[i], &key);
        fido_cred_free(&c);
        if (good) {
            *ret = key;
            return SG_OK;
        }
    }
    return SG_ERR_BAD_FACTOR;
}

/* -- login ----------------------------------------------------------------------------------------
 */

enum sg_err passkeys_fido_asserted(const char *rp_id, const struct passkey_assertion *a,
                                   const struct passkey_record *key)
{
    struct public_key public_key;
    fido_assert_t *f;
    enum sg_err err = SG_ERR_BAD_FACTOR;

    if (!load_key(key, &public_key))
        return SG_ERR_CORRUPT;
    f = fido_assert_new();
    if (f == NULL)
        err = SG_ERR_NO_MEMORY;
    else if (fido_assert_set_count(f, 1) == FIDO_OK && fido_assert_set_rp(f, rp_id) == FIDO_OK &&
             fido_assert_set_up(f, FIDO_OPT_TRUE) == FIDO_OK &&
             fido_assert_set_uv(f, FIDO_OPT_TRUE) == FIDO_OK &&
             fido_assert_set_clientdata(f, a->client_data.data, a->client_data.len) == FIDO_OK &&
             fido_assert_set_authdata_raw(f, 0, a->authenticator_data.data,
                                          a->authenticator_data.len) == FIDO_OK &&
             fido_assert_set_sig(f, 0, a->signature.data, a->signature.len) == FIDO_OK &&
             fido_assert_verify(f, 0, key->algorithm, public_key.any) == FIDO_OK)
        err = SG_OK;
    fido_assert_free(&f);
    free_key(&public_key);
    return err;
}
