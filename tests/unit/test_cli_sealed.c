/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what goes into a sealed message and comes out of one, and of the channel on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/chanstate.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/sealed.h"
#include "cli/sealedbody.h"

static struct report_capture errors;

/* -- the request ----------------------------------------------------------------------------------
 */

static struct json_object *written(const struct http_request *request)
{
    SG_BUF_CLEANUP struct buf b = {0};

    buf_init(&b, 16 << 20);
    assert_int_equal(sealedbody_write(request, &b), SG_CLI_OK);
    return json_parse(buf_str(&b), b.len);
}

static void test_a_request_is_written_whole(void **state)
{
    (void)state;
    SG_JSON_CLEANUP struct json_object *json =
        written(&(struct http_request){.method = "POST",
                                       .target = "/v1/a?b=c%20d",
                                       .token = "secret",
                                       .headers = {"Idempotency-Key: x: y", "If-Match:\"e\""},
                                       .content_type = "application/json",
                                       .body = "{\"t\":\"\303\274\"}",
                                       .body_len = 10});
    struct json_object *headers = json_member(json, "headers");

    assert_string_equal(json_text(json, "method", ""), "POST");
    assert_string_equal(json_text(json, "path", ""), "/v1/a?b=c%20d");
    assert_string_equal(json_text(headers, "Idempotency-Key", ""), "x: y");
    assert_string_equal(json_text(headers, "If-Match", ""), "\"e\"");
    assert_string_equal(json_text(headers, "Content-Type", ""), "application/json");
    assert_string_equal(json_text(json, "body", ""), "{\"t\":\"\303\274\"}");
    /* The token is the outer request's. */
    assert_null(strstr(json_object_to_json_string(json), "secret"));
}

struct source {
    size_t left;
    uint8_t next;
};

static int64_t read_source(void *context, void *data, size_t len)
{
    struct source *s = context;
    size_t count = s->left < len ? s->left : len;

    for (size_t i = 0; i < count; i++)
        ((uint8_t *)data)[i] = s->next++;
    s->left -= count;
    return (int64_t)count;
}

static enum cli_status write_streamed(size_t len, int64_t size, struct buf *ret)
{
    struct source source = {.left = len};
    struct http_stream stream = {.context = &source, .size = size, .read = read_source};

    report_capture(&errors);
    enum cli_status status = sealedbody_write(
        &(struct http_request){.method = "PUT", .target = "/x", .upload = true, .stream = &stream},
        ret);
    report_release();
    return status;
}

static void test_streamed_content_is_base64_up_to_the_limit(void **state)
{
    static const size_t lengths[] = {
        0, 1, 2, 3, 65535, 65536, 65537, 300000, SG_SEALED_CONTENT_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        SG_BUF_CLEANUP struct buf b = {0};

        buf_init(&b, 16 << 20);
        assert_int_equal(write_streamed(lengths[i], i % 2 ? -1 : (int64_t)lengths[i], &b),
                         SG_CLI_OK);
        SG_JSON_CLEANUP struct json_object *json = json_parse(buf_str(&b), b.len);
        const char *text = json_text(json, "body_base64", "");
        uint8_t *data = malloc(strlen(text) + 1);
        size_t len = 0;

        if (lengths[i] > 0)
            assert_int_equal(encode_unbase64(text, strlen(text), data, strlen(text), &len), SG_OK);
        assert_int_equal(len, lengths[i]);
        for (size_t at = 0; at < len; at++)
            assert_int_equal(data[at], (uint8_t)at);
        free(data);
    }
}

static void test_what_is_too_long_is_refused(void **state)
{
    SG_BUF_CLEANUP struct buf b = {0};

    (void)state;
    buf_init(&b, 16 << 20);
    assert_int_equal(write_streamed(10, (int64_t)SG_SEALED_CONTENT_MAX + 1, &b), SG_CLI_USAGE);
    assert_non_null(strstr(buf_str(&errors.message), "does not go into a sealed message"));
    assert_int_equal(write_streamed(SG_SEALED_CONTENT_MAX + 1, -1, &b), SG_CLI_USAGE);
    assert_int_equal(b.len, 0);
}

/* -- the answer -----------------------------------------------------------------------------------
 */

static bool read_into(struct http_call *call, const char *text)
{
    SG_JSON_CLEANUP struct json_object *json = json_parse(text, strlen(text));

    buf_fini(&call->body);
    memset(call, 0, sizeof(*call));
    buf_init(&call->body, 1 << 20);
    buf_puts(&call->body, "the outer answer");
    return sealedbody_read(json, call);
}

static void test_an_answer_takes_the_place_of_the_outer_one(void **state)
{
    struct http_call call = {0};

    (void)state;
    assert_true(read_into(&call,
                          "{\"status\":206,\"headers\":{\"etag\":\"\\\"a\\\"\",\"Content-Range\":"
                          "\"bytes 0-1/2\",\"REPR-DIGEST\":\"sha-256=:x:\",\"X-Request-Id\":"
                          "\"id\",\"Retry-After\":\"7\",\"Other\":1},\"body_base64\":\"AAEC\"}"));
    assert_int_equal(call.status, 206);
    assert_string_equal(call.etag, "\"a\"");
    assert_string_equal(call.content_range, "bytes 0-1/2");
    assert_string_equal(call.repr_digest, "sha-256=:x:");
    assert_string_equal(call.request_id, "id");
    assert_int_equal(call.retry_after, 7);
    assert_int_equal(call.length, 3);
    assert_memory_equal(call.body.data, "\0\1\2", 3);
    assert_true(read_into(&call, "{\"status\":204}"));
    assert_int_equal(call.body.len, 0);
    assert_true(read_into(&call, "{\"status\":200,\"body\":\"a\\u0000b\"}"));
    assert_int_equal(call.body.len, 3);
    assert_true(read_into(&call, "{\"status\":200,\"body_base64\":\"\"}"));
    assert_int_equal(call.body.len, 0);
    buf_fini(&call.body);
}

static void test_what_is_no_answer_is_refused(void **state)
{
    static const char *const bad[] = {"{}",
                                      "[]",
                                      "{\"status\":\"200\"}",
                                      "{\"status\":99}",
                                      "{\"status\":600}",
                                      "{\"status\":200,\"body\":1}",
                                      "{\"status\":200,\"body_base64\":\"A\"}",
                                      "{\"status\":200,\"body_base64\":\"AA==x\"}",
                                      "{\"status\":200,\"body_base64\":\"A A=\"}"};
    struct http_call call = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(read_into(&call, bad[i]));
    assert_false(sealedbody_read(NULL, &call));
    buf_fini(&call.body);
}

static void test_a_header_that_is_too_long_is_none(void **state)
{
    struct http_call call = {0};
    char text[1024], value[600];

    (void)state;
    memset(value, 'x', sizeof(value));
    value[sizeof(value) - 1] = 0;
    snprintf(text, sizeof(text), "{\"status\":200,\"headers\":{\"ETag\":\"%s\"}}", value);
    assert_true(read_into(&call, text));
    assert_string_equal(call.etag, "");
    buf_fini(&call.body);
}

/* -- the channel on disk --------------------------------------------------------------------------
 */

static char home[] = "/tmp/secctl-test-XXXXXX";

static struct profile *open_profile(void)
{
    struct profile *p = NULL;

    assert_int_equal(profile_open("p", &p), SG_CLI_OK);
    return p;
}

static struct chanstate example(void)
{
    struct chanstate s = {.id = "000102030405060708090a0b0c0d0e0f", .expires_s = 1234567890};
    uint8_t secret[SG_CHANNEL_KEY_SIZE];

    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof(s.session_id); i++)
        s.session_id[i] = (uint8_t)i;
    assert_int_equal(channel_resume(5, secret, &s.epoch), SG_OK);
    s.sequence = 41;
    return s;
}

static void test_the_channel_is_kept_whole_and_private(void **state)
{
    struct profile *p = open_profile();
    struct chanstate s = example(), back = {.sequence = 0};
    char *path = profile_path(p, "channel.json");
    struct stat st;
    bool found = true;

    (void)state;
    assert_int_equal(chanstate_load(p, &back, &found), SG_CLI_OK);
    assert_false(found);
    assert_int_equal(chanstate_create(p, &s), SG_CLI_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chanstate_load(p, &back, &found), SG_CLI_OK);
    assert_true(found);
    assert_string_equal(back.id, s.id);
    assert_memory_equal(back.session_id, s.session_id, sizeof(s.session_id));
    assert_int_equal(back.expires_s, s.expires_s);
    assert_int_equal(back.sequence, 41);
    assert_int_equal(back.epoch.number, 5);
    assert_memory_equal(back.epoch.key, s.epoch.key, sizeof(s.epoch.key));
    assert_int_equal(chanstate_forget(p), SG_CLI_OK);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
    profile_close(p);
}

static void test_a_damaged_channel_is_reported(void **state)
{
    static const char *const bad[] = {"", "{}", "[1]", "{\"session_id\":\"00\"}",
                                      "{\"session_id\":\"000102030405060708090a0b0c0d0e0f\","
                                      "\"expires_at\":1,\"epoch\":0,\"secret\":\"AAAA\","
                                      "\"sequence\":0}"};
    struct profile *p = open_profile();
    char *path = profile_path(p, "channel.json");

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct chanstate s = {.sequence = 0};
        bool found = false;

        assert_int_equal(profile_write(p, path, bad[i], strlen(bad[i])), SG_CLI_OK);
        report_capture(&errors);
        assert_int_equal(chanstate_load(p, &s, &found), SG_CLI_USAGE);
        report_release();
        assert_non_null(strstr(buf_str(&errors.message), "is damaged"));
    }
    assert_int_equal(chanstate_forget(p), SG_CLI_OK);
    free(path);
    profile_close(p);
}

/* Processes that take numbers at the same time: none is taken twice. */
static void test_no_number_is_taken_twice(void **state)
{
    enum { PROCESSES = 8, EACH = 50 };
    struct profile *p = open_profile();
    struct chanstate s = example();
    bool found = false;

    (void)state;
    s.sequence = 0;
    assert_int_equal(chanstate_create(p, &s), SG_CLI_OK);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child > 0)
            continue;
        for (int n = 0; n < EACH; n++) {
            int fd = -1;

            if (chanstate_lock(p, &fd) != SG_CLI_OK || chanstate_load(p, &s, &found) != SG_CLI_OK)
                _exit(1);
            s.sequence++;
            if (chanstate_save(p, &s) != SG_CLI_OK)
                _exit(1);
            (void)close(fd);
        }
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int how = -1;

        assert_true(wait(&how) > 0);
        assert_int_equal(how, 0);
    }
    assert_int_equal(chanstate_load(p, &s, &found), SG_CLI_OK);
    assert_int_equal(s.sequence, PROCESSES * EACH);
    assert_int_equal(chanstate_forget(p), SG_CLI_OK);
    profile_close(p);
}

static int make_home(void **state)
{
    (void)state;
    return mkdtemp(home) ? setenv("SECCTL_HOME", home, 1) : -1;
}

static int remove_home(void **state)
{
    char path[128];

    (void)state;
    report_capture_fini(&errors);
    snprintf(path, sizeof(path), "%s/p/channel.lock", home);
    (void)unlink(path);
    snprintf(path, sizeof(path), "%s/p", home);
    (void)rmdir(path);
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_written_whole),
        cmocka_unit_test(test_streamed_content_is_base64_up_to_the_limit),
        cmocka_unit_test(test_what_is_too_long_is_refused),
        cmocka_unit_test(test_an_answer_takes_the_place_of_the_outer_one),
        cmocka_unit_test(test_what_is_no_answer_is_refused),
        cmocka_unit_test(test_a_header_that_is_too_long_is_none),
        cmocka_unit_test(test_the_channel_is_kept_whole_and_private),
        cmocka_unit_test(test_a_damaged_channel_is_reported),
        cmocka_unit_test(test_no_number_is_taken_twice),
    };

    return cmocka_run_group_tests(tests, make_home, remove_home);
}
