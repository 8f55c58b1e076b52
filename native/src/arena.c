#include "arena_private.h"
#include "checkers.h"
#include "chunk_pins.h"
#include "os.h"

#include <string.h>

const char arena_open_mark;
#define OPTIONS (TA_OPTION_HUGE_PAGES | TA_OPTION_ZERO_ON_RELEASE)
/* Where cursor and base stand without a chunk: any address above a limit of 0. */
#define NOWHERE ((uint64_t)TA_DEFAULT_ALIGNMENT)

/* ---- the chain of chunks --------------------------------------------------------------------- */

static int64_t charge_of(const ta_arena *control) {
    return control->charged_before + (int64_t)(control->cursor - control->base);
}

static void note_peak(arena *a) {
    int64_t charge = charge_of(&a->control);
    if (charge > 0 && (uint64_t)charge > a->control.peak) {
        a->control.peak = (uint64_t)charge;
    }
}

/*
 * Before the cursor leaves the current chunk or the charge of its base rises: notes how far the fast
 * paths have moved it. The highest charge tells how far they may have come before they rewound.
 */
static void note_used(arena *a) {
    descriptor *current = arena_current(a);
    if (current == NULL) {
        return;
    }
    const ta_arena *control = &a->control;
    current->used_end = control->cursor;
    int64_t peak = (int64_t)control->peak - control->charged_before;
    int64_t now = (int64_t)(control->cursor - control->base);
    chunk_note_touched(current, (uint64_t)(peak > now ? peak : now));
}

/* What the memory limit still allows to be charged. */
static uint64_t budget_of(const arena *a) {
    if (a->memory_limit == TA_UNLIMITED) {
        return UINT64_MAX;
    }
    int64_t left = (int64_t)a->memory_limit - charge_of(&a->control);
    return left > 0 ? (uint64_t)left : 0;
}

/* What the memory limit leaves of the current chunk, see the control block's limit. */
static void set_limit_word(arena *a) {
    const descriptor *chunk = arena_current(a);
    if (chunk == NULL) {
        a->control.limit = 0;
        return;
    }
    uint64_t budget = budget_of(a);
    uint64_t room = chunk_end(chunk) - a->control.cursor;
    a->control.limit = a->control.cursor + (budget < room ? budget : room);
}

/* Moves the cursor to this place in this chunk, with so much charged there. */
static void stand_at(arena *a, descriptor *chunk, uint64_t cursor, int64_t charged) {
    a->control.base = chunk == NULL ? NOWHERE : chunk->base;
    a->control.slab = chunk == NULL ? 0 : chunk->slab;
    a->control.chunk = (uint64_t)(uintptr_t)chunk;
    a->control.cursor = cursor;
    a->control.charged_before = charged - (int64_t)(cursor - a->control.base);
    set_limit_word(a);
}

static void stand_nowhere(arena *a, int64_t charged) {
    stand_at(a, NULL, NOWHERE, charged);
}

/* The chunk behind `chunk` in the chain; the first one for NULL. */
static descriptor *behind(const arena *a, const descriptor *chunk) {
    return chunk == NULL ? a->first : chunk_at(chunk->next);
}

static void link_behind(arena *a, descriptor *chunk, descriptor *next) {
    if (chunk == NULL) {
        a->first = next;
    } else {
        chunk->next = (uint64_t)(uintptr_t)next;
    }
}

static void add_behind(arena *a, descriptor *chunk, descriptor *added) {
    link_behind(a, added, behind(a, chunk));
    link_behind(a, chunk, added);
    a->chunks++;
    a->reserved += chunk_bytes(added);
}

static descriptor *remove_behind(arena *a, descriptor *chunk) {
    descriptor *removed = behind(a, chunk);
    link_behind(a, chunk, chunk_at(removed->next));
    a->chunks--;
    a->reserved -= chunk_bytes(removed);
    return removed;
}

/*
 * Ends what lies in the chunks behind `chunk`. Unpinned ones stay as spares or, with a quarantine, go
 * to rest in the pool; pinned ones detach.
 */
static void end_behind(arena *a, descriptor *chunk) {
    bool keep_spares = pool_quarantine() == 0;
    while (behind(a, chunk) != NULL) {
        descriptor *ended = behind(a, chunk);
        bool pinned = chunk_is_pinned(ended);
        if (!pinned && keep_spares) {
            chunk_forget_pins(ended);
            chunk_wipe(ended, ended->base);
            CHECKER_ENDED(ended, ended->base);
            chunk = ended;
            continue;
        }
        remove_behind(a, chunk);
        if (!pinned || !chunk_detach(ended)) {
            chunk_forget_pins(ended);
            pool_give(ended);
        }
    }
}

/* ---- the slow path --------------------------------------------------------------------------- */

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

/* Moves a spare that holds size to right behind the current chunk; NULL if there is none. */
static descriptor *find_spare(arena *a, descriptor *current, uint64_t size) {
    for (descriptor *before = current; behind(a, before) != NULL; before = behind(a, before)) {
        if (chunk_bytes(behind(a, before)) >= size) {
            descriptor *spare = remove_behind(a, before);
            add_behind(a, current, spare);
            return spare;
        }
    }
    return NULL;
}

static uint64_t lower(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* How large a first chunk should be: for what the last cycles used, and for the capacity. */
static uint64_t first_bytes(const arena *a) {
    return higher(a->capacity, lower(a->demand, a->memory_limit));
}

/*
 * How large the next chunk should be: as large as what lives already, so that chunks grow with the
 * live bytes and not with the number of refills; but no larger than the memory limit can use, nor
 * than the chunk space of a slab. A first chunk may be larger than that, see first_bytes.
 */
static uint64_t wanted_bytes(const arena *a) {
    int64_t live = charge_of(&a->control);
    uint64_t wanted = live > 0 ? (uint64_t)live : 0;
    wanted = lower(lower(wanted, a->memory_limit), SLAB_SPACE_BYTES);
    wanted = whole_bytes(order_of(wanted)); /* not cut to what happens to live */
    if (arena_current(a) == NULL) {
        wanted = higher(wanted, first_bytes(a));
    }
    return (a->flags & TA_OPTION_HUGE_PAGES) != 0 ? higher(wanted, HUGE_PAGE_BYTES) : wanted;
}

ta_status ta_arena_reserve(ta_arena *control, uint64_t size, uint64_t align) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    if (!is_alignment(align)) {
        return TA_ERR_ARGUMENT;
    }
    arena *a = arena_of(control);
    descriptor *current = arena_current(a);
    if (charge_for(a, size, align) > budget_of(a)) {
        return TA_ERR_LIMIT;
    }
    if (current != NULL && fits(align_up(control->cursor, align), control->limit, size)) {
        return TA_OK;
    }
    descriptor *next = find_spare(a, current, size);
    if (next == NULL) {
        ta_status why;
        uint64_t wanted = wanted_bytes(a);
        /* The capacity is a promise about the first chunk, not a wish. */
        uint64_t least = current == NULL && size < a->capacity ? a->capacity : size;
        next = pool_take(least, wanted, (a->flags & TA_OPTION_HUGE_PAGES) != 0, &why);
        if (next == NULL) {
            return why;
        }
        next->secret = (a->flags & TA_OPTION_ZERO_ON_RELEASE) != 0;
        add_behind(a, current, next);
        if (current != NULL) {
            a->refills++;
        }
    }
    note_used(a);
    stand_at(a, next, next->base, charge_of(control));
    return TA_OK;
}

void *ta_arena_alloc(ta_arena *control, uint64_t size, uint64_t align) {
    if (ta_arena_reserve(control, size, align) != TA_OK) {
        return NULL;
    }
    /* The fast path once more, in 64 bits: it cannot fail now. */
    uint64_t start = align_up(control->cursor, align);
    control->cursor = start + size;
    CHECKER_ALLOCATED(arena_current(arena_of(control)), start, size);
    return (void *)(uintptr_t)start;
}

ta_status ta_arena_check(const ta_arena *control, uint64_t size, uint64_t align) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    if (!is_alignment(align)) {
        return TA_ERR_ARGUMENT;
    }
    const arena *a = arena_of(control);
    return charge_for(a, size, align) > budget_of(a) ? TA_ERR_LIMIT : TA_OK;
}

/* ---- marks ----------------------------------------------------------------------------------- */

void ta_mark(const ta_arena *control, ta_position *mark) {
    if (mark == NULL) {
        return;
    }
    if (!arena_is_open(control)) {
        *mark = (ta_position){.chunk = UINT64_MAX}; /* no chunk's address */
        return;
    }
    mark->chunk = control->chunk;
    mark->cursor = control->cursor;
    mark->charged = charge_of(control);
    mark->wasted = control->wasted;
}

/* Whether the mark's chunk is the current one or was filled before it. */
static bool is_on_the_way(const arena *a, const descriptor *marked) {
    const descriptor *current = arena_current(a);
    for (const descriptor *chunk = a->first; current != NULL; chunk = chunk_at(chunk->next)) {
        if (chunk == marked || chunk == current) {
            return chunk == marked;
        }
    }
    return false;
}

/* Rewinds in the mark's own chunk; what lies below the floor of a pinned chunk stays charged. */
static void rewind_within(arena *a, descriptor *marked, const ta_position *mark) {
    uint64_t cursor = mark->cursor;
    if (chunk_is_pinned(marked)) {
        cursor = marked->floor > cursor ? marked->floor : cursor;
    } else {
        chunk_forget_pins(marked);
    }
    uint64_t floor_waste = cursor - mark->cursor;
    uint64_t ended = cursor;
    chunk_wipe(marked, cursor);
    if (pool_quarantine() != 0) {
        /* Ended bytes rest, uncharged, until the chunk comes back from the quarantine's queue. */
        uint64_t end = marked == arena_current(a) ? a->control.cursor : chunk_end(marked);
        if (end > cursor) {
            CHECKER_LETS(cursor, end - cursor);
            memset((void *)(uintptr_t)cursor, TA_QUARANTINE_BYTE, end - cursor);
            cursor = end;
        }
    }
    CHECKER_ENDED(marked, ended);
    a->control.wasted = mark->wasted + floor_waste;
    stand_at(a, marked, cursor, mark->charged + (int64_t)floor_waste);
}

/* Rewinds to before the first chunk, which is used again if it is still there. */
static void rewind_to_start(arena *a) {
    a->control.wasted = 0;
    if (a->first == NULL) {
        stand_nowhere(a, 0);
    } else {
        stand_at(a, a->first, a->first->base, 0);
    }
}

ta_status ta_rewind(ta_arena *control, const ta_position *mark) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    if (mark == NULL) {
        return TA_ERR_ARGUMENT;
    }
    arena *a = arena_of(control);
    descriptor *marked = chunk_at(mark->chunk);
    if (marked != NULL && (!is_on_the_way(a, marked) || mark->cursor < marked->base ||
                           mark->cursor > chunk_end(marked) ||
                           (marked == arena_current(a) && mark->cursor > control->cursor))) {
        return TA_ERR_MARK;
    }
    note_peak(a);
    note_used(a);
    end_behind(a, marked);
    if (marked == NULL) {
        rewind_to_start(a);
    } else {
        rewind_within(a, marked, mark);
    }
    return TA_OK;
}

/* Keeps the smallest chunk that holds `bytes`, but none far too large; gives all others back. */
static void keep_one_chunk(arena *a, uint64_t bytes) {
    uint64_t least = bytes < TA_MIN_CHUNK_BYTES ? TA_MIN_CHUNK_BYTES : bytes;
    descriptor *kept = NULL;
    for (descriptor *chunk = a->first; chunk != NULL; chunk = chunk_at(chunk->next)) {
        if (chunk_bytes(chunk) >= least && chunk_bytes(chunk) / FAR_TOO_LARGE < least &&
            (kept == NULL || chunk_bytes(chunk) < chunk_bytes(kept))) {
            kept = chunk;
        }
    }
    descriptor *stays = NULL;
    while (behind(a, stays) != NULL) {
        if (behind(a, stays) == kept) {
            stays = kept;
        } else {
            pool_give(remove_behind(a, stays));
        }
    }
}

/*
 * What the cycles since the last reset used, or what is left of earlier demands: 3/4 of it after each
 * cycle, and nothing (it would be a hundredth) after 16.
 */
static uint64_t demand_after(const arena *a, uint32_t cycles, uint64_t recent_peak) {
    uint64_t faded = cycles < 16 ? a->demand : 0;
    for (uint32_t i = 0; i < cycles; i++) {
        faded -= faded / 4;
    }
    if (recent_peak == 0) {
        return faded;
    }
    /* One chunk in the place of several may need padding where they began: a page for each. */
    uint64_t seams = a->chunks > 1 ? a->chunks - 1 : 0;
    return higher(faded, recent_peak + seams * TA_MAX_ALIGNMENT);
}

ta_status arena_reset(ta_arena *control, uint32_t cycles, uint64_t recent_peak) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    arena *a = arena_of(control);
    note_peak(a);
    note_used(a);
    uint64_t recent = recent_peak == PEAK_IS_NOTED ? control->peak : recent_peak;
    a->demand = demand_after(a, cycles, recent);
    a->peak = higher(a->peak, control->peak);
    control->peak = 0;
    end_behind(a, NULL);
    keep_one_chunk(a, first_bytes(a));
    rewind_to_start(a);
    return TA_OK;
}

ta_status ta_reset(ta_arena *control) {
    return arena_reset(control, 1, PEAK_IS_NOTED);
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
    arena *a = pool_take_record();
    if (a == NULL) {
        return TA_ERR_NO_MEMORY;
    }
    /* Word by word: to clear the whole record first took half the time of opening an arena. */
    a->control.peak = 0;
    a->control.wasted = 0;
    a->control.opened_millis = os_coarse_millis();
    a->control.generation++; /* a record begins as zeros and keeps it from arena to arena */
    a->open = ARENA_OPEN;
    a->first = NULL;
    a->capacity = chosen.capacity;
    a->memory_limit = effective_limit(chosen.memory_limit);
    a->flags = chosen.flags;
    a->reserved = 0;
    a->chunks = 0;
    a->refills = 0;
    a->peak = 0;
    a->demand = 0;
    stand_nowhere(a, 0);
    *out = &a->control;
    return TA_OK;
}

ta_status ta_arena_destroy(ta_arena *control) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    arena *a = arena_of(control);
    note_used(a);
    end_behind(a, NULL);
    stand_nowhere(a, 0);
    a->open = 0;
    a->control.generation++;
    pool_give_record(a, a->first);
    return TA_OK;
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
    uint64_t peak = a->peak > control->peak ? a->peak : control->peak;
    ta_arena_info now = {
        .allocated = charge,
        .reserved = a->reserved,
        .peak = peak > charge ? peak : charge,
        .wasted = control->wasted,
        .chunks = a->chunks,
        .refills = a->refills,
        .memory_limit = a->memory_limit,
    };
    memcpy(info, &now, info_size);
    return TA_OK;
}
