/*
 * Everything that this library asks of an operating system. One os_*.c per system implements it;
 * no other file knows which system it runs on.
 */
#ifndef TA_OS_H
#define TA_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Address space without access, at a multiple of alignment (a power of two); NULL when refused. */
void *os_reserve(size_t bytes, size_t alignment);

/* Gives back a reservation of which nothing was handed out yet. */
void os_unreserve(void *start, size_t bytes);

/* Makes whole pages of a reservation readable and writable, zeroed if new; false when refused. */
bool os_commit(void *start, size_t bytes);

/*
 * Gives the physical pages back and keeps the addresses accessible. Contents are unspecified after
 * it. Best effort: locked pages stay.
 */
void os_purge(void *start, size_t bytes);

/* Asks that pages made from now on be huge ones, or that none be. Best effort. */
void os_huge_pages(void *start, size_t bytes, bool on);

size_t os_page_size(void);

/* The memory of the machine, whatever a container leaves of it; 0 if unknown. */
uint64_t os_physical_memory(void);

/* A number that no two running threads share; one that has ended may have had it. */
uint64_t os_thread_token(void);

/*
 * Lets others run for a moment: sleeps, so that also those of lower priority do, or where the system
 * has no sleep that short, yields to who is ready on this processor. Like all functions here it is no
 * point at which the thread can be cancelled.
 */
void os_pause(void);

/* Milliseconds since 1970 as of the system's last tick, some milliseconds ago; takes a few ns. */
uint64_t os_coarse_millis(void);

/* Keeps this library loaded until the process ends, where the linker was not told to. */
void os_stay_loaded(void);

/* The one lock of the pool. Not recursive. */
void os_lock(void);
void os_unlock(void);

#ifdef TA_FAULT_HOOK
/*
 * Only in the library that the tests link: called before each request for memory, which is refused
 * if it returns true.
 */
extern bool (*os_fault_hook)(void);

/* Likewise, called where pages are given back. */
extern void (*os_purge_hook)(size_t bytes);
#define OS_REFUSES_NOW() (os_fault_hook != NULL && os_fault_hook())
#define OS_PURGES_NOW(bytes) ((void)(os_purge_hook != NULL && (os_purge_hook(bytes), true)))
#else
#define OS_REFUSES_NOW() false
#define OS_PURGES_NOW(bytes) ((void)0)
#endif

#endif
