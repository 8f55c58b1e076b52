/**
 * Tensors and {@code java.lang.foreign}, for JDK 22 and later.
 *
 * <h2>Start here</h2>
 *
 * <p>In an open context {@code ctx}:
 *
 * <pre>{@code
 * Tensor x = ctx.allocSlice(3f, 1f, 2f);
 * MemorySegment bytes = Segments.of(x); // checked, and ends with x
 * float first = bytes.getAtIndex(JAVA_FLOAT, 0); // 3
 * Tensor vectors = Npy.map(ctx, path); // nothing is read before it is used
 * try (Arena arena = ArenaAllocator.open()) { // was: Arena.ofConfined()
 *   MemorySegment name = arena.allocateFrom("tensor");
 *   MemorySegment room = arena.allocate(4000); // zeroed, as the interface demands
 *   name.copyFrom(room.asSlice(0, name.byteSize()));
 * } // name and room have ended
 * }</pre>
 *
 * <ul>
 *   <li>{@link dev.tensorarena.ffm.Segments} gives checked segments of tensors, of any size.
 *   <li>{@link dev.tensorarena.ffm.ArenaAllocator} is a {@link java.lang.foreign.Arena} in a
 *       context's memory.
 *   <li>{@link dev.tensorarena.ffm.Tensors} makes tensors over native segments of any other kind.
 *   <li>{@link dev.tensorarena.ffm.Npy} makes tensors over mapped {@code .npy} files.
 * </ul>
 *
 * <p>The module calls restricted methods, so start the JVM with {@code
 * --enable-native-access=dev.tensorarena.ffm}, or with {@code ALL-UNNAMED} in place of the module's
 * name if it is on the class path.
 *
 * <h2>For authors of bindings</h2>
 *
 * <ul>
 *   <li>{@link dev.tensorarena.ffm.Segments#layout} returns the layout of an element of a {@link
 *       dev.tensorarena.DType}.
 *   <li>A segment of {@link dev.tensorarena.ffm.Segments#of} can be passed to a downcall; while the
 *       call runs, the tensor's scope refuses to end.
 *   <li>{@link dev.tensorarena.ffm.ArenaAllocator#allocateUninitialized(long, long)} saves the time
 *       for zeroing where native code writes every byte anyway.
 * </ul>
 */
package dev.tensorarena.ffm;
