/**
 * Tensors in native bump arenas.
 *
 * <h2>Start here</h2>
 *
 * <pre>{@code
 * try (ExecutionContext ctx = ExecutionContext.open()) {
 *   Tensor x = ctx.empty(DType.FLOAT32, 1000, 384); // uninitialised
 *   x.setFloat(1.5f, 7, 300); // x[7, 300] = 1.5
 *   Tensor row = x.select(0, 7); // a view: no copy
 *   try (Scope scope = ctx.scope()) {
 *     Tensor sums = ctx.zeros(DType.FLOAT32, 1000);
 *     sums.setFloatAt(7, row.getFloat(300));
 *   } // sums has ended, and its memory is used again
 *   SharedTensor handle = x.share(); // no copy: from now on x is frozen
 *   queue.put(handle); // whoever takes it closes it
 * } // row and x have ended; handle lives until it is closed
 * }</pre>
 *
 * <p>Five types to know:
 *
 * <ul>
 *   <li>{@link dev.tensorarena.ExecutionContext}: the memory of one query, batch, request or task.
 *       It is used by one thread at a time, allocates tensors, and ends all of them at once.
 *   <li>{@link dev.tensorarena.Tensor}: a handle of typed elements with a {@link
 *       dev.tensorarena.Shape} and a {@link dev.tensorarena.DType}, with methods for single
 *       elements, bulk copies, views and buffers.
 *   <li>{@link dev.tensorarena.Scope}: a lifetime within a context's, whose tensors end earlier.
 *   <li>{@link dev.tensorarena.SharedTensor}: a handle that outlives its context. It may be used on
 *       any thread until it is closed.
 *   <li>{@link dev.tensorarena.ChunkPool}: the memory of all contexts, with its limits and
 *       statistics.
 * </ul>
 *
 * <p>{@link dev.tensorarena.MemoryBudget} limits what contexts on many threads have together.
 * {@link dev.tensorarena.TensorParts} are the parts of one tensor, which as many threads write.
 * {@link dev.tensorarena.DetachedContext} is a context on its way to another thread. {@link
 * dev.tensorarena.Handoff} runs functions of shared handles on other threads, and {@link
 * dev.tensorarena.TensorQueue} hands handles from stage to stage; neither loses any.
 *
 * <p>{@link dev.tensorarena.Npy} reads and writes NumPy's {@code .npy} files, {@link
 * dev.tensorarena.Npz} its {@code .npz} archives of them.
 *
 * <p>Unless a method says otherwise, {@code null} as an argument leads to a {@link
 * NullPointerException}. When a method refuses its arguments with this or another exception,
 * nothing has changed.
 *
 * <h2>For authors of bindings</h2>
 *
 * <p>These types and methods connect tensors to other libraries, to native code and to other views
 * of memory. An application seldom needs them.
 *
 * <ul>
 *   <li>{@link dev.tensorarena.Tensor#memory()} returns all that native code needs in one call: a
 *       {@link dev.tensorarena.TensorMemory} with the address, the size, whether the bytes may be
 *       written, and the memory that the tensor wraps. It is a plain value, which does not change
 *       when the tensor ends.
 *   <li>{@link dev.tensorarena.TensorPin} keeps a tensor's bytes for native code after the end of
 *       the tensor's scope and context, without sharing the tensor.
 *   <li>A {@link dev.tensorarena.Guard} is closed when a scope or a shared handle is about to end,
 *       and may refuse the end. It is for segments, pointers and other views that must not outlive
 *       a tensor, and is made by {@link dev.tensorarena.Scope#guard} and {@link
 *       dev.tensorarena.Tensor#guard}.
 *   <li>{@link dev.tensorarena.ForeignMemory} is memory that is not an arena's, such as a mapped
 *       file; {@link dev.tensorarena.ExecutionContext#wrap(dev.tensorarena.ForeignMemory,
 *       dev.tensorarena.DType, dev.tensorarena.Shape)} makes a tensor over it, and {@link
 *       dev.tensorarena.ForeignMemory#released} tells when nobody holds it any longer.
 *   <li>{@link dev.tensorarena.Scope#allocateAddress} allocates bytes without a tensor.
 *   <li>{@link dev.tensorarena.ExecutionContext#nativeHandle()} is the context's arena for native
 *       code that allocates from it, and {@link dev.tensorarena.ExecutionContext#tensorAt} makes a
 *       tensor of what that code returns.
 * </ul>
 */
package dev.tensorarena;
