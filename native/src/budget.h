/*
 * Budgets: a tree of limits on chunk bytes. What the pool lends to an arena that has a budget is
 * charged to each budget from that one to the root, and stays so until the chunk is home, whoever
 * brings it there and whatever became of the arena.
 *
 *   root ◀── team ◀── query ◀── arena        chunk ──▶ payer: the budget, or a reservation of it
 *                       ▲
 *                   reservation              charged at once; chunks drawn from it charge nothing more
 *
 * A payer stands beside the chunk's descriptor, in its slab's table. Budgets are records like
 * arenas', never unmapped, and are used again as budgets only: a close is refused while anything is
 * charged, so no payer is ever another's.
 *
 * Counters are atomic and there is no lock on the way. A charge is taken by compare-and-set, budget
 * by budget, and put back if one further up refuses; so `used` is never above a limit that stood when
 * it rose. A discharge goes the same way, and has read a budget's parent before it lets go of it.
 */
#ifndef TA_BUDGET_H
#define TA_BUDGET_H

#include "tensorarena.h"

#include <stdbool.h>

/*
 * Inside the library a refusal says how many budgets up from the arena's own the refusing one is, above
 * the status. Public functions answer budget_plain of it.
 */
#define BUDGET_DEPTH_SHIFT 8
static inline ta_status budget_plain(ta_status status) {
    return status & ((1 << BUDGET_DEPTH_SHIFT) - 1);
}

/*
 * Charges a chunk of *bytes or, where that is too much, of a smaller size down to `lowest`; *bytes is
 * what was charged then. Returns who pays, NULL with the status in *why if nobody may.
 */
ta_budget *budget_charge(ta_budget *budget, uint64_t lowest, uint64_t *bytes, ta_status *why);

/* Takes back what a payer was charged. Any thread, without the pool's lock. */
void budget_discharge(ta_budget *payer, uint64_t bytes);

/* The budget that is charged for what a payer pays, which stands until that is home. */
const ta_budget *budget_behind(const ta_budget *payer);

/* Has an arena use a budget, which cannot be closed until it leaves; false if it is closed. */
bool budget_enter(ta_budget *budget);
void budget_leave(ta_budget *budget);

/* Does what ta_budget_reserve does, and says how far up the refusing budget is. */
ta_status budget_reserve(ta_budget *budget, uint64_t bytes, ta_budget **reservation);

#endif
