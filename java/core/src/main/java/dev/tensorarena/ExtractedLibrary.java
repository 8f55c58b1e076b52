package dev.tensorarena;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * The library that the jar carries, written to where the system can load it: into a fresh folder,
 * which goes when it is loaded, or into one that is kept, which whoever starts next uses again.
 */
final class ExtractedLibrary {
  /** How many class loaders of a JVM may each have a copy of what is kept. */
  private static final int COPIES = 1000;

  private static final FileAttribute<Set<PosixFilePermission>> OWNERS_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final byte[] bytes;
  private final String file;

  /**
   * @param bytes the library
   * @param file the name that it is to have
   */
  ExtractedLibrary(byte[] bytes, String file) {
    this.bytes = bytes;
    this.file = file;
  }

  /**
   * Writes it into a fresh folder that only this user can read, and deletes both when it is loaded.
   *
   * @return whether it could be loaded
   * @throws IOException if it cannot be written there
   */
  boolean loadOnce(Path parent, Predicate<Path> loads) throws IOException {
    Path folder = Files.createTempDirectory(parent, "tensorarena").toAbsolutePath();
    Path library = folder.resolve(file);
    try {
      Files.write(library, bytes);
      return loads.test(library);
    } finally {
      delete(library);
      delete(folder);
    }
  }

  /**
   * Writes it into a folder that is named after its contents, and so after its version, unless it
   * is there already. Systems that do not let go of a loaded file would have one more of them with
   * each start else.
   *
   * @param parent a folder that belongs to this user alone, and is made if it is missing
   * @param loads loads a file, or returns false
   * @param taken whether that was because another class loader of this JVM has loaded the file
   * @return whether it could be loaded
   * @throws IOException if it cannot be written there, or if others may write what lies there
   */
  boolean loadKept(Path parent, Predicate<Path> loads, BooleanSupplier taken) throws IOException {
    Path home = parent.toAbsolutePath();
    makeForOwner(home);
    for (int copy = 1; copy <= COPIES; copy++) {
      Path folder = home.resolve(hash() + (copy == 1 ? "" : "-" + copy));
      makeForOwner(folder);
      Path library = folder.resolve(file);
      if (!isWhole(library)) {
        replace(library);
      }
      if (loads.test(library)) {
        return true;
      }
      if (!taken.getAsBoolean()) {
        return false;
      }
    }
    return false;
  }

  /** Makes a folder that only its owner may use, or makes sure that the one that is there is so. */
  private static void makeForOwner(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectories(folder.getParent());
      try {
        if (isPosix(folder.getParent())) {
          Files.createDirectory(folder, OWNERS_ONLY);
        } else {
          Files.createDirectory(folder);
        }
      } catch (FileAlreadyExistsException e) {
        // By another process at this moment, or it is no folder: createTempFile says so.
      }
    }
    requireOwners(folder);
  }

  /** What others own or may write could be of theirs by the time it is loaded. */
  private static void requireOwners(Path folder) throws IOException {
    if (isPosix(folder)) { // else it is below the user's own profile
      requireUnwritable(folder);
      Path mine = Files.createTempFile(folder, null, null);
      try {
        requireOwner(folder, Files.getOwner(mine));
      } finally {
        Files.delete(mine);
      }
    }
  }

  private static void requireUnwritable(Path path) throws IOException {
    Set<PosixFilePermission> granted =
        Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS);
    if (granted.contains(PosixFilePermission.GROUP_WRITE)
        || granted.contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(
          path + " may be written by others: " + PosixFilePermissions.toString(granted));
    }
  }

  private static void requireOwner(Path path, UserPrincipal me) throws IOException {
    UserPrincipal owner = Files.getOwner(path, LinkOption.NOFOLLOW_LINKS);
    if (!owner.equals(me)) {
      throw new IOException(path + " belongs to " + owner + " and not to " + me);
    }
  }

  private static boolean isPosix(Path path) throws IOException {
    return Files.getFileStore(path).supportsFileAttributeView("posix");
  }

  private boolean isWhole(Path library) throws IOException {
    if (!Files.isRegularFile(library, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    if (isPosix(library)) {
      requireUnwritable(library);
      requireOwner(library, Files.getOwner(library.getParent()));
    }
    return Files.size(library) == bytes.length && Arrays.equals(Files.readAllBytes(library), bytes);
  }

  /** By another name first: whoever starts at the same time sees all of it or nothing. */
  private void replace(Path library) throws IOException {
    Path written = Files.createTempFile(library.getParent(), file, null);
    try {
      Files.write(written, bytes);
      Files.move(written, library, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(written);
    }
  }

  private String hash() {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return HexFormat.of().formatHex(digest, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has it", e);
    }
  }

  /** Deletes a file or folder; on systems that lock loaded files, at the JVM's exit. */
  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      path.toFile().deleteOnExit();
    }
  }
}
