#include "arena_private.h"
#include "checkers.h"
#include "chunk_pins.h"

#include <string.h>

void ta_mark(const ta_arena *control, ta_position *mark) {
    if (mark == NULL) {
        return;
    }
    if (!arena_is_open(control)) {
        *mark = (ta_position){.newest = UINT64_MAX}; /* no chunk's address */
        return;
    }
    mark->newest = control->newest;
    mark->cursor = control->cursor;
    mark->charged = charge_of(control);
    mark->wasted = control->wasted;
}

/* Rewinds in the chunk that was current; what lies below the floor of a pinned chunk stays charged. */
static void rewind_within(arena *a, descriptor *marked, const ta_position *mark) {
    uint64_t cursor = mark->cursor;
    if (chunk_is_pinned(marked)) {
        cursor = marked->floor > cursor ? marked->floor : cursor;
    } else {
        chunk_forget_pins(marked);
    }
    uint64_t floor_waste = cursor - mark->cursor;
    uint64_t ended = cursor;
    uint64_t touched = marked->base + (uint64_t)marked->dirty * TA_MIN_CHUNK_BYTES;
    uint64_t end = marked == arena_current(a) ? a->control.cursor : touched;
    chunk_wipe(marked, cursor);
    if (pool_quarantine() != 0) {
        /* Ended bytes rest, uncharged, until the chunk comes back from the quarantine's queue. */
        if (end > cursor) {
            CHECKER_LETS(cursor, end - cursor);
            memset((void *)(uintptr_t)cursor, TA_QUARANTINE_BYTE, end - cursor);
            cursor = end;
        }
    }
    CHECKER_ENDED(marked, ended);
    a->control.wasted = mark->wasted + floor_waste;
    stand_at(a, marked, cursor, mark->charged + (int64_t)floor_waste);
}

/* Whether the cursor has been here in this chunk and not been lowered since. */
static bool has_passed(const arena *a, const descriptor *chunk, uint64_t cursor) {
    uint64_t end = chunk == arena_current(a) ? a->control.cursor : chunk->used_end;
    return cursor >= chunk->base && cursor <= end;
}

ta_status ta_rewind(ta_arena *control, const ta_position *mark) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    if (mark == NULL) {
        return TA_ERR_ARGUMENT;
    }
    arena *a = arena_of(control);
    descriptor *marked = chunk_at(mark->newest);
    if (!chain_has(a, marked)) {
        return TA_ERR_MARK;
    }
    descriptor *current = chain_current(marked);
    if (current != NULL && !has_passed(a, current, mark->cursor)) {
        return TA_ERR_MARK;
    }
    note_peak(a);
    note_used(a);
    chain_end_after(a, marked);
    if (current != NULL) {
        rewind_within(a, current, mark);
    } else {
        /* There was no cursor. With a spare there is one now, so that the next rewind is a fast one. */
        a->control.wasted = mark->wasted;
        chain_stand_on_spare(a, mark->charged);
    }
    return TA_OK;
}

/*
 * What the cycles since the last reset used, or what is left of earlier demands: 3/4 of it after each
 * cycle, and nothing (it would be a hundredth) after 16.
 */
static uint64_t demand_after(const arena *a, uint32_t cycles, uint64_t recent_peak) {
    uint64_t faded = cycles < 16 ? a->demand : 0;
    for (uint32_t i = 0; i < cycles; i++) {
        faded -= faded / 4;
    }
    /* What is adopted comes with chunks of its own in the next cycle, too. */
    uint64_t chunks = a->chunks;
    for (descriptor *chunk = arena_newest(a); chunk != NULL; chunk = chunk_at(chunk->next)) {
        if (chunk->adopted) {
            recent_peak -= lower(recent_peak, chunk->used_end - chunk->base);
            chunks--;
        }
    }
    if (recent_peak == 0) {
        return faded;
    }
    /* One chunk in the place of several may need padding where they began: a page for each. */
    uint64_t seams = chunks > 1 ? chunks - 1 : 0;
    return higher(faded, recent_peak + seams * TA_MAX_ALIGNMENT);
}

ta_status arena_reset(ta_arena *control, uint32_t cycles, uint64_t recent_peak) {
    if (!arena_is_open(control)) {
        return TA_ERR_CLOSED;
    }
    arena *a = arena_of(control);
    note_peak(a);
    note_used(a);
    uint64_t recent = recent_peak == PEAK_IS_NOTED ? control->peak : recent_peak;
    a->demand = demand_after(a, cycles, recent);
    a->peak = higher(a->peak, control->peak);
    control->peak = 0;
    chain_end_after(a, NULL);
    chain_keep_one_spare(a, arena_first_bytes(a));
    control->wasted = 0;
    chain_stand_on_spare(a, 0);
    return TA_OK;
}

ta_status ta_reset(ta_arena *control) {
    return arena_reset(control, 1, PEAK_IS_NOTED);
}
