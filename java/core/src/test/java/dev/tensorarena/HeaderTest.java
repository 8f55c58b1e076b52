package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Numbers that Java shares with C are those of the C headers. */
class HeaderTest {
  private static final CHeader PUBLIC = CHeader.read("include/tensorarena.h");
  private static final CHeader PRIVATE = CHeader.read("src/arena_private.h");

  @Test
  void everyConstantOfNativeArenaIsOneOfTheHeader() throws Exception {
    List<Field> constants = constants(NativeArena.class);
    assertEquals(List.of(), constants.stream().filter(c -> inHeader(c).isEmpty()).toList());
    for (Field constant : constants) {
      assertEquals(inHeader(constant).get(), valueOf(constant), constant::getName);
    }
  }

  private static Optional<Long> inHeader(Field constant) {
    return Stream.of("TA_", "TA_ERR_", "TA_OPTION_")
        .flatMap(prefix -> PUBLIC.constant(prefix + constant.getName()).stream())
        .findFirst();
  }

  @Test
  void limitsAreTheHeaders() throws Exception {
    Class<?> context = ExecutionContext.class;
    Class<?> builder = ExecutionContext.Builder.class;
    assertEquals(PUBLIC.constant("TA_MAX_CAPACITY").get(), valueOf(builder, "MAX_CAPACITY"));
    assertEquals(PUBLIC.constant("TA_MAX_ALIGNMENT").get(), valueOf(context, "MAX_ALIGNMENT"));
    assertEquals(
        PUBLIC.constant("TA_DEFAULT_ALIGNMENT").get(), valueOf(context, "DEFAULT_ALIGNMENT"));
    assertEquals(PUBLIC.constant("TA_MIN_CHUNK_BYTES").get(), valueOf(Arena.class, "MIN_CHUNK"));
  }

  @Test
  void aChunkIsFarTooLargeToJavaWhenItIsToC() throws Exception {
    assertEquals(PRIVATE.constant("FAR_TOO_LARGE").get(), valueOf(Arena.class, "FAR_TOO_LARGE"));
  }

  @Test
  void theFastPathsRunOnTheWordsOfTheControlBlock() throws Exception {
    assertWords(
        ControlBlock.class,
        "ta_arena",
        Map.of(
            "CURSOR", "cursor",
            "LIMIT", "limit",
            "BASE", "base",
            "CHUNK", "chunk",
            "CHARGED_BEFORE", "charged_before",
            "PEAK", "peak",
            "WASTED", "wasted",
            "NEWEST", "newest"));
  }

  @Test
  void pinsAreCountedInTheWordsOfTheDescriptor() throws Exception {
    assertWords(
        ChunkPins.class,
        "ta_chunk",
        Map.of("PINS_WORD", "word", "OWNER_PINS", "owner_pins", "FLOOR", "floor", "BASE", "base"));
  }

  @Test
  void theWindowCoversTheControlBlock() throws Exception {
    long bytes = PUBLIC.words("ta_arena").size() * (long) Long.BYTES;
    assertEquals(bytes, valueOf(ControlBlock.class, "BYTES"));
  }

  private static void assertWords(Class<?> reader, String struct, Map<String, String> words)
      throws Exception {
    for (var word : words.entrySet()) {
      long expected = PUBLIC.words(struct).indexOf(word.getValue());
      assertEquals(expected, valueOf(reader, word.getKey()), word::toString);
    }
  }

  @Test
  void statisticsAreTheWordsOfTheirStructs() throws Exception {
    assertStatistics("ta_arena_info", ArenaStats.class);
    assertStatistics("ta_pool_info", ChunkPool.class);
  }

  @Test
  void whatABudgetSaysOfItselfAreTheWordsOfItsStruct() throws Exception {
    assertWords(
        MemoryBudget.class,
        "ta_budget_info",
        Map.of("LIMIT", "limit", "USED", "used", "PEAK", "peak"));
    assertEquals(PUBLIC.words("ta_budget_info").size(), valueOf(MemoryBudget.class, "WORDS"));
    CHeader budgets = CHeader.read("src/budget.h");
    assertEquals(
        budgets.constant("BUDGET_DEPTH_SHIFT").get(), valueOf(MemoryBudget.class, "DEPTH_SHIFT"));
  }

  private static void assertStatistics(String struct, Class<?> type) throws Exception {
    List<String> words = PUBLIC.words(struct);
    List<Field> constants = constants(type).stream().filter(c -> c.getType() == int.class).toList();
    assertEquals(words.size(), valueOf(type, "WORDS"));
    for (Field constant : constants) {
      String name = constant.getName().toLowerCase(Locale.ROOT);
      if (!name.equals("words")) {
        assertEquals(words.indexOf(name), valueOf(constant), constant::toString);
      }
    }
  }

  private static List<Field> constants(Class<?> type) {
    return Stream.of(type.getDeclaredFields())
        .filter(field -> Modifier.isStatic(field.getModifiers()) && field.getType().isPrimitive())
        .filter(field -> !field.isSynthetic())
        .toList();
  }

  private static long valueOf(Class<?> type, String constant) throws Exception {
    return valueOf(type.getDeclaredField(constant));
  }

  private static long valueOf(Field constant) throws Exception {
    constant.setAccessible(true);
    return ((Number) constant.get(null)).longValue();
  }
}
