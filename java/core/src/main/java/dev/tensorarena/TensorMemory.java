package dev.tensorarena;

/**
 * Where the elements of a contiguous {@link Tensor} lie, as {@link Tensor#memory()} found it. A
 * value: it keeps nothing alive and is not told when the tensor dies or is frozen.
 *
 * @param address where element 0 lies; absolute, aligned as the tensor is, and not 0 even if the
 *     tensor is empty
 * @param byteSize the size of the elements, which lie in row-major order without gaps
 * @param isWritable whether the bytes may be written; not once the tensor was shared, or if it
 *     wraps read-only memory
 * @param foreign the memory that the tensor wraps, whole; null if the tensor lies in an arena
 */
public record TensorMemory(
    long address, long byteSize, boolean isWritable, ForeignMemory foreign) {}
