package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives in a user's file system, which may do anything while they are read. */
class NpzChannelTest {
  private static final int SIZE = 100_000;

  /** Two archives of an array of noise, stored and deflated. */
  private static List<byte[]> archives() {
    byte[] data = new byte[SIZE];
    new Random(15).nextBytes(data);
    byte[] npy = NpyFixtures.numpy(NpyFixtures.dict("<i2", "False", "(50000,)"), data);
    return List.of(
        ZipFixtures.archive(ZipFixtures.stored("x.npy", npy)),
        ZipFixtures.archive(ZipFixtures.deflated("x.npy", npy)));
  }

  /** Where the directory of one member is. */
  private static int directoryOf(byte[] archive) {
    return archive.length - 22 - 51;
  }

  /** Does something once, in the middle of the member, when the directory was read. */
  private static final class Acting extends BytesChannel {
    private final Runnable action;
    private final int directory;
    private boolean isRead;
    private boolean isDone;

    Acting(byte[] archive, Runnable action) {
      super(archive);
      this.action = action;
      this.directory = directoryOf(archive);
    }

    @Override
    public int read(ByteBuffer into, long position) throws IOException {
      int count = super.read(into, position);
      isRead |= position >= directory;
      if (isRead && !isDone && position > SIZE / 2 && position < directory) {
        isDone = true;
        action.run();
      }
      return count;
    }
  }

  /** What is inflated then would be written over the bytes of somebody else. */
  @Test
  void aTensorThatTheFileEndsIsNotWrittenToAnyMore() throws IOException {
    for (byte[] archive : archives()) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        Tensor[] fresh = new Tensor[1];
        Acting file =
            new Acting(
                archive,
                () -> {
                  scope.close();
                  fresh[0] = ctx.empty(DType.INT8, SIZE).fill(7); // where it was
                });
        ZipInput input = new ZipInput(file, "a.npz");
        assertRefuses(() -> Npz.read(ctx, input), "is dead: its scope was closed");
        byte[] sevens = new byte[SIZE];
        Arrays.fill(sevens, (byte) 7);
        assertArrayEquals(sevens, fresh[0].toByteArray());
        assertEquals(SIZE, ctx.memoryUsage());
      }
    }
  }

  /** A stored array is read straight into its tensor, which the file may remember. */
  @Test
  void onlyAUsersFileSystemThatReadsATensorIsTakenToKeepIt(@TempDir Path folder)
      throws IOException {
    for (byte[] archive : archives()) {
      Path path = NpyFixtures.write(folder, "a.npz", archive);
      try (FileChannel file = FileChannel.open(path)) {
        assertFalse(mayKeepBuffers(file));
      }
      assertEquals(isStored(archive), mayKeepBuffers(new BytesChannel(archive)));
    }
  }

  private static boolean isStored(byte[] archive) {
    return archive[8] == 0;
  }

  private static boolean mayKeepBuffers(FileChannel file) throws IOException {
    ZipDirectory directory = new ZipDirectory(new ZipInput(file, "a.npz"), ".npy");
    try (ZipMemberChannel member = directory.open(directory.members.get("x.npy"))) {
      return member.npy().mayKeepBuffers();
    }
  }

  @Test
  void aFileThatShrinksOrFailsMeanwhileTakesNoMemory() throws IOException {
    for (byte[] archive : archives()) {
      for (int length : new int[] {0, 10, 30, 33, 35, 100, SIZE / 2, SIZE}) {
        try (ExecutionContext ctx = ExecutionContext.open()) {
          ZipInput shrunk = new ZipInput(new Shrinking(archive, length, null), "a.npz");
          IOException e = assertThrows(IOException.class, () -> Npz.read(ctx, shrunk));
          assertEquals(
              "a.npz: cut short while it was read: it had "
                  + archive.length
                  + " bytes and now ends at byte "
                  + length,
              e.getMessage());
          IOException failure = new IOException("device");
          ZipInput failing = new ZipInput(new Shrinking(archive, length, failure), "a.npz");
          assertSame(failure, assertThrows(IOException.class, () -> Npz.read(ctx, failing)));
          assertEquals(0, ctx.memoryUsage());
          assertTrue(ctx.allocTemp(1f).isAlive());
        }
      }
    }
  }

  /** Has only so many bytes once its directory was read. */
  private static final class Shrinking extends BytesChannel {
    private final BytesChannel shrunk;
    private final int directory;
    private boolean isRead;

    Shrinking(byte[] archive, int length, IOException failure) {
      super(archive);
      shrunk = new BytesChannel(Arrays.copyOf(archive, length), archive.length, failure);
      directory = directoryOf(archive);
    }

    @Override
    public int read(ByteBuffer into, long position) throws IOException {
      isRead |= position >= directory;
      boolean isShort = isRead && position < directory;
      return isShort ? shrunk.read(into, position) : super.read(into, position);
    }
  }
}
