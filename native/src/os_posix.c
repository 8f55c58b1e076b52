#define _DEFAULT_SOURCE
#include "os.h"

#ifdef __APPLE__
#include <dlfcn.h>
#endif
#include <pthread.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

#ifdef CLOCK_REALTIME_COARSE
#define CHEAP_CLOCK CLOCK_REALTIME_COARSE
#else
#define CHEAP_CLOCK CLOCK_REALTIME
#endif

#ifdef MADV_FREE_REUSABLE /* macOS: MADV_DONTNEED gives nothing back there */
#define GIVE_BACK MADV_FREE_REUSABLE
#else
#define GIVE_BACK MADV_DONTNEED
#endif

/* madvise works in runs, so that none takes long: some 5 ms with pages, some 300 ns without. */
#define PURGE_RUN ((size_t)64 << 20)
#define LOCKED_RUN ((size_t)2 << 20) /* one locked page spares its run only */

#ifdef TA_FAULT_HOOK
bool (*os_fault_hook)(void) = NULL;
void (*os_purge_hook)(size_t bytes) = NULL;
#endif

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

void *os_reserve(size_t bytes, size_t alignment) {
    if (OS_REFUSES_NOW() || bytes > SIZE_MAX - alignment) {
        return NULL;
    }
    size_t mapped = bytes + alignment;
    char *start = mmap(NULL, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) {
        return NULL;
    }
    char *aligned = (char *)(((uintptr_t)start + alignment - 1) & ~(uintptr_t)(alignment - 1));
    if (aligned > start) {
        munmap(start, (size_t)(aligned - start));
    }
    munmap(aligned + bytes, (size_t)(start + mapped - (aligned + bytes)));
    return aligned;
}

void os_unreserve(void *start, size_t bytes) {
    munmap(start, bytes);
}

bool os_commit(void *start, size_t bytes) {
    return !OS_REFUSES_NOW() && mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0;
}

void os_purge(void *start, size_t bytes) {
    OS_PURGES_NOW(bytes);
    size_t most = PURGE_RUN;
    for (size_t done = 0; done < bytes;) {
        size_t run = bytes - done < most ? bytes - done : most;
        if (madvise((char *)start + done, run, GIVE_BACK) != 0 && most > LOCKED_RUN) {
            /* EINVAL on locked pages: they stay resident, as their owner asked. */
            most = LOCKED_RUN;
        } else {
            done += run;
        }
    }
}

void os_huge_pages(void *start, size_t bytes, bool on) {
#if defined(MADV_HUGEPAGE) && defined(MADV_NOHUGEPAGE)
    (void)madvise(start, bytes, on ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#else
    (void)start, (void)bytes, (void)on;
#endif
}

size_t os_page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

uint64_t os_physical_memory(void) {
#ifdef _SC_PHYS_PAGES
    long pages = sysconf(_SC_PHYS_PAGES);
    return pages > 0 ? (uint64_t)pages * os_page_size() : 0;
#else
    return 0;
#endif
}

uint64_t os_thread_token(void) {
    return (uint64_t)(uintptr_t)pthread_self();
}

void os_pause(void) {
    struct timespec moment = {.tv_nsec = 20000};
    int before; /* a thread that was cancelled in its sleep would leave the pool locked */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    (void)nanosleep(&moment, NULL);
    (void)pthread_setcancelstate(before, NULL);
}

uint64_t os_coarse_millis(void) {
    struct timespec now;
    (void)clock_gettime(CHEAP_CLOCK, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void os_stay_loaded(void) {
#ifdef __APPLE__ /* elsewhere the linker is told so; dlopen would need a newer glibc */
    Dl_info here;
    if (dladdr((const void *)&pool_mutex, &here) != 0) {
        (void)dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    }
#endif
}

void os_lock(void) {
    pthread_mutex_lock(&pool_mutex);
}

void os_unlock(void) {
    pthread_mutex_unlock(&pool_mutex);
}

#if defined(__aarch64__) && defined(__linux__)
/*
 * As the library is loaded, code that gcc adds to it asks here whether the processor has atomic
 * instructions. glibc exports this, musl has it without the underscores only. Used: no optimiser sees who calls it.
 */
__attribute__((used, weak)) unsigned long __getauxval(unsigned long type);
unsigned long __getauxval(unsigned long type) {
    return getauxval(type);
}
#endif
