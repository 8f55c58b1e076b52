/*
 * Random programs against the model: seeds 1 to 3000 by default; `test_random <first> <count>` or
 * TA_TEST_SEED and TA_TEST_PROGRAMS for others.
 */
#include "model.h"

static uint64_t random_state;

static uint64_t draw(uint64_t bound) {
    return random_below(&random_state, bound);
}

static uint64_t number(const char *text, uint64_t otherwise) {
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

int main(int argc, char **argv) {
    uint64_t first = number(argc > 1 ? argv[1] : getenv("TA_TEST_SEED"), 1);
    uint64_t programs = number(argc > 2 ? argv[2] : getenv("TA_TEST_PROGRAMS"), 3000);
    for (uint64_t seed = first; seed < first + programs; seed++) {
        char name[40];
        snprintf(name, sizeof name, "seed %" PRIu64, seed);
        random_state = seed;
        run_program(name, 150, draw, NULL);
    }
    printf("%" PRIu64 " programs from seed %" PRIu64 "\n", programs, first);
    return 0;
}
