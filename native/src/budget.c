#include "budget.h"

#include "chunk_pool.h"
#include "os.h"

#include <stdatomic.h>
#include <string.h>

struct ta_budget {
    uint64_t no_arena[16]; /* who walks through the records finds none that is open */
    _Atomic uint64_t used; /* of a reservation what was drawn, and RETURNED once it is closed */
    _Atomic uint64_t limit;
    _Atomic uint64_t peak;
    _Atomic uint64_t users; /* arenas, children and reservations; CLOSED */
    ta_budget *parent;
    const char *mark;
    ta_budget *next; /* of the parent's open reservations, or of the free records */
    _Atomic(ta_budget *) reservations;
};

_Static_assert(sizeof(ta_budget) <= SLAB_RECORD_BYTES, "a budget fits its record");
_Static_assert(offsetof(ta_budget, used) % 64 == 0, "what is charged lies in one cache line");

#define RETURNED ((uint64_t)1) /* chunks have even sizes */
#define CLOSED ((uint64_t)1 << 63)

/* What marks a record in use: addresses in this copy of the library, as an open arena's. */
static const char budget_mark, reservation_mark;

static ta_budget *free_budgets; /* under the pool's lock */

static bool is_budget(const ta_budget *budget) {
    return budget != NULL && budget->mark == &budget_mark;
}

static bool is_reservation(const ta_budget *budget) {
    return budget != NULL && budget->mark == &reservation_mark;
}

/* ---- charges --------------------------------------------------------------------------------- */

static bool has_room(ta_budget *budget, uint64_t used, uint64_t bytes) {
    uint64_t limit = atomic_load_explicit(&budget->limit, memory_order_relaxed);
    return bytes <= limit && used <= limit - bytes;
}

static void note_budget_peak(ta_budget *budget, uint64_t used) {
    uint64_t peak = atomic_load_explicit(&budget->peak, memory_order_relaxed);
    while (used > peak &&
           !atomic_compare_exchange_weak_explicit(&budget->peak, &peak, used, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

/* Charges a budget, or draws from a reservation; false past its limit, and of one that is closed. */
static bool add_charge(ta_budget *budget, uint64_t bytes) {
    uint64_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);
    do {
        if ((used & RETURNED) != 0 || !has_room(budget, used, bytes)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + bytes,
                                                    memory_order_acq_rel, memory_order_relaxed));
    note_budget_peak(budget, used + bytes);
    return true;
}

/* Takes a charge off a budget and those above it, up to one that is left alone. */
static void take_off(ta_budget *budget, const ta_budget *end, uint64_t bytes) {
    while (budget != end) {
        /* First: the budget may be closed as soon as nothing is charged. */
        ta_budget *next = budget->parent;
        atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_acq_rel);
        budget = next;
    }
}

static ta_status refused_at(ta_status depth) {
    return TA_ERR_BUDGET | depth << BUDGET_DEPTH_SHIFT;
}

/* Charges a budget and all above it, or none. */
static ta_status charge_path(ta_budget *budget, uint64_t bytes) {
    ta_status depth = 0;
    /* Looked at first, so that nearly every refusal leaves no trace, in no peak either. */
    for (ta_budget *at = budget; at != NULL; at = at->parent, depth++) {
        if (!has_room(at, atomic_load_explicit(&at->used, memory_order_relaxed), bytes)) {
            return refused_at(depth);
        }
    }
    depth = 0;
    for (ta_budget *at = budget; at != NULL; at = at->parent, depth++) {
        if (!add_charge(at, bytes)) {
            take_off(budget, at, bytes);
            return refused_at(depth);
        }
    }
    return TA_OK;
}

/* A reservation from which a chunk of the size, or of one down to the lowest, was drawn. */
static ta_budget *draw_any(ta_budget *budget, uint64_t lowest, uint64_t *bytes) {
    if (atomic_load_explicit(&budget->reservations, memory_order_relaxed) == NULL) {
        return NULL;
    }
    ta_budget *drawn = NULL;
    os_lock(); /* it keeps the list */
    for (uint64_t size = *bytes; drawn == NULL; size = chunk_smaller(size, lowest)) {
        for (ta_budget *at = atomic_load(&budget->reservations); at != NULL && drawn == NULL;
             at = at->next) {
            if (add_charge(at, size)) {
                drawn = at;
                *bytes = size;
            }
        }
        if (size == lowest) {
            break;
        }
    }
    os_unlock();
    return drawn;
}

ta_budget *budget_charge(ta_budget *budget, uint64_t lowest, uint64_t *bytes, ta_status *why) {
    ta_budget *payer = draw_any(budget, lowest, bytes);
    if (payer != NULL) {
        return payer;
    }
    while ((*why = charge_path(budget, *bytes)) != TA_OK) {
        if (*bytes <= lowest) {
            return NULL;
        }
        *bytes = chunk_smaller(*bytes, lowest);
    }
    return budget;
}

/* ---- records --------------------------------------------------------------------------------- */

/* A record for a child of an open parent; NULL if the system refuses. Under the pool's lock. */
static ta_budget *new_budget(ta_budget *parent, const char *mark, uint64_t limit) {
    ta_budget *made = free_budgets;
    if (made != NULL) {
        free_budgets = made->next;
    } else {
        made = pool_new_record();
    }
    if (made != NULL) {
        made->parent = parent;
        made->mark = mark;
        made->next = NULL;
        atomic_store(&made->used, 0);
        atomic_store(&made->peak, 0);
        atomic_store(&made->limit, limit);
        atomic_store(&made->users, 0);
        atomic_store(&made->reservations, NULL);
    }
    return made;
}

static void put_free(ta_budget *budget) {
    budget->mark = NULL;
    budget->next = free_budgets;
    free_budgets = budget;
}

void budget_discharge(ta_budget *payer, uint64_t bytes) {
    if (!is_reservation(payer)) {
        take_off(payer, NULL, bytes);
        return;
    }
    ta_budget *budget = payer->parent;
    uint64_t left = atomic_fetch_sub_explicit(&payer->used, bytes, memory_order_acq_rel) - bytes;
    if ((left & RETURNED) == 0) {
        return; /* it is the reservation's again */
    }
    if (left == RETURNED) {
        os_lock();
        put_free(payer);
        os_unlock();
    }
    take_off(budget, NULL, bytes);
}

const ta_budget *budget_behind(const ta_budget *payer) {
    return is_reservation(payer) ? payer->parent : payer;
}

bool budget_enter(ta_budget *budget) {
    if (!is_budget(budget)) {
        return false;
    }
    uint64_t users = atomic_load_explicit(&budget->users, memory_order_relaxed);
    do {
        if (users == CLOSED) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&budget->users, &users, users + 1,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return true;
}

void budget_leave(ta_budget *budget) {
    if (budget != NULL) {
        atomic_fetch_sub_explicit(&budget->users, 1, memory_order_acq_rel);
    }
}

/* ---- the public side ------------------------------------------------------------------------- */

ta_status ta_budget_create(ta_budget *parent, uint64_t limit, ta_budget **budget) {
    if (budget == NULL) {
        return TA_ERR_ARGUMENT;
    }
    *budget = NULL;
    if (parent != NULL && !budget_enter(parent)) {
        return TA_ERR_CLOSED;
    }
    os_lock();
    *budget = new_budget(parent, &budget_mark, limit);
    os_unlock();
    if (*budget == NULL) {
        budget_leave(parent);
        return TA_ERR_NO_MEMORY;
    }
    return TA_OK;
}

ta_status budget_reserve(ta_budget *budget, uint64_t bytes, ta_budget **reservation) {
    *reservation = NULL;
    if (!budget_enter(budget)) {
        return TA_ERR_CLOSED;
    }
    uint64_t charged = pool_chunk_bytes(bytes);
    ta_status status = charge_path(budget, charged);
    if (status != TA_OK) {
        budget_leave(budget);
        return status;
    }
    os_lock();
    ta_budget *made = new_budget(budget, &reservation_mark, charged);
    if (made != NULL) {
        made->next = atomic_load(&budget->reservations);
        atomic_store(&budget->reservations, made);
    }
    os_unlock();
    if (made == NULL) {
        take_off(budget, NULL, charged);
        budget_leave(budget);
        return TA_ERR_NO_MEMORY;
    }
    *reservation = made;
    return TA_OK;
}

ta_status ta_budget_reserve(ta_budget *budget, uint64_t bytes, ta_budget **reservation) {
    return reservation == NULL ? TA_ERR_ARGUMENT
                               : budget_plain(budget_reserve(budget, bytes, reservation));
}

static void unlink_reservation(ta_budget *budget, ta_budget *reservation) {
    ta_budget *at = atomic_load(&budget->reservations);
    if (at == reservation) {
        atomic_store(&budget->reservations, at->next);
        return;
    }
    while (at->next != reservation) {
        at = at->next;
    }
    at->next = reservation->next;
}

/* What is drawn stays charged to the budget, and the record stays until that is home. */
static ta_status close_reservation(ta_budget *reservation) {
    ta_budget *budget = reservation->parent;
    uint64_t size = atomic_load(&reservation->limit);
    os_lock();
    if ((atomic_load(&reservation->used) & RETURNED) != 0) {
        os_unlock();
        return TA_ERR_CLOSED;
    }
    /* First: who gives the last chunk back frees the record. */
    unlink_reservation(budget, reservation);
    uint64_t drawn = atomic_fetch_or_explicit(&reservation->used, RETURNED, memory_order_acq_rel);
    if (drawn == 0) {
        put_free(reservation);
    }
    os_unlock();
    take_off(budget, NULL, size - drawn);
    budget_leave(budget);
    return TA_OK;
}

ta_status ta_budget_close(ta_budget *budget) {
    if (is_reservation(budget)) {
        return close_reservation(budget);
    }
    if (!is_budget(budget)) {
        return TA_ERR_CLOSED;
    }
    uint64_t none = 0;
    if (atomic_load_explicit(&budget->used, memory_order_acquire) != 0 ||
        !atomic_compare_exchange_strong(&budget->users, &none, CLOSED)) {
        return none == CLOSED ? TA_ERR_CLOSED : TA_ERR_IN_USE;
    }
    if (atomic_load_explicit(&budget->used, memory_order_acquire) != 0) {
        atomic_store(&budget->users, 0); /* who came and went meanwhile has left a pin */
        return TA_ERR_IN_USE;
    }
    ta_budget *parent = budget->parent;
    os_lock();
    put_free(budget);
    os_unlock();
    budget_leave(parent);
    return TA_OK;
}

ta_status ta_budget_set_limit(ta_budget *budget, uint64_t limit) {
    if (!is_budget(budget)) {
        return TA_ERR_CLOSED;
    }
    atomic_store_explicit(&budget->limit, limit, memory_order_relaxed);
    return TA_OK;
}

ta_status ta_budget_stats(ta_budget *budget, ta_budget_info *info, size_t info_size) {
    if (!is_budget(budget) && !is_reservation(budget)) {
        return TA_ERR_CLOSED;
    }
    if (info == NULL || info_size > sizeof(ta_budget_info)) {
        return TA_ERR_ARGUMENT;
    }
    uint64_t used = atomic_load_explicit(&budget->used, memory_order_acquire);
    ta_budget_info now = {
        .limit = atomic_load_explicit(&budget->limit, memory_order_relaxed),
        .used = used & ~RETURNED,
        .peak = atomic_load_explicit(&budget->peak, memory_order_relaxed),
    };
    if ((used & RETURNED) != 0) {
        return TA_ERR_CLOSED;
    }
    memcpy(info, &now, info_size);
    return TA_OK;
}

typedef struct {
    const ta_budget *budget;
    uint64_t bytes;
} pinned_sum;

static void add_if_pinned(descriptor *chunk, void *into) {
    if (chunk->state != CHUNK_DETACHED) {
        return;
    }
    pinned_sum *sum = into;
    /* Until the chunk is home, which takes the lock, its payer is charged and cannot be closed. */
    const ta_budget *payer = slab_payer(chunk);
    while (payer != NULL && payer != sum->budget) {
        payer = payer->parent;
    }
    sum->bytes += payer != NULL ? chunk_bytes(chunk) : 0;
}

uint64_t ta_budget_pinned(const ta_budget *budget) {
    pinned_sum sum = {.budget = budget};
    if (is_budget(budget)) {
        os_lock();
        slab_each_chunk(add_if_pinned, &sum);
        os_unlock();
    }
    return sum.bytes;
}
