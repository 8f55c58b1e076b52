/*
 * Programs that a fuzzer makes up, against the model: every choice is read from its bytes, and the
 * program ends with them. Built with libFuzzer, which keeps what reaches new code; or with a main
 * that runs the files given to it, so that every compiler and checker goes through the corpus.
 */
#include "model.h"

static const uint8_t *input, *input_end;

static bool more_input(void) {
    return input < input_end;
}

/* As many bytes as the bound needs; 0 past the end. */
static uint64_t read_choice(uint64_t bound) {
    uint64_t value = 0;
    for (uint64_t reach = 1; reach < bound && more_input(); reach <<= 8) {
        value = value << 8 | *input++;
        if (reach >= (uint64_t)1 << 56) {
            break;
        }
    }
    return value % bound;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input = data;
    input_end = data + size;
    run_program("fuzzed program", MAX_STEPS, read_choice, more_input);
    return 0;
}

#ifndef TA_LIBFUZZER

static void run_file(const char *path) {
    static uint8_t data[1 << 16];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        check_fail(__FILE__, __LINE__, path);
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        run_file(argv[i]);
    }
    printf("%d programs\n", argc - 1);
    return argc > 1 ? 0 : 2;
}

#endif
