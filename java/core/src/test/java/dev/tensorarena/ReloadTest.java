package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongBinaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What is left of the library when the class loader that loaded it goes, as at a redeployment. */
@EnabledOnOs(OS.LINUX) // where /proc tells what is resident
class ReloadTest {
  private static final int LOADERS = 20;
  private static final int MEGABYTES = 64;
  private static final int VIEW_MEGABYTES = 4;

  @Test
  void aLoaderThatClosedEverythingLeavesNoPages() throws Exception {
    for (String detection : List.of("sampled", "all")) {
      TestSupport.fork(
              List.of("-Xmx128m", "-Dtensorarena.leakDetection=" + detection),
              Reload.class,
              "close")
          .assertSucceeded();
    }
  }

  @Test
  void whatALoaderForgotGoesWithIt() throws Exception {
    TestSupport.fork(List.of("-Xmx128m"), Reload.class, "forget").assertSucceeded();
  }

  @Test
  void whatOnlyForgottenSharesPinGoesWithTheLoader() throws Exception {
    TestSupport.fork(List.of("-Xmx128m"), Reload.class, "share").assertSucceeded();
  }

  @Test
  void aViewThatOutlivesItsLoaderReadsWhatItDid() throws Exception {
    TestSupport.fork(List.of("-Xmx256m"), Reload.class, "view").assertSucceeded();
  }

  @Test
  void aViewOfAContextThatWasLentBeforeItHadMemoryDoesToo() throws Exception {
    TestSupport.fork(List.of("-Xmx256m"), Reload.class, "view of lent").assertSucceeded();
  }

  @Test
  void aViewOfAShareDoesToo() throws Exception {
    TestSupport.fork(List.of("-Xmx256m"), Reload.class, "view of share").assertSucceeded();
    TestSupport.fork(List.of("-Xmx256m"), Reload.class, "view of share, detached")
        .assertSucceeded();
  }

  @Test
  void aViewOfBytesThatAPinAHandleOrAScopeHoldsOutsideOfTheirArenaDoesToo() throws Exception {
    TestSupport.fork(List.of("-Xmx256m"), Reload.class, "view of held").assertSucceeded();
  }

  @Test
  void whatNativeCodePinsStaysAndSoDoesTheLibrary(@TempDir Path folder) throws Exception {
    String natives = "tensorarena.test.natives";
    TestSupport.fork(
            List.of("-Xmx128m", "-D" + natives + "=" + System.getProperty(natives)),
            Pinned.class,
            TestSupport.copyLibrary(folder).toString())
        .assertSucceeded();
  }

  /**
   * Has native code pin what a loader made. It has two functions of that loader's copy of the
   * library, and calls them when the JVM has unloaded the copy, as far as the JVM knows.
   */
  static final class Pinned {
    private static final int LENGTH = 50_000;

    public static void main(String[] args) throws Exception {
      Class.forName(NativeClient.class.getName()); // is linked against this loader's copy
      System.setProperty("tensorarena.library.path", Path.of(args[0]).getParent().toString());
      long[] readers = new long[2];
      long before = Reload.residentMegabytes();
      WeakReference<ClassLoader> loader = pin(args[0], readers);
      Reload.collect(loader);
      long end = System.nanoTime() + 20_000_000_000L;
      while (Reload.residentMegabytes() >= before + MEGABYTES / 2) { // the JVM unloads after that
        assertTrue(System.nanoTime() < end, "JNI_OnUnload gave no pages back");
      }
      System.gc();
      String maps = Files.readString(Path.of("/proc/self/maps"));
      assertTrue(maps.contains(args[0]), "the library was unloaded");
      for (long reader : readers) {
        assertEquals(LENGTH * (LENGTH - 1L) / 2, NativeClient.sumAndRelease(reader));
      }
    }

    private static WeakReference<ClassLoader> pin(String copy, long[] readers) throws Exception {
      try (FreshLoader loader = new FreshLoader()) {
        LongBinaryOperator retain =
            (chunk, address) -> NativeClient.retainChunkInCopy(copy, chunk, address, LENGTH);
        Method leave =
            loader
                .loadClass(Pinned.class.getName())
                .getDeclaredMethod("leave", LongBinaryOperator.class, boolean.class);
        leave.setAccessible(true);
        for (int i = 0; i < readers.length; i++) {
          readers[i] = (long) leave.invoke(null, retain, i == 0);
          assertNotEquals(0, readers[i]);
        }
        return new WeakReference<>(loader);
      }
    }

    /** What runs in the loader that goes: has a tensor pinned, and may leave Java's pins, too. */
    static long leave(LongBinaryOperator retain, boolean closesAll) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.zeros(DType.INT8, MEGABYTES << 20); // whose pages will go
      }
      SharedTensor handle;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        handle = ctx.allocSlice(IntStream.range(0, LENGTH).toArray()).share();
      }
      TensorPin pin = TensorPin.of(handle);
      long reader = retain.applyAsLong(pin.nativeHandle(), handle.start());
      if (closesAll) {
        pin.close();
        handle.close();
      }
      return reader;
    }
  }

  /** Has many loaders use the library, each with a copy of its own. */
  static final class Reload {
    public static void main(String[] args) throws Exception {
      use(args[0]); // whatever the JVM loads for the first one
      collect(use(args[0]));
      long before = residentMegabytes();
      List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
      List<ByteBuffer> views = new ArrayList<>();
      for (int i = 0; i < LOADERS; i++) {
        loaders.add(useAndReturnView(args[0], views, (byte) (i + 1)));
        if (i % 5 == 4) {
          loaders.forEach(Reload::collect);
        }
      }
      long end = System.nanoTime() + 20_000_000_000L;
      int stays = args[0].startsWith("view") ? LOADERS * VIEW_MEGABYTES : 0;
      long grown = residentMegabytes() - before;
      while (grown >= MEGABYTES + stays
          && System.nanoTime() < end) { // the JVM unloads in the background
        Thread.sleep(50);
        grown = residentMegabytes() - before;
      }
      assertTrue(grown < MEGABYTES + stays, "grown by " + grown + " MiB");
      for (int i = 0; i < views.size(); i++) {
        ByteBuffer view = views.get(i);
        for (int at = 0; at < view.capacity(); at += 4096) {
          assertEquals(i + 1, view.get(at), "of loader " + i);
        }
      }
    }

    private static WeakReference<ClassLoader> use(String how) throws Exception {
      return useAndReturnView(how, new ArrayList<>(), (byte) 9);
    }

    private static WeakReference<ClassLoader> useAndReturnView(
        String how, List<ByteBuffer> views, byte value) throws Exception {
      URL url = ExecutionContext.class.getProtectionDomain().getCodeSource().getLocation();
      ClassLoader platform = ClassLoader.getPlatformClassLoader();
      URLClassLoader loader = new URLClassLoader(new URL[] {url}, platform);
      Class<?> type = loader.loadClass(ExecutionContext.class.getName());
      AutoCloseable ctx = (AutoCloseable) type.getMethod("open").invoke(null);
      Class<?> dtype = loader.loadClass(DType.class.getName());
      Object int8 = dtype.getField("INT8").get(null);
      Object tensor =
          type.getMethod("zeros", dtype, long[].class) // touches every page
              .invoke(ctx, int8, new long[] {MEGABYTES << 20});
      if (how.equals("share")) {
        tensor.getClass().getMethod("share").invoke(tensor);
      }
      if (!how.equals("forget")) {
        ctx.close();
      }
      if (how.startsWith("view")) {
        views.add(
            how.endsWith("held")
                ? viewOfHeld(type, value)
                : how.contains("share")
                    ? viewOfShare(type, how, value)
                    : viewOfRoom(type, how, value));
      }
      loader.close();
      return new WeakReference<>(loader);
    }

    private static ByteBuffer viewOfRoom(Class<?> type, String how, byte value) throws Exception {
      Object ctx = type.getMethod("open").invoke(null);
      if (how.endsWith("lent")) {
        type.getMethod("nativeHandle").invoke(ctx);
      }
      Object[] bytesAndAlignment = {(long) VIEW_MEGABYTES << 20, 64};
      ByteBuffer view =
          (ByteBuffer)
              type.getMethod("allocate", long.class, int.class).invoke(ctx, bytesAndAlignment);
      for (int at = 0; at < view.capacity(); at += 4096) {
        view.put(at, value);
      }
      return view;
    }

    /** Of a handle that nobody closes; nothing else was exposed. */
    private static ByteBuffer viewOfShare(Class<?> type, String how, byte value) throws Exception {
      Object ctx = type.getMethod("open").invoke(null);
      Object handle = call(filled(ctx, value), "share");
      ByteBuffer view = (ByteBuffer) call(handle, "asByteBuffer");
      if (how.endsWith("detached")) {
        call(ctx, "close");
      }
      return view;
    }

    /** Of a chunk that its arena has left to who holds it, which is another for each value. */
    private static ByteBuffer viewOfHeld(Class<?> type, byte value) throws Exception {
      Object ctx = type.getMethod("open").invoke(null);
      Object scope = call(ctx, "scope");
      switch (value % 5) {
        case 0 -> {
          Object tensor = filled(ctx, value);
          pin(tensor);
          return viewAndClose(tensor, ctx);
        }
        case 1 -> {
          Object tensor = filled(ctx, value);
          call(tensor, "share");
          return viewAndClose(tensor, ctx);
        }
        case 2 -> { // for an outer scope
          Object inner = call(ctx, "scope");
          long bytes = (long) VIEW_MEGABYTES << 20;
          long address =
              (long)
                  scope
                      .getClass()
                      .getMethod("allocateAddress", long.class, int.class)
                      .invoke(scope, bytes, 64);
          ByteBuffer view = NativeArena.view(address, bytes);
          for (int at = 0; at < view.capacity(); at += 4096) {
            view.put(at, value);
          }
          call(inner, "close");
          return view;
        }
        case 3 -> { // a kept result, which could not be moved
          Object tensor = filled(ctx, value);
          Object pin = pin(tensor);
          Object kept =
              scope.getClass().getMethod("closeKeeping", tensor.getClass()).invoke(scope, tensor);
          call(pin, "close");
          return (ByteBuffer) call(kept, "asByteBuffer");
        }
        default -> { // taken over from another context
          Object other = type.getMethod("open").invoke(null);
          Object handle = call(filled(other, value), "share");
          call(other, "close");
          return (ByteBuffer)
              call(
                  handle.getClass().getMethod("mutable", type).invoke(handle, ctx), "asByteBuffer");
        }
      }
    }

    private static ByteBuffer viewAndClose(Object tensor, Object ctx) throws Exception {
      ByteBuffer view = (ByteBuffer) call(tensor, "asByteBuffer");
      call(ctx, "close");
      return view;
    }

    private static Object pin(Object tensor) throws Exception {
      Class<?> type = tensor.getClass();
      return type.getClassLoader()
          .loadClass(TensorPin.class.getName())
          .getMethod("of", type)
          .invoke(null, tensor);
    }

    private static Object filled(Object ctx, byte value) throws Exception {
      Class<?> type = ctx.getClass();
      Class<?> dtype = type.getClassLoader().loadClass(DType.class.getName());
      long[] shape = {VIEW_MEGABYTES << 20};
      Object tensor =
          type.getMethod("empty", dtype, long[].class)
              .invoke(ctx, dtype.getField("INT8").get(null), shape);
      tensor.getClass().getMethod("fill", long.class).invoke(tensor, (long) value);
      return tensor;
    }

    private static Object call(Object on, String method) throws Exception {
      return on.getClass().getMethod(method).invoke(on);
    }

    private static void collect(WeakReference<ClassLoader> loader) {
      long end = System.nanoTime() + 30_000_000_000L;
      while (loader.get() != null) {
        assertTrue(System.nanoTime() < end, "something keeps the class loader reachable");
        System.gc();
        try {
          Thread.sleep(5);
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
    }

    private static long residentMegabytes() throws Exception {
      System.gc();
      try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
        String line = lines.filter(text -> text.startsWith("VmRSS")).findAny().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) >> 10;
      }
    }
  }
}
