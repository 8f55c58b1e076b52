package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Python in this process, by libpython3.11. Each call takes its lock. */
final class Python {
  private static final int RTLD_NOW_GLOBAL = 2 | 256; // extension modules look for it everywhere

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MemorySegment LIBRARY = open();
  private static final MethodHandle ENSURE = function("PyGILState_Ensure", JAVA_INT);
  private static final MethodHandle RELEASE =
      function("PyGILState_Release", null, JAVA_INT); // of void
  private static final MethodHandle RUN = function("PyRun_SimpleString", JAVA_INT, ADDRESS);
  private static final MethodHandle MODULE = function("PyImport_AddModule", ADDRESS, ADDRESS);
  private static final MethodHandle GET =
      function("PyObject_GetAttrString", ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle SET =
      function("PyObject_SetAttrString", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle DECREASE = function("Py_DecRef", null, ADDRESS);
  private static final MethodHandle NEW_CAPSULE =
      function("PyCapsule_New", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle POINTER =
      function("PyCapsule_GetPointer", ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle IS_VALID =
      function("PyCapsule_IsValid", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle RENAME =
      function("PyCapsule_SetName", JAVA_INT, ADDRESS, ADDRESS);

  private Python() {}

  /** A step that calls Python. */
  interface Step<T> {
    T run() throws Throwable;
  }

  private static MemorySegment open() {
    try {
      MethodHandle dlopen =
          LINKER.downcallHandle(
              LINKER.defaultLookup().find("dlopen").orElseThrow(),
              FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
      MemorySegment name = text("libpython3.11.so.1.0");
      return (MemorySegment) dlopen.invokeExact(name, RTLD_NOW_GLOBAL);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Whether the machine has it. */
  static boolean isThere() {
    return LIBRARY.address() != 0;
  }

  private static MethodHandle function(
      String name, MemoryLayout result, MemoryLayout... parameters) {
    if (!isThere()) {
      return null;
    }
    MemorySegment address =
        SymbolLookup.libraryLookup("libpython3.11.so.1.0", Arena.global()).find(name).orElseThrow();
    return LINKER.downcallHandle(
        address,
        result == null
            ? FunctionDescriptor.ofVoid(parameters)
            : FunctionDescriptor.of(result, parameters));
  }

  /** Returns a string of C's that stays. */
  static MemorySegment text(String of) {
    return Arena.global().allocateFrom(of);
  }

  /** Starts the interpreter and lets go of its lock. */
  static void start() throws Throwable {
    function("Py_InitializeEx", null, JAVA_INT).invoke(0);
    MemorySegment ignored = (MemorySegment) function("PyEval_SaveThread", ADDRESS).invoke();
  }

  private static <T> T locked(Step<T> step) {
    try {
      int state = (int) ENSURE.invokeExact();
      try {
        return step.run();
      } finally {
        RELEASE.invokeExact(state);
      }
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MemorySegment main() throws Throwable {
    return (MemorySegment) MODULE.invokeExact(text("__main__"));
  }

  /** Runs statements; fails where one throws, which prints it. */
  static void run(String statements) {
    int failed = locked(() -> (int) RUN.invokeExact(text(statements)));
    if (failed != 0) {
      throw new AssertionError("Python has thrown: " + statements);
    }
  }

  /** Makes a capsule around a struct of DLPack's and gives it a name in Python. */
  static void setCapsule(String variable, long struct, MemorySegment kind) {
    locked(
        () -> {
          MemorySegment capsule =
              (MemorySegment)
                  NEW_CAPSULE.invokeExact(MemorySegment.ofAddress(struct), kind, DESTRUCTOR);
          int failed = (int) SET.invokeExact(main(), text(variable), capsule);
          DECREASE.invokeExact(capsule);
          if (failed != 0) {
            throw new AssertionError(variable);
          }
          return null;
        });
  }

  /** Takes the struct out of a capsule, which says so from then on. */
  static long takeCapsule(String variable, MemorySegment kind, MemorySegment used) {
    return locked(
        () -> {
          MemorySegment capsule = (MemorySegment) GET.invokeExact(main(), text(variable));
          MemorySegment struct = (MemorySegment) POINTER.invokeExact(capsule, kind);
          int failed = (int) RENAME.invokeExact(capsule, used);
          DECREASE.invokeExact(capsule);
          if (failed != 0 || struct.address() == 0) {
            throw new AssertionError(variable);
          }
          return struct.address();
        });
  }

  static final MemorySegment DLTENSOR = text("dltensor");
  static final MemorySegment USED = text("used_dltensor");
  static final MemorySegment VERSIONED = text("dltensor_versioned");
  static final MemorySegment USED_VERSIONED = text("used_dltensor_versioned");

  private static final MemorySegment DESTRUCTOR = destructor();

  /** How often a capsule was destroyed that nobody had taken the struct of. */
  static int destroyed;

  private static MemorySegment destructor() {
    try {
      MethodHandle java =
          MethodHandles.lookup()
              .findStatic(
                  Python.class, "destroy", MethodType.methodType(void.class, MemorySegment.class));
      return LINKER.upcallStub(java, FunctionDescriptor.ofVoid(ADDRESS), Arena.global());
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  /** Python calls it with the lock. */
  private static void destroy(MemorySegment capsule) {
    try {
      if ((int) IS_VALID.invokeExact(capsule, DLTENSOR) != 0) {
        destroyed++;
        Dlpack.delete(((MemorySegment) POINTER.invokeExact(capsule, DLTENSOR)).address());
      } else if ((int) IS_VALID.invokeExact(capsule, VERSIONED) != 0) {
        destroyed++;
        Dlpack.deleteVersioned(((MemorySegment) POINTER.invokeExact(capsule, VERSIONED)).address());
      }
    } catch (Throwable e) {
      e.printStackTrace();
      Runtime.getRuntime().halt(1); // nothing can be thrown through Python
    }
  }
}
