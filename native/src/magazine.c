#include "magazine.h"

#include "os.h"

#include <stdatomic.h>
#include <string.h>

#define MAGAZINE_RECORDS 8u

struct magazine {
    /* Two cache lines, since processors fetch them in pairs. A whole word: RISC-V has no exchange of a byte. */
    _Alignas(128) atomic_uint entered;
    bool full; /* takes nothing in, whatever lies in it */
    uint32_t records;
    void *record; /* a stack, linked through the records' first words */
    descriptor *chunks[MAGAZINE_ORDERS];
};

static magazine magazines[MAGAZINES];

static bool try_enter(magazine *wanted) {
    return atomic_exchange_explicit(&wanted->entered, 1, memory_order_acquire) == 0;
}

magazine *magazine_enter(void) {
    /* Fibonacci hashing: two threads may differ in any bits of their tokens. */
    uint64_t hash = os_thread_token() * UINT64_C(0x9E3779B97F4A7C15);
    magazine *mine = &magazines[(hash >> 32) % MAGAZINES];
    return try_enter(mine) ? mine : NULL;
}

void magazine_leave(magazine *entered) {
    atomic_store_explicit(&entered->entered, 0, memory_order_release);
}

descriptor *magazine_take(magazine *entered, uint32_t order) {
    if (order >= MAGAZINE_ORDERS) {
        return NULL;
    }
    descriptor *chunk = entered->chunks[order];
    entered->chunks[order] = NULL;
    return chunk;
}

bool magazine_put(magazine *entered, descriptor *chunk) {
    if (entered->full || chunk->order >= MAGAZINE_ORDERS || entered->chunks[chunk->order] != NULL ||
        chunk_bytes(chunk) != whole_bytes(chunk->order)) {
        return false;
    }
    entered->chunks[chunk->order] = chunk;
    return true;
}

void *magazine_take_record(magazine *entered) {
    void *record = entered->record;
    if (record != NULL) {
        memcpy(&entered->record, record, sizeof(void *));
        entered->records--;
    }
    return record;
}

bool magazine_put_record(magazine *entered, void *record) {
    if (entered->full || entered->records == MAGAZINE_RECORDS) {
        return false;
    }
    memcpy(record, &entered->record, sizeof(void *));
    entered->record = record;
    entered->records++;
    return true;
}

/* The wait is for some instructions of another thread, unless that is not running. */
static magazine *enter_at_last(magazine *wanted) {
    while (!try_enter(wanted)) {
        os_pause();
    }
    return wanted;
}

void magazines_empty(bool room, void (*home)(descriptor *chunk),
                     void (*record_home)(void *record)) {
    for (uint32_t i = 0; i < MAGAZINES; i++) {
        magazine *entered = enter_at_last(&magazines[i]);
        entered->full = !room;
        for (uint32_t order = 0; order < MAGAZINE_ORDERS; order++) {
            descriptor *chunk = magazine_take(entered, order);
            if (chunk != NULL) {
                home(chunk);
            }
        }
        while (entered->record != NULL) {
            record_home(magazine_take_record(entered));
        }
        magazine_leave(entered);
    }
}

magazine_totals magazines_totals(void) {
    magazine_totals totals = {0};
    for (uint32_t i = 0; i < MAGAZINES; i++) {
        magazine *entered = enter_at_last(&magazines[i]);
        totals.records += entered->records;
        for (uint32_t order = 0; order < MAGAZINE_ORDERS; order++) {
            if (entered->chunks[order] != NULL) {
                totals.bytes += chunk_bytes(entered->chunks[order]);
                totals.chunks++;
            }
        }
        magazine_leave(entered);
    }
    return totals;
}
