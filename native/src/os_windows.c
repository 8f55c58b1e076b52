#include "os.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* From 1601, where FILETIME begins, to 1970. */
#define UNIX_EPOCH_MILLIS UINT64_C(11644473600000)

#ifdef TA_FAULT_HOOK
bool (*os_fault_hook)(void) = NULL;
void (*os_purge_hook)(size_t bytes) = NULL;
#endif

static SRWLOCK pool_lock = SRWLOCK_INIT;

void *os_reserve(size_t bytes, size_t alignment) {
    if (OS_REFUSES_NOW() || bytes > SIZE_MAX - alignment) {
        return NULL;
    }
    /*
     * A reservation cannot be trimmed at its edges here. So a larger one is made to find an aligned
     * address, given back, and its aligned part reserved again; another thread may take the place
     * in between, hence the tries.
     */
    for (int tries = 0; tries < 16; tries++) {
        char *start = VirtualAlloc(NULL, bytes + alignment, MEM_RESERVE, PAGE_NOACCESS);
        if (start == NULL) {
            return NULL;
        }
        char *aligned = (char *)(((uintptr_t)start + alignment - 1) & ~(uintptr_t)(alignment - 1));
        VirtualFree(start, 0, MEM_RELEASE);
        void *reserved = VirtualAlloc(aligned, bytes, MEM_RESERVE, PAGE_NOACCESS);
        if (reserved != NULL) {
            return reserved;
        }
    }
    return NULL;
}

void os_unreserve(void *start, size_t bytes) {
    (void)bytes;
    VirtualFree(start, 0, MEM_RELEASE);
}

bool os_commit(void *start, size_t bytes) {
    return !OS_REFUSES_NOW() && VirtualAlloc(start, bytes, MEM_COMMIT, PAGE_READWRITE) != NULL;
}

void os_purge(void *start, size_t bytes) {
    OS_PURGES_NOW(bytes);
    /*
     * Both keep the commitment, so that a stale pointer still finds accessible pages. The first says that their
     * contents are needed no more, the second, by failing, takes them out of the working set.
     * DiscardVirtualMemory does the same in one call, but wine 8, under which this is tested, has none.
     */
    if (VirtualAlloc(start, bytes, MEM_RESET, PAGE_READWRITE) != NULL) {
        (void)VirtualUnlock(start, bytes);
    }
}

void os_huge_pages(void *start, size_t bytes, bool on) {
    /* Large pages need a privilege and cannot be asked for afterwards: the option has no effect. */
    (void)start, (void)bytes, (void)on;
}

size_t os_page_size(void) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

uint64_t os_physical_memory(void) {
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    return GlobalMemoryStatusEx(&memory) ? memory.ullTotalPhys : 0;
}

uint64_t os_thread_token(void) {
    return GetCurrentThreadId();
}

void os_pause(void) {
    SwitchToThread(); /* to one that is ready on this processor; Sleep(1) takes up to a tick of 15 ms */
}

uint64_t os_coarse_millis(void) {
    FILETIME now; /* in 100 ns */
    GetSystemTimeAsFileTime(&now);
    return ((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) / 10000 - UNIX_EPOCH_MILLIS;
}

void os_stay_loaded(void) {
    HMODULE here;
    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                             (LPCWSTR)(void *)&pool_lock, &here);
}

void os_lock(void) {
    AcquireSRWLockExclusive(&pool_lock);
}

void os_unlock(void) {
    ReleaseSRWLockExclusive(&pool_lock);
}
