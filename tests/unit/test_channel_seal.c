/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and messages of the sealed channel against figures that another implementation has computed
 * (docs/channel.md), and every bit of a message turned over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/encode.h"
#include "channel/channel.h"

/* RFC 7748, section 6.1. */
#define ALICE_PUBLIC "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define BOB_SECRET   "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
#define BOB_PUBLIC   "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define SHARED       "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"

#define SECRET_0 "8c7527d1a77c3f8d058745ed860f5fe094987d86fe48eaec447c32773d39456d"
#define SECRET_1 "ae2020b5c158f71ec27b307c85be3acb0f50053a79992d6958b3dfb0d85dcbe4"
#define REQUEST_0                                                                                  \
    "1fe836ba6786b7d6569fabe8cf2371cc82dce271d9ed306f0b932580b03ec665847260b79508a82a0adf9ee71e78" \
    "929ca855"
#define RESPONSE_0                                                                                 \
    "f1889c18674a8bdcdb74a70638f30f60a5175b17f23c4ca90a60b74104898624b560665c5cd58776c7d813"
#define REQUEST_1                                                                                  \
    "8f2f9ba365a93664d7735b58ecfb94238d3b067e6a30de5b375000c27c25f3d94b54f44eba5bc087e2566e52ca55" \
    "d0060dad"
#define RESPONSE_1                                                                                 \
    "54a1b809fffe475fdb7e13f739a232e7ee0363f06a7b0965d8dcc187c420036fa99c71a03191350fbcbfaf"

static const char request_text[] = "{\"method\":\"GET\",\"path\":\"/healthz\"}";
static const char response_text[] = "{\"status\":200,\"headers\":{}}";

static void unhex(const char *text, uint8_t *ret, size_t size)
{
    assert_int_equal(SG_OK, encode_unhex(text, strlen(text), ret, size));
}

static void assert_hex(const char *expected, const void *data, size_t len)
{
    char text[SG_HEX_SIZE(256)];

    assert_true(len <= 256);
    encode_hex(data, len, text);
    assert_string_equal(expected, text);
}

static struct channel_terms terms_of_test(void)
{
    struct channel_terms t = {.created_s = 1795262530, .expires_s = 1795264330};

    for (unsigned i = 0; i < 16; i++)
        t.session_id[i] = (uint8_t)i;
    for (unsigned i = 0; i < 32; i++)
        t.salt[i] = (uint8_t)(0x20 + i);
    unhex(ALICE_PUBLIC, t.client_public, 32);
    unhex(BOB_PUBLIC, t.server_public, 32);
    return t;
}

static void start_epoch(struct channel_epoch *ret)
{
    struct channel_terms t = terms_of_test();
    uint8_t shared[32];

    unhex(SHARED, shared, sizeof shared);
    assert_int_equal(SG_OK, channel_start(&t, shared, ret));
}

static struct channel_message message_of(const struct channel_terms *t,
                                         enum channel_direction direction)
{
    struct channel_message m = {.direction = direction, .sequence = 7};

    memcpy(m.session_id, t->session_id, sizeof m.session_id);
    return m;
}

static void test_agreement(void **state)
{
    uint8_t secret[32], other[32], shared[32], mine[32], yours[32], a[32], b[32];

    (void)state;
    unhex(BOB_SECRET, secret, 32);
    unhex(ALICE_PUBLIC, other, 32);
    assert_int_equal(SG_OK, channel_agree(secret, other, shared));
    assert_hex(SHARED, shared, 32);
    channel_key_pair(mine, a);
    channel_key_pair(yours, b);
    assert_memory_not_equal(mine, yours, 32);
    assert_int_equal(SG_OK, channel_agree(mine, b, shared));
    assert_int_equal(SG_OK, channel_agree(yours, a, other));
    assert_memory_equal(shared, other, 32);
}

static void test_low_order(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    uint8_t secret[32], public_key[32], ret[32] = {0};

    (void)state;
    channel_key_pair(secret, public_key);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        unhex(points[i], public_key, 32);
        assert_int_equal(SG_ERR_BAD_FIELD, channel_agree(secret, public_key, ret));
    }
}

static void test_vectors(void **state)
{
    static const char *const requests[] = {REQUEST_0, REQUEST_1};
    static const char *const responses[] = {RESPONSE_0, RESPONSE_1};
    struct channel_terms t = terms_of_test();
    struct channel_message request = message_of(&t, SG_CHANNEL_REQUEST);
    struct channel_message response = message_of(&t, SG_CHANNEL_RESPONSE);
    struct channel_epoch e, again;
    struct buf sealed, plain;

    (void)state;
    start_epoch(&e);
    assert_hex(SECRET_0, e.secret, 32);
    buf_init(&sealed, 1024);
    buf_init(&plain, 1024);
    response.next_epoch = 1;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(i, e.number);
        buf_clear(&sealed);
        assert_int_equal(
            SG_OK, channel_seal(&e, &request, NULL, request_text, strlen(request_text), &sealed));
        assert_hex(requests[i], sealed.data, sealed.len);
        assert_int_equal(SG_OK, channel_open(&e, &request, NULL, sealed.data, sealed.len, &plain));
        assert_string_equal(request_text, buf_str(&plain));
        memcpy(response.request_tag, sealed.data + sealed.len - 16, 16);
        buf_clear(&sealed);
        buf_clear(&plain);
        assert_int_equal(SG_OK, channel_seal(&e, &response, NULL, response_text,
                                             strlen(response_text), &sealed));
        assert_hex(responses[i], sealed.data, sealed.len);
        assert_int_equal(SG_OK, channel_open(&e, &response, NULL, sealed.data, sealed.len, &plain));
        assert_string_equal(response_text, buf_str(&plain));
        buf_clear(&plain);
        assert_int_equal(SG_OK, channel_resume(e.number, e.secret, &again));
        assert_memory_equal(&e, &again, sizeof e);
        assert_int_equal(SG_OK, channel_next(&e));
        if (i == 0)
            assert_hex(SECRET_1, e.secret, 32);
    }
    buf_fini(&sealed);
    buf_fini(&plain);
}

static void test_given_is_another_suite(void **state)
{
    struct channel_terms t = terms_of_test();
    struct channel_epoch agreed, given;
    uint8_t shared[32];
    struct buf text;

    (void)state;
    start_epoch(&agreed);
    memset(t.client_public, 0, 32);
    memset(t.server_public, 0, 32);
    unhex(SHARED, shared, 32);
    assert_int_equal(SG_OK, channel_start(&t, shared, &given));
    assert_memory_not_equal(agreed.secret, given.secret, 32);
    buf_init(&text, SG_CHANNEL_SIGNED_SIZE);
    channel_signed_text(&t, &text);
    assert_int_equal(SG_OK, buf_status(&text));
    assert_string_equal("secgate channel v1", buf_str(&text));
    assert_string_equal(SG_CHANNEL_SUITE_GIVEN, buf_str(&text) + 19);
    buf_fini(&text);
}

static void refuse(const struct channel_epoch *e, const struct channel_message *m,
                   const uint8_t *nonce, const uint8_t *data, size_t len)
{
    struct buf out;

    buf_init(&out, 1024);
    assert_int_equal(SG_ERR_BAD_SEALED, channel_open(e, m, nonce, data, len, &out));
    assert_int_equal(0, out.len);
    buf_fini(&out);
}

/* Each bit of what is sent, of what is authenticated with it, and of the nonce. */
static void test_every_bit(void **state)
{
    struct channel_terms t = terms_of_test();
    struct channel_message m = message_of(&t, SG_CHANNEL_RESPONSE), changed;
    struct channel_epoch e, other;
    uint8_t nonce[SG_CHANNEL_NONCE_SIZE];
    struct buf sealed;

    (void)state;
    start_epoch(&e);
    m.next_epoch = 1;
    m.request_tag[3] = 9;
    channel_nonce(&e, SG_CHANNEL_RESPONSE, m.sequence, nonce);
    buf_init(&sealed, 1024);
    assert_int_equal(SG_OK,
                     channel_seal(&e, &m, nonce, response_text, strlen(response_text), &sealed));
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refuse(&e, &m, NULL, sealed.data, sealed.len);
        sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < sizeof nonce * 8; bit++) {
        nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refuse(&e, &m, nonce, sealed.data, sealed.len);
        nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 128; bit++) {
        changed = m;
        changed.session_id[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refuse(&e, &changed, nonce, sealed.data, sealed.len);
        changed = m;
        changed.request_tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refuse(&e, &changed, nonce, sealed.data, sealed.len);
    }
    for (size_t bit = 0; bit < 64; bit++) {
        changed = m;
        changed.sequence ^= UINT64_C(1) << bit;
        refuse(&e, &changed, nonce, sealed.data, sealed.len);
        changed = m;
        changed.next_epoch ^= UINT64_C(1) << bit;
        refuse(&e, &changed, nonce, sealed.data, sealed.len);
        other = e;
        other.number ^= UINT64_C(1) << bit;
        refuse(&other, &m, nonce, sealed.data, sealed.len);
    }
    changed = m;
    changed.direction = SG_CHANNEL_REQUEST;
    refuse(&e, &changed, nonce, sealed.data, sealed.len);
    for (size_t len = 0; len < sealed.len; len++)
        refuse(&e, &m, NULL, sealed.data, len);
    buf_fini(&sealed);
}

static void test_nothing_inside(void **state)
{
    struct channel_terms t = terms_of_test();
    struct channel_message m = message_of(&t, SG_CHANNEL_REQUEST);
    struct channel_epoch e;
    struct buf sealed, plain;

    (void)state;
    start_epoch(&e);
    buf_init(&sealed, 64);
    buf_init(&plain, 64);
    assert_int_equal(SG_OK, channel_seal(&e, &m, NULL, "", 0, &sealed));
    assert_int_equal(SG_CHANNEL_TAG_SIZE, sealed.len);
    assert_int_equal(SG_OK, channel_open(&e, &m, NULL, sealed.data, sealed.len, &plain));
    assert_int_equal(0, plain.len);
    buf_fini(&sealed);
    buf_fini(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreement), cmocka_unit_test(test_low_order),
        cmocka_unit_test(test_vectors),   cmocka_unit_test(test_given_is_another_suite),
        cmocka_unit_test(test_every_bit), cmocka_unit_test(test_nothing_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
