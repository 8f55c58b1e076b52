#include "arena_private.h"
#include "budget.h"
#include "checkers.h"
#include "chunk_pins.h"

/* Where cursor and base stand without a chunk: any address above a limit of 0. */
#define NOWHERE ((uint64_t)TA_DEFAULT_ALIGNMENT)

/* ---- the position ---------------------------------------------------------------------------- */

int64_t charge_of(const ta_arena *control) {
    return control->charged_before + (int64_t)(control->cursor - control->base);
}

void note_peak(arena *a) {
    int64_t charge = charge_of(&a->control);
    if (charge > 0 && (uint64_t)charge > a->control.peak) {
        a->control.peak = (uint64_t)charge;
    }
}

void note_used(arena *a) {
    descriptor *current = arena_current(a);
    if (current == NULL) {
        return;
    }
    const ta_arena *control = &a->control;
    current->used_end = control->cursor;
    /* Fast paths may have rewound since they came further: the highest charge tells how far. */
    int64_t peak = (int64_t)control->peak - control->charged_before;
    int64_t now = (int64_t)(control->cursor - control->base);
    chunk_note_touched(current, (uint64_t)(peak > now ? peak : now));
}

uint64_t limit_leaves(const arena *a) {
    if (a->memory_limit == TA_UNLIMITED) {
        return UINT64_MAX;
    }
    int64_t left = (int64_t)a->memory_limit - charge_of(&a->control);
    return left > 0 ? (uint64_t)left : 0;
}

void set_limit_word(arena *a) {
    const descriptor *chunk = arena_current(a);
    if (chunk == NULL) {
        a->control.limit = 0;
        return;
    }
    uint64_t left = limit_leaves(a);
    uint64_t room = chunk_end(chunk) - a->control.cursor;
    a->control.limit = a->control.cursor + (left < room ? left : room);
}

void stand_at(arena *a, descriptor *chunk, uint64_t cursor, int64_t charged) {
    a->control.base = chunk == NULL ? NOWHERE : chunk->base;
    a->control.slab = chunk == NULL ? 0 : chunk->slab;
    a->control.chunk = (uint64_t)(uintptr_t)chunk;
    a->control.cursor = cursor;
    a->control.charged_before = charged - (int64_t)(cursor - a->control.base);
    set_limit_word(a);
}

void stand_nowhere(arena *a, int64_t charged) {
    stand_at(a, NULL, NOWHERE, charged);
}

/* ---- the chain ------------------------------------------------------------------------------- */

static void set_newest(arena *a, const descriptor *chunk) {
    a->control.newest = chunk_address(chunk);
}

static void put_spare(arena *a, descriptor *chunk) {
    chunk->next = chunk_address(a->spares);
    a->spares = chunk;
}

/* Takes the spare that was put in last; there is one. */
static descriptor *take_spare(arena *a) {
    descriptor *taken = a->spares;
    a->spares = chunk_at(taken->next);
    return taken;
}

/* Not added to atomically: the owner alone writes it. */
void chain_set_reserved(arena *a, uint64_t bytes) {
    atomic_store_explicit(&a->reserved, bytes, memory_order_relaxed);
}

uint64_t arena_reserved(const ta_arena *control) {
    return atomic_load_explicit(&arena_of(control)->reserved, memory_order_relaxed);
}

uint64_t arena_own(const ta_arena *control) {
    uint64_t foreign = atomic_load_explicit(&arena_of(control)->foreign, memory_order_relaxed);
    uint64_t reserved = arena_reserved(control);
    return foreign < reserved ? reserved - foreign : 0;
}

/* Counts a chunk that comes, or bytes below zero for one that goes, if another budget pays for it. */
static void count_foreign(arena *a, const descriptor *chunk, int64_t bytes) {
    if (chunk->adopted && budget_behind(slab_payer(chunk)) != a->budget) {
        uint64_t foreign = atomic_load_explicit(&a->foreign, memory_order_relaxed);
        atomic_store_explicit(&a->foreign, foreign + (uint64_t)bytes, memory_order_relaxed);
    }
}

static void lose(arena *a, const descriptor *chunk) {
    a->chunks--;
    count_foreign(a, chunk, -(int64_t)chunk_bytes(chunk));
    chain_set_reserved(a, arena_reserved(&a->control) - chunk_bytes(chunk));
}

static bool is_secret(const arena *a) {
    return (a->flags & TA_OPTION_ZERO_ON_RELEASE) != 0;
}

static void count(arena *a, const descriptor *chunk) {
    a->chunks++;
    chain_set_reserved(a, arena_reserved(&a->control) + chunk_bytes(chunk));
}

/* Counts a chunk that comes from the pool. */
static void gain(arena *a, descriptor *chunk) {
    chunk->secret = is_secret(a);
    count(a, chunk);
}

void chain_add_spare(arena *a, descriptor *chunk) {
    gain(a, chunk);
    put_spare(a, chunk);
}

static void give_spares(arena *a) {
    while (a->spares != NULL) {
        descriptor *spare = take_spare(a);
        lose(a, spare);
        pool_give(spare);
    }
}

descriptor *chain_take(arena *a, uint64_t least, uint64_t wanted, ta_status *why) {
    descriptor *chunk = chunks_take_best(&a->spares, least); /* in use longest ago */
    if (chunk == NULL) {
        bool huge = (a->flags & TA_OPTION_HUGE_PAGES) != 0;
        chunk = pool_take(a->budget, least, wanted, huge, why);
        if (chunk == NULL && a->spares != NULL && *why != TA_ERR_NO_MEMORY) {
            give_spares(a); /* too small for this, and counted all the same */
            chunk = pool_take(a->budget, least, wanted, huge, why);
        }
        if (chunk == NULL) {
            return NULL;
        }
        gain(a, chunk);
    }
    chunk->large = 0;
    return chunk;
}

void chain_add(arena *a, descriptor *chunk) {
    chunk->next = a->control.newest;
    set_newest(a, chunk);
}

void chain_adopt(arena *a, arena *child) {
    descriptor *oldest = NULL;
    for (descriptor *chunk = arena_newest(child); chunk != NULL; chunk = chunk_at(chunk->next)) {
        lose(child, chunk);
        chunk->large = 1;
        chunk->adopted = 1;
        count(a, chunk);
        count_foreign(a, chunk, (int64_t)chunk_bytes(chunk));
        a->large += chunk->used_end - chunk->base;
        chunk->secret |= is_secret(a);
        oldest = chunk;
    }
    if (oldest != NULL) {
        oldest->next = a->control.newest;
        a->control.newest = child->control.newest;
    }
    set_newest(child, NULL);
    child->large = 0;
}

void chain_end_after(arena *a, const descriptor *kept) {
    bool keep_spares = pool_quarantine() == 0;
    bool exposed = (a->flags & ARENA_JAVA_ONLY) == 0; /* and so is what leaves it */
    descriptor *home = NULL;                          /* adopted ones, which go together */
    while (arena_newest(a) != kept) {
        descriptor *ended = arena_newest(a);
        set_newest(a, chunk_at(ended->next));
        if (ended->large) {
            a->large -= ended->used_end - ended->base;
        }
        bool pinned = chunk_is_pinned(ended);
        if (!pinned && keep_spares && ended->adopted) {
            chunk_forget_pins(ended);
            lose(a, ended);
            ended->next = chunk_address(home);
            home = ended;
            continue;
        }
        if (!pinned && keep_spares) {
            chunk_forget_pins(ended);
            chunk_wipe(ended, ended->base);
            CHECKER_ENDED(ended, ended->base);
            put_spare(a, ended);
            continue;
        }
        lose(a, ended);
        if (!pinned || !chunk_detach(ended, exposed)) {
            chunk_forget_pins(ended);
            pool_give(ended);
        }
    }
    if (home != NULL) {
        pool_give_record(NULL, home);
    }
}

bool chain_has(const arena *a, const descriptor *chunk) {
    const descriptor *seen = arena_newest(a);
    while (seen != NULL && seen != chunk) {
        seen = chunk_at(seen->next);
    }
    return seen == chunk;
}

bool chain_has_since(const arena *a, const descriptor *chunk, const descriptor *mark) {
    const descriptor *seen = arena_newest(a);
    while (seen != NULL && seen != mark && seen != chunk) {
        seen = chunk_at(seen->next);
    }
    return seen != NULL && seen != mark;
}

descriptor *chain_current(descriptor *newest) {
    while (newest != NULL && newest->large) {
        newest = chunk_at(newest->next);
    }
    return newest;
}

void chain_stand_on_spare(arena *a, int64_t charged) {
    if (a->spares == NULL) {
        stand_nowhere(a, charged);
        return;
    }
    descriptor *first = take_spare(a);
    first->large = 0;
    chain_add(a, first);
    stand_at(a, first, first->base, charged);
}

void chain_keep_one_spare(arena *a, uint64_t bytes) {
    uint64_t least = bytes < TA_MIN_CHUNK_BYTES ? TA_MIN_CHUNK_BYTES : bytes;
    descriptor *kept = chunks_take_best(&a->spares, least);
    if (kept != NULL && chunk_bytes(kept) / FAR_TOO_LARGE >= least) {
        put_spare(a, kept);
        kept = NULL;
    }
    give_spares(a);
    if (kept != NULL) {
        put_spare(a, kept);
    }
}
