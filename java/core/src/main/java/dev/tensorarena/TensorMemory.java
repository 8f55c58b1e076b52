package dev.tensorarena;

/**
 * Where the elements of a contiguous {@link Tensor} lie, as {@link Tensor#memory()} found it. It is
 * a plain value: it does not keep the tensor alive, and it does not change when the tensor dies or
 * is frozen.
 *
 * @param address where element 0 lies: an absolute address, as {@link Tensor#address()} returns it
 * @param byteSize the size in bytes of all elements, which lie in row-major order without gaps
 * @param isWritable whether the bytes may be written; false if the tensor is frozen, because it was
 *     shared or wraps read-only memory
 * @param foreign the memory that the tensor wraps, all of it also for a view of a part; null if the
 *     tensor lies in an arena
 */
public record TensorMemory(
    long address, long byteSize, boolean isWritable, ForeignMemory foreign) {}
