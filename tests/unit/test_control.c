/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between parent and worker: as they were sent, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/control.h"
#include "base/buf.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/codec.h"

static int ends[2];

static int set_up(void **state)
{
    (void)state;
    return channel_pair(ends) != SG_OK;
}

static int tear_down(void **state)
{
    (void)state;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static enum sg_err receive(struct control *ret)
{
    int fds[SG_IPC_FDS_MAX];
    size_t nfds;

    return control_receive(ends[1], 1000, ret, fds, &nfds);
}

static void test_reload(void **state)
{
    static char text[SG_CONFIG_LIST_MAX][600];
    struct control sent = {.type = SG_CONTROL_RELOAD,
                           .log_format = SG_LOG_JSON,
                           .log_level = SG_LOG_WARN,
                           .client_certificates = SG_CERTIFICATES_REQUIRED};
    struct control got;

    (void)state;
    for (size_t count = 0; count <= SG_CONFIG_LIST_MAX; count++) {
        sent.client_ca.count = count;
        assert_int_equal(control_send(ends[0], &sent, NULL, 0), SG_OK);
        assert_int_equal(receive(&got), SG_OK);
        assert_int_equal(got.type, SG_CONTROL_RELOAD);
        assert_int_equal(got.log_format, SG_LOG_JSON);
        assert_int_equal(got.log_level, SG_LOG_WARN);
        assert_int_equal(got.client_certificates, SG_CERTIFICATES_REQUIRED);
        assert_int_equal(got.client_ca.count, count);
        for (size_t i = 0; i < count; i++)
            assert_string_equal(got.client_ca.item[i], text[i]);
        config_list_fini(&got.client_ca);
        assert_int_equal(got.client_ca.count, 0);
        if (count < SG_CONFIG_LIST_MAX) {
            (void)snprintf(text[count], sizeof text[count], "/ca/%zu.pem cn %*s", count,
                           (int)(count * 18), "x");
            sent.client_ca.item[count] = text[count];
        }
    }
}

/* More than a message takes is refused here, not there. */
static void test_too_large(void **state)
{
    static char text[40000];
    struct control m = {.type = SG_CONTROL_RELOAD, .client_ca = {.count = 2, .item = {text, text}}};

    (void)state;
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(control_send(ends[0], &m, NULL, 0), SG_ERR_TOO_LARGE);
}

static enum sg_err send_bytes(const void *data, size_t len)
{
    SG_BUF_CLEANUP struct buf b;
    struct control got;
    enum sg_err err;

    buf_init(&b, SG_IPC_MESSAGE_MAX);
    buf_append(&b, data, len);
    assert_int_equal(channel_send(ends[0], &b, NULL, 0), SG_OK);
    err = receive(&got);
    if (err == SG_OK)
        config_list_fini(&got.client_ca);
    return err;
}

/* Each part of a message, and with what is out of range. */
static void test_malformed(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    uint8_t copy[256];

    (void)state;
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&b, SG_CONTROL_RELOAD);
    codec_put_u8(&b, SG_LOG_TEXT);
    codec_put_u8(&b, SG_LOG_INFO);
    codec_put_u8(&b, SG_CERTIFICATES_OPTIONAL);
    codec_put_u8(&b, 2);
    codec_put_string(&b, "/one.pem cn");
    codec_put_string(&b, "/two.pem uri /two.crl");
    assert_int_equal(send_bytes(b.data, b.len), SG_OK);
    for (size_t len = 1; len < b.len; len++)
        assert_int_equal(send_bytes(b.data, len), SG_ERR_PROTOCOL);
    memcpy(copy, b.data, b.len);
    for (size_t at = 0; at < 5; at++) {
        copy[at] = 200;
        assert_int_equal(send_bytes(copy, b.len), SG_ERR_PROTOCOL);
        copy[at] = b.data[at];
    }
    copy[4] = 1; /* something is left */
    assert_int_equal(send_bytes(copy, b.len), SG_ERR_PROTOCOL);
}

static void test_others(void **state)
{
    struct control got, m = {.type = SG_CONTROL_SETUP_CODE, .line = "abc\n"};

    (void)state;
    assert_int_equal(control_send(ends[0], &m, NULL, 0), SG_OK);
    assert_int_equal(receive(&got), SG_OK);
    assert_string_equal(got.line, "abc\n");
    m = (struct control){.type = SG_CONTROL_RELOADED, .result = SG_ERR_CORRUPT};
    assert_int_equal(control_send(ends[0], &m, NULL, 0), SG_OK);
    assert_int_equal(receive(&got), SG_OK);
    assert_int_equal(got.result, SG_ERR_CORRUPT);
    m = (struct control){.type = SG_CONTROL_DRAIN};
    assert_int_equal(control_send(ends[0], &m, NULL, 0), SG_OK);
    assert_int_equal(receive(&got), SG_OK);
    assert_int_equal(got.type, SG_CONTROL_DRAIN);
    assert_int_equal(send_bytes("\1", 1), SG_ERR_PROTOCOL); /* channels without any */
    assert_int_equal(send_bytes("\77", 1), SG_ERR_PROTOCOL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_reload), TEST(test_too_large),
                                       TEST(test_malformed), TEST(test_others)};

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
