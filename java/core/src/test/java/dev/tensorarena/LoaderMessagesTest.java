package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages as the systems' loaders give them, most of them not to be had on this machine. */
@Tag("platform")
class LoaderMessagesTest {
  private static void assertAdvice(String message, String part) {
    String advice = LoaderMessages.advice(message, "some-platform");
    assertTrue(advice.startsWith(" (") && advice.endsWith(")"), advice);
    assertTrue(advice.contains(part), message + " -> " + advice);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // glibc
        "x.so: wrong ELF class: ELFCLASS32",
        "x.so: invalid ELF header",
        "x.so: file too short",
        "x.so: cannot read file data",
        "x.so: cannot open shared object file: No such file or directory",
        // musl
        "Error loading shared library x.so: Exec format error",
        "Error relocating x.so: unsupported relocation type 1026",
        // macOS
        "dlopen(x.dylib, 0x0001): tried: 'x.dylib' (mach-o file, but is an incompatible architecture"
            + " (have 'x86_64', need 'arm64e' or 'arm64'))",
        "dlopen(x.dylib, 1): no suitable image found.  Did find: x.dylib: mach-o, but wrong"
            + " architecture",
        "dlopen(x.dylib, 0x0001): tried: 'x.dylib' (not a mach-o file)",
        "dlopen(x.dylib, 0x0001): tried: 'x.dylib' (slice is not valid mach-o file)",
        // Windows
        "%1 is not a valid Win32 application",
        "Can't load AMD 64-bit .dll on a ARM 64-bit platform",
      })
  void aFileOfAnotherSystemIsToBeBuiltHere(String message) {
    assertAdvice(message, "another system than some-platform: build it here");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Error relocating x.so: gnu_get_libc_version: symbol not found",
        "Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by x.so)",
      })
  void muslMayLackWhatGlibcHas(String message) {
    assertAdvice(message, "C library, musl, lacks");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x.so: undefined symbol: memfd_create",
        "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by x.so)",
        "dlopen(x.dylib, 0x0001): Symbol not found: _os_sync_wait_on_address\n  Referenced from: x.dylib",
        "The specified procedure could not be found",
      })
  void anOlderSystemIsNamed(String message) {
    assertAdvice(message, "this system is older");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dlopen(x.dylib, 0x0001): tried: 'x.dylib' (code signature in <4C4C44F1-5555-3144> 'x.dylib'"
            + " not valid for use in process: mapped file has no cdhash, completely unsigned? Code has"
            + " to be at least ad-hoc signed.)",
        "dlopen(x.dylib, 0x0001): tried: 'x.dylib' (code signature in <4C4C44F1-5555-3144> 'x.dylib'"
            + " not valid for use in process: library load disallowed by system policy)",
      })
  void macOsWantsASignature(String message) {
    assertAdvice(message, "codesign -s - FILE");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x.so: failed to map segment from shared object",
        "x.so: failed to map segment from shared object: Operation not permitted",
        "Error loading shared library x.so: Operation not permitted",
      })
  void aPlaceWhereNothingRunsIsLeft(String message) {
    assertTrue(LoaderMessages.isNoexec(message));
    assertAdvice(message, "noexec: name another with -Dtensorarena.extract.path");
  }

  @Test
  void windowsSaysThatADllIsMissingOrNotAllowed() {
    assertAdvice("Can't find dependent libraries", "a DLL that it needs is missing");
    assertAdvice("An Application Control policy has blocked this file", "have it allowed");
    assertAdvice(
        "This program is blocked by group policy. For more information, contact your system"
            + " administrator",
        "have it allowed");
    assertAdvice(
        "Operation did not complete successfully because the file contains a virus or potentially"
            + " unwanted software",
        "have it allowed");
  }

  @Test
  void thePathIsNotRepeated() {
    Path file = Path.of("/a/x.so");
    assertEquals(
        "invalid ELF header",
        LoaderMessages.withoutPath("/a/x.so: /a/x.so: invalid ELF header", file));
    assertEquals(
        "Error relocating x.so: f: symbol not found",
        LoaderMessages.withoutPath("/a/x.so: Error relocating /a/x.so: f: symbol not found", file));
    assertEquals(
        "dlopen(x.so, 0x0001): tried: 'x.so' (not a mach-o file), '/b/a/x.so' (no such file)",
        LoaderMessages.withoutPath(
            "/a/x.so: dlopen(/a/x.so, 0x0001): tried: '/a/x.so' (not a mach-o file), '/b/a/x.so'"
                + " (no such file)",
            file));
  }

  @Test
  void ofWhatIsNotKnownNothingIsSaid() {
    assertEquals("", LoaderMessages.advice("the moon is full", "some-platform"));
  }
}
