/* What a C program does with an arena, from its options to its pins. */
#include <stdio.h>
#include <string.h>
#include <tensorarena.h>

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            return 1;                                                               \
        }                                                                           \
    } while (0)

int main(void) {
    CHECK(ta_abi_version() == TA_ABI_VERSION);

    ta_options options = {.capacity = 1 << 20, .memory_limit = 4 << 20};
    ta_arena *arena;
    CHECK(ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &arena) == TA_OK);

    float *kept = ta_alloc(arena, 1000 * sizeof(float), 0);
    CHECK(kept != NULL && (uintptr_t)kept % TA_DEFAULT_ALIGNMENT == 0);
    for (int i = 0; i < 1000; i++) {
        kept[i] = (float)i;
    }

    ta_position mark;
    ta_mark(arena, &mark);
    void *temporary = ta_alloc(arena, 5000, 4096);
    CHECK(temporary != NULL && (uintptr_t)temporary % 4096 == 0);
    CHECK(ta_rewind(arena, &mark) == TA_OK);
    CHECK(ta_alloc(arena, 5000, 4096) == temporary);

    CHECK(ta_alloc(arena, 8 << 20, 0) == NULL);
    CHECK(ta_arena_reserve(arena, 8 << 20, 0) == TA_ERR_LIMIT);

    ta_arena_info info;
    CHECK(ta_arena_stats(arena, &info, sizeof info) == TA_OK);
    CHECK(info.chunks == 1 && info.refills == 0 && info.allocated >= 9000);

    ta_chunk *chunk = ta_pin(arena, kept, 1000 * sizeof(float));
    CHECK(chunk != NULL);
    CHECK(ta_arena_destroy(arena) == TA_OK);
    CHECK(kept[999] == 999.0f);
    ta_chunk_release(chunk);

    ta_pool_info pool;
    CHECK(ta_pool_stats(&pool, sizeof pool) == TA_OK);
    CHECK(pool.in_use == 0 && pool.pinned == 0);
    return 0;
}
