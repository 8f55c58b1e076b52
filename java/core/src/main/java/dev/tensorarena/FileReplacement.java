package dev.tensorarena;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Writes a file anew: all of it to a fresh file in the same folder, which then takes the old one's
 * place, with its mode and, where the system lets this user, its owner and group.
 *
 * <p>Not every file can be replaced so: one with other hard links would lose them, one that is
 * mounted is no entry of its folder, and a folder may take no new files. Then the bytes are copied
 * into the old file when all are there; what cannot be done atomically is done as late as can be.
 */
final class FileReplacement {
  /** What is to be in the file. */
  interface Contents {
    void writeTo(FileChannel file) throws IOException;
  }

  /** As many as Linux follows. */
  private static final int MOST_LINKS = 40;

  private final Path path; // as the caller calls it, which is what messages call it, too
  private final Path target; // where its symbolic links lead to
  private final boolean replaces;
  private final PosixFileAttributes old; // null if nothing is replaced, or if there are none here
  private final boolean hasOtherLinks;

  private FileReplacement(Path path) throws IOException {
    this.path = path;
    target = behindLinks(path);
    replaces = Files.exists(target);
    Set<String> views = target.getFileSystem().supportedFileAttributeViews();
    boolean isPosix = replaces && views.contains("posix");
    old = isPosix ? Files.readAttributes(target, PosixFileAttributes.class) : null;
    hasOtherLinks =
        replaces && views.contains("unix") && !Files.getAttribute(target, "unix:nlink").equals(1);
  }

  /**
   * Writes a file.
   *
   * @param path a regular file, or where there is none yet
   * @param contents what to write; nothing is replaced if it throws
   * @throws FileSystemException by the name that the caller gave, if the file can neither be
   *     replaced nor written into
   */
  static void write(Path path, Contents contents) throws IOException {
    FileReplacement file = new FileReplacement(path);
    Path folder = file.target.getParent();
    if (!Files.isDirectory(folder)) {
      throw new NoSuchFileException(path.toString(), null, "no folder " + folder);
    }
    file.write(contents);
  }

  private static Path behindLinks(Path path) throws IOException {
    Path target = path.toAbsolutePath();
    for (int links = 0; Files.isSymbolicLink(target); links++) {
      if (links == MOST_LINKS) {
        throw new FileSystemException(
            path.toString(), null, "more than " + MOST_LINKS + " symbolic links");
      }
      target = target.resolveSibling(Files.readSymbolicLink(target));
    }
    return target;
  }

  private void write(Contents contents) throws IOException {
    Path fresh = target.resolveSibling(".npy-" + randomName() + ".tmp");
    FileSystemException refused = null; // why the fresh file will not take the place
    FileChannel channel;
    try {
      channel = create(fresh);
    } catch (FileSystemException e) {
      refused = named(e, "a new file in " + target.getParent() + " is refused");
      fresh = createElsewhere(refused);
      channel = FileChannel.open(fresh, StandardOpenOption.WRITE);
    }
    try {
      try (FileChannel file = channel) {
        contents.writeTo(file);
        file.force(true); // or a power cut could leave the new name without its bytes
      }
      if (refused == null && !hasOtherLinks) {
        refused = move(fresh);
      }
      if (refused != null || hasOtherLinks) {
        copyInto(fresh, refused);
        Files.delete(fresh);
      }
    } catch (Throwable e) {
      delete(fresh, e);
      throw e;
    }
  }

  /** Nobody else may read what takes the place of a file that perhaps nobody else may read. */
  private FileChannel create(Path fresh) throws IOException {
    FileAttribute<?>[] attributes =
        old == null
            ? new FileAttribute<?>[0]
            : new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
            };
    return FileChannel.open(
        fresh, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes);
  }

  private Path createElsewhere(FileSystemException refused) throws FileSystemException {
    if (!replaces) {
      throw refused;
    }
    try {
      return Files.createTempFile(".npy-", ".tmp");
    } catch (IOException e) {
      refused.addSuppressed(e);
      throw refused;
    }
  }

  /** Returns why the fresh file cannot take the place of the old one, or null when it did. */
  private FileSystemException move(Path fresh) throws IOException {
    try {
      if (old != null) {
        takeAttributes(fresh);
      }
      Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
      return null;
    } catch (FileSystemException e) {
      FileSystemException refused = named(e, "replacing it is refused");
      if (!replaces) {
        throw refused;
      }
      return refused;
    }
  }

  private void takeAttributes(Path fresh) throws IOException {
    PosixFileAttributeView view = Files.getFileAttributeView(fresh, PosixFileAttributeView.class);
    PosixFileAttributes now = view.readAttributes();
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    permissions.addAll(old.permissions());
    if (!old.group().equals(now.group())) {
      try {
        view.setGroup(old.group());
      } catch (IOException e) {
        // The bits were meant for another group than the one that the file has now.
        permissions.removeAll(PosixFilePermissions.fromString("---rwx---"));
      }
    }
    if (!old.owner().equals(now.owner())) {
      try {
        view.setOwner(old.owner());
      } catch (IOException e) {
        // Only an administrator may; who else may write in the folder owns what he writes.
      }
    }
    view.setPermissions(permissions);
  }

  private void copyInto(Path fresh, FileSystemException refused) throws IOException {
    try (FileChannel from = FileChannel.open(fresh, StandardOpenOption.READ);
        FileChannel to = FileChannel.open(target, StandardOpenOption.WRITE)) {
      long size = from.size();
      for (long done = 0; done < size; ) {
        done += from.transferTo(done, size - done, to);
      }
      to.truncate(size);
      to.force(true);
    } catch (FileSystemException e) {
      FileSystemException last = named(e, "writing into it is refused");
      if (refused != null) {
        last.addSuppressed(refused);
      }
      throw last;
    }
  }

  /** The same under the name that the caller knows. */
  private FileSystemException named(FileSystemException e, String what) {
    boolean denied = e instanceof AccessDeniedException;
    String why = denied ? "access denied" : e.getReason() == null ? e.toString() : e.getReason();
    String reason = what + ": " + why;
    FileSystemException named =
        denied
            ? new AccessDeniedException(path.toString(), null, reason)
            : new FileSystemException(path.toString(), null, reason);
    named.initCause(e);
    return named;
  }

  private static String randomName() {
    return Long.toHexString(ThreadLocalRandom.current().nextLong());
  }

  private static void delete(Path fresh, Throwable reason) {
    try {
      Files.deleteIfExists(fresh);
    } catch (IOException e) {
      reason.addSuppressed(e);
    }
  }
}
