package dev.tensorarena;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipOutputStream;

/**
 * A member of an archive that {@link Npz#write} writes.
 *
 * @param name the name of the array
 * @param npy the member's bytes
 */
record NpzOutput(String name, NpyOutput npy) {
  /** In bytes; an entry of the directory has at most 64 KiB with all that belongs to it. */
  private static final int MAX_NAME = 65_000;

  /** For all members, so that the same arrays give the same file; the format begins in 1980. */
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 1, 1, 0, 0, 2);

  private static final int BLOCK = 64 << 10;

  /**
   * Looks how arrays are to be written.
   *
   * @throws IllegalArgumentException if NumPy does not have one, or would not find it by its name
   * @throws IllegalStateException if a tensor is dead, or another thread's
   */
  static Collection<NpzOutput> all(Map<String, Tensor> tensors) {
    Map<String, NpzOutput> all = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (all.put(name, of(name, tensor)) != null) {
            throw new IllegalArgumentException(shown(name) + ": twice in the map");
          }
        });
    for (String name : all.keySet()) {
      if (name.endsWith(Npz.SUFFIX) && all.containsKey(Npz.nameOf(name))) {
        throw new IllegalArgumentException(
            shown(name) + ": NumPy would find " + shown(Npz.nameOf(name)) + " by this name");
      }
    }
    return all.values();
  }

  /**
   * Looks how an array is to be written.
   *
   * @throws IllegalArgumentException if NumPy does not have it, or would not find it by this name
   * @throws IllegalStateException if the tensor is dead, or another thread's
   */
  static NpzOutput of(String name, Tensor tensor) {
    Objects.requireNonNull(name, "name");
    try {
      requireName(name);
      return new NpzOutput(name, NpyOutput.of(tensor));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(shown(name) + ": " + e.getMessage(), e);
    }
  }

  private static void requireName(String name) {
    int length;
    try {
      length = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name)).remaining();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("a name with half of a surrogate pair", e);
    }
    if (length > MAX_NAME) {
      throw new IllegalArgumentException(
          "a name of " + length + " bytes, where an archive has room for " + MAX_NAME);
    }
    if (name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a name with a NUL, where it would end for NumPy");
    }
  }

  /**
   * Writes an archive.
   *
   * @param file where to; stays open
   * @param path what messages call it
   */
  static void write(Collection<NpzOutput> members, OutputStream file, String path)
      throws IOException {
    byte[] block = new byte[BLOCK];
    try (ZipOutputStream zip = new ZipOutputStream(new KeptOpen(file))) {
      zip.setMethod(ZipOutputStream.STORED);
      for (NpzOutput member : members) {
        member.writeTo(zip, block, path);
      }
    }
  }

  private void writeTo(ZipOutputStream zip, byte[] block, String path) throws IOException {
    CRC32 crc = new CRC32();
    npy.writeTo(new Blocks(new CheckedOutputStream(OutputStream.nullOutputStream(), crc), block));
    ZipEntry entry = new ZipEntry(name + Npz.SUFFIX);
    entry.setSize(npy.byteSize());
    entry.setCrc(crc.getValue());
    entry.setTimeLocal(TIME);
    zip.putNextEntry(entry);
    npy.writeTo(new Blocks(zip, block));
    try {
      zip.closeEntry();
    } catch (ZipException e) {
      throw new IOException(path + ": " + shown(name) + " was changed while it was written", e);
    }
  }

  private static String shown(String name) {
    return "array '" + NpyHeaderParser.shown(name) + "'";
  }

  /** Collects headers, which come byte by byte, and lets its user close what stays open. */
  private static final class KeptOpen extends BufferedOutputStream {
    KeptOpen(OutputStream file) {
      super(file);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }

  /** Takes at most a block at a time, so that the tensor is asked before each whether it lives. */
  private static final class Blocks implements WritableByteChannel {
    private final OutputStream to;
    private final byte[] block;

    Blocks(OutputStream to, byte[] block) {
      this.to = to;
      this.block = block;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int count = Math.min(bytes.remaining(), block.length);
      bytes.get(block, 0, count);
      to.write(block, 0, count);
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
