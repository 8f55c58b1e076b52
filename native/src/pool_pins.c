/* What the pool notes of pinned chunks: which have left their arenas, of which an address left, mistakes. */
#include "os.h"
#include "pool_private.h"

void pool_note_detached(descriptor *chunk, bool exposed) {
    os_lock();
    chunk->state = CHUNK_DETACHED;
    chunk->exposed |= exposed;
    pool.pinned += chunk_bytes(chunk);
    pool.pinned_chunks++;
    os_unlock();
}

void pool_note_not_detached(descriptor *chunk) {
    os_lock();
    chunk->state = CHUNK_USED;
    pool.pinned -= chunk_bytes(chunk);
    pool.pinned_chunks--;
    os_unlock();
}

void pool_note_stray_pin(void) {
    os_lock();
    pool.stray_pins++;
    os_unlock();
}

void pool_note_exposed(descriptor *chunk) {
    os_lock();
    chunk->exposed = 1;
    os_unlock();
}

bool pool_is_exposed(const descriptor *chunk) {
    os_lock();
    bool exposed = chunk->exposed;
    os_unlock();
    return exposed;
}
