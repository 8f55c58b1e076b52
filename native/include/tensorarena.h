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
 *   slab     a large reservation of address space; what was once readable in it stays readable
 *   chunk    a block of a slab, of 64 KiB and up, lent by the library's pool; at most an eighth
 *            larger than what it is taken for, rounded up to 64 KiB
 *   arena    a chain of chunks and one control block; belongs to one thread at a time
 *   cursor   the address of the next free byte; allocations move it up, rewinds move it down
 *   charged  what the memory limit counts: the bytes that the cursor has passed, padding included
 *   budget   a limit on the bytes of the chunks of many arenas, and of the budgets below it
 *   pin      a claim on a chunk that keeps its bytes after the arena has ended them
 *   floor    the address in a pinned chunk below which the arena does not rewind
 *   ended    said of bytes that belong to no allocation any longer
 *
 * Units. Sizes, limits and alignments are bytes, addresses are absolute, words are in the machine's
 * byte order. An alignment is a power of two from 1 to TA_MAX_ALIGNMENT; 0 means
 * TA_DEFAULT_ALIGNMENT. Memory is uninitialised.
 *
 * Ownership. What ta_alloc returns belongs to the arena. It ends with a ta_rewind to a mark taken
 * before it, with ta_reset or with ta_arena_destroy; there is no free. A pin (ta_pin) outlives all
 * three: its bytes stay as they are until ta_chunk_release gives it back. An arena belongs to its
 * creator; the pool belongs to this copy of the library and is never torn down.
 *
 * Threads. Every function that takes an arena is for the arena's owner only: one thread at a time.
 * A program that hands an arena to another thread synchronises the two, so that what the first did
 * happens before what the second does. ta_chunk_retain, ta_chunk_release, ta_pool_*, ta_budget_*
 * and ta_abi_version may be called from any thread. No thread-local state is kept.
 *
 * Failure is a status or NULL. The library never prints, exits or throws; errno is unspecified
 * after a call. After a failure nothing has changed and the arena is usable. A status is TA_OK or
 * one that the function's comment names. A function that returns a status answers TA_ERR_CLOSED to
 * an arena that is NULL, and to one that was destroyed, until a new arena takes its control block.
 * Who may meet such a one remembers the arena's generation and compares: control blocks stay readable.
 * NULL for a mark, a chunk or a struct is refused or ignored, as its function says; other pointers are
 * not checked, nor is the arena of the inlined ta_alloc.
 *
 * Stale pointers. Memory handed out stays readable and writable until the process ends. Using it
 * after its rewind, reset, destroy or last release reads or corrupts whatever lives there now, but
 * does not fault.
 *
 * An arena that Java owns (ExecutionContext.nativeHandle()). Native code may use it on the thread
 * of the context, while Java waits for the call to return: to allocate, to pin, to read statistics,
 * and to rewind to marks that were taken in the same call. It must not call ta_reset,
 * ta_arena_destroy or ta_arena_set_limit.
 *
 * One copy. Each copy of the library that a process has loaded has a pool of its own, and answers
 * TA_ERR_CLOSED to an arena of another copy. All code that is linked against libtensorarena.so.<n>
 * shares one copy: that of Java's jar, if Java loaded it first. In Java each class loader that loads
 * the library has a copy. When the class loader goes, the pages of its copy's free chunks and of the
 * arenas that only Java's objects could reach go back to the system; addresses, pins and arenas of
 * native code stay, and so does the library.
 *
 * Signals and cancellation. Only ta_abi_version may be called from a signal handler: all else may wait
 * for a lock that the interrupted thread holds, or meet an arena in the middle of an allocation. No
 * function is a cancellation point. A thread must not leave a call early: not by longjmp or an
 * exception out of a signal handler, and not by asynchronous cancellation.
 *
 * fork. A lock that another thread holds during a fork stays locked in the child. After fork the
 * child must not call anything here.
 *
 * The ABI version (TA_ABI_VERSION) changes when any of these do:
 *   - the size, the layout or the meaning of ta_arena (callers allocate on it inline), of ta_chunk
 *     before reserved, or of ta_position;
 *   - the signature or the contract of a function, or the value of a TA_* constant;
 *   - the meaning or the place of a field of ta_options, ta_arena_info, ta_pool_info or ta_budget_info.
 * It does not change when a function, a flag or a status is added, nor when one of the last four
 * structs grows at its end: callers pass the size that they were compiled with, so old callers go on
 * working. What they do not have is zero in options, and is not written in statistics. ta_arena_create refuses a caller of another ABI version; the library's SOVERSION is the
 * ABI version.
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

#define TA_ABI_VERSION 2u
#define TA_DEFAULT_ALIGNMENT 64u
#define TA_MAX_ALIGNMENT 4096u
#define TA_MIN_CHUNK_BYTES 65536u
#define TA_MAX_CAPACITY (UINT64_C(1) << 46) /* also the largest chunk */
#define TA_UNLIMITED UINT64_MAX
/* In a build for memory checkers (TA_CHECKED) every allocation is reported to them, out of line. */
#ifdef TA_CHECKED
#define TA_ALLOC_IS_CHECKED 1
#else
#define TA_ALLOC_IS_CHECKED 0
#endif
/* The value of every byte that rests in the quarantine, see ta_pool_set_quarantine. */
#define TA_QUARANTINE_BYTE 0xDDu

typedef int32_t ta_status;
#define TA_OK 0
#define TA_ERR_ARGUMENT 1   /* an argument is outside its documented range */
#define TA_ERR_LIMIT 2      /* the arena's memory limit would be passed */
#define TA_ERR_POOL_LIMIT 3 /* the memory limit of this library's pool would be passed */
#define TA_ERR_NO_MEMORY 4  /* the system refused memory */
#define TA_ERR_ABI 5        /* caller and library were built for different ABI versions */
#define TA_ERR_MARK 6       /* the arena has already rewound past this mark */
#define TA_ERR_CLOSED 7     /* the arena was destroyed, or is one of another copy of the library */
#define TA_ERR_BUDGET 8 /* the limit of the arena's budget, or of one above it, would be passed */
#define TA_ERR_IN_USE 9 /* something is charged to the budget, or uses it */

/*
 * The control block, at a multiple of 64. Both fast paths, this header's and Java's, run on its
 * first eight words, which fill a cache line.
 *
 * byte  0        8       16      24      32      40               48     56       64              72           80
 *       | cursor | limit | base  | slab  | chunk | charged_before | peak | wasted | opened_millis | generation | newest |
 *           |       |       |       |       |
 * slab      |       |       |       |       |
 * +---------------------------------v--------------------------------------------------+
 * | head: ..., ta_chunk table [ . . v . ]                     chunk space              |
 * |                               |        +---- the current chunk ------------+       |
 * |                               +------> |#handed#out#####|  free  |  tail   |       |
 * |                                        +----------------------------------+       |
 * +----------------------------------------^-----------------^--------^---------^------+
 *                                         base             cursor   limit   chunk's end
 *
 *    0  cursor          next free byte                          base <= cursor <= limit
 *    8  limit           the chunk's end, or the address where the memory limit stops the cursor
 *                       if that is lower
 *   16  base            first byte of the current chunk
 *   24  slab            first byte of the slab of the current chunk, 0 without a chunk
 *   32  chunk           address of the current chunk's ta_chunk, 0 without a chunk
 *   40  charged_before  what was charged with the cursor at base, so that the charge now is
 *                       charged_before + (cursor - base)
 *   48  peak            highest charge that was noted since ta_reset set it to 0; it is noted before
 *                       the cursor is lowered
 *   56  wasted          charged bytes that belong to nobody (below the floors of pinned chunks)
 *   64  opened_millis   when the arena was opened: milliseconds since 1970 by the system's coarse
 *                       clock, which may lag by some milliseconds
 *   72  generation      counted up when the control block becomes an arena and when that is destroyed:
 *                       odd while the arena is open, and never again what it was then
 *   80  newest          address of the ta_chunk that was taken last: the current one, or one that was
 *                       taken since for a large allocation alone; 0 without a chunk
 *
 * Without a chunk, cursor == base > limit == 0, so every allocation takes the slow path. The owner
 * may read all words at any time, and may write the cursor alone, to raise it as ta_alloc does.
 * (Java's core, which is part of this library, also does on these words what ta_rewind and ta_reset
 * do in an unpinned chunk.)
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
    uint64_t opened_millis;
    uint64_t generation;
    uint64_t newest;
} ta_arena;

/*
 * A chunk's descriptor, 64 bytes in a table at the head of its slab, never inside the chunk.
 *
 *    0  word        pins, atomic. The low 36 bits are a signed number: 2 * count, plus 1 once the
 *                   chunk has left its arena. Then the owner's pins were added to it; before that it
 *                   may be negative. The bits above say how many of them are native code's, by
 *                   ta_pin and ta_chunk_retain
 *    8  owner_pins  pins that Java counts on the owner's thread, not atomic
 *   16  floor       highest end of a pinned allocation, 0 without one; the owner's alone
 *   24  base        first byte of the chunk
 *   32  slab        first byte of its slab
 *   40  reserved    the library's own
 */
typedef struct ta_chunk {
    uint64_t word;
    int64_t owner_pins;
    uint64_t floor;
    uint64_t base;
    uint64_t slab;
    uint64_t reserved[3];
} ta_chunk;

/* A mark to rewind to: the newest chunk, the cursor, and what was charged and wasted by then. */
typedef struct ta_position {
    uint64_t newest;
    uint64_t cursor;
    int64_t charged;
    uint64_t wasted;
} ta_position;

/* A budget: a limit on the chunks of many arenas, see ta_budget_create. */
typedef struct ta_budget ta_budget;

/* The arena takes chunks of 2 MiB and up, on huge pages where the system provides them. */
#define TA_OPTION_HUGE_PAGES 1u
/*
 * For secrets: the rewind, reset or destroy that ends bytes overwrites them with zeros, so that no
 * other arena ever sees them. Pinned bytes are overwritten by the last release, if their chunk has
 * left the arena by then; if not, by the next rewind, reset or destroy that goes back past them. The
 * price is the time to write all ended bytes once more.
 */
#define TA_OPTION_ZERO_ON_RELEASE 2u

typedef struct ta_options {
    uint64_t capacity;     /* least size of the first chunk, up to TA_MAX_CAPACITY; 0 for any */
    uint64_t memory_limit; /* most bytes charged at once; TA_UNLIMITED for no limit */
    uint32_t flags;        /* TA_OPTION_* */
    uint32_t reserved;     /* 0 */
    ta_budget *budget;     /* which pays for the arena's chunks; NULL for none */
} ta_options;

typedef struct ta_arena_info {
    uint64_t allocated; /* bytes charged now */
    uint64_t reserved;  /* bytes of the chunks that the arena holds */
    uint64_t peak;      /* most bytes that were ever charged at once */
    uint64_t wasted;    /* bytes charged that nobody can use until pins above them are released */
    uint64_t chunks;    /* chunks that the arena holds; pinned ones that left it do not count */
    uint64_t refills;   /* times that it took a chunk from the pool while it held one */
    uint64_t memory_limit; /* bytes; TA_UNLIMITED for no limit */
} ta_arena_info;

typedef struct ta_pool_info {
    uint64_t reserved;       /* bytes of address space of all slabs */
    uint64_t committed;      /* bytes of reserved in which chunks were made accessible */
    uint64_t in_use;         /* bytes of chunks that arenas hold or pins keep */
    uint64_t free;           /* bytes of free chunks whose pages are kept for reuse */
    uint64_t pinned;         /* bytes of in_use in chunks that left their arena and pins keep */
    uint64_t in_use_chunks;  /* chunks that arenas hold or pins keep */
    uint64_t free_chunks;    /* free chunks whose pages are kept for reuse */
    uint64_t pinned_chunks;  /* chunks that left their arena and pins keep */
    uint64_t memory_limit;   /* see ta_pool_set_memory_limit */
    uint64_t retained_limit; /* see ta_pool_set_retained_limit */
    uint64_t arenas;         /* open arenas, those without a chunk included */
    uint64_t stray_pins; /* pins that were given back or retained and that nobody held: mistakes */
} ta_pool_info;

/* Returns the TA_ABI_VERSION that the library was built with. */
TA_API uint32_t ta_abi_version(void);

/* ---- arena.c: arenas ------------------------------------------------------------------------- */

/*
 * Opens an arena, which the calling thread owns. abi_version is TA_ABI_VERSION and options_size is
 * sizeof(ta_options) as the caller was compiled; NULL for options (and size 0) means no capacity, no
 * limit and no flag. The arena takes no chunk until its first allocation. Fails with TA_ERR_ABI,
 * TA_ERR_NO_MEMORY or TA_ERR_ARGUMENT (arena NULL, a capacity above TA_MAX_CAPACITY, an unknown flag,
 * reserved not 0, anything but zeros behind the options that this library knows) or TA_ERR_CLOSED (the
 * budget is none that is open); then *arena is NULL.
 * Options that options_size leaves out are 0, the memory limit too.
 */
TA_API ta_status ta_arena_create(uint32_t abi_version, const ta_options *options,
                                 size_t options_size, ta_arena **arena);

/*
 * Ends the arena. Its chunks go back to the pool: at once without pins, else with their last
 * release. Fails with TA_ERR_CLOSED.
 */
TA_API ta_status ta_arena_destroy(ta_arena *arena);

/*
 * Gives all that a child has handed out to an arena, in place, as if that had allocated it just now:
 * it ends with the next rewind to an earlier mark, with a reset or a destroy. The child is destroyed;
 * what it kept in spare goes back to the pool at once, and its chunks when they end. They stay charged
 * to the child's budget, and are zeroed if either arena has TA_OPTION_ZERO_ON_RELEASE. The arena's
 * memory limit counts what the child's did. The calling thread owns both. The time depends on the
 * number of the child's chunks only. Fails with TA_ERR_LIMIT, TA_ERR_ARGUMENT (an arena of its own) or
 * TA_ERR_CLOSED.
 */
TA_API ta_status ta_adopt(ta_arena *arena, ta_arena *child);

/*
 * Makes room, so that the next allocation, of this size and alignment, succeeds on the fast path.
 * Charges nothing. Fails with TA_ERR_ARGUMENT (align is not 0 and not a power of two up to
 * TA_MAX_ALIGNMENT), TA_ERR_LIMIT, TA_ERR_BUDGET, TA_ERR_POOL_LIMIT, TA_ERR_NO_MEMORY or TA_ERR_CLOSED.
 * Before a budget or the pool refuses, chunks that the arena keeps in spare go back. Every
 * allocation that the fast path cannot serve and that is not large goes through this function.
 */
TA_API ta_status ta_arena_reserve(ta_arena *arena, uint64_t size, uint64_t align);

/*
 * Returns TA_OK if the arena's memory limit allows an allocation of this size and alignment, and
 * TA_ERR_LIMIT if not; TA_ERR_ARGUMENT and TA_ERR_CLOSED as ta_arena_reserve. Changes nothing.
 */
TA_API ta_status ta_arena_check(const ta_arena *arena, uint64_t size, uint64_t align);

/*
 * Does what ta_alloc does, as an exported function: for callers that cannot inline C. An allocation
 * that does not fit the current chunk and would fill more than a quarter of the next one, and more
 * than 256 KiB, gets a chunk of its own: the cursor stays where it is.
 */
TA_API void *ta_arena_alloc(ta_arena *arena, uint64_t size, uint64_t align);

/*
 * Sets the memory limit in bytes, TA_UNLIMITED for no limit, from the next allocation on. A limit
 * below what is charged already ends nothing and refuses every further byte. Fails with
 * TA_ERR_CLOSED.
 */
TA_API ta_status ta_arena_set_limit(ta_arena *arena, uint64_t bytes);

/*
 * Writes the first info_size bytes of the arena's statistics to info; info_size is
 * sizeof(ta_arena_info) as the caller was compiled. Fails with TA_ERR_ARGUMENT (info NULL,
 * info_size above this library's) or TA_ERR_CLOSED.
 */
TA_API ta_status ta_arena_stats(const ta_arena *arena, ta_arena_info *info, size_t info_size);

/*
 * Allocates size bytes, uninitialised, at a multiple of align: a power of two up to
 * TA_MAX_ALIGNMENT, or 0 for TA_DEFAULT_ALIGNMENT. For size 0 it returns an aligned address that
 * must not be dereferenced. Returns NULL when a limit or the system refuses, or when align is not
 * valid; ta_arena_reserve, called with the same size and alignment, says which.
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

/*
 * Notes in *mark where the cursor stands; does nothing if mark is NULL. Of an arena that is closed the
 * mark is one that every ta_rewind refuses.
 */
TA_API void ta_mark(const ta_arena *arena, ta_position *mark);

/*
 * Ends everything allocated since the mark. The mark stays valid, marks that were taken after it do
 * not. Chunks taken since the mark stay with the arena, but pinned ones leave it. In the
 * chunk that was current at the mark the cursor goes back to the mark or, while the chunk is pinned, to its floor if that is
 * higher. Fails with TA_ERR_MARK when the mark lies ahead of the cursor, in the same chunk or in one
 * that the arena has rewound past, with TA_ERR_ARGUMENT when it is NULL, and with TA_ERR_CLOSED.
 */
TA_API ta_status ta_rewind(ta_arena *arena, const ta_position *mark);

/*
 * Ends everything and keeps at most one chunk: one that holds what the last cycles used without
 * being far too large for it. Not for native code on an arena that Java owns. Fails with
 * TA_ERR_CLOSED.
 */
TA_API ta_status ta_reset(ta_arena *arena);

/* ---- chunk_pins.c: pins ---------------------------------------------------------------------- */

/*
 * Pins the size bytes at ptr: they stay as they are until ta_chunk_release was called once for each
 * ta_pin and ta_chunk_retain on their chunk. Returns that chunk, or NULL when the arena has not
 * handed these bytes out, when they have ended or when the arena is closed. Owner only.
 */
TA_API ta_chunk *ta_pin(ta_arena *arena, const void *ptr, uint64_t size);

/*
 * Adds a pin. The caller must hold one already, or Java a TensorPin whose nativeHandle() the chunk is.
 * Does nothing for NULL. Any thread. Cannot fail.
 */
TA_API void ta_chunk_retain(ta_chunk *chunk);

/*
 * Gives a pin back. The last one of a chunk that left its arena returns the chunk to the pool. What
 * the caller did with the bytes happens before they are handed out again. Does nothing for NULL. Any
 * thread. Cannot fail.
 *
 * One release too many is a mistake that costs others their pin, and is caught where it can be: on a
 * chunk that nobody pins it changes nothing, and one that native code does not pin is out of use for
 * good. ta_pool_info.stray_pins counts both.
 */
TA_API void ta_chunk_release(ta_chunk *chunk);

/* ---- budget.c: budgets ----------------------------------------------------------------------- */

typedef struct ta_budget_info {
    uint64_t limit; /* bytes; of a reservation what it was charged */
    uint64_t used;  /* bytes of chunks, and of open reservations; of a reservation what is drawn */
    uint64_t peak;  /* most bytes that were ever used at once */
} ta_budget_info;

/*
 * Makes a budget: arenas that are created with it (ta_options.budget), and those of its children, may
 * have at most so many bytes of chunks together; the parent, NULL for none, counts them, too. A chunk
 * is charged whole, from the moment the pool lends it until it is back there, also where a pin
 * keeps it after its arena. Fails with TA_ERR_ARGUMENT (budget NULL), TA_ERR_CLOSED (the parent is no
 * budget that is open) or TA_ERR_NO_MEMORY; then *budget is NULL.
 */
TA_API ta_status ta_budget_create(ta_budget *parent, uint64_t limit, ta_budget **budget);

/*
 * Charges the chunk that one allocation of so many bytes takes, for chunks that arenas of this very budget
 * take later: they are drawn from it while it has enough, and go back into it when they come home.
 * Fails with TA_ERR_ARGUMENT (reservation NULL), TA_ERR_CLOSED (no open budget), TA_ERR_BUDGET or
 * TA_ERR_NO_MEMORY; then *reservation is NULL.
 */
TA_API ta_status ta_budget_reserve(ta_budget *budget, uint64_t bytes, ta_budget **reservation);

/*
 * Closes a budget of which nothing is left, else TA_ERR_IN_USE: no chunk is charged, and no arena, child
 * or reservation of it is open. Of a reservation gives back what is not drawn; the rest stays charged to
 * the budget. Fails with TA_ERR_CLOSED when it is neither, or no longer open.
 */
TA_API ta_status ta_budget_close(ta_budget *budget);

/* Sets the limit from the next chunk on, also below what is used. Fails with TA_ERR_CLOSED. */
TA_API ta_status ta_budget_set_limit(ta_budget *budget, uint64_t limit);

/*
 * Writes the first info_size bytes of what a budget or a reservation has to info; info_size is
 * sizeof(ta_budget_info) as the caller was compiled. Fails with TA_ERR_ARGUMENT (info NULL, info_size
 * above this library's) or TA_ERR_CLOSED.
 */
TA_API ta_status ta_budget_stats(ta_budget *budget, ta_budget_info *info, size_t info_size);

/*
 * Returns how much of what is charged to an open budget pins keep after their arenas; 0 of any other.
 * Looks at all chunks.
 */
TA_API uint64_t ta_budget_pinned(const ta_budget *budget);

/* ---- chunk_pool.c: the pool of this copy ----------------------------------------------------- */

/*
 * Gives the pages of all free chunks back to the system; their addresses stay accessible. Returns the
 * bytes given back.
 */
TA_API uint64_t ta_pool_trim(void);

/*
 * Limits the bytes of chunks in use by all arenas of this copy of the library; TA_UNLIMITED, as at the start, for no
 * limit. Chunks that are in use already stay.
 */
TA_API void ta_pool_set_memory_limit(uint64_t bytes);

/*
 * Limits the bytes of free chunks whose pages are kept, 256 MiB at the start: past it the pages of a
 * chunk that becomes free go back to the system.
 */
TA_API void ta_pool_set_retained_limit(uint64_t bytes);

/*
 * Turns on the quarantine, to find uses of ended memory: ended bytes are filled with
 * TA_QUARANTINE_BYTE and not handed out again until about this many bytes more have ended; 0, as at
 * the start, for none. It is set once, before the first arena is opened, and stays; then, and with
 * another value a second time, the call fails with TA_ERR_ARGUMENT.
 */
TA_API ta_status ta_pool_set_quarantine(uint64_t bytes);

/*
 * Writes the first info_size bytes of the pool's statistics, all of one moment, to info; info_size is
 * sizeof(ta_pool_info) as the caller was compiled. Fails with TA_ERR_ARGUMENT (info NULL, info_size
 * above this library's).
 */
TA_API ta_status ta_pool_stats(ta_pool_info *info, size_t info_size);

#ifdef __cplusplus
}
#endif

#endif
