package dev.tensorarena;

/**
 * Bytes that a scope is asked for by their address, which need not be the innermost one. They live
 * as long as it does, and tensors are made of them in whatever scope is the innermost then.
 */
final class MaliceRooms {
  private static final int MAX_ROOMS = 12;

  private MaliceRooms() {}

  static void allocate(MaliceSteps actor, Malice.Context ctx) {
    Malice.Life life = ctx == null ? null : actor.anyOf(ctx.lives);
    if (life == null || !actor.contexts.contains(ctx) || actor.rooms.size() >= MAX_ROOMS) {
      return;
    }
    Malice.Holding place = actor.place();
    if (place == null) {
      return;
    }
    int length = actor.random.nextInt(60) == 0 ? 9000 : actor.random.nextInt(24);
    int alignment = Long.BYTES << actor.random.nextInt(10);
    Malice.Room room = new Malice.Room(ctx, life, (long) length * Long.BYTES);
    actor.call(
        "allocateAddress",
        life,
        () -> room.address = life.real.allocateAddress(room.bytes, alignment));
    if (room.address == 0 || !room.isAlive()) {
      actor.holdings.remove(place);
      return;
    }
    if (room.address % alignment != 0) {
      actor.violated("an address is not a multiple of " + alignment);
    }
    actor.checkAlone(room, room.cells, room.address, room.bytes);
    actor.rooms.add(room);
    place.cells = room.cells;
    Shape shape = Shape.of(length);
    actor.call(
        "tensorAt", room, () -> place.real = ctx.real.tensorAt(room.address, DType.INT64, shape));
    if (actor.isFilled(place)) {
      actor.writeAny(place);
    }
  }

  /** Whether what was written is there as long as the scope is, by another tensor. */
  static void look(MaliceSteps actor) {
    actor.rooms.removeIf(room -> !room.isAlive());
    Malice.Room room = actor.anyOf(actor.rooms);
    if (room == null || room.ctx.ending > 0) {
      return;
    }
    Malice.Holding seen = new Malice.Holding();
    seen.cells = room.cells;
    Shape shape = Shape.of(room.bytes / Long.BYTES);
    Throwable thrown =
        actor.call(
            "tensorAt",
            room,
            () -> seen.real = room.ctx.real.tensorAt(room.address, DType.INT64, shape));
    if (thrown instanceof IllegalArgumentException && room.bytes > 0) {
      actor.violated(room + " is refused by its address, and its scope is open");
    }
    if (seen.real != null) {
      seen.life = room.ctx.lifeOf(seen.real.scope);
      actor.check(seen);
    }
  }
}
