package dev.tensorarena;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/** Zip archives made byte by byte, which may lie at every place. */
final class ZipFixtures {
  private static final int UTF_8 = 1 << 11;

  private ZipFixtures() {}

  /** What an archive says of a member, which may be anything. */
  static final class Member {
    byte[] name;
    byte[] localName;
    int flags = UTF_8;
    int method;
    long crc;
    long size;
    long packedSize;
    byte[] packed;
    byte[] extra = {};
    byte[] localExtra = {};
    byte[] comment = {};

    /** Where the directory says that it is; null for where it is. */
    Long place;

    /** Whether its numbers stand in a zip64 field. */
    boolean zip64;

    Member(String name, int method, byte[] data) {
      this.name = name.getBytes(StandardCharsets.UTF_8);
      this.method = method;
      this.packed = method == 0 ? data : deflated(data);
      CRC32 sum = new CRC32();
      sum.update(data);
      this.crc = sum.getValue();
      this.size = data.length;
      this.packedSize = packed.length;
    }

    Member but(Consumer<Member> change) {
      change.accept(this);
      return this;
    }
  }

  static Member stored(String name, byte... data) {
    return new Member(name, 0, data);
  }

  static Member deflated(String name, byte... data) {
    return new Member(name, 8, data);
  }

  static byte[] deflated(byte... data) {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out = new DeflaterOutputStream(packed, new Deflater(9, true))) {
      out.write(data);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return packed.toByteArray();
  }

  /** The end of an archive, which may say anything, too. */
  static final class End {
    long count;
    long size;
    long place;
    int disk;
    byte[] comment = {};
    byte[] before = {};
    byte[] behind = {};

    /** Whether the numbers stand in a zip64 record, and whether here as well. */
    boolean zip64;

    boolean both;
    long narrowCount;
    long recordPlace;
    byte[] recordData = {};

    private byte[] bytes() {
      ByteBuffer bytes = buffer(200 + recordData.length + comment.length + behind.length);
      if (zip64) {
        bytes.putInt(0x06064b50).putLong(44 + recordData.length).putInt(0x2d002d);
        bytes.putInt(0).putInt(0).putLong(count).putLong(count).putLong(size).putLong(place);
        bytes.put(recordData);
        bytes.putInt(0x07064b50).putInt(0).putLong(recordPlace).putInt(1);
      }
      boolean ones = zip64 && !both;
      short number = (short) (ones ? -1 : narrowCount);
      bytes.putInt(0x06054b50).putInt(disk).putShort(number).putShort(number);
      bytes.putInt((int) (ones ? -1 : size)).putInt((int) (ones ? -1 : place));
      bytes.putShort((short) comment.length).put(comment).put(behind);
      return taken(bytes);
    }
  }

  static byte[] archive(Member... members) {
    return archive(end -> {}, members);
  }

  /** An archive whose end is changed before it is written. */
  static byte[] archive(Consumer<End> change, Member... members) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    List<Long> places = new ArrayList<>();
    for (Member member : members) {
      places.add((long) all.size());
      all.writeBytes(local(member));
      all.writeBytes(member.packed);
    }
    End end = new End();
    end.place = all.size();
    for (int i = 0; i < members.length; i++) {
      all.writeBytes(central(members[i], places.get(i)));
    }
    end.count = members.length;
    end.narrowCount = members.length;
    end.size = all.size() - end.place;
    end.recordPlace = all.size();
    change.accept(end);
    all.writeBytes(end.before);
    all.writeBytes(end.bytes());
    return all.toByteArray();
  }

  static byte[] zip64Archive(Member... members) {
    return zip64Archive(end -> {}, members);
  }

  /** An archive that has a zip64 record before its end, too. */
  static byte[] zip64Archive(Consumer<End> change, Member... members) {
    return archive(
        end -> {
          end.zip64 = true;
          change.accept(end);
        },
        members);
  }

  /** An extra field of Info-ZIP's, whose name newer Pythons take in place of the member's. */
  static byte[] secondName(String name) {
    byte[] second = name.getBytes(StandardCharsets.UTF_8);
    ByteBuffer field = buffer(9 + second.length);
    field.putShort((short) 0x7075).putShort((short) (5 + second.length));
    field.put((byte) 1).putInt(0); // version, and a checksum that not everybody compares
    return field.put(second).array();
  }

  private static byte[] local(Member member) {
    byte[] name = member.localName == null ? member.name : member.localName;
    ByteBuffer bytes = buffer(30 + name.length + member.localExtra.length);
    bytes.putInt(0x04034b50).putShort((short) 20).putShort((short) member.flags);
    bytes.putShort((short) member.method).putInt(0).putInt((int) member.crc);
    bytes.putInt((int) member.packedSize).putInt((int) member.size);
    bytes.putShort((short) name.length).putShort((short) member.localExtra.length);
    return bytes.put(name).put(member.localExtra).array();
  }

  private static byte[] central(Member member, long at) {
    long place = member.place == null ? at : member.place;
    byte[] extra = member.extra;
    if (member.zip64) {
      ByteBuffer wide = buffer(28).putShort((short) 1).putShort((short) 24);
      wide.putLong(member.size).putLong(member.packedSize).putLong(place);
      extra = NpyFixtures.concat(extra, wide.array());
    }
    ByteBuffer bytes = buffer(46 + member.name.length + extra.length + member.comment.length);
    bytes.putInt(0x02014b50).putInt(0x140014).putShort((short) member.flags);
    bytes.putShort((short) member.method).putInt(0).putInt((int) member.crc);
    bytes.putInt((int) (member.zip64 ? -1 : member.packedSize));
    bytes.putInt((int) (member.zip64 ? -1 : member.size));
    bytes.putShort((short) member.name.length).putShort((short) extra.length);
    bytes.putShort((short) member.comment.length).putLong(0);
    bytes.putInt((int) (member.zip64 ? -1 : place));
    return bytes.put(member.name).put(extra).put(member.comment).array();
  }

  static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] taken(ByteBuffer bytes) {
    return Arrays.copyOf(bytes.array(), bytes.position());
  }
}
