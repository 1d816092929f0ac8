/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of channels: whole messages, descriptors, time limits, peers that are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/codec.h"

struct pair {
    int fds[2];
    struct buf out;
    struct buf in;
};

static struct pair p;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(channel_pair(p.fds), SG_OK);
    buf_init(&p.out, SG_IPC_MESSAGE_MAX);
    buf_init(&p.in, SG_IPC_MESSAGE_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        if (p.fds[i] != -1)
            close(p.fds[i]);
    buf_fini(&p.out);
    buf_fini(&p.in);
    return 0;
}

static unsigned count_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count;
}

static void test_one_send_is_one_message(void **state)
{
    size_t nfds = 9;

    (void)state;
    buf_puts(&p.out, "first");
    assert_int_equal(channel_send(p.fds[0], &p.out, NULL, 0), SG_OK);
    buf_puts(&p.out, " and second");
    assert_int_equal(channel_send(p.fds[0], &p.out, NULL, 0), SG_OK);
    assert_int_equal(channel_receive(p.fds[1], 1000, &p.in, NULL, NULL), SG_OK);
    assert_string_equal(buf_str(&p.in), "first");
    assert_int_equal(channel_receive(p.fds[1], -1, &p.in, NULL, &nfds), SG_OK);
    assert_string_equal(buf_str(&p.in), "first and second");
    assert_int_equal(nfds, 0);
}

static void test_the_largest_message(void **state)
{
    (void)state;
    assert_non_null(buf_reserve(&p.out, SG_IPC_MESSAGE_MAX));
    memset(p.out.data, 'x', SG_IPC_MESSAGE_MAX);
    buf_commit(&p.out, SG_IPC_MESSAGE_MAX);
    assert_int_equal(channel_send(p.fds[0], &p.out, NULL, 0), SG_OK);
    assert_int_equal(channel_receive(p.fds[1], 1000, &p.in, NULL, NULL), SG_OK);
    assert_int_equal(p.in.len, SG_IPC_MESSAGE_MAX);
    assert_memory_equal(p.in.data, p.out.data, SG_IPC_MESSAGE_MAX);
}

static void test_what_does_not_fit_is_an_error(void **state)
{
    struct buf small;

    (void)state;
    buf_init(&small, 4);
    buf_puts(&p.out, "12345");
    assert_int_equal(channel_send(p.fds[0], &p.out, NULL, 0), SG_OK);
    assert_int_equal(channel_receive(p.fds[1], 1000, &small, NULL, NULL), SG_ERR_PROTOCOL);
    assert_int_equal(small.len, 0);
    buf_fini(&small);
}

static void test_empty_and_failed_messages_are_not_sent(void **state)
{
    struct buf small;

    (void)state;
    assert_int_equal(channel_send(p.fds[0], &p.out, NULL, 0), SG_ERR_PROTOCOL);
    buf_init(&small, 1);
    buf_puts(&small, "12");
    assert_int_equal(channel_send(p.fds[0], &small, NULL, 0), SG_ERR_PROTOCOL);
    assert_int_equal(channel_receive(p.fds[1], 0, &p.in, NULL, NULL), SG_ERR_TIMEOUT);
    buf_fini(&small);
}

static void test_the_time_limit(void **state)
{
    int64_t start = clock_monotonic_ns();
    int64_t took;

    (void)state;
    assert_int_equal(channel_receive(p.fds[1], 50, &p.in, NULL, NULL), SG_ERR_TIMEOUT);
    took = clock_monotonic_ns() - start;
    assert_true(took >= 49 * SG_NS_PER_MS && took < 2000 * SG_NS_PER_MS);
}

static void test_a_peer_that_is_gone(void **state)
{
    (void)state;
    buf_puts(&p.out, "last words");
    assert_int_equal(channel_send(p.fds[0], &p.out, NULL, 0), SG_OK);
    close(p.fds[0]);
    p.fds[0] = -1;
    assert_int_equal(channel_receive(p.fds[1], 1000, &p.in, NULL, NULL), SG_OK);
    assert_string_equal(buf_str(&p.in), "last words");
    assert_int_equal(channel_receive(p.fds[1], -1, &p.in, NULL, NULL), SG_ERR_UNAVAILABLE);
    assert_int_equal(channel_send(p.fds[1], &p.out, NULL, 0), SG_ERR_UNAVAILABLE);
}

static void test_a_full_buffer_of_a_non_blocking_descriptor(void **state)
{
    enum sg_err err = SG_OK;

    (void)state;
    assert_int_equal(fcntl(p.fds[0], F_SETFL, O_NONBLOCK), 0);
    buf_puts(&p.out, "x");
    for (int i = 0; i < 100000 && err == SG_OK; i++)
        err = channel_send(p.fds[0], &p.out, NULL, 0);
    assert_int_equal(err, SG_ERR_TIMEOUT);
}

static void test_descriptors_travel(void **state)
{
    int send[SG_IPC_FDS_MAX];
    int got[SG_IPC_FDS_MAX];
    size_t count = 0;
    char c = 0;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (size_t i = 0; i < SG_IPC_FDS_MAX; i++)
        send[i] = ends[1];
    buf_puts(&p.out, "fds");
    assert_int_equal(channel_send(p.fds[0], &p.out, send, SG_IPC_FDS_MAX), SG_OK);
    assert_int_equal(channel_send(p.fds[0], &p.out, send, SG_IPC_FDS_MAX + 1), SG_ERR_PROTOCOL);
    assert_int_equal(channel_receive(p.fds[1], 1000, &p.in, got, &count), SG_OK);
    assert_int_equal(count, SG_IPC_FDS_MAX);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fcntl(got[i], F_GETFD), FD_CLOEXEC);
        assert_int_equal(write(got[i], "y", 1), 1);
        assert_int_equal(read(ends[0], &c, 1), 1);
        close(got[i]);
    }
    close(ends[0]);
    close(ends[1]);
}

static void test_unwanted_descriptors_are_closed(void **state)
{
    unsigned before = count_descriptors();
    int fds[2] = {p.fds[0], p.fds[1]};

    (void)state;
    buf_puts(&p.out, "fds");
    assert_int_equal(channel_send(p.fds[0], &p.out, fds, 2), SG_OK);
    assert_int_equal(channel_receive(p.fds[1], 1000, &p.in, NULL, NULL), SG_ERR_PROTOCOL);
    assert_int_equal(count_descriptors(), before);
}

static void test_too_many_descriptors_are_closed(void **state)
{
    unsigned before = count_descriptors();
    char control[CMSG_SPACE(20 * sizeof(int))] = {0};
    struct iovec iov = {.iov_base = control, .iov_len = 1};
    struct msghdr head = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    int got[SG_IPC_FDS_MAX];
    size_t count;

    (void)state;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(20 * sizeof(int));
    for (size_t i = 0; i < 20; i++)
        memcpy(CMSG_DATA(c) + i * sizeof(int), &p.fds[0], sizeof(int));
    assert_int_equal(sendmsg(p.fds[0], &head, 0), 1);
    assert_int_equal(channel_receive(p.fds[1], 1000, &p.in, got, &count), SG_ERR_PROTOCOL);
    assert_int_equal(count_descriptors(), before);
}

static void test_the_pair_is_closed_on_exec(void **state)
{
    (void)state;
    assert_int_equal(fcntl(p.fds[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(p.fds[1], F_GETFD), FD_CLOEXEC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_send_is_one_message),
        TEST(test_the_largest_message),
        TEST(test_what_does_not_fit_is_an_error),
        TEST(test_empty_and_failed_messages_are_not_sent),
        TEST(test_the_time_limit),
        TEST(test_a_peer_that_is_gone),
        TEST(test_a_full_buffer_of_a_non_blocking_descriptor),
        TEST(test_descriptors_travel),
        TEST(test_unwanted_descriptors_are_closed),
        TEST(test_too_many_descriptors_are_closed),
        TEST(test_the_pair_is_closed_on_exec),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
