/* Bytes of an arena as DLPack's structs: what a consumer reads, and whose the bytes are until it is done. */
#include "check.h"

#include "tensorarena_dlpack.h"

#include <pthread.h>
#include <stddef.h>

/* The words that a consumer reads, by where dlpack.h has them on machines of 64 bits. */
enum {
    OLD_TENSOR = 0,
    OLD_CONTEXT = 48,
    OLD_DELETER = 56,
    NEW_MAJOR = 0,
    NEW_MINOR = 4,
    NEW_CONTEXT = 8,
    NEW_DELETER = 16,
    NEW_FLAGS = 24,
    NEW_TENSOR = 32,
    DATA = 0,
    DEVICE_TYPE = 8,
    DEVICE_ID = 12,
    NDIM = 16,
    TYPE_CODE = 20,
    BITS = 21,
    LANES = 22,
    SHAPE = 24,
    STRIDES = 32,
    BYTE_OFFSET = 40
};

static uint64_t word_at(const void *of, size_t offset, size_t size) {
    uint64_t eight = 0;
    uint32_t four = 0;
    uint16_t two = 0;
    const char *at = (const char *)of + offset;
    switch (size) {
    case 8:
        memcpy(&eight, at, 8);
        return eight;
    case 4:
        memcpy(&four, at, 4);
        return four;
    case 2:
        memcpy(&two, at, 2);
        return two;
    default:
        return *(const unsigned char *)at;
    }
}

static void *pointer_at(const void *of, size_t offset) {
    return (void *)(uintptr_t)word_at(of, offset, 8);
}

/* What any consumer does when it is done. */
static void delete_at(void *managed, size_t deleter) {
    void (*call)(void *);
    memcpy(&call, (char *)managed + deleter, sizeof call);
    call(managed);
}

static void check_matrix(const void *tensor, const void *data, int64_t row, int64_t column) {
    CHECK(pointer_at(tensor, DATA) == data);
    CHECK_EQ(word_at(tensor, DEVICE_TYPE, 4), 1);
    CHECK_EQ(word_at(tensor, DEVICE_ID, 4), 0);
    CHECK_EQ(word_at(tensor, NDIM, 4), 2);
    CHECK_EQ(word_at(tensor, TYPE_CODE, 1), 2);
    CHECK_EQ(word_at(tensor, BITS, 1), 32);
    CHECK_EQ(word_at(tensor, LANES, 2), 1);
    const int64_t *shape = pointer_at(tensor, SHAPE), *strides = pointer_at(tensor, STRIDES);
    CHECK_EQ(shape[0], 3);
    CHECK_EQ(shape[1], 4);
    CHECK_EQ(strides[0], row);
    CHECK_EQ(strides[1], column);
    CHECK_EQ(word_at(tensor, BYTE_OFFSET, 8), 0);
}

static const int64_t three_by_four[] = {3, 4};

static ta_dlpack_view floats(void *data) {
    return (ta_dlpack_view){
        .data = data, .shape = three_by_four, .ndim = 2, .type_code = 2, .bits = 32, .lanes = 1};
}

static void the_struct_before_1_0_says_what_the_view_says(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 48, 0);
    ta_chunk *chunk = ta_pin(arena, bytes, 48);
    ta_dlpack_view view = floats(bytes);
    void *managed = ta_dlpack_make(chunk, &view);
    CHECK(managed != NULL);
    check_matrix((char *)managed + OLD_TENSOR, bytes, 4, 1);
    CHECK(pointer_at(managed, OLD_CONTEXT) == chunk);
    delete_at(managed, OLD_DELETER);
    ta_chunk_release(chunk);
    close_arena(arena);
}

static void the_struct_of_1_0_says_its_version_and_flags_too(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 48, 0);
    ta_chunk *chunk = ta_pin(arena, bytes, 48);
    ta_dlpack_view view = floats(bytes);
    int64_t transposed[] = {1, 3};
    view.strides = transposed;
    void *managed = ta_dlpack_make_versioned(chunk, &view, TA_DLPACK_READ_ONLY);
    CHECK(managed != NULL);
    CHECK_EQ(word_at(managed, NEW_MAJOR, 4), 1);
    CHECK_EQ(word_at(managed, NEW_MINOR, 4), 0);
    CHECK_EQ(word_at(managed, NEW_FLAGS, 8), 1);
    CHECK(pointer_at(managed, NEW_CONTEXT) == chunk);
    transposed[0] = 99; /* it has numbers of its own */
    check_matrix((char *)managed + NEW_TENSOR, bytes, 1, 3);
    delete_at(managed, NEW_DELETER);
    ta_chunk_release(chunk);
    close_arena(arena);
}

static void *delete_all(void *managed) {
    delete_at(((void **)managed)[0], OLD_DELETER);
    delete_at(((void **)managed)[1], NEW_DELETER);
    return NULL;
}

static void the_bytes_stay_until_both_deleters_have_run_on_another_thread(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 48, 0);
    fill(bytes, 48, 7);
    ta_chunk *chunk = ta_pin(arena, bytes, 48);
    ta_dlpack_view view = floats(bytes);
    void *managed[] = {ta_dlpack_make(chunk, &view), ta_dlpack_make_versioned(chunk, &view, 0)};
    ta_chunk_release(chunk);
    close_arena(arena);
    CHECK_EQ(pool_info().pinned_chunks, 1);
    CHECK(is_filled(pointer_at(managed[0], OLD_TENSOR + DATA), 48, 7));
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, delete_all, managed), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(pool_info().in_use_chunks, 0);
    CHECK_EQ(pool_info().stray_pins, 0);
}

static void scalars_and_empty_ones_need_no_shape_and_no_chunk(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 4, 0);
    ta_chunk *chunk = ta_pin(arena, bytes, 4);
    ta_dlpack_view scalar = floats(bytes);
    scalar.ndim = 0;
    scalar.shape = NULL;
    void *managed = ta_dlpack_make(chunk, &scalar);
    CHECK_EQ(word_at(managed, OLD_TENSOR + NDIM, 4), 0);
    CHECK(pointer_at(managed, OLD_TENSOR + DATA) == bytes);
    delete_at(managed, OLD_DELETER);
    ta_chunk_release(chunk);

    static const int64_t none[] = {0, 4};
    ta_dlpack_view empty = floats(NULL);
    empty.shape = none;
    managed = ta_dlpack_make_versioned(NULL, &empty, 0);
    const int64_t *shape = pointer_at(managed, NEW_TENSOR + SHAPE);
    CHECK_EQ(shape[0], 0);
    CHECK_EQ(shape[1], 4);
    delete_at(managed, NEW_DELETER);

    /* Of which no step is a number of 64 bits; it takes none. */
    static const int64_t large[] = {0, INT64_MAX, INT64_MAX, 3};
    empty.shape = large;
    empty.ndim = 4;
    managed = ta_dlpack_make(NULL, &empty);
    CHECK_EQ(word_at(managed, OLD_TENSOR + NDIM, 4), 4);
    delete_at(managed, OLD_DELETER);
    close_arena(arena);
    CHECK_EQ(pool_info().in_use_chunks, 0);
}

static void a_negative_rank_is_refused_and_pins_nothing(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 48, 0);
    ta_chunk *chunk = ta_pin(arena, bytes, 48);
    uint64_t word = chunk->word;
    ta_dlpack_view view = floats(bytes);
    view.ndim = -1;
    CHECK(ta_dlpack_make(chunk, &view) == NULL);
    CHECK(ta_dlpack_make_versioned(chunk, &view, 0) == NULL);
    CHECK_EQ(chunk->word, word);
    ta_chunk_release(chunk);
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN(the_struct_before_1_0_says_what_the_view_says);
    RUN(the_struct_of_1_0_says_its_version_and_flags_too);
    RUN(the_bytes_stay_until_both_deleters_have_run_on_another_thread);
    RUN(scalars_and_empty_ones_need_no_shape_and_no_chunk);
    RUN(a_negative_rank_is_refused_and_pins_nothing);
    return failures != 0;
}
