/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare rate of argon2id: hashes passwords with the gateway's default costs, in some threads,
 * for some seconds, and prints how many it made in a second, and the milliseconds of processor time
 * that each took. By the reference implementation or by libsodium, as the gateway does.
 * hasher argon2|sodium THREADS SECONDS
 */
#include <argon2.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MEMORY_KIB  19456
#define PASSES      2
#define LANES       1
#define THREADS_MAX 64

struct work {
    unsigned long count;
    double rate; /* of this thread's own time */
};

static bool sodium;
static double seconds;

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double processor_s(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static bool hash_one(void)
{
    static const char password[] = "correct horse battery staple";
    unsigned char salt[16], out[32];

    memset(salt, 's', sizeof salt);
    if (sodium)
        return crypto_pwhash(out, sizeof out, password, sizeof password - 1, salt, PASSES,
                             (size_t)MEMORY_KIB * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0;
    return argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password, sizeof password - 1, salt,
                             sizeof salt, out, sizeof out) == ARGON2_OK;
}

/* Hashes until the time is over. */
static void *hash(void *arg)
{
    struct work *work = arg;
    double began = now_s(), ended = began;

    while (ended - began < seconds && hash_one()) {
        work->count++;
        ended = now_s();
    }
    work->rate = (double)work->count / (ended - began);
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned long threads = argc == 4 ? strtoul(argv[2], NULL, 10) : 0, count = 0;
    struct work work[THREADS_MAX] = {{0}};
    pthread_t thread[THREADS_MAX];
    double rate = 0;

    seconds = argc == 4 ? strtod(argv[3], NULL) : 0;
    sodium = argc == 4 && strcmp(argv[1], "sodium") == 0;
    if (seconds <= 0 || threads == 0 || threads > THREADS_MAX ||
        (!sodium && strcmp(argv[1], "argon2") != 0)) {
        (void)fprintf(stderr, "usage: hasher argon2|sodium THREADS SECONDS\n");
        return 2;
    }
    if (sodium_init() < 0)
        return 1;
    for (unsigned long i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, hash, &work[i]) != 0)
            return 1;
    for (unsigned long i = 0; i < threads; i++) {
        (void)pthread_join(thread[i], NULL);
        rate += work[i].rate;
        count += work[i].count;
    }
    if (count == 0)
        return 1;
    printf("%.2f %.3f\n", rate, processor_s() / (double)count * 1000);
    return 0;
}
