/*
 * What an allocation costs from C: this library's arena, and an allocator with malloc's interface.
 * Built once for each of them (see CMakeLists.txt); no JVM takes part.
 *
 * A row allocates and ends so many blocks as live together, again and again; nothing touches them.
 * Prints results as JMH does, so that one reader reads both: nanoseconds per allocation, the mean of
 * the samples and half the width of its 99.9 % confidence interval.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(BENCH_TA)
#include "tensorarena.h"
#define ALLOCATOR "ta_alloc"
#elif defined(BENCH_MIMALLOC)
#include <mimalloc.h>
#define ALLOCATOR "mimalloc"
#define malloc mi_malloc
#define free mi_free
#elif defined(BENCH_JEMALLOC)
#include <jemalloc/jemalloc.h>
#define ALLOCATOR "jemalloc"
#else
#define ALLOCATOR "malloc"
#endif

enum { SAMPLES = 5, MOST_BLOCKS = 100 };
#define NANOSECONDS 1000000000.0
/* Student's t for 99.9 %, two-sided, with SAMPLES - 1 degrees of freedom. */
#define T 8.610

static const size_t sizes[] = {64, 4000, 65536, 1048576};
static const int per_context[] = {1, MOST_BLOCKS};

/* The compiler must believe that the block is used. */
static inline void use(void *block) {
    __asm__ volatile("" : : "r"(block) : "memory");
}

static void fail(const char *what) {
    fprintf(stderr, "%s failed\n", what);
    exit(EXIT_FAILURE);
}

#if defined(BENCH_TA)
static ta_arena *arena;

static void set_up(void) {
    if (ta_arena_create(TA_ABI_VERSION, NULL, 0, &arena) != TA_OK) {
        fail("ta_arena_create");
    }
}

static void cycle(size_t size, int blocks) {
    for (int i = 0; i < blocks; i++) {
        void *block = ta_alloc(arena, size, 0);
        if (block == NULL) {
            fail("ta_alloc");
        }
        use(block);
    }
    if (ta_reset(arena) != TA_OK) {
        fail("ta_reset");
    }
}
#else
static void set_up(void) {
#if defined(BENCH_JEMALLOC)
    const char *version;
    size_t length = sizeof version;
    if (mallctl("version", &version, &length, NULL, 0) != 0) { /* only jemalloc has it */
        fail("mallctl");
    }
#endif
}

static void cycle(size_t size, int blocks) {
    void *live[MOST_BLOCKS];
    for (int i = 0; i < blocks; i++) {
        live[i] = malloc(size);
        if (live[i] == NULL) {
            fail(ALLOCATOR);
        }
        use(live[i]);
    }
    for (int i = 0; i < blocks; i++) {
        free(live[i]);
    }
}
#endif

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * NANOSECONDS + (double)time.tv_nsec;
}

/* Nanoseconds per allocation, from windows of so many that take so long together; and in the shortest
   window, if that is shorter than *least. */
static double sample(size_t size, int blocks, double nanoseconds, double *least) {
    enum { IN_A_WINDOW = 1000 };
    int cycles = IN_A_WINDOW / blocks;
    double start = now();
    double end = start;
    uint64_t windows = 0;
    while (end - start < nanoseconds) {
        double before = end;
        for (int i = 0; i < cycles; i++) {
            cycle(size, blocks);
        }
        windows++;
        end = now();
        *least = fmin(*least, (end - before) / ((double)cycles * blocks));
    }
    return (end - start) / ((double)windows * cycles * blocks);
}

static void row(size_t size, int blocks, double nanoseconds, const char *separator) {
    double samples[SAMPLES];
    double mean = 0;
    double squares = 0;
    double least = INFINITY;
    sample(size, blocks, nanoseconds, &least); /* to warm up */
    for (int i = 0; i < SAMPLES; i++) {
        samples[i] = sample(size, blocks, nanoseconds, &least);
        mean += samples[i] / SAMPLES;
    }
    for (int i = 0; i < SAMPLES; i++) {
        squares += (samples[i] - mean) * (samples[i] - mean);
    }
    double error = T * sqrt(squares / (SAMPLES - 1) / SAMPLES);
    printf("%s\n  {\n    \"benchmark\": \"native.Allocate." ALLOCATOR "\",\n", separator);
    printf("    \"mode\": \"avgt\", \"threads\": 1, \"forks\": 1,\n");
    printf("    \"params\": {\"bytes\": \"%zu\", \"perContext\": \"%d\"},\n", size, blocks);
    printf("    \"primaryMetric\": {\n      \"score\": %.4f, \"scoreError\": %.4f,\n", mean, error);
    printf("      \"scoreConfidence\": [%.4f, %.4f],\n", mean - error, mean + error);
    printf("      \"scoreUnit\": \"ns/op\",\n      \"rawData\": [[");
    for (int i = 0; i < SAMPLES; i++) {
        printf("%s%.4f", i == 0 ? "" : ", ", samples[i]);
    }
    printf("]]\n    },\n    \"secondaryMetrics\": {\"least\": {\"score\": %.4f,", least);
    printf(" \"scoreError\": \"NaN\", \"scoreUnit\": \"ns/op\"}}\n  }");
}

/* The one argument is how many milliseconds a sample takes, 100 without it. */
int main(int count, char **arguments) {
    double milliseconds = count > 1 ? atof(arguments[1]) : 100;
    if (count > 2 || milliseconds <= 0) {
        fprintf(stderr, "usage: %s [milliseconds of a sample]\n", arguments[0]);
        return EXIT_FAILURE;
    }
    set_up();
    const char *separator = "[";
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof per_context / sizeof *per_context; j++) {
            row(sizes[i], per_context[j], milliseconds * NANOSECONDS / 1000, separator);
            separator = ",";
        }
    }
    printf("\n]\n");
    return EXIT_SUCCESS;
}
