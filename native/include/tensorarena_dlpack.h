/*
 * tensorarena_dlpack.h - bytes of an arena for libraries that speak DLPack, the exchange format of
 * NumPy, PyTorch, JAX and others.
 *
 *     int64_t shape[] = {100, 384};
 *     ta_dlpack_view view = {.data = x, .shape = shape, .ndim = 2, .type_code = 2, .bits = 32, .lanes = 1};
 *     ta_chunk *chunk = ta_pin(arena, x, 100 * 384 * sizeof *x);
 *     struct DLManagedTensor *managed = ta_dlpack_make(chunk, &view);   // has a pin of its own
 *     ta_chunk_release(chunk);
 *     consume(managed);                                                 // whoever has it calls its deleter
 *
 * The two structs are those of dlpack.h, which need not be included: DLManagedTensor of versions
 * before 1.0, and DLManagedTensorVersioned of 1.0. They describe the bytes where they are; nothing is
 * copied but the view. The deleter gives the pin back, on any thread, whether or not the arena, a JVM
 * or the thread that made the struct are still there. It is called exactly once.
 */
#ifndef TENSORARENA_DLPACK_H
#define TENSORARENA_DLPACK_H

#include "tensorarena.h"

#ifdef __cplusplus
extern "C" {
#endif

struct DLManagedTensor;
struct DLManagedTensorVersioned;

/* Flags of the versioned struct, see dlpack.h. */
#define TA_DLPACK_READ_ONLY 1u
#define TA_DLPACK_COPIED 2u

typedef struct ta_dlpack_view {
    void *data;             /* the element whose indices are all 0 */
    const int64_t *shape;   /* ndim extents; may be NULL where ndim is 0 */
    const int64_t *strides; /* ndim steps, in elements; NULL for row-major order without gaps */
    int32_t ndim;
    uint8_t type_code; /* a DLDataTypeCode: 0 int, 1 unsigned, 2 float, 4 bfloat, 6 bool */
    uint8_t bits;      /* of one lane */
    uint16_t lanes;    /* 1, but for vector types */
} ta_dlpack_view;

/*
 * Makes the struct of versions before 1.0, whose consumers may write: it cannot say that bytes are
 * read-only. The chunk is one that the caller pins; its pins are the caller's as before, and the struct
 * adds one. It may be NULL where there are no bytes to keep. Returns NULL when the system refuses memory,
 * or ndim is negative. Any thread.
 */
TA_API struct DLManagedTensor *ta_dlpack_make(ta_chunk *chunk, const ta_dlpack_view *view);

/* As ta_dlpack_make, the struct of version 1.0, with its flags. */
TA_API struct DLManagedTensorVersioned *
ta_dlpack_make_versioned(ta_chunk *chunk, const ta_dlpack_view *view, uint64_t flags);

#ifdef __cplusplus
}
#endif

#endif
