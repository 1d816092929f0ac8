/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: precedence of the layers, errors that name their place, hand-over to the worker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config.h"
#include "app/config_keys.h"

static char path[] = "/tmp/secgate-config-XXXXXX";

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static int make_path(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    assert_int_not_equal(fd, -1);
    return close(fd);
}

static int drop_path(void **state)
{
    (void)state;
    return unlink(path);
}

/* Loads with flags and environment given as NULL-ended lists. */
static enum sg_err load(char **flags, char **env, struct config *c, struct buf *errors)
{
    char *argv[32] = {(char *)"secgated"};
    int argc = 1, rest;

    for (; flags != NULL && flags[argc - 1] != NULL; argc++)
        argv[argc] = flags[argc - 1];
    buf_init(errors, 65536);
    return config_load(argc, argv, env, c, &rest, errors);
}

static void expect_error(char **flags, char **env, const char *text)
{
    struct config c;
    struct buf errors;

    assert_int_equal(load(flags, env, &c, &errors), SG_ERR_BAD_FIELD);
    if (strstr(buf_str(&errors), text) == NULL)
        fail_msg("expected \"%s\" in: %s", text, buf_str(&errors));
    buf_fini(&errors);
}

#define FLAGS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_defaults(void **state)
{
    struct config c;
    struct buf errors;

    (void)state;
    assert_int_equal(load(NULL, NULL, &c, &errors), SG_OK);
    assert_string_equal(c.data, "/var/lib/secgate");
    assert_int_equal(c.listen.count, 1);
    assert_string_equal(c.listen.item[0], "localhost:8443");
    assert_int_equal(c.access_token_seconds, 600);
    assert_int_equal(c.signup, 1);
    assert_int_equal(c.argon2_memory_kib, 19456);
    assert_true(c.file_bytes == UINT64_C(64) << 30);
    assert_false(c.metrics_public);
    config_fini(&c);
    buf_fini(&errors);
}

static void test_precedence(void **state)
{
    struct config c;
    struct buf errors;
    char file[64];

    (void)state;
    snprintf(file, sizeof file, "--config=%s", path);
    write_file("[server]\nlisten = 127.0.0.1:1, 127.0.0.1:2\nname = from-file\n[log]\nlevel = "
               "debug\nformat = json\n"
               "[limits]\nfile_bytes = 2M\nidle-seconds = 7\n");
    assert_int_equal(
        load(FLAGS(file, "--log-level", "error", "--listen=127.0.0.1:9", "--listen", "[::1]:9"),
             FLAGS("SECGATE_LOG_LEVEL=warn", "SECGATE_NAME=from-env", "HOME=/x"), &c, &errors),
        SG_OK);
    assert_int_equal(c.log_level, 3);
    assert_int_equal(c.log_format, 1);
    assert_int_equal(c.listen.count, 2);
    assert_string_equal(c.listen.item[0], "127.0.0.1:9");
    assert_string_equal(c.listen.item[1], "[::1]:9");
    assert_int_equal(c.name.count, 1);
    assert_string_equal(c.name.item[0], "from-env");
    assert_true(c.file_bytes == 2 << 20);
    assert_int_equal(c.idle_seconds, 7);
    config_fini(&c);
    buf_fini(&errors);

    assert_int_equal(load(NULL, FLAGS("SECGATE_CONFIG=/nowhere/at/all"), &c, &errors),
                     SG_ERR_BAD_FIELD);
    buf_fini(&errors);
}

static void test_errors_name_their_place(void **state)
{
    char file[64], where[96];

    (void)state;
    snprintf(file, sizeof file, "--config=%s", path);
    write_file("[server]\nlisten = nonsense\n");
    snprintf(where, sizeof where, "%s:2: server.listen: must be HOST:PORT", path);
    expect_error(FLAGS(file), NULL, where);
    write_file("; comment\n\n[limits]\nconnections = many\n");
    snprintf(where, sizeof where, "%s:4: limits.connections: must be a number from 1 to", path);
    expect_error(FLAGS(file), NULL, where);
    write_file("[limits]\nno-such = 1\n");
    snprintf(where, sizeof where, "%s:2: limits.no-such: there is no such key", path);
    expect_error(FLAGS(file), NULL, where);
    write_file("[log]\nlevel = info\nlevel = warn\n");
    snprintf(where, sizeof where, "%s:3: log.level: is given twice", path);
    expect_error(FLAGS(file), NULL, where);
    write_file("[log]\nthis is nothing\n");
    snprintf(where, sizeof where, "%s:2: syntax:", path);
    expect_error(FLAGS(file), NULL, where);
    write_file("level = info\n");
    snprintf(where, sizeof where, "%s:1: level: stands before any [section]", path);
    expect_error(FLAGS(file), NULL, where);
}

static void test_bad_values(void **state)
{
    (void)state;
    expect_error(FLAGS("--log-format=xml"), NULL,
                 "--log-format: must be one of text|json, not 'xml'");
    expect_error(FLAGS("--nope"), NULL, "--nope: there is no such option");
    expect_error(FLAGS("--data"), NULL, "--data: needs a value");
    expect_error(FLAGS("--metrics-public=maybe"), NULL, "must be yes or no");
    expect_error(FLAGS("--limits-file-bytes=12X"), NULL, "must be a number");
    expect_error(FLAGS("--limits-file-bytes=99999999999999999999T"), NULL, "must be a number");
    expect_error(FLAGS("--limits-file-bytes=-1"), NULL, "must be a number");
    expect_error(FLAGS("--tls-key=/k"), NULL, "certificate and key are needed together");
    expect_error(FLAGS("--listen="), NULL, "at least one address");
    expect_error(FLAGS("--listen=::1:80"), NULL, "brackets");
    expect_error(FLAGS("--listen=host:65536"), NULL, "HOST:PORT");
    expect_error(FLAGS("--issuer=http://x"), NULL, "https://");
    expect_error(FLAGS("--issuer=https://x/"), NULL, "trailing slash");
    expect_error(FLAGS("--cors-origins=nonsense"), NULL, "origin");
    expect_error(FLAGS("--name=a b"), NULL, "DNS name");
    expect_error(NULL, FLAGS("SECGATE_LIMITS_POOL_THREADS=0"),
                 "SECGATE_LIMITS_POOL_THREADS: must be a number");
}

static void test_hand_over(void **state)
{
    struct config c, d;
    struct buf errors, changed;
    size_t count = 0;
    char **args;
    char *argv[256] = {(char *)"secgated"};
    int rest;

    (void)state;
    assert_int_equal(load(FLAGS("--listen=127.0.0.1:0", "--name=a,b", "--log-format=json",
                                "--limits-file-bytes=3G", "--cors-origins=https://x.example",
                                "--metrics-public=yes", "--data=/d e"),
                          NULL, &c, &errors),
                     SG_OK);
    args = config_to_args(&c, &count);
    assert_non_null(args);
    assert_true(count < 255);
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = args[i];
    buf_fini(&errors);
    buf_init(&errors, 65536);
    assert_int_equal(config_load((int)count + 1, argv, NULL, &d, &rest, &errors), SG_OK);
    assert_string_equal(d.data, "/d e");
    assert_int_equal(d.name.count, 2);
    assert_true(d.metrics_public);
    buf_init(&changed, 4096);
    config_changed(&c, &d, &changed);
    assert_string_equal(buf_str(&changed), "");
    d.connections++;
    d.log_level++; /* reloads: not named */
    config_changed(&c, &d, &changed);
    assert_string_equal(buf_str(&changed), "limits.connections");
    config_args_free(args);
    config_fini(&c);
    config_fini(&d);
    buf_fini(&changed);
    buf_fini(&errors);
}

static void test_help_names_every_key(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    config_help(&text);
    assert_int_equal(buf_status(&text), SG_OK);
    for (size_t i = 0; i < config_key_count; i++) {
        char flag[64], variable[80];

        config_key_flag(&config_keys[i], flag, sizeof flag);
        config_key_variable(&config_keys[i], variable, sizeof variable);
        assert_non_null(strstr(buf_str(&text), flag));
        assert_non_null(strstr(buf_str(&text), variable));
        assert_ptr_equal(config_key_by_variable(variable, strlen(variable)), &config_keys[i]);
        assert_ptr_equal(config_key_find(config_keys[i].section, config_keys[i].name),
                         &config_keys[i]);
    }
    buf_fini(&text);
}

/* Waiters stay below the connections: what was set must, what was not follows. */
static void test_waiters(void **state)
{
    char *few[] = {"--limits-connections=50", "--limits-connections-per-address=20", NULL};
    char *set[] = {"--limits-connections=50", "--limits-waiters=49",
                   "--limits-waiters-per-address=0", NULL};
    char *all[] = {"--limits-connections=50", "--limits-waiters=50", NULL};
    char *place[] = {"--limits-connections-per-address=20", "--limits-waiters-per-address=20",
                     NULL};
    char *one[] = {"--limits-connections-per-address=1", NULL};
    struct config c;
    struct buf errors;

    (void)state;
    assert_int_equal(load(NULL, NULL, &c, &errors), SG_OK);
    assert_int_equal(c.waiters, 9000);
    assert_int_equal(c.waiters_per_address, 900);
    config_fini(&c);
    assert_int_equal(load(few, NULL, &c, &errors), SG_OK);
    assert_int_equal(c.waiters, 45);
    assert_int_equal(c.waiters_per_address, 18);
    config_fini(&c);
    assert_int_equal(load(set, NULL, &c, &errors), SG_OK);
    assert_int_equal(c.waiters, 49);
    assert_int_equal(c.waiters_per_address, 0);
    config_fini(&c);
    assert_int_equal(load(one, NULL, &c, &errors), SG_OK);
    config_fini(&c);
    expect_error(all, NULL, "limits.waiters: must be less than the number of connections, 50");
    expect_error(place, NULL,
                 "limits.waiters-per-address: must be less than the number of connections, 20");
}

static void test_split_listen(void **state)
{
    char host[256], port[8];

    (void)state;
    assert_int_equal(config_split_listen("localhost:8443", host, port), SG_OK);
    assert_string_equal(host, "localhost");
    assert_string_equal(port, "8443");
    assert_int_equal(config_split_listen("[::1]:0", host, port), SG_OK);
    assert_string_equal(host, "::1");
    assert_int_equal(config_split_listen(":443", host, port), SG_OK);
    assert_string_equal(host, "");
    assert_int_equal(config_split_listen("localhost", host, port), SG_ERR_BAD_FIELD);
    assert_int_equal(config_split_listen("localhost:", host, port), SG_ERR_BAD_FIELD);
    assert_int_equal(config_split_listen("localhost:1x", host, port), SG_ERR_BAD_FIELD);
    assert_int_equal(config_split_listen("a:b:1", host, port), SG_ERR_BAD_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_errors_name_their_place),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_hand_over),
        cmocka_unit_test(test_help_names_every_key),
        cmocka_unit_test(test_waiters),
        cmocka_unit_test(test_split_listen),
    };

    return cmocka_run_group_tests_name("config", tests, make_path, drop_path);
}
