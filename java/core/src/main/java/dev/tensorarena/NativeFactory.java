package dev.tensorarena;

/**
 * The ways in which an {@link ExecutionContext} works together with native code that allocates in
 * the same arena, through {@code tensorarena.h} or another binding of the C API.
 */
public abstract sealed class NativeFactory extends TensorFactory permits ExecutionContext {
  NativeFactory() {}

  abstract Scope innermost();

  abstract Arena arena();

  /**
   * The context's arena for native code: a {@code ta_arena *}. Valid until the context closes, and
   * only on the context's thread, while Java waits in the call: native code may allocate, which
   * Java takes note of by itself, pin, ask for statistics, and rewind to marks that it took in the
   * same call; never reset, destroy or limit the arena. What it allocates ends with the innermost
   * open scope, and counts for the memory limit, as if Java had allocated it.
   *
   * <p>Native code that is linked against {@code libtensorarena} shares this library's copy if it
   * is loaded after it; an arena is refused by any other copy.
   *
   * @return the address of the control block
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public long nativeHandle() {
    innermost();
    arena().expose();
    return arena().handle();
  }

  /**
   * A tensor over bytes that were allocated in this context, usually by native code. Nothing is
   * copied or charged. It lives until the innermost open scope ends, which must not outlive the
   * scope that the bytes were allocated in.
   *
   * <p>Tensors over the same bytes do not know of each other: what is shared through one of them is
   * kept alive, but not frozen for the others.
   *
   * @param address where the first element lies
   * @param dtype the type of the elements
   * @param shape the shape, row-major without gaps
   * @return a tensor of the innermost open scope
   * @throws IllegalArgumentException if not all of its bytes lie in room that this context has
   *     handed out and that has not ended, or if the address is not a multiple of the element's
   *     size
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public Tensor tensorAt(long address, DType dtype, Shape shape) {
    Scope scope = innermost();
    long bytes = dtype.byteSize(shape);
    if (address % dtype.byteSize() != 0) {
      throw new IllegalArgumentException(
          "address 0x" + Long.toHexString(address) + " is not aligned for " + dtype);
    }
    if (arena().chunkOf(address, bytes) == 0) {
      throw new IllegalArgumentException(
          "the "
              + bytes
              + " bytes of a "
              + dtype
              + " tensor of shape "
              + shape
              + " at address 0x"
              + Long.toHexString(address)
              + " are not in room that "
              + this
              + " has handed out");
    }
    Window window = Slabs.windowFor(address, bytes);
    return new Tensor(window, (int) (address - window.address), bytes, dtype, shape, scope);
  }
}
