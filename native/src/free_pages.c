#include "free_chunks.h"
#include "os.h"
#include "pool_private.h"

/* Takes a free chunk, in no list, out of circulation until purge_doomed has given its pages back. */
static void doom(descriptor *chunk) {
    chunk->state = CHUNK_PURGED;
    chunk->next = chunk_address(pool.doomed);
    pool.doomed = chunk;
    pool.doomed_bytes += dirty_bytes(chunk);
}

/* From here on `dirty` says how much of the chunk may have pages. */
static void take_home(descriptor *chunk) {
    if (!chunk->warm) {
        slab_set_dirty(chunk, chunk->dirty, true);
        chunk->dirty = slab_count_dirty(chunk);
    }
}

uint64_t retained_room(void) {
    return pool.retained_limit - (pool.magazines_full ? 0 : MAGAZINES_BYTES);
}

/* Whether the pages of free chunks are too many with so many bytes more. */
static bool is_too_much(uint64_t bytes) {
    uint64_t free = pool.retained + bytes;
    return bytes != 0 && (free > retained_room() || pool.in_use + free > pool.memory_limit);
}

void come_home(descriptor *chunk) {
    take_home(chunk);
    if (is_too_much(dirty_bytes(chunk))) {
        doom(chunk);
    } else {
        pool.retained += dirty_bytes(chunk);
        free_put(chunk);
    }
}

void purge_doomed(void) {
    while (pool.doomed != NULL) {
        descriptor *chunk = pool.doomed;
        pool.doomed = chunk_at(chunk->next);
        uint64_t units = slab_dirty_units(chunk);
        os_unlock();
        os_purge((void *)(uintptr_t)chunk->base, units * TA_MIN_CHUNK_BYTES);
        os_lock();
        pool.doomed_bytes -= dirty_bytes(chunk);
        slab_set_dirty(chunk, units, false);
        chunk->dirty = 0;
        free_put(chunk);
    }
}

bool wait_for_purge(uint64_t bytes) {
    bool allowed = bytes <= pool.memory_limit && pool.in_use <= pool.memory_limit - bytes;
    if (!allowed || pool.doomed_bytes == 0) {
        return false;
    }
    if (pool.doomed != NULL) {
        purge_doomed();
    } else { /* others are at it */
        os_unlock();
        os_pause();
        os_lock();
    }
    return true;
}

uint64_t doom_free(uint64_t keep) {
    if (pool.retained <= keep) {
        return 0;
    }
    gather_free();
    uint64_t before = pool.retained;
    for (uint32_t order = CHUNK_ORDERS; order-- > 0 && pool.retained > keep;) {
        for (descriptor *chunk = free_listed(order), *next; chunk != NULL && pool.retained > keep;
             chunk = next) {
            next = chunk_at(chunk->next);
            if (chunk->dirty != 0) {
                free_remove(chunk);
                pool.retained -= dirty_bytes(chunk);
                doom(chunk);
            }
        }
    }
    return before - pool.retained;
}
