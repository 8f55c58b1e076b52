/*
 * What the system says of a process's pages and address space. Only Linux's own kernel is asked: the tests that need
 * it are left out elsewhere and under emulators, which answer something else, if they answer.
 */
#ifndef TA_PAGES_H
#define TA_PAGES_H

#include "check.h"

#include "os.h"

#ifdef __linux__
#include <sys/mman.h>

static inline bool pages_are_known(void) {
    return !is_emulated();
}

/* Bytes of the range that have physical pages. */
static inline uint64_t resident(uint64_t start, uint64_t bytes) {
    static unsigned char pages[65536];
    uint64_t page = os_page_size(), found = 0;
    for (uint64_t done = 0; done < bytes; done += sizeof pages * page) {
        uint64_t run = bytes - done < sizeof pages * page ? bytes - done : sizeof pages * page;
        CHECK_EQ(mincore((void *)(uintptr_t)(start + done), run, pages), 0);
        for (uint64_t i = 0; i < run / page; i++) {
            found += (pages[i] & 1) * page;
        }
    }
    return found;
}

/* The first two numbers of /proc/self/statm, in bytes. */
static inline void of_process(uint64_t *address_space, uint64_t *resident_bytes) {
    uint64_t size = 0, pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    CHECK(statm != NULL && fscanf(statm, "%" SCNu64 " %" SCNu64, &size, &pages) == 2);
    fclose(statm);
    *address_space = size * os_page_size();
    *resident_bytes = pages * os_page_size();
}

static inline bool lock_pages(void *start, uint64_t bytes) {
    return mlock(start, bytes) == 0;
}
#else
static inline bool pages_are_known(void) {
    return false;
}

static inline uint64_t resident(uint64_t start, uint64_t bytes) {
    (void)start, (void)bytes;
    CHECK(pages_are_known());
    return 0;
}

static inline void of_process(uint64_t *address_space, uint64_t *resident_bytes) {
    *address_space = *resident_bytes = 0;
}

static inline bool lock_pages(void *start, uint64_t bytes) {
    (void)start, (void)bytes;
    return false;
}
#endif

static inline uint64_t address_space(void) {
    uint64_t bytes, unused;
    of_process(&bytes, &unused);
    return bytes;
}

static inline uint64_t resident_bytes(void) {
    uint64_t unused, bytes;
    of_process(&unused, &bytes);
    return bytes;
}

/* A test that asks which pages there are. */
#define RUN_WHERE_PAGES_ARE_KNOWN(test)                        \
    do {                                                       \
        if (pages_are_known()) {                               \
            RUN(test);                                         \
        } else {                                               \
            puts("left out, the pages are not known: " #test); \
        }                                                      \
    } while (0)

#endif
