/* SPDX-License-Identifier: Apache-2.0 */
/* Sets an identity up for tests; nothing here is a test itself. */
#include "fake_identity.h"

#include "base/clock.h"
#include "core/password.h"
#include "store/sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake_keyring *shared_keyring;
static bool use_sqlite;
static _Atomic int64_t offset_ns;

static int64_t moved(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * SG_NS_PER_S + ts.tv_nsec + atomic_load(&offset_ns);
}

static int64_t moved_now(void)
{
    return moved(CLOCK_REALTIME);
}

static int64_t moved_monotonic(void)
{
    return moved(CLOCK_MONOTONIC);
}

int fake_identity_group(void **state)
{
    (void)state;
    use_sqlite = false;
    clock_set_source(&(struct clock_source){.now_ns = moved_now, .monotonic_ns = moved_monotonic});
    shared_keyring = fake_keyring_new();
    return 0;
}

int fake_identity_group_sqlite(void **state)
{
    int rc = fake_identity_group(state);

    use_sqlite = true;
    return rc;
}

int fake_identity_group_end(void **state)
{
    (void)state;
    fake_keyring_free(shared_keyring);
    clock_set_source(NULL);
    return 0;
}

void fake_identity_pass(int64_t seconds)
{
    atomic_fetch_add(&offset_ns, seconds * SG_NS_PER_S);
}

void fake_identity_restart(struct fake_identity *f)
{
    identity_free(f->id);
    f->id = identity_new(&f->users, &f->sessions, fake_keyring_client(f->keyring), &f->config);
    assert_non_null(f->id);
    if (f->sqlite != NULL) {
        struct tokens_store tokens = sqlite_store_tokens(f->sqlite);

        identity_set_tokens(f->id, &tokens);
    }
    assert_int_equal(identity_start(f->id), SG_OK);
}

int fake_identity_set_up(void **state)
{
    struct fake_identity *f = calloc(1, sizeof *f);

    assert_non_null(f);
    *state = f;
    (void)strcpy(f->dir, "/tmp/secgate-identity-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->setup_file, sizeof f->setup_file, "%s/setup-code", f->dir);
    f->keyring = shared_keyring;
    if (use_sqlite) {
        assert_int_equal(sqlite_store_open(f->dir, &f->sqlite), SG_OK);
        f->users = sqlite_store_users(f->sqlite);
        f->sessions = sqlite_store_sessions(f->sqlite);
    } else {
        f->memory = fake_store_new();
        f->users = fake_store_users(f->memory);
        f->sessions = fake_store_sessions(f->memory);
    }
    f->config = (struct identity_config){
        .signup = SG_SIGNUP_INVITE,
        .issuer = FAKE_ISSUER,
        .audience = "secgate",
        .access_token_s = 600,
        .session_s = 30 * 24 * 3600,
        .argon2_memory_kib = 64,
        .argon2_passes = 1,
        .argon2_parallel = 1,
        .argon2_concurrent = 2,
        .setup_code_file = f->setup_file,
    };
    fake_identity_restart(f);
    return 0;
}

int fake_identity_tear_down(void **state)
{
    static const char *const files[] = {"setup-code", "secgate.db", "secgate.db-wal",
                                        "secgate.db-shm"};
    struct fake_identity *f = *state;
    char path[128];

    identity_free(f->id);
    fake_store_free(f->memory);
    sqlite_store_close(f->sqlite);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->dir, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

void fake_identity_add(struct fake_identity *f, const char *name, enum user_role role,
                       struct user_record *ret)
{
    struct password_params params = {.memory_kib = 64, .passes = 1, .parallel = 1, .concurrent = 1};
    struct password_hasher *h = password_new(&params);
    struct user_record user = {.role = role, .created_ns = clock_now_ns()};

    assert_non_null(h);
    (void)snprintf(user.name, sizeof user.name, "%s", name);
    assert_int_equal(password_hash(h, FAKE_PASSWORD, user.password_hash), SG_OK);
    password_free(h);
    assert_int_equal(f->users.vt->create(f->users.self, &user, NULL, user.created_ns), SG_OK);
    if (ret != NULL)
        *ret = user;
}

const struct presented fake_presented = {.address = FAKE_ADDRESS};

enum sg_err fake_identity_password(struct fake_identity *f, const char *name, const char *password,
                                   const char *address, const char *device_name,
                                   const char *device_mac, struct grant *ret,
                                   unsigned *ret_retry_after_s)
{
    const struct presented with = {.address = address};
    const struct login login = {.method = SG_METHOD_PASSWORD,
                                .username = name,
                                .password = password,
                                .device_name = device_name,
                                .device_mac = device_mac,
                                .with = &with};

    return identity_login(f->id, &login, ret, ret_retry_after_s);
}

void fake_identity_login(struct fake_identity *f, const char *name, struct grant *ret)
{
    unsigned retry = 0;

    assert_int_equal(
        fake_identity_password(f, name, FAKE_PASSWORD, FAKE_ADDRESS, NULL, NULL, ret, &retry),
        SG_OK);
}

enum sg_err fake_identity_try(struct fake_identity *f, const char *name, const char *password,
                              const char *address)
{
    struct grant grant;
    unsigned retry = 0;
    enum sg_err err =
        fake_identity_password(f, name, password, address, NULL, NULL, &grant, &retry);

    assert_true((err == SG_ERR_THROTTLED) == (retry > 0));
    return err;
}

enum sg_err fake_identity_authenticate(struct fake_identity *f, const char *token,
                                       struct principal *ret)
{
    struct principal who;
    enum sg_err err = identity_authenticate(f->id, token, strlen(token), &fake_presented, &who);

    if (err == SG_OK && ret != NULL)
        *ret = who;
    return err;
}

enum sg_err fake_identity_refresh(struct fake_identity *f, const char *token, struct grant *ret)
{
    return identity_refresh(f->id, token, &fake_presented, NULL, 0, ret);
}
