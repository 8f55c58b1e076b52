/*
 * What memory checkers are told. To them a slab is one large accessible mapping; these macros say
 * which bytes of it somebody may use, so that an overrun or a stale pointer inside a chunk is
 * reported. Empty unless the library is built for a checker (TA_CHECKED): AddressSanitizer when the
 * compiler says so, valgrind's memcheck otherwise.
 *
 * A chunk's space is poisoned but for what is allocated in it. Its counts (the first 24 bytes of its
 * descriptor) are poisoned while the chunk is the pool's, so that one release too many is seen.
 *
 *   CHECKER_TAKEN(chunk)                   the pool lends a chunk: all of it is poisoned
 *   CHECKER_ALLOCATED(chunk, start, size)  these bytes may be used, and are undefined
 *   CHECKER_ENDED(chunk, from)             no byte from here to the chunk's end may be used
 *   CHECKER_GIVEN(chunk)                   a chunk is the pool's again
 *   CHECKER_LETS(start, size)              the library itself is about to write or read these bytes
 */
#ifndef TA_CHECKERS_H
#define TA_CHECKERS_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TA_ADDRESS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TA_ADDRESS_SANITIZER 1
#endif

#define CHECKER_AT(address) ((void *)(uintptr_t)(address))
#define CHECKER_COUNTS_BYTES offsetof(descriptor, base)

#if !defined(TA_CHECKED)

#define CHECKER_TAKEN(chunk) ((void)(chunk))
#define CHECKER_ALLOCATED(chunk, start, size) ((void)(chunk), (void)(start), (void)(size))
#define CHECKER_ENDED(chunk, from) ((void)(chunk), (void)(from))
#define CHECKER_GIVEN(chunk) ((void)(chunk))
#define CHECKER_LETS(start, size) ((void)(start), (void)(size))

#elif defined(TA_ADDRESS_SANITIZER)

#include <sanitizer/asan_interface.h>

#define CHECKER_TAKEN(chunk)                                   \
    (ASAN_UNPOISON_MEMORY_REGION(chunk, CHECKER_COUNTS_BYTES), \
     ASAN_POISON_MEMORY_REGION(CHECKER_AT((chunk)->base), chunk_bytes(chunk)))
#define CHECKER_ALLOCATED(chunk, start, size) \
    ((void)(chunk), ASAN_UNPOISON_MEMORY_REGION(CHECKER_AT(start), size))
#define CHECKER_ENDED(chunk, from) \
    ASAN_POISON_MEMORY_REGION(CHECKER_AT(from), chunk_end(chunk) - (from))
#define CHECKER_GIVEN(chunk)                                                   \
    (ASAN_POISON_MEMORY_REGION(CHECKER_AT((chunk)->base), chunk_bytes(chunk)), \
     ASAN_POISON_MEMORY_REGION(chunk, CHECKER_COUNTS_BYTES))
#define CHECKER_LETS(start, size) ASAN_UNPOISON_MEMORY_REGION(CHECKER_AT(start), size)

#else

#include <valgrind/memcheck.h>

/* A memory pool for each lent chunk: reports then name the allocation and who made it. */
#define CHECKER_TAKEN(chunk)                                                       \
    do {                                                                           \
        VALGRIND_MAKE_MEM_UNDEFINED(chunk, CHECKER_COUNTS_BYTES);                  \
        VALGRIND_MAKE_MEM_NOACCESS(CHECKER_AT((chunk)->base), chunk_bytes(chunk)); \
        VALGRIND_CREATE_MEMPOOL(CHECKER_AT((chunk)->base), 0, 0);                  \
    } while (0)
#define CHECKER_ALLOCATED(chunk, start, size)                                           \
    do {                                                                                \
        if ((size) != 0) { /* two empty blocks would be one and the same to valgrind */ \
            VALGRIND_MEMPOOL_ALLOC(CHECKER_AT((chunk)->base), CHECKER_AT(start), size); \
        }                                                                               \
    } while (0)
#define CHECKER_ENDED(chunk, from)                                                  \
    do {                                                                            \
        VALGRIND_MEMPOOL_TRIM(CHECKER_AT((chunk)->base), CHECKER_AT((chunk)->base), \
                              (from) - (chunk)->base);                              \
        VALGRIND_MAKE_MEM_NOACCESS(CHECKER_AT(from), chunk_end(chunk) - (from));    \
    } while (0)
#define CHECKER_GIVEN(chunk)                                                       \
    do {                                                                           \
        VALGRIND_DESTROY_MEMPOOL(CHECKER_AT((chunk)->base));                       \
        VALGRIND_MAKE_MEM_NOACCESS(CHECKER_AT((chunk)->base), chunk_bytes(chunk)); \
        VALGRIND_MAKE_MEM_NOACCESS(chunk, CHECKER_COUNTS_BYTES);                   \
    } while (0)
#define CHECKER_LETS(start, size) VALGRIND_MAKE_MEM_DEFINED(CHECKER_AT(start), size)

#endif

#endif
