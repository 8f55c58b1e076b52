/*
 * Loads a shared library by its path, as a JVM does, and allocates by it: the one that this build made, or one that was built
 * against another C library.
 */
#include "tensorarena.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* ISO C has no conversion from an object's pointer to a function's; POSIX has both of one size. */
#define FIND(name) memcpy(&name##_, &(void *){dlsym(library, #name)}, sizeof name##_)

int main(int argc, char **argv) {
    (void)argc;
    void *library = dlopen(argv[1], RTLD_NOW);
    if (library == NULL) {
        printf("%s\n", dlerror());
        return 1;
    }
    ta_status (*ta_arena_create_)(uint32_t, const ta_options *, size_t, ta_arena **);
    void *(*ta_arena_alloc_)(ta_arena *, uint64_t, uint64_t);
    ta_status (*ta_arena_destroy_)(ta_arena *);
    FIND(ta_arena_create);
    FIND(ta_arena_alloc);
    FIND(ta_arena_destroy);
    if (ta_arena_create_ == NULL || ta_arena_alloc_ == NULL || ta_arena_destroy_ == NULL) {
        printf("%s lacks a function\n", argv[1]);
        return 1;
    }
    ta_options options = {.memory_limit = TA_UNLIMITED};
    ta_arena *arena;
    ta_status opened = ta_arena_create_(TA_ABI_VERSION, &options, sizeof options, &arena);
    char *bytes = opened == TA_OK ? ta_arena_alloc_(arena, 100000, 64) : NULL;
    if (bytes == NULL) {
        printf("%s does not allocate\n", argv[1]);
        return 1;
    }
    memset(bytes, 1, 100000);
    return ta_arena_destroy_(arena) != TA_OK;
}
