/* The structs of DLPack over pinned bytes: one block each, with the extents and steps at its end. */
#include "tensorarena_dlpack.h"

#include <stdlib.h>
#include <string.h>

/* As https://dmlc.github.io/dlpack/latest/c_api.html has them; test_dlpack.c compares the offsets. */

typedef struct {
    void *data;
    int32_t device_type;
    int32_t device_id;
    int32_t ndim;
    uint8_t type_code;
    uint8_t bits;
    uint16_t lanes;
    int64_t *shape;
    int64_t *strides;
    uint64_t byte_offset;
} tensor;

struct DLManagedTensor {
    tensor tensor;
    void *context;
    void (*deleter)(struct DLManagedTensor *self);
};

struct DLManagedTensorVersioned {
    uint32_t major;
    uint32_t minor;
    void *context;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    tensor tensor;
};

#define DEVICE_CPU 1

/* A struct of this size with room for the view's extents and steps behind it; NULL when refused. */
static void *block_for(const ta_dlpack_view *view, size_t size) {
    return view->ndim < 0 ? NULL : malloc(size + 2 * (size_t)view->ndim * sizeof(int64_t));
}

static void describe(tensor *tensor, const ta_dlpack_view *view, int64_t *numbers) {
    tensor->data = view->data;
    tensor->device_type = DEVICE_CPU;
    tensor->device_id = 0;
    tensor->ndim = view->ndim;
    tensor->type_code = view->type_code;
    tensor->bits = view->bits;
    tensor->lanes = view->lanes;
    tensor->shape = numbers;
    tensor->strides = numbers + view->ndim; /* said in any case: since 1.2 they must be */
    tensor->byte_offset = 0;
    uint64_t step = 1; /* which may overflow where an extent is 0 */
    for (int32_t axis = view->ndim - 1; axis >= 0; axis--) {
        tensor->shape[axis] = view->shape[axis];
        tensor->strides[axis] = view->strides == NULL ? (int64_t)step : view->strides[axis];
        step *= (uint64_t)view->shape[axis];
    }
}

static void delete_old(struct DLManagedTensor *self) {
    ta_chunk_release(self->context);
    free(self);
}

static void delete_versioned(struct DLManagedTensorVersioned *self) {
    ta_chunk_release(self->context);
    free(self);
}

struct DLManagedTensor *ta_dlpack_make(ta_chunk *chunk, const ta_dlpack_view *view) {
    struct DLManagedTensor *made = block_for(view, sizeof *made);
    if (made != NULL) {
        describe(&made->tensor, view, (int64_t *)(made + 1));
        made->context = chunk;
        made->deleter = delete_old;
        ta_chunk_retain(chunk);
    }
    return made;
}

struct DLManagedTensorVersioned *
ta_dlpack_make_versioned(ta_chunk *chunk, const ta_dlpack_view *view, uint64_t flags) {
    struct DLManagedTensorVersioned *made = block_for(view, sizeof *made);
    if (made != NULL) {
        made->major = 1;
        made->minor = 0;
        made->flags = flags;
        describe(&made->tensor, view, (int64_t *)(made + 1));
        made->context = chunk;
        made->deleter = delete_versioned;
        ta_chunk_retain(chunk);
    }
    return made;
}
