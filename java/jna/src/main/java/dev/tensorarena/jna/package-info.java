/**
 * Tensors as arguments of functions that JNA calls.
 *
 * <h2>Start here</h2>
 *
 * <pre>{@code
 * interface C extends Library {
 *   C LIBRARY = Native.load("c", C.class,
 *       Map.of(Library.OPTION_TYPE_MAPPER, TensorTypeMapper.INSTANCE));
 *
 *   int memcmp(Tensor a, Tensor b, NativeLong bytes);
 * }
 * }</pre>
 *
 * <p>and, in an open context {@code ctx}:
 *
 * <pre>{@code
 * Tensor a = ctx.allocSlice(1, 2, 3);
 * Tensor b = ctx.allocSlice(1, 2, 4);
 * int order = C.LIBRARY.memcmp(a, b, new NativeLong(a.byteSize())); // less than 0
 * }</pre>
 *
 * <ul>
 *   <li>{@link dev.tensorarena.jna.TensorTypeMapper} lets functions declare {@code Tensor}
 *       parameters.
 *   <li>{@link dev.tensorarena.jna.TensorPointer} is one tensor as a {@code Pointer}: for direct
 *       mapping, and for functions that take strides.
 * </ul>
 *
 * <h2>For authors of bindings</h2>
 *
 * <ul>
 *   <li>{@link dev.tensorarena.jna.JnaArena} is the C API of an arena; {@link
 *       dev.tensorarena.jna.JnaArena#of} takes the arena of a context, and {@link
 *       dev.tensorarena.jna.Status} says what C answered. A {@link dev.tensorarena.jna.Mark} is
 *       rewound to once, a {@link dev.tensorarena.jna.ChunkPin} keeps bytes until it is closed.
 *   <li>A pointer that native code keeps past the call needs a {@link dev.tensorarena.TensorPin}.
 * </ul>
 */
package dev.tensorarena.jna;
