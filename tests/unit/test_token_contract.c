/* SPDX-License-Identifier: Apache-2.0 */
/* What the keyring mints is what the core reads: the two sides of an access token, put together
 * without a process. */
#include "base/clock.h"
#include "core/tokenverify.h"
#include "keyring/kek.h"
#include "keyring/keystore.h"
#include "tempdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ISSUER "https://gateway.test:8443/~x?y=%20"

static void test_minted_is_accepted(void **state)
{
    static const struct keyring_claims claims = {
        .sub = "ann.lee-1",
        .sid = "000102030405060708090a0b0c0d0e0f",
        .jti = "ffeeddccbbaa99887766554433221100",
        .scope = "files:read files:write chat:read chat:write sign verify admin",
        .role = "admin",
        .aud = "secgate",
        .lifetime_s = 600,
    };
    char *dir = tempdir_make();
    static const struct kek kek = {{1, 2, 3}};
    struct keystore_options options = {.data = dir, .kek = &kek, .issuer = ISSUER};
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    struct keystore *k = NULL;
    struct token_claims read;
    struct token_form form;
    gnutls_pubkey_t key;
    struct buf token;

    (void)state;
    assert_int_equal(keystore_open(&options, &k), SG_OK);
    buf_init(&token, SG_TOKEN_TEXT_MAX);
    assert_int_equal(keystore_mint(k, &claims, &token), SG_OK);
    assert_true(keystore_token_keys(k, keys) >= 1);
    assert_int_equal(tokenverify_form(buf_str(&token), token.len, &form), SG_OK);
    assert_string_equal(form.kid, keys[0].kid);

    gnutls_datum_t n = {.data = keys[0].n, .size = (unsigned)keys[0].n_len};
    gnutls_datum_t e = {.data = keys[0].e, .size = (unsigned)keys[0].e_len};
    assert_true(gnutls_pubkey_init(&key) >= 0);
    assert_true(gnutls_pubkey_import_rsa_raw(key, &n, &e) >= 0);
    assert_int_equal(tokenverify_signature(&form, key, keys[0].n_len), SG_OK);
    gnutls_pubkey_deinit(key);

    assert_int_equal(tokenverify_claims(&form, ISSUER, "secgate", clock_now_s(), &read), SG_OK);
    assert_string_equal(read.sub, claims.sub);
    assert_string_equal(read.sid, claims.sid);
    assert_string_equal(read.jti, claims.jti);
    assert_string_equal(read.scope, claims.scope);
    assert_string_equal(read.role, claims.role);
    assert_int_equal(read.exp_s - read.iat_s, 600);
    buf_wipe(&token);
    keystore_free(k);
    tempdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minted_is_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
