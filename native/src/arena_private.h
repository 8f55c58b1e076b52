/* An arena: its public control block and what lies behind it. Owner only. */
#ifndef TA_ARENA_PRIVATE_H
#define TA_ARENA_PRIVATE_H

#include "chunk_pool.h"

/* A reset gives a chunk back that is so many times too large. Arena.java asks it, too. */
#define FAR_TOO_LARGE 8

/*
 * The chain: chunks in the order in which they were taken, each linked to the one before it.
 *
 *   newest ──▶ large ──▶ current ──▶ large ──▶ filled ──▶ NULL        spares ──▶ … ──▶ NULL
 *
 * The current chunk is the newest that is not large. A mark remembers the newest chunk: what was
 * taken since is ahead of it in the chain, large or not. So one word tells whether a rewind is a
 * matter of the cursor alone. Chunks that have ended and that nobody pins are spares. What was adopted
 * is large: the cursor never comes there.
 */
typedef struct {
    ta_arena control;
    uint64_t open; /* ARENA_OPEN while the arena is open */
    descriptor *spares;
    uint64_t capacity;
    uint64_t memory_limit;
    uint64_t flags;
    _Atomic uint64_t reserved; /* bytes of chain and spares; others read it, see arena_reserved */
    uint64_t chunks;           /* chunks of these */
    uint64_t refills;
    uint64_t large;    /* how much of the charge is in large chunks */
    uint64_t peak;     /* highest charge before the last reset; control.peak has it since then */
    ta_budget *budget; /* which pays for its chunks; NULL for none */
    uint64_t demand;   /* what the last cycles used, decaying: the size to keep at a reset */
    _Atomic uint64_t foreign; /* of `reserved` what was adopted and its budget does not pay for */
} arena;

_Static_assert(sizeof(ta_arena) == 88, "the control block is part of the ABI");
_Static_assert(sizeof(ta_chunk) == 64, "the descriptor is part of the ABI");
_Static_assert(sizeof(arena) <= SLAB_RECORD_BYTES, "an arena fits its record");

/*
 * What marks an open arena: an address in this copy of the library, so that another copy in the same
 * process, with a pool of its own, refuses the arena instead of mixing chunks into its chain.
 */
extern const char arena_open_mark;
#define ARENA_OPEN ((uint64_t)(uintptr_t)&arena_open_mark)

static inline arena *arena_of(const ta_arena *control) {
    return (arena *)(uintptr_t)control;
}

static inline bool arena_is_open(const ta_arena *control) {
    return control != NULL && arena_of(control)->open == ARENA_OPEN;
}

/* The chunk in which the arena allocates, NULL if it has none. */
static inline descriptor *arena_current(const arena *a) {
    return chunk_at(a->control.chunk);
}

/* The chunk that was taken last, NULL without one. */
static inline descriptor *arena_newest(const arena *a) {
    return chunk_at(a->control.newest);
}

static inline uint64_t lower(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t higher(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/*
 * A flag beside the public ones: of an arena that only objects of Java can reach. It goes when an
 * address leaves, with which somebody may use the memory without an object.
 */
#define ARENA_JAVA_ONLY ((uint64_t)1 << 32)

/* ---- arena.c --------------------------------------------------------------------------------- */

/*
 * Opens an arena with options that are in order, and that was opened so many milliseconds after 1970.
 * It has room for an allocation of this size, unless the alignment is 0.
 */
ta_status arena_open(const ta_options *options, uint64_t opened_millis, uint64_t size,
                     uint64_t align, ta_arena **out);

/* Allocates as ta_arena_alloc does, and says why if it does not; of a budget also which, see budget.h. */
ta_status arena_allocate(ta_arena *control, uint64_t size, uint64_t align, uint64_t *start);

/*
 * Charges bytes that left with a chunk and live on in the arena's scopes; a rewind to a mark that was
 * taken before takes the charge back.
 */
ta_status arena_charge(ta_arena *control, uint64_t bytes);

/* Does what ta_adopt does, but leaves the child open, with nothing but spares. */
ta_status arena_adopt(ta_arena *control, ta_arena *child);

/*
 * Ends an arena that no object of Java can reach any more. How far Java had come in the current chunk
 * went with its last reference; it was below the limit.
 */
ta_status arena_abandon(ta_arena *control);

/* Ends all arenas that only Java could reach; called once Java's classes are gone. */
void arena_abandon_all(void);

/*
 * How many bytes of chunks an arena holds; on any thread, where it is meaningless once the arena is closed.
 */
uint64_t arena_reserved(const ta_arena *control);

/* The same without what it has adopted and another budget, or none, pays for. */
uint64_t arena_own(const ta_arena *control);

/* Does what ta_arena_reserve does, but says which budget refuses, see budget.h. */
ta_status arena_reserve(ta_arena *control, uint64_t size, uint64_t align);

/* How large a first chunk should be: for what the last cycles used, and for the capacity. */
uint64_t arena_first_bytes(const arena *a);

/* ---- arena_marks.c --------------------------------------------------------------------------- */

/*
 * Does what ta_reset does after so many cycles, of which some ended without C, whose highest charge
 * was recent_peak; PEAK_IS_NOTED if it is the one in the control block.
 */
ta_status arena_reset(ta_arena *control, uint32_t cycles, uint64_t recent_peak);
#define PEAK_IS_NOTED UINT64_MAX

/* ---- arena_chain.c: the position ------------------------------------------------------------- */

int64_t charge_of(const ta_arena *control);

/* What the memory limit still allows to be charged. */
uint64_t limit_leaves(const arena *a);

/* Before the charge falls. */
void note_peak(arena *a);

/*
 * Before the cursor leaves the current chunk, or the charge at its base rises: notes how far the fast
 * paths have moved it.
 */
void note_used(arena *a);

/* Computes what the memory limit leaves of the current chunk, see the control block's limit. */
void set_limit_word(arena *a);

/* Moves the cursor to this place in this chunk, with so much charged there. */
void stand_at(arena *a, descriptor *chunk, uint64_t cursor, int64_t charged);
void stand_nowhere(arena *a, int64_t charged);

/* ---- arena_chain.c: the chain ---------------------------------------------------------------- */

/* Sets how much the chain and the spares have. */
void chain_set_reserved(arena *a, uint64_t bytes);

/* Adds a chunk from the pool to those that are not in use yet. */
void chain_add_spare(arena *a, descriptor *chunk);

/* A chunk for the chain, a spare or one of the pool; NULL with the reason in *why. */
descriptor *chain_take(arena *a, uint64_t least, uint64_t wanted, ta_status *why);

/* Makes it the newest. */
void chain_add(arena *a, descriptor *chunk);

/*
 * Puts the chain of another arena ahead of this one's, where it ends first, chunk by chunk as large
 * ones: so the cursor stays where it is. Those of them that either arena has zeroed will be.
 */
void chain_adopt(arena *a, arena *child);

/*
 * Ends what lies in the chunks that were taken after this one, in all for NULL. Unpinned ones become
 * spares or, if adopted or with a quarantine, go to the pool; pinned ones detach.
 */
void chain_end_after(arena *a, const descriptor *kept);

/* Whether the chunk is in the chain; NULL always is. */
bool chain_has(const arena *a, const descriptor *chunk);

/* Whether the chunk is in the chain, and was taken after another one of it, NULL for before all. */
bool chain_has_since(const arena *a, const descriptor *chunk, const descriptor *mark);

/* The chunk that was current when this one was the newest; NULL if none was. */
descriptor *chain_current(descriptor *newest);

/* With no chunk in the chain but large ones: goes on in the spare that was used longest ago. */
void chain_stand_on_spare(arena *a, int64_t charged);

/* Keeps the smallest spare that holds so much, but none far too large; gives all others back. */
void chain_keep_one_spare(arena *a, uint64_t bytes);

#endif
