package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What the types alone say. */
class ApiTest {
  @Test
  void onlyASharedTensorIsCloseable() {
    assertFalse(AutoCloseable.class.isAssignableFrom(Tensor.class));
    assertTrue(AutoCloseable.class.isAssignableFrom(SharedTensor.class));
    assertTrue(AutoCloseable.class.isAssignableFrom(ExecutionContext.class));
    assertTrue(AutoCloseable.class.isAssignableFrom(Scope.class));
  }

  @Test
  void closingThrowsNothingChecked() throws Exception {
    for (Class<?> type :
        List.of(
            SharedTensor.class,
            ExecutionContext.class,
            Scope.class,
            TensorPin.class,
            TensorParts.class,
            TensorPart.class)) {
      assertEquals(0, type.getMethod("close").getExceptionTypes().length, type.getName());
    }
  }

  @Test
  void nobodyCanBeATensorOfAnotherKind() {
    assertTrue(Tensor.class.isSealed());
    assertArrayEquals(new Class<?>[] {SharedTensor.class}, Tensor.class.getPermittedSubclasses());
    for (Class<?> type :
        List.of(
            ExecutionContext.class,
            ExecutionContext.Builder.class,
            SharedTensor.class,
            Shape.class,
            ChunkPool.class,
            TensorPin.class,
            TensorParts.class,
            TensorPart.class,
            MemoryLimitExceededException.class)) {
      assertTrue(Modifier.isFinal(type.getModifiers()), type.getName());
      assertEquals(0, type.getConstructors().length, type.getName());
    }
    assertArrayEquals(new Class<?>[] {PartScope.class}, Scope.class.getPermittedSubclasses());
    assertFalse(Modifier.isPublic(PartScope.class.getModifiers()));
    assertEquals(0, Scope.class.getConstructors().length);
    Calls.methods(Tensor.class)
        .forEach(method -> assertTrue(Modifier.isFinal(method.getModifiers()), method.toString()));
  }

  /** Every Java type has the same accessors. */
  @Test
  void everyElementTypeIsAccessedInTheSameWays() {
    Set<String> names =
        Calls.methods(Tensor.class).map(Object::toString).collect(Collectors.toSet());
    for (String[] type :
        new String[][] {
          {"Float", "float"},
          {"Double", "double"},
          {"Long", "long"},
          {"Int", "int"},
          {"Short", "short"},
          {"Byte", "byte"},
          {"Boolean", "boolean"}
        }) {
      for (String expected :
          List.of(
              "get%sAt(long)",
              "set%sAt(long,%s)",
              "get%s(long)",
              "get%s(long,long)",
              "get%s(long,long,long)",
              "get%s(long[])",
              "set%s(%s,long[])",
              "to%sArray()",
              "copyFrom(%2$s[])")) {
        String suffix = "." + String.format(expected, type[0], type[1]);
        assertTrue(names.stream().anyMatch(name -> has(name, suffix)), suffix);
      }
    }
  }

  private static boolean has(String method, String suffix) {
    return method.endsWith(suffix) || method.replace("...", "[]").endsWith(suffix);
  }

  @Test
  void theModuleExportsThePackageAndNeedsNothing() {
    URI classes =
        URI.create(Tensor.class.getProtectionDomain().getCodeSource().getLocation().toString());
    ModuleDescriptor module =
        ModuleFinder.of(Path.of(classes)).find("dev.tensorarena").orElseThrow().descriptor();
    assertEquals(
        List.of("dev.tensorarena"), module.exports().stream().map(Object::toString).toList());
    assertEquals(
        List.of("java.base"),
        module.requires().stream().map(any -> any.name()).distinct().toList());
    assertEquals(Set.of(), module.opens());
  }
}
