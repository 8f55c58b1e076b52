/*
 * tensorarena.h - a bump arena whose memory is never taken away from under a stale pointer.
 *
 *     ta_arena *arena;
 *     if (ta_arena_create(TA_ABI_VERSION, NULL, 0, &arena) != TA_OK) ...
 *     float *x = ta_alloc(arena, 1000 * sizeof *x, 0);   // a pointer bump; NULL when refused
 *     ta_reset(arena);                                   // ends x, keeps the warm memory
 *     ta_arena_destroy(arena);
 *
 * Words used here
 *   slab     a large reservation of address space; what was once readable in it stays so
 *   chunk    a power-of-two block of a slab, 64 KiB and up, lent by the process-wide pool
 *   arena    a chain of chunks and one control block; belongs to one thread at a time
 *   charged  what the memory limit counts: every movement of the cursor (padding included)
 *   pin      a claim that keeps a chunk's bytes alive after the arena has ended them
 *   floor    the address in a pinned chunk below which the arena will not rewind
 *
 * Units. Sizes, limits and alignments are bytes, addresses are absolute, words are in the machine's
 * byte order. An alignment is a power of two from 1 to TA_MAX_ALIGNMENT; 0 means
 * TA_DEFAULT_ALIGNMENT. Memory is uninitialised.
 *
 * Ownership. What ta_alloc returns belongs to the arena and ends with a ta_rewind to a mark taken
 * before it, with ta_reset and with ta_arena_destroy; there is no free. ta_pin takes a share in a
 * chunk, which outlives all three and is given back with ta_chunk_release. The arena belongs to who
 * created it; the pool belongs to the process and is never torn down.
 *
 * Threads. Every function that takes an arena is for the arena's owner only: one thread at a time,
 * handed over with a happens-before of the caller's. ta_chunk_retain, ta_chunk_release, ta_pool_*
 * and ta_abi_version may be called from any thread. No thread-local state is kept.
 *
 * Failure is a status or NULL; the library never prints, exits or throws; errno is unspecified
 * after a call. After a failure nothing has changed and the arena is usable. A status is TA_OK or
 * what the function names. Of arenas, NULL and a destroyed one (until its control block is used
 * again) are told by TA_ERR_CLOSED, where a status is returned; other pointers are not checked.
 *
 * Stale pointers. Memory handed out stays readable and writable until the process ends. Using it
 * after its rewind, reset, destroy or last release reads or corrupts whatever lives there now, but
 * it does not fault.
 *
 * An arena that Java owns (ExecutionContext.nativeHandle()). It may be used by native code on the
 * context's thread, while Java waits in the call: to allocate, to pin, to ask, and to rewind to
 * marks that were taken in the same call. Never ta_reset, ta_arena_destroy or ta_arena_set_limit.
 *
 * One copy. Each copy of the library that a process has loaded has a pool of its own. An arena of
 * another copy is refused like one that was destroyed. The dynamic linker shares one copy among all
 * that are linked against libtensorarena.so.<n>, the one in Java's jar included, if the Java library
 * was loaded first.
 *
 * fork. The child shares no lock state with its parent's threads: after fork it must not call
 * anything here.
 *
 * The ABI version (TA_ABI_VERSION) changes when any of these do:
 *   - the size, the layout or the meaning of ta_arena (callers allocate on it inline), of the first
 *     five words of ta_chunk, or of ta_position;
 *   - the signature or the contract of a function, or the value of a TA_* constant;
 *   - the meaning or the place of a field of ta_options, ta_arena_info or ta_pool_info.
 * It does not change when a function, a flag or a status is added, nor when one of the last three
 * structs grows at its end: callers pass the size that they were compiled with, so old callers go on
 * working. ta_arena_create refuses a caller of another ABI version; the library's SOVERSION changes
 * with it.
 */
#ifndef TENSORARENA_H
#define TENSORARENA_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(TA_BUILD)
#define TA_API __declspec(dllexport)
#elif defined(_WIN32) && !defined(TA_STATIC)
#define TA_API __declspec(dllimport)
#elif defined(__GNUC__)
#define TA_API __attribute__((visibility("default")))
#else
#define TA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TA_ABI_VERSION 1u
#define TA_DEFAULT_ALIGNMENT 64u
#define TA_MAX_ALIGNMENT 4096u
#define TA_MIN_CHUNK_BYTES 65536u
#define TA_UNLIMITED UINT64_MAX
/* In a build for memory checkers (TA_CHECKED) the library sees every allocation. */
#ifdef TA_CHECKED
#define TA_ALLOC_IS_CHECKED 1
#else
#define TA_ALLOC_IS_CHECKED 0
#endif
/* What quarantined bytes are filled with, see ta_pool_set_quarantine. */
#define TA_QUARANTINE_BYTE 0xDDu

typedef int32_t ta_status;
#define TA_OK 0
#define TA_ERR_ARGUMENT 1   /* an argument outside its documented range */
#define TA_ERR_LIMIT 2      /* the arena's memory limit would be passed */
#define TA_ERR_POOL_LIMIT 3 /* the limit of the whole process would be passed */
#define TA_ERR_NO_MEMORY 4  /* the system refused memory */
#define TA_ERR_ABI 5        /* caller and library were built for different ABI versions */
#define TA_ERR_MARK 6       /* a mark that this arena has already rewound past */
#define TA_ERR_CLOSED 7     /* the arena was destroyed, or is another copy's of this library */

/*
 * The control block: 64 bytes on a cache line of its own. Both fast paths, this header's and
 * Java's, run on it.
 *
 *   offset  0        8       16      24      32      40               48     56      64
 *           | cursor | limit | base  | slab  | chunk | charged_before | peak | wasted |
 *               |       |       |       |       |
 *     slab      |       |       |       |       |
 *     +---------------------------------v--------------------------------------------------+
 *     | head: ..., ta_chunk table [ . . v . ]                     chunk space              |
 *     |                               |        +---- the current chunk ------------+       |
 *     |                               +------> |#handed#out#####|  free  |  tail   |       |
 *     |                                        +----------------------------------+       |
 *     +----------------------------------------^-----------------^--------^---------^------+
 *                                             base             cursor   limit   chunk's end
 *
 *    0  cursor          next free byte                          base <= cursor <= limit
 *    8  limit           lower of the chunk's end and what the memory limit still allows
 *   16  base            first byte of the current chunk
 *   24  slab            first byte of the slab of the current chunk, 0 without a chunk
 *   32  chunk           address of the current chunk's ta_chunk, 0 without a chunk
 *   40  charged_before  charge when cursor was at base, so that
 *                       charge = charged_before + (cursor - base)
 *   48  peak            highest charge recorded; refreshed before the cursor is lowered
 *   56  wasted          charged bytes that belong to nobody (below the floors of pinned chunks)
 *
 * Without a chunk, cursor == base > limit == 0, so every allocation takes the slow path. Only
 * cursor may be written from outside the library, by the owner: upwards by an allocation as
 * ta_alloc does it, downwards only by ta_rewind. All words may be read by the owner at any time.
 */
typedef struct ta_arena {
    uint64_t cursor;
    uint64_t limit;
    uint64_t base;
    uint64_t slab;
    uint64_t chunk;
    int64_t charged_before;
    uint64_t peak;
    uint64_t wasted;
} ta_arena;

/*
 * A chunk's descriptor, 64 bytes in a table at the head of its slab, never inside the chunk.
 * The first five words are part of the ABI; the rest is the library's.
 *
 *    0  word        pins counted by everyone but the owner, atomic: 2 * count + DETACHED.
 *                   The count may be negative until the owner's part is added at detach.
 *    8  owner_pins  pins counted by the owner, plain
 *   16  floor       highest end of a pinned allocation, 0 without one; the owner's alone
 *   24  base        first byte of the chunk
 *   32  slab        first byte of its slab
 *
 * prev links free chunks; in a chunk that is lent it says where the cursor stood when it was left.
 */
typedef struct ta_chunk {
    uint64_t word;
    int64_t owner_pins;
    uint64_t floor;
    uint64_t base;
    uint64_t slab;
    uint64_t next;
    uint64_t prev;
    uint32_t dirty;
    uint8_t order;
    uint8_t state;
    uint8_t huge;
    uint8_t secret;
} ta_chunk;

/* A place to rewind to: where the cursor stood, and what was charged and wasted then. */
typedef struct ta_position {
    uint64_t chunk;
    uint64_t cursor;
    int64_t charged;
    uint64_t wasted;
} ta_position;

#define TA_OPTION_HUGE_PAGES 1u /* chunks of 2 MiB and up, backed by huge pages if the system can */
/*
 * For secrets: ended bytes are overwritten with zeros by the rewind, reset or destroy that ends them,
 * pinned ones with the last release or, in a chunk that stays with the arena, when it is rewound
 * past them. So no other arena ever meets them. Costs the time to write them once more.
 */
#define TA_OPTION_ZERO_ON_RELEASE 2u

typedef struct ta_options {
    uint64_t capacity;     /* the first chunk holds at least so many bytes; 0: the smallest chunk */
    uint64_t memory_limit; /* most bytes charged at once; TA_UNLIMITED for none */
    uint32_t flags;        /* TA_OPTION_* */
    uint32_t reserved;     /* 0 */
} ta_options;

typedef struct ta_arena_info {
    uint64_t allocated;    /* charged now */
    uint64_t reserved;     /* bytes of the chunks that the arena holds */
    uint64_t peak;         /* most that was ever charged at once */
    uint64_t wasted;       /* charged, but of no use to anybody until pins go away */
    uint64_t chunks;       /* chunks held; detached ones do not count */
    uint64_t refills;      /* chunks taken beyond a first one */
    uint64_t memory_limit; /* TA_UNLIMITED for none */
} ta_arena_info;

typedef struct ta_pool_info {
    uint64_t reserved;  /* address space of all slabs */
    uint64_t committed; /* of it, chunk space that was made accessible */
    uint64_t in_use;    /* bytes of chunks held by arenas or pinned */
    uint64_t free;      /* bytes of free chunks whose pages are kept for reuse */
    uint64_t pinned;    /* of in_use, bytes of chunks that left their arena and are still pinned */
    uint64_t in_use_chunks;  /* chunks held by arenas or pinned */
    uint64_t free_chunks;    /* free chunks whose pages are kept */
    uint64_t pinned_chunks;  /* of in_use_chunks, those that left their arena */
    uint64_t memory_limit;   /* of the whole process, TA_UNLIMITED for none */
    uint64_t retained_limit; /* free bytes past which pages are given back */
    uint64_t arenas;         /* open arenas, those without a chunk included */
} ta_pool_info;

/* The TA_ABI_VERSION that the library was built with. */
TA_API uint32_t ta_abi_version(void);

/* ---- arena.c: arenas ------------------------------------------------------------------------- */

/*
 * Opens an arena. abi_version is TA_ABI_VERSION and options_size sizeof(ta_options) as the caller
 * was compiled; options NULL (size 0) means no capacity and no limit. The arena takes no chunk until
 * its first allocation. The calling thread is its owner. On failure *arena is NULL: TA_ERR_ABI,
 * TA_ERR_ARGUMENT (arena NULL, a struct too small, a capacity past 2^47, an unknown flag) or
 * TA_ERR_NO_MEMORY.
 */
TA_API ta_status ta_arena_create(uint32_t abi_version, const ta_options *options,
                                 size_t options_size, ta_arena **arena);

/*
 * Ends the arena. Chunks without pins go back to the pool, pinned ones with their last release.
 * TA_ERR_CLOSED when it was destroyed before.
 */
TA_API ta_status ta_arena_destroy(ta_arena *arena);

/*
 * Makes room so that the next allocation of size and align succeeds without another slow path, and
 * says why when it cannot: TA_ERR_ARGUMENT for an alignment that is none, TA_ERR_LIMIT for the
 * arena's memory limit, TA_ERR_POOL_LIMIT for that of the process, TA_ERR_NO_MEMORY, TA_ERR_CLOSED.
 * Charges nothing. This is the one slow path of every allocation.
 */
TA_API ta_status ta_arena_reserve(ta_arena *arena, uint64_t size, uint64_t align);

/*
 * Whether an allocation would pass the arena's memory limit: TA_OK or TA_ERR_LIMIT; TA_ERR_ARGUMENT
 * or TA_ERR_CLOSED as above. Changes nothing.
 */
TA_API ta_status ta_arena_check(const ta_arena *arena, uint64_t size, uint64_t align);

/* ta_alloc out of line, for callers without a C compiler; NULL when refused. */
TA_API void *ta_arena_alloc(ta_arena *arena, uint64_t size, uint64_t align);

/*
 * Sets the memory limit (TA_UNLIMITED for none), in force from the next allocation; below the charge
 * it allows no byte more. TA_ERR_CLOSED.
 */
TA_API ta_status ta_arena_set_limit(ta_arena *arena, uint64_t bytes);

/*
 * Writes the first info_size bytes of the statistics; info_size is sizeof(ta_arena_info) as the
 * caller was compiled. TA_ERR_ARGUMENT for info NULL or an info_size above this library's,
 * TA_ERR_CLOSED.
 */
TA_API ta_status ta_arena_stats(const ta_arena *arena, ta_arena_info *info, size_t info_size);

/*
 * Allocates size bytes, uninitialised, at a multiple of align: a power of two up to 4096, or 0 for
 * 64. Size 0 gives an aligned address that must not be dereferenced. NULL when the limit or the
 * system refuses (ta_arena_reserve says which) or the alignment is none.
 */
static inline void *ta_alloc(ta_arena *arena, size_t size, size_t align) {
    uint64_t a = align == 0 ? TA_DEFAULT_ALIGNMENT : align;
    if (a > TA_MAX_ALIGNMENT || (a & (a - 1)) != 0) {
        return NULL;
    }
    /* Addresses end far below 2^63, so the rounding cannot wrap; the size is compared, not added. */
    uint64_t p = (arena->cursor + (a - 1)) & ~(a - 1);
    if (!TA_ALLOC_IS_CHECKED && p <= arena->limit && size <= arena->limit - p) {
        arena->cursor = p + size;
        return (void *)(uintptr_t)p;
    }
    return ta_arena_alloc(arena, size, a);
}

/* ---- arena.c: marks -------------------------------------------------------------------------- */

/* Remembers where the arena, which must be open, stands. Cannot fail. */
TA_API void ta_mark(const ta_arena *arena, ta_position *mark);

/*
 * Ends everything allocated since the mark; the mark stays valid, later ones do not. Chunks taken
 * since stay with the arena, pinned ones leave it. In the mark's own chunk the cursor goes back to
 * the mark, or to the floor while the chunk is pinned. TA_ERR_MARK when the arena has already
 * rewound past the mark's chunk, TA_ERR_CLOSED.
 */
TA_API ta_status ta_rewind(ta_arena *arena, const ta_position *mark);

/*
 * Ends everything and keeps at most one chunk, large enough for what the last cycles used. Not for
 * native code on an arena that Java owns. TA_ERR_CLOSED.
 */
TA_API ta_status ta_reset(ta_arena *arena);

/* ---- arena.c: pins --------------------------------------------------------------------------- */

/*
 * Keeps the size bytes at ptr, allocated from this arena and not ended, until as many
 * ta_chunk_release as there were pins and retains. Returns the chunk to release, NULL when the arena
 * has not handed these bytes out. Owner only.
 */
TA_API ta_chunk *ta_pin(ta_arena *arena, const void *ptr, uint64_t size);

/* One more pin, for who already holds one. Any thread. Cannot fail. */
TA_API void ta_chunk_retain(ta_chunk *chunk);

/*
 * One pin less; after the last one on a chunk that left its arena, the chunk is the pool's. What the
 * caller did with the bytes happens before they are handed out again. Any thread. Cannot fail.
 */
TA_API void ta_chunk_release(ta_chunk *chunk);

/* ---- chunk_pool.c: the process-wide pool ----------------------------------------------------- */

/* Gives the pages of every free chunk back to the system, keeps the addresses; returns the bytes. */
TA_API uint64_t ta_pool_trim(void);

/* Most bytes of chunks in use at once, in the whole process. TA_UNLIMITED (the start) for none. */
TA_API void ta_pool_set_memory_limit(uint64_t bytes);

/* Free bytes past which a chunk's pages are given back when it comes home (256 MiB at the start). */
TA_API void ta_pool_set_retained_limit(uint64_t bytes);

/*
 * To find uses after a rewind: ended bytes are filled with TA_QUARANTINE_BYTE and not handed out
 * again until so many more have ended. 0 (the start) turns it off. Set it before the first arena.
 */
TA_API void ta_pool_set_quarantine(uint64_t bytes);

/*
 * Writes the first info_size bytes of the statistics; info_size is sizeof(ta_pool_info) as the
 * caller was compiled. TA_ERR_ARGUMENT for info NULL or an info_size above this library's.
 */
TA_API ta_status ta_pool_stats(ta_pool_info *info, size_t info_size);

#ifdef __cplusplus
}
#endif

#endif
