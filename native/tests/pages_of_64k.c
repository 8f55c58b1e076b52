/*
 * Preloaded into a test, it gives the machine pages of 64 KiB, as some kernels for AArch64 and POWER
 * have them: sysconf says so, mmap returns nothing else, and a call for part of a page ends the
 * process. The kernel would refuse some of those calls, and round others to a page of which
 * the rest is in use.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE ((size_t)64 << 10)

static void must_be_pages(const char *function, const void *start, size_t bytes) {
    if ((uintptr_t)start % PAGE != 0 || bytes % PAGE != 0 || bytes == 0) {
        fprintf(stderr, "%s(%p, %zu): no whole pages of 64 KiB\n", function, start, bytes);
        abort();
    }
}

void *mmap(void *wanted, size_t bytes, int protection, int flags, int file, off_t offset) {
    must_be_pages("mmap", wanted, bytes);
    char *start = (char *)syscall(SYS_mmap, wanted, bytes + PAGE, protection, flags, file, offset);
    if (start == MAP_FAILED) {
        return start;
    }
    size_t before = -(uintptr_t)start % PAGE;
    if (before > 0) {
        syscall(SYS_munmap, start, before);
    }
    syscall(SYS_munmap, start + before + bytes, PAGE - before);
    return start + before;
}

int munmap(void *start, size_t bytes) {
    must_be_pages("munmap", start, bytes);
    return (int)syscall(SYS_munmap, start, bytes);
}

int mprotect(void *start, size_t bytes, int protection) {
    must_be_pages("mprotect", start, bytes);
    return (int)syscall(SYS_mprotect, start, bytes, protection);
}

int madvise(void *start, size_t bytes, int advice) {
    must_be_pages("madvise", start, bytes);
    return (int)syscall(SYS_madvise, start, bytes, advice);
}

long sysconf(int name) {
    long (*real)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    switch (name) {
    case _SC_PAGESIZE:
        return PAGE;
    case _SC_PHYS_PAGES:
        return real(name) / (long)(PAGE / (size_t)real(_SC_PAGESIZE));
    default:
        return real(name);
    }
}
