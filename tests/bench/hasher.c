/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare rate of argon2id: hashes passwords with the gateway's default costs, in some threads,
 * for some seconds, and prints how many it made in a second. hasher THREADS SECONDS
 */
#include <argon2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMORY_KIB  19456
#define PASSES      2
#define LANES       1
#define THREADS_MAX 64

static double seconds;

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Hashes until the time is over; the rate is of this thread's own time. */
static void *hash(void *arg)
{
    static const char password[] = "correct horse battery staple";
    double *rate = arg;
    double began = now_s(), ended = began;
    unsigned long count = 0;
    unsigned char salt[16], out[32];

    memset(salt, 's', sizeof salt);
    while (ended - began < seconds) {
        if (argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password, sizeof password - 1, salt,
                              sizeof salt, out, sizeof out) != ARGON2_OK)
            return NULL;
        count++;
        ended = now_s();
    }
    *rate = (double)count / (ended - began);
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned long threads = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    pthread_t thread[THREADS_MAX];
    double rate[THREADS_MAX] = {0}, sum = 0;

    seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
    if (seconds <= 0 || threads == 0 || threads > THREADS_MAX) {
        (void)fprintf(stderr, "usage: hasher THREADS SECONDS\n");
        return 2;
    }
    for (unsigned long i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, hash, &rate[i]) != 0)
            return 1;
    for (unsigned long i = 0; i < threads; i++) {
        (void)pthread_join(thread[i], NULL);
        sum += rate[i];
    }
    printf("%.2f\n", sum);
    return sum > 0 ? 0 : 1;
}
