/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: canonical form and chain against known answers (made by Python's json and
 * hashlib), what becomes of acts, and the bounds of strangers' failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "core/audit.h"
#include "store/audittext.h"

#define AT_NS INT64_C(1795190534123999999)

/* -- text -----------------------------------------------------------------------------------------
 */

static void check_text(uint64_t seq, const struct audit_entry *e, const char *expected,
                       uint8_t chain[SG_DIGEST_SIZE], const char *expected_chain)
{
    char hex[SG_HEX_SIZE(SG_DIGEST_SIZE)];
    SG_BUF_CLEANUP struct buf out;
    buf_init(&out, 4096);
    audittext_canonical(&out, seq, e);
    assert_int_equal(SG_OK, buf_status(&out));
    assert_string_equal(expected, buf_str(&out));
    audittext_chain(chain, buf_str(&out), out.len, chain);
    encode_hex(chain, SG_DIGEST_SIZE, hex);
    assert_string_equal(expected_chain, hex);
}

static void test_known_answers(void **state)
{
    (void)state;
    uint8_t chain[SG_DIGEST_SIZE] = {0};
    struct audit_entry e = {.type = SG_AUDIT_USER_UPDATED,
                            .at_ns = AT_NS,
                            .has_session = true,
                            .actor = "alice",
                            .subject = "b\"\\\n\x01\xc3\xbc",
                            .address = "192.0.2.7",
                            .request_id = "5f0c2f6be1a94d27",
                            .details = "{\"n\":-5,\"role\":\"admin\"}"};
    memset(e.session_id, 1, sizeof(e.session_id));
    check_text(7, &e,
               "{\"actor\":\"alice\",\"address\":\"192.0.2.7\",\"at\":\"2026-11-20T16:02:14.123Z\","
               "\"details\":{\"n\":-5,\"role\":\"admin\"},\"request_id\":\"5f0c2f6be1a94d27\","
               "\"result\":\"ok\",\"seq\":7,\"session_id\":\"01010101010101010101010101010101\","
               "\"subject\":\"b\\\"\\\\\\n\\u0001\xc3\xbc\",\"type\":\"user.updated\"}",
               chain, "d38cac525e1ba5e38d2baa28c0a5af64bf5ad36be2e0ced47de9e2ae684d4164");
    e = (struct audit_entry){
        .type = SG_AUDIT_LOGIN_FAILED, .at_ns = AT_NS, .result = SG_ERR_BAD_CREDENTIALS};
    check_text(1, &e,
               "{\"at\":\"2026-11-20T16:02:14.123Z\",\"result\":\"credentials-invalid\",\"seq\":1,"
               "\"type\":\"login.failed\"}",
               chain, "491292e02bee1554e7aab6f3847906cdb202666f2d64d4958cb7672cc532913f");
}

static void test_types(void **state)
{
    (void)state;
    enum audit_type type;
    for (unsigned i = 0; i < SG_AUDIT_TYPE_COUNT; i++) {
        assert_int_equal(SG_OK, audit_type_parse(audit_type_name(i), &type));
        assert_int_equal(i, type);
    }
    assert_string_equal("login", audit_type_name(SG_AUDIT_LOGIN));
    assert_int_equal(SG_ERR_NOT_FOUND, audit_type_parse("", &type));
    assert_int_equal(SG_ERR_NOT_FOUND, audit_type_parse("login.", &type));
}

/* -- a store that remembers -----------------------------------------------------------------------
 */

static struct audit_entry last;
static unsigned appended, appended_later, pruned;
static enum sg_err answer;
static int64_t wall_ns, monotonic_ns;
static struct audit_cut pruned_cut;

static enum sg_err fake_append(void *self, const struct audit_entry *entry)
{
    (void)self;
    if (answer)
        return answer;
    last = *entry;
    appended++;
    return SG_OK;
}

static struct audit_loss loss_of_last;

static enum sg_err fake_later(void *self, const struct audit_entry *entry,
                              const struct audit_loss *loss)
{
    (void)self;
    loss_of_last = *loss;
    if (answer)
        return answer;
    last = *entry;
    appended_later++;
    return SG_OK;
}

static enum sg_err fake_prune(void *self, const struct audit_cut *cut, size_t batch,
                              size_t *ret_removed)
{
    (void)self;
    pruned_cut = *cut;
    *ret_removed = ++pruned < 3 ? batch : batch - 1;
    return answer;
}

static const struct audit_vtable fake_vtable = {
    .append = fake_append, .append_later = fake_later, .prune = fake_prune};
static const struct audit_store fake = {.vt = &fake_vtable};

static int64_t now_wall(void)
{
    return wall_ns;
}

static int64_t now_monotonic(void)
{
    return monotonic_ns;
}

static int setup(void **state)
{
    struct audit *a = NULL;
    static const struct audit_retention retention = {
        .seconds = 86400, .entries = 1000, .young_seconds = 3600};
    static const struct clock_source source = {.now_ns = now_wall, .monotonic_ns = now_monotonic};
    clock_set_source(&source);
    wall_ns = AT_NS;
    monotonic_ns = 100 * 3600 * SG_NS_PER_S;
    appended = appended_later = pruned = 0;
    answer = SG_OK;
    memset(&last, 0, sizeof(last));
    assert_int_equal(SG_OK, audit_new(&fake, &retention, &a));
    *state = a;
    return 0;
}

static int teardown(void **state)
{
    audit_free(*state);
    clock_set_source(NULL);
    return 0;
}

/* -- acts -----------------------------------------------------------------------------------------
 */

static void test_entry_of_act(void **state)
{
    uint8_t session[SG_SESSION_ID_SIZE] = {1, 2, 3};
    struct audit_act act = {.type = SG_AUDIT_KEY_UPDATED,
                            .actor = "ann",
                            .subject = "release",
                            .address = "2001:db8::1",
                            .session = session,
                            .request_id = "r1",
                            .detail = {{.name = "quorum", .number = 2},
                                       {.name = "formats", .text = "raw \"dsse\""},
                                       {.name = "a", .number = -1},
                                       {.name = "quorum", .number = 3}},
                            .detail_count = 4};
    audit_note(*state, &act);
    assert_int_equal(1, appended);
    assert_int_equal(AT_NS, last.at_ns);
    assert_string_equal("ann", last.actor);
    assert_string_equal("release", last.subject);
    assert_string_equal("2001:db8::1", last.address);
    assert_string_equal("r1", last.request_id);
    assert_true(last.has_session);
    assert_memory_equal(session, last.session_id, sizeof(session));
    assert_string_equal("{\"a\":-1,\"formats\":\"raw \\\"dsse\\\"\",\"quorum\":2}", last.details);
    act = (struct audit_act){.type = SG_AUDIT_LOGIN};
    audit_note(*state, &act);
    assert_string_equal("", last.actor);
    assert_string_equal("", last.subject);
    assert_string_equal("", last.details);
    assert_false(last.has_session);
    audit_note(NULL, &act);
    audit_note_failure(NULL, &act);
    assert_int_equal(2, appended);
}

/* Whole characters, and always UTF-8. */
static void test_texts(void **state)
{
    char text[600];
    struct audit_act act = {.type = SG_AUDIT_LOGIN, .actor = "a\xff\xc3", .subject = text};
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memcpy(text + 255, "\xc3\xbc", 2); /* cut in two */
    audit_note(*state, &act);
    assert_string_equal("a??", last.actor);
    assert_int_equal(255, strlen(last.subject));
    memcpy(text + 253, "\xe2\x82\xac", 3);
    audit_note(*state, &act);
    assert_int_equal(256, strlen(last.subject));
    memcpy(text + 100, "\xff", 1);
    audit_note(*state, &act);
    assert_int_equal('?', last.subject[100]);
    assert_int_equal(256, strlen(last.subject));
}

/* Details that do not fit are left out, the others stay. */
static void test_long_details(void **state)
{
    char text[300];
    struct audit_act act = {.type = SG_AUDIT_LOGIN, .detail_count = SG_AUDIT_DETAILS};
    static const char *const names[SG_AUDIT_DETAILS] = {"a", "b", "c", "d", "e", "f"};
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (size_t i = 0; i < SG_AUDIT_DETAILS; i++)
        act.detail[i] = (struct audit_detail){.name = names[i], .text = i < 5 ? text : "short"};
    audit_note(*state, &act);
    assert_non_null(strstr(last.details, "{\"a\":\"xxx"));
    assert_non_null(strstr(last.details, ",\"f\":\"short\"}"));
    assert_null(strstr(last.details, "\"d\":"));
}

/* -- failures of strangers ------------------------------------------------------------------------
 */

static void test_failures(void **state)
{
    const struct audit_act act = {.type = SG_AUDIT_LOGIN_FAILED, .result = SG_ERR_BAD_CREDENTIALS};
    for (int i = 0; i < 1000; i++)
        audit_note_failure(*state, &act);
    assert_int_equal(SG_AUDIT_FAILURES_SECOND, appended_later);
    assert_string_equal("", last.details);
    monotonic_ns += SG_NS_PER_S;
    audit_note_failure(*state, &act);
    assert_int_equal(SG_AUDIT_FAILURES_SECOND + 1, appended_later);
    assert_string_equal("{\"omitted\":950}", last.details);
    audit_note_failure(*state, &act);
    assert_string_equal("", last.details);

    /* The bound of the hour, and what users do is kept however many strangers fail. */
    for (int s = 0; s < 100; s++) {
        monotonic_ns += SG_NS_PER_S;
        for (int i = 0; i < 60; i++)
            audit_note_failure(*state, &act);
    }
    assert_int_equal(SG_AUDIT_FAILURES_HOUR, appended_later);
    const struct audit_act login = {.type = SG_AUDIT_LOGIN, .actor = "ann"};
    audit_note(*state, &login);
    assert_int_equal(1, appended);
    assert_non_null(strstr(last.details, "\"omitted\":"));
    monotonic_ns += 3600 * SG_NS_PER_S;
    audit_note_failure(*state, &act);
    assert_int_equal(SG_AUDIT_FAILURES_HOUR + 1, appended_later);
}

/* What users fail to do is bounded, too, and strangers do not push it out. */
static void test_attempts(void **state)
{
    const struct audit_act act = {
        .type = SG_AUDIT_TOTP_ENABLED, .actor = "ann", .result = SG_ERR_BAD_FACTOR};
    for (int i = 0; i < 1000; i++)
        audit_note_failure(*state, &act);
    assert_int_equal(SG_AUDIT_FAILURES_SECOND, appended_later);
    for (int i = 0; i < 1000; i++)
        audit_note_attempt(*state, &act);
    assert_int_equal(SG_AUDIT_FAILURES_SECOND, appended); /* durable */
    assert_int_equal(SG_AUDIT_FAILURES_SECOND, appended_later);
    for (int s = 0; s < 100; s++) {
        monotonic_ns += SG_NS_PER_S;
        for (int i = 0; i < 60; i++)
            audit_note_attempt(*state, &act);
    }
    assert_int_equal(SG_AUDIT_FAILURES_HOUR, appended);
    audit_note_failure(*state, &act);
    assert_int_equal(SG_AUDIT_FAILURES_SECOND + 1, appended_later);
    assert_non_null(strstr(last.details, "\"omitted\":"));
    const struct audit_act done = {.type = SG_AUDIT_TOTP_ENABLED, .actor = "ann"};
    audit_note(*state, &done);
    assert_int_equal(SG_AUDIT_FAILURES_HOUR + 1, appended);
    audit_note_attempt(NULL, &act);
}

/* An entry that could not be written is not forgotten. */
static void test_store_fails(void **state)
{
    const struct audit_act act = {.type = SG_AUDIT_LOGIN};
    answer = SG_ERR_NO_SPACE;
    audit_note(*state, &act);
    audit_note_failure(*state, &act);
    answer = SG_OK;
    audit_note(*state, &act);
    assert_string_equal("{\"omitted\":2}", last.details);
    audit_note(*state, &act);
    assert_string_equal("", last.details);

    /* Nor one of which that turns out later, nor those that it counted. */
    monotonic_ns += SG_NS_PER_S;
    for (int i = 0; i < SG_AUDIT_FAILURES_SECOND + 4; i++)
        audit_note_failure(*state, &act);
    monotonic_ns += SG_NS_PER_S;
    audit_note_failure(*state, &act);
    assert_string_equal("{\"omitted\":4}", last.details);
    loss_of_last.tell(loss_of_last.ctx, loss_of_last.count, SG_ERR_NO_SPACE);
    audit_note(*state, &act);
    assert_string_equal("{\"omitted\":5}", last.details);
}

static void test_prune(void **state)
{
    audit_prune(*state);
    assert_int_equal(3, pruned); /* until a batch is not full */
    assert_int_equal(AT_NS - 86400 * SG_NS_PER_S, pruned_cut.before_ns);
    assert_int_equal(AT_NS - 3600 * SG_NS_PER_S, pruned_cut.young_ns);
    assert_int_equal(1000, pruned_cut.keep);
    answer = SG_ERR_IO;
    pruned = 0;
    audit_prune(*state);
    assert_int_equal(1, pruned);
    audit_prune(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_types),
        cmocka_unit_test_setup_teardown(test_entry_of_act, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_details, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attempts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prune, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
