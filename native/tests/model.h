/*
 * Programs of allocate, mark, rewind, reset, adopt, pin, retain, release and set-limit, run on several
 * arenas that share the pool, and checked step by step against a simple model: which bytes live,
 * what is charged and wasted, what must be refused, and what must be wiped. test_random.c draws
 * programs from seeds, fuzz_operations.c reads them from what a fuzzer makes up.
 */
#ifndef TA_MODEL_H
#define TA_MODEL_H

#include "check.h"

#include "os.h"
#include "slab.h"

enum { ARENAS = 3, MAX_BLOCKS = 512, MAX_MARKS = 12, MAX_STEPS = 1000 };

/* What a program does next: a number below the bound. */
typedef uint64_t chooser(uint64_t bound);

typedef struct {
    char *bytes;
    uint64_t size;
    uint64_t id;     /* what it is filled with */
    int pins;        /* how many releases are due */
    ta_chunk *chunk; /* of the pins */
    const ta_chunk *home;
    bool living; /* not ended by its arena */
    bool secret; /* zeroed when it ends */
} block;

typedef struct {
    ta_position position;
    ta_chunk *chunk; /* the one that was current */
    uint64_t charged, wasted;
    int blocks; /* how many blocks there were */
} model_mark;

typedef struct {
    ta_arena *arena;
    uint64_t charged, wasted, peak, limit;
    bool wipes;
    block blocks[MAX_BLOCKS]; /* living ones first; pinned ones that have ended lie in orphans */
    int count;
    model_mark marks[MAX_MARKS];
    int mark_count;
} model;

static model models[ARENAS];
static block orphans[MAX_BLOCKS * ARENAS];
static int orphan_count;
static uint64_t next_id, pool_limit;
static chooser *below;

static void check_block(const block *b) {
    CHECK(is_marked(b->bytes, b->size, b->id));
}

static void check_apart(const char *bytes, uint64_t size, const block *others, int count) {
    for (int i = 0; i < count; i++) {
        CHECK(bytes + size <= others[i].bytes || others[i].bytes + others[i].size <= bytes);
    }
}

static void check_everything(void) {
    for (int i = 0; i < ARENAS; i++) {
        for (int j = 0; j < models[i].count; j++) {
            check_block(&models[i].blocks[j]);
        }
    }
    for (int i = 0; i < orphan_count; i++) {
        check_block(&orphans[i]);
    }
}

static void check_state(const model *m) {
    ta_arena_info info = info_of(m->arena);
    CHECK_EQ(info.allocated, m->charged);
    CHECK_EQ(info.wasted, m->wasted);
    CHECK_EQ(info.peak, m->peak);
    CHECK_EQ(info.memory_limit, m->limit);
    CHECK(info.chunks != 0 || m->charged == 0);
    CHECK(m->arena->chunk == 0 || m->arena->cursor <= m->arena->limit);
}

/* What an allocation would charge, and whether the current chunk has room for it. */
static bool fits_current(const model *m, uint64_t size, uint64_t align, uint64_t *charge) {
    const ta_arena *arena = m->arena;
    *charge = size;
    if (arena->chunk == 0) {
        return false;
    }
    uint64_t end = chunk_end(chunk_at(arena->chunk));
    uint64_t padding = (0 - arena->cursor) & (align - 1);
    if (padding > end - arena->cursor || size > end - arena->cursor - padding) {
        return false;
    }
    *charge = padding + size;
    return true;
}

static uint64_t random_size(void) {
    uint64_t kind = below(100);
    return kind < 5    ? 0
           : kind < 75 ? below(400)
           : kind < 92 ? below(20000)
           : kind < 97 ? below(400000)
                       : below(2000000);
}

static bool refuse(void) {
    return true;
}

static void allocate(model *m) {
    uint64_t size = random_size(), align = (uint64_t)1 << below(13), charge;
    if (m->count == MAX_BLOCKS) {
        return;
    }
    ta_arena before = *m->arena;
    bool stays = fits_current(m, size, align, &charge);
    uint64_t left = m->limit == TA_UNLIMITED ? UINT64_MAX
                    : m->limit > m->charged  ? m->limit - m->charged
                                             : 0;
    CHECK_EQ(ta_arena_check(m->arena, size, align), charge <= left ? TA_OK : TA_ERR_LIMIT);
    block b = {.size = size, .id = ++next_id, .living = true, .secret = m->wipes};
    bool scarce = below(8) == 0;
    os_fault_hook = scarce ? refuse : NULL;
    b.bytes = below(2) ? ta_alloc(m->arena, size, align) : ta_arena_alloc(m->arena, size, align);
    ta_status why = b.bytes == NULL ? ta_arena_reserve(m->arena, size, align) : TA_OK;
    os_fault_hook = NULL;
    if (b.bytes == NULL) {
        CHECK_EQ(why == TA_ERR_LIMIT, charge > left);
        CHECK(why != TA_ERR_NO_MEMORY || scarce);
        CHECK(why != TA_ERR_POOL_LIMIT || pool_limit != TA_UNLIMITED);
        CHECK(why != TA_OK);
        CHECK(memcmp(&before, m->arena, sizeof before) == 0);
        return;
    }
    CHECK_LE(charge, left);
    uint64_t start = address_of(b.bytes);
    bool large = !stays && is_large(m->arena, b.bytes);
    const descriptor *chunk = chunk_at(large ? m->arena->newest : m->arena->chunk);
    CHECK_EQ(start % align, 0);
    CHECK(start >= chunk->base && start + size <= chunk_end(chunk));
    CHECK_EQ(m->arena->chunk == before.chunk, stays || large);
    CHECK_EQ(m->arena->newest == before.newest, stays);
    if (large) {
        CHECK_EQ(m->arena->cursor, before.cursor);
        CHECK(size > 256 * KIB);
    }
    if (stays) {
        CHECK_EQ(start + size - before.cursor, charge);
    } else {
        CHECK_EQ(start, chunk->base);
    }
    for (int i = 0; i < ARENAS; i++) {
        check_apart(b.bytes, size, models[i].blocks, models[i].count);
    }
    check_apart(b.bytes, size, orphans, orphan_count);
    m->charged += charge;
    m->peak = m->charged > m->peak ? m->charged : m->peak;
    b.home = &chunk->shown;
    mark_bytes(b.bytes, b.size, b.id);
    m->blocks[m->count++] = b;
}

static void ask_for_the_impossible(model *m) {
    ta_arena before = *m->arena;
    uint64_t align = (uint64_t)1 << below(13);
    CHECK(ta_alloc(m->arena, SIZE_MAX - below(2 * TA_MAX_ALIGNMENT), align) == NULL);
    CHECK(ta_alloc(m->arena, (0 - m->arena->cursor) - below(2), align) == NULL);
    CHECK(ta_alloc(m->arena, 0, align * 2 + 1) == NULL);
    CHECK(memcmp(&before, m->arena, sizeof before) == 0);
}

static void mark(model *m) {
    if (m->mark_count < MAX_MARKS) {
        model_mark *to = &m->marks[m->mark_count++];
        ta_mark(m->arena, &to->position);
        to->chunk = (ta_chunk *)(uintptr_t)m->arena->chunk;
        to->charged = m->charged;
        to->wasted = m->wasted;
        to->blocks = m->count;
    }
}

static bool has_pins(const ta_chunk *chunk, const block *blocks, int count) {
    for (int i = 0; i < count; i++) {
        if (blocks[i].pins > 0 && blocks[i].chunk == chunk) {
            return true;
        }
    }
    return false;
}

static bool is_pinned(const model *m, const ta_chunk *chunk) {
    return has_pins(chunk, m->blocks, m->count) || has_pins(chunk, orphans, orphan_count);
}

/*
 * All after the first `keep` blocks have ended; the pinned ones live on by their pins. What a wiping
 * arena ended in a chunk that nobody pins is gone.
 */
static void end_blocks(model *m, int keep) {
    for (int i = keep; i < m->count; i++) {
        const block *b = &m->blocks[i];
        CHECK(!b->secret || is_pinned(m, b->home) || bytes_are(b->bytes, b->size, 0));
    }
    for (int i = keep; i < m->count; i++) {
        if (m->blocks[i].pins > 0) {
            m->blocks[i].living = false;
            orphans[orphan_count++] = m->blocks[i];
        }
    }
    m->count = keep;
}

static void rewind_to(model *m, int index) {
    const model_mark *to = &m->marks[index];
    const ta_chunk *chunk = to->chunk;
    uint64_t over = 0; /* from the mark up to the floor, if the chunk is pinned */
    if (chunk != NULL && is_pinned(m, chunk)) {
        over = chunk->floor > to->position.cursor ? chunk->floor - to->position.cursor : 0;
    }
    CHECK_EQ(ta_rewind(m->arena, &to->position), TA_OK);
    end_blocks(m, to->blocks);
    m->mark_count = index + 1;
    m->charged = to->charged + over;
    m->wasted = to->wasted + over;
    if (chunk != NULL) {
        CHECK_EQ(m->arena->chunk, address_of(chunk));
        CHECK_EQ(m->arena->newest, to->position.newest);
        CHECK_EQ(m->arena->cursor, to->position.cursor + over);
        CHECK(over != 0 || is_pinned(m, chunk) || chunk->floor == 0);
    }
}

static void reset(model *m) {
    CHECK_EQ(ta_reset(m->arena), TA_OK);
    CHECK_LE(info_of(m->arena).chunks, 1);
    end_blocks(m, 0);
    m->mark_count = 0;
    m->charged = m->wasted = 0;
}

static void open_model(model *m);

static void adopt(model *m) {
    model *child = &models[below(ARENAS)];
    if (child == m || m->count + child->count > MAX_BLOCKS) {
        return;
    }
    ta_arena before = *m->arena, before_child = *child->arena;
    ta_pool_info pool = pool_info();
    ta_status status = ta_adopt(m->arena, child->arena);
    bool fits = m->limit == TA_UNLIMITED || child->charged == 0 ||
                (m->charged <= m->limit && child->charged <= m->limit - m->charged);
    CHECK_EQ(status, fits ? TA_OK : TA_ERR_LIMIT);
    if (status != TA_OK) {
        CHECK(memcmp(&before, m->arena, sizeof before) == 0);
        CHECK(memcmp(&before_child, child->arena, sizeof before_child) == 0);
        return;
    }
    CHECK_EQ(m->arena->cursor, before.cursor);
    CHECK_LE(pool_info().in_use, pool.in_use);
    m->charged += child->charged;
    m->wasted += child->wasted;
    m->peak = m->charged > m->peak ? m->charged : m->peak;
    for (int i = 0; i < child->count; i++) {
        m->blocks[m->count] = child->blocks[i];
        m->blocks[m->count++].secret |= m->wipes;
    }
    open_model(child);
}

static void pin(model *m) {
    if (m->count > 0) {
        block *b = &m->blocks[below((uint64_t)m->count)];
        ta_chunk *chunk = ta_pin(m->arena, b->bytes, b->size);
        CHECK(chunk != NULL);
        CHECK(address_of(b->bytes) >= chunk->base);
        CHECK_GE(chunk->floor, address_of(b->bytes) + b->size);
        CHECK(b->pins == 0 || b->chunk == chunk || b->size == 0);
        if (b->pins == 0 || b->chunk == chunk) {
            b->chunk = chunk;
            b->pins++;
        } else {
            ta_chunk_release(chunk); /* an empty block between two chunks */
        }
    }
}

/* Some block with a pin, among the living or the ended; NULL if the one tried has none. */
static block *pinned_block(model *m) {
    bool orphan = orphan_count > 0 && below(2) == 0;
    if (!orphan && m->count == 0) {
        return NULL;
    }
    block *b =
        orphan ? &orphans[below((uint64_t)orphan_count)] : &m->blocks[below((uint64_t)m->count)];
    return b->pins > 0 ? b : NULL;
}

static void retain(model *m) {
    block *b = pinned_block(m);
    if (b != NULL) {
        ta_chunk_retain(b->chunk);
        b->pins++;
    }
}

static void release(model *m) {
    block *b = pinned_block(m);
    if (b != NULL) {
        check_block(b);
        ta_chunk_release(b->chunk);
        b->pins--;
        if (b->pins == 0 && !b->living) {
            *b = orphans[--orphan_count];
        }
    }
}

static void set_limit(model *m) {
    m->limit = below(4) == 0 ? TA_UNLIMITED : below(2 * m->charged + 500000);
    CHECK_EQ(ta_arena_set_limit(m->arena, m->limit), TA_OK);
}

static void set_pool_limit(void) {
    pool_limit = below(2) == 0 ? TA_UNLIMITED : pool_info().in_use / 2 + below(4 * MIB);
    ta_pool_set_memory_limit(pool_limit);
}

static void check_pool(void) {
    ta_pool_info info = pool_info();
    CHECK_LE(info.in_use + info.free, info.committed);
    CHECK_LE(info.free, info.retained_limit);
    CHECK(info.free == 0 || info.in_use + info.free <= pool_limit);
    CHECK_LE(info.pinned, info.in_use);
}

static void open_model(model *m) {
    *m = (model){.limit = below(2) == 0 ? TA_UNLIMITED : below(2 * MIB)};
    m->wipes = below(3) == 0;
    ta_options options = {.capacity = below(3) == 0 ? below(300000) : 0,
                          .memory_limit = m->limit,
                          .flags = m->wipes ? TA_OPTION_ZERO_ON_RELEASE : 0};
    m->arena = open_with(&options);
}

static void close_model(model *m) {
    close_arena(m->arena);
    end_blocks(m, 0);
}

static void step(model *m) {
    uint64_t what = below(100);
    if (what < 45) {
        allocate(m);
    } else if (what < 57) {
        mark(m);
    } else if (what < 67 && m->mark_count > 0) {
        rewind_to(m, (int)below((uint64_t)m->mark_count));
    } else if (what < 77) {
        pin(m);
    } else if (what < 81) {
        retain(m);
    } else if (what < 90) {
        release(m);
    } else if (what < 93) {
        set_limit(m);
    } else if (what < 95) {
        ask_for_the_impossible(m);
    } else if (what < 96) {
        reset(m);
    } else if (what < 97) {
        adopt(m);
    } else if (what < 98 && orphan_count < MAX_BLOCKS) {
        close_model(m);
        open_model(m);
    } else if (what < 99) {
        below(2) == 0 ? (void)ta_pool_trim() : set_pool_limit();
    } else {
        ta_pool_set_retained_limit(below(2 * MIB));
    }
    check_state(m);
    check_pool();
}

/* Runs a program of so many steps, or until `more` says that it is over. */
static void run_program(const char *name, int steps, chooser *choose, bool (*more)(void)) {
    below = choose;
    orphan_count = 0;
    pool_limit = TA_UNLIMITED;
    ta_pool_set_memory_limit(pool_limit);
    ta_pool_set_retained_limit(256 * MIB);
    for (int i = 0; i < ARENAS; i++) {
        open_model(&models[i]);
    }
    for (int i = 0; i < steps && (more == NULL || more()); i++) {
        snprintf(check_note, sizeof check_note, "%s step %d", name, i);
        step(&models[below(ARENAS)]);
        if (i % 16 == 0) {
            check_everything();
        }
    }
    check_everything();
    for (int i = 0; i < ARENAS; i++) {
        close_model(&models[i]);
    }
    check_everything();
    for (int i = 0; i < orphan_count; i++) {
        for (; orphans[i].pins > 0; orphans[i].pins--) {
            ta_chunk_release(orphans[i].chunk);
        }
    }
    check_pool_is_idle();
}

#endif
