package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

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
          assertEquals(i + 1, view.get(at));
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
            how.contains("share") ? viewOfShare(type, how, value) : viewOfRoom(type, how, value));
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
      Class<?> dtype = type.getClassLoader().loadClass(DType.class.getName());
      Object ctx = type.getMethod("open").invoke(null);
      long[] shape = {VIEW_MEGABYTES << 20};
      Object tensor =
          type.getMethod("empty", dtype, long[].class)
              .invoke(ctx, dtype.getField("INT8").get(null), shape);
      tensor.getClass().getMethod("fill", long.class).invoke(tensor, (long) value);
      Object handle = tensor.getClass().getMethod("share").invoke(tensor);
      ByteBuffer view = (ByteBuffer) handle.getClass().getMethod("asByteBuffer").invoke(handle);
      if (how.endsWith("detached")) {
        ((AutoCloseable) ctx).close();
      }
      return view;
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
