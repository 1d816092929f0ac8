/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the log over kill -9 of the real keyring process while batches are signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rng.h"
#include "ipc/signing_client.h"
#include "ipc/signing_keys.h"
#include "ipc/signing_log.h"
#include "real_keyring.h"
#include "tempdir.h"
#include "tlog/logdir.h"

#define THREADS 4
#define ROUNDS  40
#define KEPT    20000

static char *data;
static struct keyring_client *client;
static atomic_bool stopping;
static atomic_uint refused; /* calls that the kills cut off */

/* A signature that was answered, and the checkpoint that came with it. */
struct answered {
    uint64_t index;
    uint64_t tree_size;
    char *record;
    char *note;
};
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct answered kept[KEPT];
static size_t kept_count;

static const struct keyring_actor actor = {.user_id = 7, .user = "ann", .admin = true};

static int set_up(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    data = tempdir_make();
    (void)signal(SIGPIPE, SIG_IGN);
    return 0;
}

static int tear_down(void **state)
{
    char log[512];

    (void)state;
    (void)snprintf(log, sizeof log, "%s.log", data);
    (void)unlink(log);
    for (size_t i = 0; i < kept_count; i++) {
        free(kept[i].record);
        free(kept[i].note);
    }
    tempdir_remove(data);
    return 0;
}

static void keep(const struct keyring_batch *b)
{
    (void)pthread_mutex_lock(&kept_lock);
    for (size_t i = 0; i < b->result.item_count && kept_count < KEPT; i++) {
        const struct keyring_signed *one = &b->result.items[i];

        kept[kept_count++] = (struct answered){
            .index = one->index,
            .tree_size = b->result.tree_size,
            .record = strndup(one->record, one->record_len),
            .note = strndup(b->result.note, b->result.note_len),
        };
    }
    (void)pthread_mutex_unlock(&kept_lock);
}

static void *sign_often(void *arg)
{
    const size_t number = (size_t)(uintptr_t)arg;

    for (size_t i = 0; !stopping; i++) {
        struct keyring_sign_item items[3];
        struct keyring_sign m = {.actor = actor, .key = "release", .item_count = 1 + i % 3};
        struct arena *arena = arena_new(1 << 20);
        struct keyring_batch b;

        for (size_t j = 0; j < 3; j++) {
            items[j] = (struct keyring_sign_item){.name = "file",
                                                  .size = (int64_t)j,
                                                  .package = "p",
                                                  .fileset = "",
                                                  .vrmf = "",
                                                  .ftype = "file",
                                                  .source = SG_SOURCE_NAME};
            memset(items[j].digests.sha256, (int)(number + i + j), 32);
        }
        m.items = items;
        if (keyring_client_sign(client, &m, arena, &b) == SG_OK) {
            keep(&b);
            keyring_batch_fini(&b);
        } else {
            refused++;
            (void)usleep(2000);
        }
        arena_free(arena);
    }
    return NULL;
}

static void start(struct real_keyring *k)
{
    int fds[SG_KEYRING_CHANNELS];

    *k = real_keyring_start(data, NULL);
    assert_int_equal(real_keyring_attach(k, fds, SG_KEYRING_CHANNELS), SG_OK);
    keyring_client_attach(client, fds, SG_KEYRING_CHANNELS);
}

/* All entries of the log, and the root of each size. */
struct all {
    uint64_t size;
    char **entries;
    merkle_hash *roots;
};

static struct all read_all(uint64_t size)
{
    struct all all = {.size = size,
                      .entries = calloc(size + 1, sizeof *all.entries),
                      .roots = calloc(size + 1, sizeof *all.roots)};
    struct merkle_frontier frontier = {.size = 0};
    struct logdir *d = NULL;

    assert_int_equal(logdir_open(tempdir_path(data, "log"), &d), SG_OK);
    for (uint64_t i = 0; i < size; i++) {
        struct buf entry;
        merkle_hash hash;

        buf_init(&entry, SG_LOG_ENTRY_MAX);
        assert_int_equal(logdir_entry(d, i, &entry), SG_OK);
        merkle_leaf(entry.data, entry.len, hash);
        merkle_frontier_add(&frontier, hash);
        merkle_frontier_root(&frontier, all.roots[i + 1]);
        all.entries[i] = strdup(buf_str(&entry));
        buf_fini(&entry);
    }
    logdir_close(d);
    return all;
}

static void check_kept(const struct all *all, const struct note_key *key)
{
    uint8_t *given = calloc(all->size, 1);

    for (size_t i = 0; i < kept_count; i++) {
        const struct answered *a = &kept[i];
        struct checkpoint c;
        struct note note;

        assert_true(a->index < a->tree_size && a->tree_size <= all->size);
        assert_int_equal(given[a->index], 0); /* no number twice */
        given[a->index] = 1;
        assert_string_equal(all->entries[a->index], a->record);
        assert_int_equal(note_parse(a->note, strlen(a->note), &note), SG_OK);
        assert_int_equal(note_verify(&note, key, NULL), SG_OK);
        assert_int_equal(checkpoint_parse(note.body, note.body_len, &c), SG_OK);
        note_fini(&note);
        assert_int_equal(c.size, a->tree_size);
        assert_memory_equal(c.root, all->roots[c.size], sizeof c.root);
    }
    free(given);
}

static void killed_while_it_signs(void **state)
{
    static struct keyring_key_create create = {.name = "release", .type = SG_KEY_ED25519};
    static struct keyring_key made;
    struct keyring_log_state log;
    pthread_t threads[THREADS];
    struct real_keyring k;
    struct note_key key;
    struct all all;

    (void)state;
    client = keyring_client_new();
    start(&k);
    create.actor = actor;
    assert_int_equal(keyring_client_key_create(client, &create, &made), SG_OK);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, (void *)(uintptr_t)i), 0);
    for (int round = 0; round < ROUNDS; round++) {
        uint16_t random;

        rng_bytes(&random, sizeof random);
        (void)usleep(2000 + random % 30000);
        assert_int_equal(kill(k.pid, SIGKILL), 0);
        assert_int_equal(real_keyring_wait(&k), 128 + SIGKILL);
        start(&k);
    }
    stopping = true;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(keyring_client_log_state(client, &log), SG_OK);
    assert_int_equal(note_key_parse(log.vkey, &key), SG_OK);
    assert_true(kept_count > ROUNDS);
    assert_true(refused > 0);
    assert_true(log.size >= kept_count);
    all = read_all(log.size);
    check_kept(&all, &key);
    for (uint64_t i = 0; i < all.size; i++)
        free(all.entries[i]);
    free(all.entries);
    free(all.roots);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&k), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_while_it_signs, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
