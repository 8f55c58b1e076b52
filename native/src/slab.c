#include "slab.h"

#include "os.h"

#define COMMIT_STEP ((uint64_t)1 << 20)
#define RECORDS_STEP ((uint64_t)64 << 10)

static ta_slab *slabs = NULL;

static uint64_t round_up(uint64_t n, uint64_t to) {
    return (n + to - 1) & ~(to - 1);
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t commit_steps(uint64_t space_bytes) {
    return (space_bytes + COMMIT_STEP - 1) / COMMIT_STEP;
}

/* Reserves and lays out a slab of exactly so much chunk space; NULL when the system refuses. */
static ta_slab *try_create(uint64_t space_bytes) {
    uint64_t page = os_page_size();
    uint64_t units = space_bytes / TA_MIN_CHUNK_BYTES;
    uint64_t commit_words = (commit_steps(space_bytes) + 63) / 64;
    uint64_t bitmap_words = commit_words + (units + 63) / 64;
    uint64_t chunks_at = round_up(sizeof(ta_slab) + bitmap_words * sizeof(uint64_t), 64);
    uint64_t chunks_bytes = units * sizeof(descriptor);
    uint64_t payers_at = chunks_at + chunks_bytes;
    uint64_t records_at = round_up(payers_at + units * sizeof(ta_budget *), page);
    /* Some 170,000 arenas in a slab of 1 GiB: an idle arena has a record and no chunk. */
    uint64_t records_bytes = larger(space_bytes / 32, RECORDS_STEP);
    uint64_t alignment =
        space_bytes < HUGE_PAGE_BYTES ? larger(space_bytes, page) : HUGE_PAGE_BYTES;
    uint64_t space_at = round_up(records_at + records_bytes, alignment);

    char *start = os_reserve(space_at + space_bytes, alignment);
    if (start == NULL) {
        return NULL;
    }
    if (!os_commit(start, records_at)) {
        os_unreserve(start, space_at + space_bytes);
        return NULL;
    }
    /* A system that uses huge pages unasked would make 2 MiB resident for one touched byte. */
    os_huge_pages(start, space_at + space_bytes, false);
    ta_slab *slab = (ta_slab *)start;
    slab->size = space_at + space_bytes;
    slab->space = (uint64_t)(uintptr_t)start + space_at;
    slab->space_bytes = space_bytes;
    slab->chunks = (descriptor *)(start + chunks_at);
    slab->payers = (_Atomic(ta_budget *) *)(start + payers_at);
    slab->dirty = slab->bitmap + commit_words;
    slab->records_start = (uint64_t)(uintptr_t)start + records_at;
    slab->records = slab->records_start;
    slab->records_ready = slab->records;
    slab->records_end = slab->records + records_bytes;
    slab->next = slabs;
    slabs = slab;
    return slab;
}

ta_slab *slab_create(uint32_t order) {
    if (order >= CHUNK_ORDERS) {
        return NULL;
    }
    uint64_t least = (uint64_t)TA_MIN_CHUNK_BYTES << order;
    for (uint64_t space = larger(SLAB_SPACE_BYTES, least); space >= least; space /= 2) {
        ta_slab *slab = try_create(space);
        if (slab != NULL) {
            descriptor *whole = &slab->chunks[0];
            whole->base = slab->space;
            whole->slab = (uint64_t)(uintptr_t)slab;
            whole->order = (uint8_t)order_of(space);
            whole->sixteenths = 16;
            return slab;
        }
    }
    return NULL;
}

bool slab_commit(const descriptor *chunk) {
    ta_slab *slab = slab_of_chunk(chunk);
    uint64_t first = (chunk->base - slab->space) / COMMIT_STEP;
    uint64_t end = (chunk_end(chunk) - slab->space + COMMIT_STEP - 1) / COMMIT_STEP;
    for (uint64_t step = first; step < end;) {
        if ((slab->bitmap[step / 64] >> (step % 64) & 1) != 0) {
            step++;
            continue;
        }
        uint64_t run = step + 1;
        while (run < end && (slab->bitmap[run / 64] >> (run % 64) & 1) == 0) {
            run++;
        }
        uint64_t from = step * COMMIT_STEP;
        uint64_t to = run * COMMIT_STEP;
        if (to > slab->space_bytes) {
            to = slab->space_bytes; /* a slab smaller than one step */
        }
        if (!os_commit((void *)(uintptr_t)(slab->space + from), to - from)) {
            return false; /* what was committed before stays so and is found by the next try */
        }
        slab->committed += to - from;
        for (; step < run; step++) {
            slab->bitmap[step / 64] |= (uint64_t)1 << (step % 64);
        }
    }
    return true;
}

/* The dirty bits of a chunk, word by word: a run of bits in one word each. */
typedef struct {
    uint64_t *word;
    uint64_t mask;
    uint64_t at, end; /* numbers of bits in the slab */
} dirty_run;

static dirty_run dirty_runs(const descriptor *chunk, uint64_t units) {
    uint64_t first = (uint64_t)(chunk - slab_of_chunk(chunk)->chunks);
    return (dirty_run){.at = first, .end = first + units};
}

static bool next_run(const descriptor *chunk, dirty_run *run) {
    if (run->at == run->end) {
        return false;
    }
    uint64_t shift = run->at % 64;
    uint64_t bits = run->end - run->at < 64 - shift ? run->end - run->at : 64 - shift;
    run->word = slab_of_chunk(chunk)->dirty + run->at / 64;
    run->mask = (bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1) << shift;
    run->at += bits;
    return true;
}

void slab_set_dirty(const descriptor *chunk, uint64_t units, bool dirty) {
    for (dirty_run run = dirty_runs(chunk, units); next_run(chunk, &run);) {
        *run.word = dirty ? *run.word | run.mask : *run.word & ~run.mask;
    }
}

/* Warren, Hacker's Delight, 5-1: bit by bit, 2^46 bytes would keep the pool's lock for long. */
static uint32_t count_bits(uint64_t word) {
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

uint32_t slab_count_dirty(const descriptor *chunk) {
    uint32_t dirty = 0;
    for (dirty_run run = dirty_runs(chunk, chunk_units(chunk)); next_run(chunk, &run);) {
        dirty += count_bits(*run.word & run.mask);
    }
    return dirty;
}

uint64_t slab_dirty_units(const descriptor *chunk) {
    uint64_t first = (uint64_t)(chunk - slab_of_chunk(chunk)->chunks), end = first;
    uint64_t last = 0; /* the last word with a dirty bit, and where it begins */
    for (dirty_run run = dirty_runs(chunk, chunk_units(chunk)); next_run(chunk, &run);) {
        uint64_t word = *run.word & run.mask;
        if (word != 0) {
            last = word;
            end = (run.at - 1) / 64 * 64;
        }
    }
    for (; last != 0; last >>= 1) {
        end++;
    }
    return end - first;
}

static _Atomic(ta_budget *) *payer_at(const descriptor *chunk) {
    const ta_slab *slab = slab_of_chunk(chunk);
    return &slab->payers[chunk - slab->chunks];
}

void slab_note_payer(descriptor *chunk, ta_budget *payer) {
    chunk->charged = payer != NULL;
    if (payer != NULL) { /* else the table is not looked at */
        atomic_store_explicit(payer_at(chunk), payer, memory_order_relaxed);
    }
}

ta_budget *slab_payer(const descriptor *chunk) {
    return atomic_load_explicit(payer_at(chunk), memory_order_relaxed);
}

ta_budget *slab_take_payer(descriptor *chunk) {
    if (!chunk->charged) {
        return NULL;
    }
    ta_budget *payer = slab_payer(chunk);
    atomic_store_explicit(payer_at(chunk), NULL, memory_order_relaxed);
    chunk->charged = 0;
    return payer;
}

static bool has_room_for_record(const ta_slab *slab) {
    return slab->records_end - slab->records >= SLAB_RECORD_BYTES;
}

void *slab_new_record(void) {
    ta_slab *slab = slabs;
    while (slab != NULL && !has_room_for_record(slab)) {
        slab = slab->next;
    }
    if (slab == NULL) {
        return NULL;
    }
    while (slab->records + SLAB_RECORD_BYTES > slab->records_ready) {
        uint64_t step = slab->records_end - slab->records_ready;
        step = step < RECORDS_STEP ? step : RECORDS_STEP;
        if (!os_commit((void *)(uintptr_t)slab->records_ready, step)) {
            return NULL;
        }
        slab->records_ready += step;
    }
    void *record = (void *)(uintptr_t)slab->records;
    slab->records += SLAB_RECORD_BYTES;
    return record;
}

void slab_each_record(void (*visit)(void *record)) {
    os_lock();
    const ta_slab *first = slabs; /* what is added later comes before it */
    os_unlock();
    for (const ta_slab *slab = first; slab != NULL; slab = slab->next) {
        os_lock();
        uint64_t end = slab->records;
        os_unlock();
        for (uint64_t at = slab->records_start; at < end; at += SLAB_RECORD_BYTES) {
            visit((void *)(uintptr_t)at);
        }
    }
}

void slab_each_chunk(void (*visit)(descriptor *chunk, void *with), void *with) {
    for (const ta_slab *slab = slabs; slab != NULL; slab = slab->next) {
        uint64_t units = slab->space_bytes / TA_MIN_CHUNK_BYTES;
        for (uint64_t at = 0; at < units;) {
            descriptor *chunk = &slab->chunks[at];
            at += chunk_units(chunk); /* where the next one begins, whatever is merged meanwhile */
            visit(chunk, with);
        }
    }
}

descriptor *slab_buddy(const descriptor *chunk) {
    ta_slab *slab = slab_of_chunk(chunk);
    uint64_t index = (uint64_t)(chunk - slab->chunks);
    return &slab->chunks[index ^ ((uint64_t)1 << chunk->order)];
}

descriptor *slab_part(const descriptor *chunk, uint64_t at, uint64_t units) {
    ta_slab *slab = slab_of_chunk(chunk);
    uint64_t index = (uint64_t)(chunk - slab->chunks) + at;
    descriptor *part = &slab->chunks[index];
    uint32_t order = 0;
    while ((index >> order & 1) == 0 && (uint64_t)2 << order <= units) {
        order++;
    }
    part->base = slab->space + index * TA_MIN_CHUNK_BYTES;
    part->slab = (uint64_t)(uintptr_t)slab;
    part->order = (uint8_t)order;
    part->sixteenths = 16;
    return part;
}

ta_slab *slab_holding(uint64_t address) {
    os_lock();
    ta_slab *slab = slabs;
    while (slab != NULL && address - (uint64_t)(uintptr_t)slab >= slab->size) {
        slab = slab->next;
    }
    os_unlock();
    return slab;
}

void slab_totals(uint64_t *reserved, uint64_t *committed) {
    *reserved = 0;
    *committed = 0;
    for (const ta_slab *slab = slabs; slab != NULL; slab = slab->next) {
        *reserved += slab->size;
        *committed += slab->committed;
    }
}
