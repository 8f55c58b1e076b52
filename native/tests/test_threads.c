/* Many threads on the pool: arenas of their own, pinned chunks handed on, limits and trims. */
#include "check.h"

#include "barrier.h"
#include "chunk_pins.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 8, CYCLES = 150, SLOTS = 64, KEPT = 24 };

/* A tensor on its way to another thread: the receiver owes one release. */
typedef struct {
    ta_chunk *chunk;
    char *bytes;
    uint64_t size;
    uint64_t owner;
} parcel;

static struct {
    pthread_mutex_t lock;
    parcel slots[SLOTS];
    int count;
} mail = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_bool done;
static atomic_int refusals;

static void open_parcel(const parcel *p) {
    CHECK(is_filled(p->bytes, p->size, p->owner));
    ta_chunk_release(p->chunk);
}

static bool send(const parcel *p) {
    pthread_mutex_lock(&mail.lock);
    bool room = mail.count < SLOTS;
    if (room) {
        mail.slots[mail.count++] = *p;
    }
    pthread_mutex_unlock(&mail.lock);
    return room;
}

static bool receive(uint64_t *random, parcel *p) {
    pthread_mutex_lock(&mail.lock);
    bool any = mail.count > 0;
    if (any) {
        int i = (int)random_below(random, (uint64_t)mail.count);
        *p = mail.slots[i];
        mail.slots[i] = mail.slots[--mail.count];
    }
    pthread_mutex_unlock(&mail.lock);
    return any;
}

/* A cycle of a query: scopes, tensors of all sizes, some of them handed on. */
static void run_cycle(ta_arena *arena, uint64_t *random, parcel *kept, uint64_t *owner) {
    for (int scope = 0; scope < 3; scope++) {
        ta_position mark;
        ta_mark(arena, &mark);
        for (int i = 0; i < 8; i++) {
            uint64_t size = 1 + random_below(random, random_below(random, 8) == 0 ? 90000 : 1000);
            char *bytes = ta_alloc(arena, size, 64);
            if (bytes == NULL) {
                ta_status why = ta_arena_reserve(arena, size, 64);
                CHECK(why == TA_ERR_POOL_LIMIT || why == TA_OK); /* others may just have ended */
                refusals++;
                continue;
            }
            fill(bytes, size, ++*owner);
            if (random_below(random, 4) == 0) {
                parcel p = {ta_pin(arena, bytes, size), bytes, size, *owner};
                CHECK(p.chunk != NULL);
                ta_chunk_retain(p.chunk); /* one goes, one stays for a while */
                if (!send(&p)) {
                    ta_chunk_release(p.chunk);
                }
                parcel *slot = &kept[random_below(random, KEPT)];
                if (slot->chunk != NULL) {
                    open_parcel(slot);
                }
                *slot = p;
            }
        }
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        parcel p;
        while (random_below(random, 4) != 0 && receive(random, &p)) {
            open_parcel(&p);
        }
    }
}

static void *run_queries(void *seed) {
    uint64_t random = address_of(seed);
    uint64_t owner = random << 32;
    parcel kept[KEPT] = {0};
    ta_arena *arena = open_arena();
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        run_cycle(arena, &random, kept, &owner);
        if (random_below(&random, 4) == 0) {
            close_arena(arena);
            arena = open_arena();
        } else {
            CHECK_EQ(ta_reset(arena), TA_OK);
        }
    }
    close_arena(arena);
    for (int i = 0; i < KEPT; i++) {
        if (kept[i].chunk != NULL) {
            open_parcel(&kept[i]);
        }
    }
    return NULL;
}

/* Meanwhile somebody else looks at the pool and gives its pages back. */
static void *disturb(void *seed) {
    uint64_t random = address_of(seed);
    while (!atomic_load(&done)) {
        ta_pool_info info = pool_info();
        CHECK_LE(info.pinned, info.in_use);
        CHECK_LE(info.in_use, info.committed);
        CHECK_LE(info.in_use + info.free, info.committed);
        CHECK_LE(info.committed, info.reserved);
        ta_pool_set_retained_limit(random_below(&random, 16 * MIB));
        if (random_below(&random, 8) == 0) {
            ta_pool_trim();
        }
        usleep(200);
    }
    return NULL;
}

static bool in_quarantine;

static void run_many_threads(void) {
    pthread_t threads[THREADS], disturber;
    CHECK_EQ(pthread_create(&disturber, NULL, disturb, (void *)(uintptr_t)99), 0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, run_queries, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    }
    atomic_store(&done, true);
    CHECK_EQ(pthread_join(disturber, NULL), 0);
    while (mail.count > 0) {
        open_parcel(&mail.slots[--mail.count]);
    }
    check_pool_is_idle();
    uint64_t reserved = pool_info().reserved;
    ta_pool_set_memory_limit(TA_UNLIMITED);
    if (!in_quarantine) { /* what rests there merges with nothing */
        ta_arena *whole = open_arena();
        take(whole, GIB, 1); /* nothing was lost: all of it merges again */
        CHECK_EQ(pool_info().reserved, reserved);
        close_arena(whole);
    }
}

static void many_threads_share_the_pool(void) {
    run_many_threads();
}

static void many_threads_share_the_pool_at_its_limit(void) {
    ta_pool_set_memory_limit(4 * MIB);
    run_many_threads();
    CHECK_GE(refusals, 1);
}

static void many_threads_share_the_pool_in_quarantine(void) {
    in_quarantine = true;
    CHECK_EQ(ta_pool_set_quarantine(2 * MIB), TA_OK);
    run_many_threads();
}

static barrier start = BARRIER_FOR(THREADS / 2);
static int rounds;

static void *open_and_close(void *seed) {
    uint64_t random = address_of(seed);
    barrier_wait(&start); /* all at once, or short lives never meet */
    for (int i = 0; i < rounds; i++) {
        ta_arena *arena = open_arena();
        CHECK_EQ(arena->chunk, 0);
        uint64_t size = TA_MIN_CHUNK_BYTES << random_below(&random, 4);
        char *bytes = take(arena, size, 64);
        bytes[0] = bytes[size - 1] = (char)i;
        CHECK(bytes[0] == (char)i && bytes[size - 1] == (char)i);
        close_arena(arena);
    }
    return NULL;
}

static void open_and_close_on_many_threads(int rounds_each) {
    pthread_t threads[THREADS / 2];
    rounds = rounds_each;
    for (uintptr_t i = 0; i < THREADS / 2; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, open_and_close, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < THREADS / 2; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    }
}

static void arenas_open_and_close_on_many_threads_at_once(void) {
    open_and_close_on_many_threads(SANITIZED ? 10000 : times(200000));
}

/* Splits and merges at full speed: a chunk just taken must not merge with a buddy that comes home. */
static void chunks_are_split_and_merged_while_others_take_them(void) {
    ta_pool_set_retained_limit(0); /* no page is kept, so every chunk goes to the lists */
    open_and_close_on_many_threads(times(10000));
}

static parcel arena_parcel;
static ta_arena *handed;

static void *use_handed_arena(void *unused) {
    CHECK(is_filled(arena_parcel.bytes, arena_parcel.size, 1));
    fill(take(handed, 100000, 64), 100000, 2);
    CHECK_EQ(ta_reset(handed), TA_OK);
    close_arena(handed);
    return unused;
}

static void an_arena_can_be_handed_to_another_thread(void) {
    handed = open_arena();
    arena_parcel = (parcel){.bytes = take(handed, 1000, 64), .size = 1000};
    fill(arena_parcel.bytes, 1000, 1);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, use_handed_arena, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

/*
 * Who orders what. The flag is relaxed, so that nothing but the pins themselves orders one thread's
 * accesses before the other's; only ThreadSanitizer sees it when they do not. It remembers only the
 * last accesses of each word, so the bytes are read and written as a whole, not one by one.
 */
static atomic_bool flag;

static void raise_flag(void) {
    atomic_store_explicit(&flag, true, memory_order_relaxed);
}

static void wait_for_flag(void) {
    while (!atomic_load_explicit(&flag, memory_order_relaxed)) {
        sched_yield();
    }
}

static void *read_and_release(void *unused) {
    char read[1000];
    memcpy(read, arena_parcel.bytes, sizeof read);
    CHECK(is_filled(read, sizeof read, arena_parcel.owner));
    ta_chunk_release(arena_parcel.chunk);
    raise_flag();
    return unused;
}

static pthread_t start_reader(ta_arena *arena) {
    char *bytes = take(arena, 1000, 64);
    fill(bytes, 1000, 7);
    arena_parcel = (parcel){ta_pin(arena, bytes, 1000), bytes, 1000, 7};
    pthread_t reader;
    CHECK_EQ(pthread_create(&reader, NULL, read_and_release, NULL), 0);
    wait_for_flag();
    return reader;
}

static void a_rewind_that_finds_no_pins_comes_after_the_last_reads(void) {
    ta_arena *arena = open_arena();
    ta_position mark;
    take(arena, 1, 1);
    ta_mark(arena, &mark);
    pthread_t reader = start_reader(arena);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(arena->cursor, mark.cursor);
    memset(take(arena, 1000, 64), 8, 1000);
    CHECK_EQ(pthread_join(reader, NULL), 0);
    close_arena(arena);
}

static void a_detach_that_finds_no_pins_comes_after_the_last_reads(void) {
    ta_arena *arena = open_arena();
    pthread_t reader = start_reader(arena);
    CHECK(!chunk_detach(descriptor_of(arena_parcel.chunk), false));
    chunk_forget_pins(descriptor_of(arena_parcel.chunk));
    memset(arena_parcel.bytes, 8, 1000);
    CHECK_EQ(pthread_join(reader, NULL), 0);
    close_arena(arena);
}

static void *release_and_use_again(void *unused) {
    wait_for_flag();
    open_parcel(&arena_parcel);
    ta_arena *arena = open_arena();
    CHECK(take(arena, 1000, 64) == arena_parcel.bytes);
    fill(arena_parcel.bytes, 1000, 8);
    close_arena(arena);
    return unused;
}

static void a_chunk_is_used_again_only_after_its_owner_let_go(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 1000, 64);
    fill(bytes, 1000, 7);
    arena_parcel = (parcel){ta_pin(arena, bytes, 1000), bytes, 1000, 7};
    pthread_t releaser;
    CHECK_EQ(pthread_create(&releaser, NULL, release_and_use_again, NULL), 0);
    CHECK_EQ(ta_reset(arena), TA_OK);
    raise_flag();
    CHECK_EQ(pthread_join(releaser, NULL), 0);
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN(many_threads_share_the_pool);
    RUN(many_threads_share_the_pool_at_its_limit);
    RUN(many_threads_share_the_pool_in_quarantine);
    RUN(arenas_open_and_close_on_many_threads_at_once);
    RUN(chunks_are_split_and_merged_while_others_take_them);
    RUN(a_rewind_that_finds_no_pins_comes_after_the_last_reads);
    RUN(a_detach_that_finds_no_pins_comes_after_the_last_reads);
    RUN(a_chunk_is_used_again_only_after_its_owner_let_go);
    RUN(an_arena_can_be_handed_to_another_thread);
    return failures != 0;
}
