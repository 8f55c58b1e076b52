#include "arena_private.h"
#include "checkers.h"
#include "os.h"

#include <string.h>

const char arena_open_mark;
#define OPTIONS (TA_OPTION_HUGE_PAGES | TA_OPTION_ZERO_ON_RELEASE)

/* ---- allocation ---------------------------------------------------------------------------- */

static bool is_alignment(uint64_t align) {
    return align <= TA_MAX_ALIGNMENT && (align & (align - 1)) == 0;
}

static uint64_t align_up(uint64_t n, uint64_t align) {
    uint64_t to = align == 0 ? TA_DEFAULT_ALIGNMENT : align;
    return (n + to - 1) & ~(to - 1);
}

static bool fits(uint64_t start, uint64_t end, uint64_t size) {
    return start <= end && size <= end - start;
}

/*
 * How much an allocation would charge: with its padding where the current chunk has room for it,
 * without any at the start of a chunk.
 */
static uint64_t charge_for(const arena *a, uint64_t size, uint64_t align) {
    const descriptor *chunk = arena_current(a);
    if (chunk != NULL) {
        uint64_t start = align_up(a->control.cursor, align);
        if (fits(start, chunk_end(chunk), size)) {
            return start - a->control.cursor + size;
        }
    }
    return size;
}

uint64_t arena_first_bytes(const arena *a) {
    return higher(a->capacity, lower(a->demand, a->memory_limit));
}

/*
 * How large the next chunk should be: as large as what lives already outside of large chunks, so that
 * chunks grow with the live bytes and not with the number of refills; but no larger than the memory limit can use, nor
 * than the chunk space of a slab. A first chunk may be larger than that, see arena_first_bytes.
 */
static uint64_t wanted_bytes(const arena *a) {
    int64_t live = charge_of(&a->control) - (int64_t)a->large;
    uint64_t wanted = live > 0 ? (uint64_t)live : 0;
    wanted = lower(lower(wanted, a->memory_limit), SLAB_SPACE_BYTES);
    wanted = whole_bytes(order_of(wanted)); /* not cut to what happens to live */
    if (arena_current(a) == NULL) {
        wanted = higher(wanted, arena_first_bytes(a));
    }
    return (a->flags & TA_OPTION_HUGE_PAGES) != 0 ? higher(wanted, HUGE_PAGE_BYTES) : wanted;
}

/*
 * Whether an allocation that does not fit the current chunk gets a chunk of its own: if it would fill
 * more than a quarter of the next one, for which the rest of the current one would be left. What is
 * small anyway has the next one made large enough: what comes after it finds room there.
 */
static bool is_large(const arena *a, uint64_t size) {
    uint64_t next = cut_bytes(wanted_bytes(a));
    uint64_t small = arena_current(a) == NULL ? next : next / 4;
    uint64_t whole =
        (a->flags & TA_OPTION_HUGE_PAGES) != 0 ? HUGE_PAGE_BYTES : whole_bytes(SMALL_ORDERS - 1);
    return size > higher(small, whole);
}

/* Goes on in another chunk, with room for so much. */
static ta_status refill(arena *a, uint64_t size) {
    descriptor *current = arena_current(a);
    ta_status why = TA_OK;
    /* The capacity is a promise about the first chunk, not a wish. */
    uint64_t least = current == NULL ? higher(size, a->capacity) : size;
    uint64_t chunks = a->chunks;
    descriptor *next = chain_take(a, least, wanted_bytes(a), &why);
    if (next == NULL) {
        return why;
    }
    a->refills += current != NULL && a->chunks != chunks;
    note_used(a);
    chain_add(a, next);
    stand_at(a, next, next->base, charge_of(&a->control));
    return TA_OK;
}

/* Takes a chunk for one allocation, and goes on in the current one. */
static ta_status take_large(arena *a, uint64_t size, uint64_t *start) {
    ta_status why = TA_OK;
    descriptor *chunk = chain_take(a, size, size, &why);
    if (chunk == NULL) {
        return why;
    }
    chunk->large = 1;
    chunk->used_end = chunk->base + size;
    chunk_note_touched(chunk, size);
    note_used(a);
    chain_add(a, chunk);
    a->large += size;
    a->control.charged_before += (int64_t)size;
    set_limit_word(a);
    CHECKER_ALLOCATED(chunk, chunk->base, size);
    *start = chunk->base;
    return TA_OK;
}

/* What speaks against an allocation before any chunk is looked for. */
static ta_status refusal(const ta_arena *control, uint64_t size, uint64_t align) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    if (!is_alignment(align)) {
        return TA_ERR_ARGUMENT;
    }
    const arena *a = arena_of(control);
    return charge_for(a, size, align) > limit_leaves(a) ? TA_ERR_LIMIT : TA_OK;
}

static bool fits_below_limit(const arena *a, uint64_t size, uint64_t align) {
    return arena_current(a) != NULL &&
           fits(align_up(a->control.cursor, align), a->control.limit, size);
}

ta_status arena_reserve(ta_arena *control, uint64_t size, uint64_t align) {
    ta_status status = refusal(control, size, align);
    if (status == TA_OK && !fits_below_limit(arena_of(control), size, align)) {
        status = refill(arena_of(control), size);
    }
    return status;
}

ta_status ta_arena_reserve(ta_arena *control, uint64_t size, uint64_t align) {
    return budget_plain(arena_reserve(control, size, align));
}

ta_status arena_allocate(ta_arena *control, uint64_t size, uint64_t align, uint64_t *start) {
    ta_status status = refusal(control, size, align);
    if (status != TA_OK) {
        return status;
    }
    arena *a = arena_of(control);
    if (!fits_below_limit(a, size, align)) {
        if (is_large(a, size)) {
            return take_large(a, size, start);
        }
        status = refill(a, size);
        if (status != TA_OK) {
            return status;
        }
    }
    /* The fast path once more, in 64 bits: it cannot fail now. */
    *start = align_up(control->cursor, align);
    control->cursor = *start + size;
    CHECKER_ALLOCATED(arena_current(a), *start, size);
    return TA_OK;
}

void *ta_arena_alloc(ta_arena *control, uint64_t size, uint64_t align) {
    uint64_t start = 0;
    return arena_allocate(control, size, align, &start) == TA_OK ? (void *)(uintptr_t)start : NULL;
}

ta_status ta_arena_check(const ta_arena *control, uint64_t size, uint64_t align) {
    return refusal(control, size, align);
}

/* ---- arenas ---------------------------------------------------------------------------------- */

uint32_t ta_abi_version(void) {
    return TA_ABI_VERSION;
}

/* The charge is a signed number; no machine has so much memory. */
static uint64_t effective_limit(uint64_t bytes) {
    return bytes > INT64_MAX ? TA_UNLIMITED : bytes;
}

/* Of a caller with another ta_options. False if he asks for what this library does not know. */
static bool read_options(const ta_options *options, size_t size, ta_options *chosen) {
    size_t known = size < sizeof *chosen ? size : sizeof *chosen;
    memset(chosen, 0, sizeof *chosen);
    memcpy(chosen, options, known);
    const unsigned char *bytes = (const unsigned char *)options;
    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Whether a first chunk for so much is one of the smallest, as nearly always. */
static bool takes_smallest(const ta_options *options, uint64_t size) {
    return options->budget == NULL && size <= TA_MIN_CHUNK_BYTES && options->capacity == 0 &&
           (options->flags & TA_OPTION_HUGE_PAGES) == 0;
}

ta_status arena_open(const ta_options *options, uint64_t opened_millis, uint64_t size,
                     uint64_t align, ta_arena **out) {
    if (options->budget != NULL && !budget_enter(options->budget)) {
        return TA_ERR_CLOSED;
    }
    descriptor *chunk = NULL;
    bool smallest = align != 0 && takes_smallest(options, size);
    arena *a = pool_take_record(smallest ? &chunk : NULL);
    if (a == NULL) {
        budget_leave(options->budget);
        return TA_ERR_NO_MEMORY;
    }
    /* Word by word: to clear the whole record first took half the time of opening an arena. */
    a->control.peak = 0;
    a->control.wasted = 0;
    a->control.opened_millis = opened_millis;
    a->control.generation++; /* a record begins as zeros and keeps it from arena to arena */
    a->open = ARENA_OPEN;
    a->control.newest = 0;
    a->spares = NULL;
    a->large = 0;
    a->capacity = options->capacity;
    a->memory_limit = effective_limit(options->memory_limit);
    a->flags = options->flags;
    chain_set_reserved(a, 0);
    a->chunks = 0;
    a->refills = 0;
    a->peak = 0;
    a->budget = options->budget;
    a->demand = 0;
    atomic_store_explicit(&a->foreign, 0, memory_order_relaxed);
    stand_nowhere(a, 0);
    if (chunk != NULL) {
        chain_add_spare(a, chunk);
    }
    if (align != 0) {
        ta_status status = arena_reserve(&a->control, size, align);
        if (status != TA_OK) {
            ta_arena_destroy(&a->control);
            return status;
        }
    }
    *out = &a->control;
    return TA_OK;
}

ta_status ta_arena_create(uint32_t abi_version, const ta_options *options, size_t options_size,
                          ta_arena **out) {
    if (out == NULL) {
        return TA_ERR_ARGUMENT;
    }
    *out = NULL;
    if (abi_version != TA_ABI_VERSION) {
        return TA_ERR_ABI;
    }
    ta_options chosen = {.memory_limit = TA_UNLIMITED};
    if (options != NULL && !read_options(options, options_size, &chosen)) {
        return TA_ERR_ARGUMENT;
    }
    if ((chosen.flags & ~OPTIONS) != 0 || chosen.reserved != 0 ||
        chosen.capacity > TA_MAX_CAPACITY) {
        return TA_ERR_ARGUMENT;
    }
    return arena_open(&chosen, os_coarse_millis(), 0, 0, out);
}

ta_status ta_arena_destroy(ta_arena *control) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    arena *a = arena_of(control);
    note_used(a);
    chain_end_after(a, NULL);
    stand_nowhere(a, 0);
    a->open = 0;
    a->control.generation++;
    ta_budget *budget = a->budget; /* the record is another's as soon as it is given back */
    pool_give_record(a, a->spares);
    budget_leave(budget);
    return TA_OK;
}

ta_status arena_charge(ta_arena *control, uint64_t bytes) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    arena *a = arena_of(control);
    note_used(a);
    control->charged_before += (int64_t)bytes;
    set_limit_word(a);
    return TA_OK;
}

ta_status arena_adopt(ta_arena *control, ta_arena *child) {
    if (!arena_is_open(control) || !arena_is_open(child)) {
        return TA_ERR_CLOSED;
    }
    if (control == child) {
        return TA_ERR_ARGUMENT;
    }
    arena *a = arena_of(control), *adopted = arena_of(child);
    int64_t charge = charge_of(child);
    if (charge > 0 && (uint64_t)charge > limit_leaves(a)) {
        return TA_ERR_LIMIT;
    }
    note_used(a);
    note_used(adopted);
    chain_adopt(a, adopted);
    control->charged_before += charge;
    control->wasted += child->wasted;
    set_limit_word(a);
    a->flags &= adopted->flags | ~ARENA_JAVA_ONLY; /* an address that left may be of either */
    child->wasted = 0;
    stand_nowhere(adopted, 0);
    return TA_OK;
}

ta_status ta_adopt(ta_arena *control, ta_arena *child) {
    ta_status status = arena_adopt(control, child);
    return status == TA_OK ? ta_arena_destroy(child) : status;
}

ta_status arena_abandon(ta_arena *control) {
    if (control->chunk != 0) {
        control->cursor = control->limit;
    }
    return ta_arena_destroy(control);
}

static void abandon_if_javas(void *record) {
    arena *a = record;
    if (arena_is_open(&a->control) && (a->flags & ARENA_JAVA_ONLY) != 0) {
        arena_abandon(&a->control);
    }
}

void arena_abandon_all(void) {
    slab_each_record(abandon_if_javas);
}

ta_status ta_arena_set_limit(ta_arena *control, uint64_t bytes) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    arena *a = arena_of(control);
    a->memory_limit = effective_limit(bytes);
    set_limit_word(a);
    return TA_OK;
}

ta_status ta_arena_stats(const ta_arena *control, ta_arena_info *info, size_t info_size) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    if (info == NULL || info_size > sizeof(ta_arena_info)) {
        return TA_ERR_ARGUMENT;
    }
    const arena *a = arena_of(control);
    uint64_t charge = (uint64_t)charge_of(control);
    uint64_t peak = higher(a->peak, control->peak);
    ta_arena_info now = {
        .allocated = charge,
        .reserved = arena_reserved(control),
        .peak = higher(peak, charge),
        .wasted = control->wasted,
        .chunks = a->chunks,
        .refills = a->refills,
        .memory_limit = a->memory_limit,
    };
    memcpy(info, &now, info_size);
    return TA_OK;
}
