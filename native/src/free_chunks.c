#include "free_chunks.h"

#include "chunk_pool.h"

#define CACHED_PER_ORDER 16u

typedef struct {
    descriptor *top;
    uint32_t depth;
} chunk_stack;

static descriptor *lists[CHUNK_ORDERS];
static chunk_stack cached[CHUNK_ORDERS];

static void list_insert(descriptor *chunk) {
    descriptor *head = lists[chunk->order];
    chunk->state = CHUNK_FREE;
    chunk->prev = 0;
    chunk->next = chunk_address(head);
    if (head != NULL) {
        head->prev = chunk_address(chunk);
    }
    lists[chunk->order] = chunk;
}

static void list_remove(descriptor *chunk) {
    if (chunk->prev != 0) {
        chunk_at(chunk->prev)->next = chunk->next;
    } else {
        lists[chunk->order] = chunk_at(chunk->next);
    }
    if (chunk->next != 0) {
        chunk_at(chunk->next)->prev = chunk->prev;
    }
}

/* Puts a free chunk into the lists, merged with its buddies as far as they are free. */
static void merge_in(descriptor *chunk) {
    while (chunk_bytes(chunk) < slab_of_chunk(chunk)->space_bytes) {
        descriptor *buddy = slab_buddy(chunk);
        if (buddy->state != CHUNK_FREE || buddy->order != chunk->order) {
            break;
        }
        list_remove(buddy);
        descriptor *low = chunk < buddy ? chunk : buddy;
        descriptor *high = chunk < buddy ? buddy : chunk;
        low->dirty += high->dirty;
        low->order++;
        high->state = CHUNK_INTERIOR;
        chunk = low;
    }
    list_insert(chunk);
}

/* Halves a free chunk, already out of its list, until it has the order; upper halves stay free. */
static descriptor *split_to(descriptor *chunk, uint32_t order) {
    while (chunk->order > order) {
        chunk->order--;
        uint64_t half = chunk_units(chunk);
        descriptor *high = slab_part(chunk, half, half);
        high->dirty = chunk->dirty == 0 ? 0 : slab_count_dirty(high);
        chunk->dirty -= high->dirty;
        list_insert(high);
    }
    return chunk;
}

/* Puts the part of a chunk from so many units of 64 KiB on into the lists; returns its dirty count. */
static uint32_t put_parts(const descriptor *chunk, uint64_t from) {
    uint64_t units = chunk_units(chunk);
    bool is_clean = chunk->dirty == 0;
    uint32_t dirty = 0;
    for (uint64_t at = from; at < units;) {
        descriptor *part = slab_part(chunk, at, units - at); /* the first may be the chunk itself */
        at += chunk_units(part);
        part->dirty = is_clean ? 0 : slab_count_dirty(part);
        dirty += part->dirty;
        merge_in(part);
    }
    return dirty;
}

/* Cuts a free chunk, already out of its list, to a size of its order; what is cut off stays free. */
static void cut_to(descriptor *chunk, uint64_t bytes) {
    if (chunk_bytes(chunk) != bytes) {
        chunk->state = CHUNK_USED; /* its tail must not merge with it */
        chunk->dirty -= put_parts(chunk, bytes / TA_MIN_CHUNK_BYTES);
        chunk_set_bytes(chunk, bytes);
    }
}

static descriptor *take_listed(uint32_t order) {
    for (uint32_t o = order; o < CHUNK_ORDERS; o++) {
        if (lists[o] != NULL) {
            descriptor *chunk = lists[o];
            list_remove(chunk);
            return split_to(chunk, order);
        }
    }
    return NULL;
}

void free_merge(void) {
    for (uint32_t order = 0; order < CHUNK_ORDERS; order++) {
        chunk_stack *stack = &cached[order];
        while (stack->top != NULL) {
            descriptor *chunk = stack->top;
            stack->top = chunk_at(chunk->next);
            put_parts(chunk, 0);
        }
        stack->depth = 0;
    }
}

descriptor *free_take(uint64_t bytes) {
    uint32_t order = order_of(bytes);
    descriptor *chunk = chunks_take_best(&cached[order].top, bytes);
    if (chunk != NULL) {
        cached[order].depth--;
    } else {
        chunk = take_listed(order);
    }
    if (chunk != NULL) {
        cut_to(chunk, bytes);
    }
    return chunk;
}

void free_put(descriptor *chunk) {
    chunk_stack *stack = &cached[chunk->order];
    if (chunk->dirty != 0 && stack->depth < CACHED_PER_ORDER) {
        chunk->state = CHUNK_CACHED;
        chunk->next = chunk_address(stack->top);
        stack->top = chunk;
        stack->depth++;
    } else {
        put_parts(chunk, 0);
    }
}

void free_remove(descriptor *chunk) {
    list_remove(chunk);
}

descriptor *free_listed(uint32_t order) {
    return lists[order];
}

uint64_t free_count(void) {
    uint64_t count = 0;
    for (uint32_t order = 0; order < CHUNK_ORDERS; order++) {
        for (const descriptor *chunk = lists[order]; chunk != NULL; chunk = chunk_at(chunk->next)) {
            count += chunk->dirty != 0;
        }
        count += cached[order].depth;
    }
    return count;
}
