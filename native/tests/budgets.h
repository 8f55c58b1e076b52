/* What the tests of budgets share. */
#ifndef TA_BUDGETS_H
#define TA_BUDGETS_H

#include "check.h"

static inline ta_budget *budget_of(ta_budget *parent, uint64_t limit) {
    ta_budget *made;
    CHECK_EQ(ta_budget_create(parent, limit, &made), TA_OK);
    return made;
}

static inline ta_arena *open_paid(ta_budget *budget) {
    ta_options options = {.memory_limit = TA_UNLIMITED, .budget = budget};
    return open_with(&options);
}

static inline ta_budget_info budget_info(ta_budget *budget) {
    ta_budget_info info;
    CHECK_EQ(ta_budget_stats(budget, &info, sizeof info), TA_OK);
    return info;
}

static inline uint64_t used(ta_budget *budget) {
    return budget_info(budget).used;
}

static inline void close_budget(ta_budget *budget) {
    CHECK_EQ(used(budget), 0);
    CHECK_EQ(ta_budget_close(budget), TA_OK);
}

#endif
