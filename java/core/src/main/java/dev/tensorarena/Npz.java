package dev.tensorarena;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Several tensors in one file, as NumPy's <a
 * href="https://numpy.org/doc/stable/reference/generated/numpy.savez.html">{@code savez} and {@code
 * savez_compressed}</a> write them: a zip archive of {@code .npy} files. The member {@code x.npy}
 * is the array {@code x}; what does not end in {@code .npy} is left alone.
 *
 * <p>Types, byte orders and machines are those of {@link Npy}, and so is what an interruption does.
 * Elements go between file and arena memory by pieces; no array on the heap has all of them.
 *
 * <p>Members are stored or deflated, with zip64 where an archive has it. Encrypted ones and those
 * of another method are refused by their name, once they are to be read, and so is an array that
 * overlaps the next one. Refused at once is an archive that two programs could read in two ways:
 * with two arrays of a name or at one place, with a second name for one of them, with bytes around
 * it, or with an end that says something else than its directory.
 *
 * <p>A deflated member may take up to 1,032 times the bytes that it has in the file. Read what
 * strangers have written into a context with a limit: {@link ExecutionContext#withMemoryLimit}.
 */
public final class Npz {
  /** What the names of members end in that are arrays. */
  static final String SUFFIX = ".npy";

  private Npz() {}

  /**
   * Reads all arrays. Each takes memory only once its header, the directory and the bytes in the
   * archive were found to agree; after any exception the context's memory is what it was.
   *
   * @param ctx where the tensors live; a context of the calling thread
   * @param path a regular file
   * @return writable tensors of the context's innermost open scope by their names, in the order of
   *     the archive's directory; an array in Fortran order as {@link Npy#read} reads it
   * @throws IOException if the file cannot be read, is no such archive, or is damaged; or if one of
   *     its arrays is refused as {@link Npy#read} refuses a file; with the array's name, what is
   *     wrong and where
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public static Map<String, Tensor> read(ExecutionContext ctx, Path path) throws IOException {
    ctx.innermost();
    try (FileChannel file = open(path)) {
      return read(ctx, new ZipInput(file, path.toString()));
    }
  }

  /**
   * Reads one array. Nothing else in the archive is looked at but its directory.
   *
   * @param ctx where the tensor lives; a context of the calling thread
   * @param path a regular file
   * @param name the name of the array, without {@code .npy}
   * @return a writable tensor of the context's innermost open scope
   * @throws IOException as {@link #read(ExecutionContext, Path)} throws it, or if there is no such
   *     array
   * @throws MemoryLimitExceededException if a limit would be passed
   * @throws OutOfMemoryError if the system refuses memory
   * @throws IllegalStateException if the context is closed, or on another thread
   */
  public static Tensor read(ExecutionContext ctx, Path path, String name) throws IOException {
    ctx.innermost();
    Objects.requireNonNull(name, "name");
    try (FileChannel file = open(path)) {
      return read(ctx, new ZipInput(file, path.toString()), name);
    }
  }

  /**
   * Returns the names of the arrays, from the archive's directory. Whoever wrote it chose them, and
   * {@code ../x} or {@code /x} may be among them: look at them before they become paths.
   *
   * @param path a regular file
   * @return the names, in the order of the directory
   * @throws IOException if the file cannot be read, or has no directory that can be
   */
  public static List<String> names(Path path) throws IOException {
    try (FileChannel file = open(path)) {
      return names(new ZipInput(file, path.toString()));
    }
  }

  static List<String> names(ZipInput file) throws IOException {
    return new ZipDirectory(file, SUFFIX).members.keySet().stream().map(Npz::nameOf).toList();
  }

  static Tensor read(ExecutionContext ctx, ZipInput file, String name) throws IOException {
    ZipDirectory directory = new ZipDirectory(file, SUFFIX);
    ZipMember member = directory.members.get(name + SUFFIX);
    if (member == null) {
      throw file.refused(
          "no array '"
              + NpyHeaderParser.shown(name)
              + "' among the "
              + directory.members.size()
              + " that it has");
    }
    return read(ctx, directory, List.of(member)).values().iterator().next();
  }

  static Map<String, Tensor> read(ExecutionContext ctx, ZipInput file) throws IOException {
    ZipDirectory directory = new ZipDirectory(file, SUFFIX);
    return read(ctx, directory, List.copyOf(directory.members.values()));
  }

  /** Reads these arrays, or none if it throws. */
  private static Map<String, Tensor> read(
      ExecutionContext ctx, ZipDirectory directory, List<ZipMember> members) throws IOException {
    NpyHeader[] headers = new NpyHeader[members.size()];
    Tensor[] rows = new Tensor[members.size()];
    try (Scope reading = ctx.scope()) {
      for (int i = 0; i < rows.length; i++) {
        try (ZipMemberChannel bytes = directory.open(members.get(i))) {
          NpyInput file = bytes.npy();
          headers[i] = NpyHeader.read(file);
          rows[i] = Npy.readRows(ctx, file, headers[i]);
          bytes.requireEnd();
        }
      }
      rows = reading.closeKeeping(rows); // they are where they were
    }
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    for (int i = 0; i < rows.length; i++) {
      arrays.put(nameOf(members.get(i).name()), headers[i].array(rows[i]));
    }
    return Collections.unmodifiableMap(arrays);
  }

  static String nameOf(String member) {
    return member.substring(0, member.length() - SUFFIX.length());
  }

  private static FileChannel open(Path path) throws IOException {
    Npy.requireLittleEndian();
    Npy.requireRegularFile(path);
    return FileChannel.open(path, StandardOpenOption.READ);
  }

  /**
   * Writes an archive of stored members, as {@code savez} does, which NumPy reads. The file is
   * replaced as by {@link Npy#write}, and the same arrays give the same bytes at any time.
   *
   * @param path where to; a file that exists is replaced
   * @param tensors what to write, in this order, by names without {@code .npy}, which may have
   *     slashes in them; tensors may be shared or strided
   * @throws IOException if it can neither be replaced nor written, with its path and why; if there
   *     is something that is no regular file; or if an array was changed meanwhile
   * @throws IllegalArgumentException for what NumPy does not have, see {@link Npy#write}; for a
   *     name with a NUL, with half of a surrogate pair or of more than 65,000 bytes; and for the
   *     name {@code x.npy} beside {@code x}, by which NumPy would find the array {@code x}
   * @throws IllegalStateException if a tensor is dead, or another thread's
   */
  public static void write(Path path, Map<String, Tensor> tensors) throws IOException {
    Collection<NpzOutput> members = NpzOutput.all(tensors);
    Npy.requireLittleEndian();
    Npy.requireRegularFile(path);
    FileReplacement.write(
        path, file -> NpzOutput.write(members, Channels.newOutputStream(file), path.toString()));
  }
}
