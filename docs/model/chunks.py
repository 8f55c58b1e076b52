#!/usr/bin/env python3
"""The chain of an arena (native/src/arena_chain.c, arena_marks.c, Arena.java) with large chunks, in every order of its operations.

One thread allocates small tensors, ones that need another chunk and large ones, opens and ends scopes, pins what it allocated
last, lets go of a pin, adopts what another arena has handed out, and resets. A mark is the newest chunk and the cursor; where no chunk was taken since the mark and
nobody pins the current one, ending a scope moves the cursor alone (what Java does). Checked after every operation:
  no overlap    what is allocated lies over nothing that lives or is pinned
  the charge    is what was charged at the mark, and what the floor of a pinned chunk keeps besides
  nothing lost  every large chunk of the chain has a living tensor, every chunk is in the chain, a spare, pinned away or at home
  adopted ones  are at home once they have ended and nobody pins them, and never before

    python3 chunks.py            nothing wrong
    python3 chunks.py --mutants  and each rule left out in turn, which must be found
"""
import sys
from collections import deque

SIZE = 3          # of a chunk, in tensors
SMALL, LARGE = 1, 2
DEPTH = 8
RULES = (
    "a mark has the newest chunk",            # and not the current one
    "the cursor is in no large chunk",
    "a large chunk charges",
    "pinned large chunks leave",
    "a pinned chunk has a floor",
    "a fast end asks for pins",
    "adopted chunks go ahead in the chain",   # and not behind what there is
    "adopted chunks are large",
    "adopted chunks are charged",
    "adopted chunks go home",                 # and are no spares
)


class Wrong(Exception):
    pass


class Arena:
    """chain: (chunk, is large), oldest first. live: (chunk, from, to, depth of its scope). pins: (chunk, from, to)."""

    def __init__(self, left_out):
        self.left_out = left_out
        self.chain, self.spares, self.away = (), (), ()
        self.cursor, self.before = 0, 0
        self.marks, self.live, self.pins = (), (), ()
        self.ids, self.floors = 0, ()
        self.adopted, self.home = (), ()

    def key(self):
        return (self.chain, self.spares, self.away, self.cursor, self.before, self.marks, self.live, self.pins, self.floors,
                self.adopted, self.home)

    def copy(self):
        other = Arena.__new__(Arena)
        other.__dict__.update(self.__dict__)
        return other

    def has(self, rule):
        return rule not in self.left_out

    # ---- what follows from the chain

    def newest(self):
        return self.chain[-1][0] if self.chain else 0

    def current(self):
        for chunk, large in reversed(self.chain):
            if not large or not self.has("the cursor is in no large chunk"):
                return chunk
        return 0

    def charge(self):
        return self.before + self.cursor

    def pinned(self, chunk):
        return any(pin[0] == chunk for pin in self.pins)

    def floor(self, chunk):
        return max((end for c, end in self.floors if c == chunk), default=0)

    # ---- operations

    def hand_out(self, chunk, start, end):
        if chunk in self.home:
            raise Wrong(f"{chunk} is at home, and handed out")
        for other, low, high, *_ in self.live + self.pins:
            if other == chunk and start < high and low < end:
                raise Wrong(f"{chunk}:{start}-{end} over {other}:{low}-{high}")
        self.live += ((chunk, start, end, len(self.marks)),)

    def take_chunk(self):
        if self.spares:
            chunk, self.spares = self.spares[-1], self.spares[:-1]
            return chunk
        self.ids += 1
        return self.ids

    def allocate(self, size):
        if not self.current() or self.cursor + size > SIZE:
            self.before, self.cursor = self.charge(), 0
            self.chain += ((self.take_chunk(), False),)
        self.hand_out(self.current(), self.cursor, self.cursor + size)
        self.cursor += size

    def allocate_large(self):
        chunk = self.take_chunk()
        self.chain += ((chunk, True),)
        self.hand_out(chunk, 0, SIZE)
        if self.has("a large chunk charges"):
            self.before += SIZE

    def adopt(self):
        """A child with a filled chunk, and a current one that has a small tensor; once."""
        chunks = (self.ids + 1, self.ids + 2)
        self.ids += 2
        large = self.has("adopted chunks are large")
        ahead = tuple((chunk, large) for chunk in chunks)
        self.chain = self.chain + ahead if self.has("adopted chunks go ahead in the chain") else ahead + self.chain
        self.adopted += chunks
        for chunk in chunks:
            size = SIZE if chunk != chunks[-1] else SMALL
            self.hand_out(chunk, 0, size)
            if self.has("adopted chunks are charged"):
                self.before += size

    def mark(self):
        word = self.newest() if self.has("a mark has the newest chunk") else self.current()
        self.marks += ((word, self.cursor, self.charge()),)

    def end_after(self, marked):
        while self.newest() != marked:
            (chunk, large), self.chain = self.chain[-1], self.chain[:-1]
            if self.pinned(chunk) and (not large or self.has("pinned large chunks leave")):
                self.away += (chunk,)
                continue
            self.floors = tuple(f for f in self.floors if f[0] != chunk)
            if chunk in self.adopted and self.has("adopted chunks go home"):
                self.go_home(chunk)
            else:
                self.spares += (chunk,)

    def go_home(self, chunk):
        if any(t[0] == chunk for t in self.live) or self.pinned(chunk):
            raise Wrong(f"{chunk} goes home, and is in use")
        self.adopted = tuple(c for c in self.adopted if c != chunk)
        self.home += (chunk,)

    def rewind(self, mark):
        marked, cursor, charged = mark
        same = self.newest() if self.has("a mark has the newest chunk") else self.current()
        pinned = self.pinned(self.current()) and self.has("a fast end asks for pins")
        if marked and marked == same and not pinned:
            self.cursor = cursor
            return charged
        if marked and not any(chunk == marked for chunk, _ in self.chain):
            raise Wrong(f"the mark's chunk {marked} is not in the chain")
        self.end_after(marked)
        current = self.current()
        if current and not (marked == 0):
            raised = self.floor(current) if self.pinned(current) and self.has("a pinned chunk has a floor") else 0
            to = max(cursor, raised)
            self.before, self.cursor = charged - cursor, to
            return charged + to - cursor
        self.before, self.cursor = charged, 0
        if self.spares:
            self.chain += ((self.spares[-1], False),)
            self.spares = self.spares[:-1]
        return charged

    def end(self):
        mark, self.marks = self.marks[-1], self.marks[:-1]
        self.live = tuple(t for t in self.live if t[3] <= len(self.marks))
        expected = self.rewind(mark)
        if self.charge() != expected:
            raise Wrong(f"charged {self.charge()} after the end, not {expected}")
        for chunk, large in self.chain:
            if large and not any(t[0] == chunk for t in self.live):
                raise Wrong(f"the large chunk {chunk} has ended and is in the chain")

    def reset(self):
        self.marks, self.live = (), ()
        self.end_after(0)
        self.before = self.cursor = 0
        self.chain, self.spares = tuple((c, False) for c in self.spares[-1:]), ()

    def pin(self):
        chunk, start, end, _ = self.live[-1]
        self.pins += ((chunk, start, end),)
        self.floors += ((chunk, end),)

    def unpin(self):
        chunk = self.pins[0][0]
        self.pins = self.pins[1:]
        if not self.pinned(chunk) and chunk in self.away:
            self.away = tuple(c for c in self.away if c != chunk)
            if chunk in self.adopted:
                self.go_home(chunk)

    def steps(self):
        yield "small", lambda a: a.allocate(SMALL)
        yield "two", lambda a: a.allocate(LARGE)
        if len(self.chain) < 5:
            yield "large", lambda a: a.allocate_large()
        if not self.adopted + self.home:
            yield "adopt", lambda a: a.adopt()
        if len(self.marks) < 3:
            yield "scope", lambda a: a.mark()
        if self.marks:
            yield "end", lambda a: a.end()
        if self.live and len(self.pins) < 2:
            yield "pin", lambda a: a.pin()
        if self.pins:
            yield "unpin", lambda a: a.unpin()
        yield "reset", lambda a: a.reset()

    def check_charge(self):
        living = sum(t[2] - t[1] for t in self.live)
        if self.charge() < living:
            raise Wrong(f"{living} live, and {self.charge()} are charged")
        for chunk in self.adopted:
            if chunk in self.spares or chunk not in self.away and all(chunk != c for c, _ in self.chain):
                raise Wrong(f"{chunk} was adopted and has ended, and is not at home")


def explore(left_out=()):
    """Returns how many states there are up to the depth, and the shortest way to something wrong, or None."""
    start = Arena(frozenset(left_out))
    seen, queue = {start.key()}, deque([(start, ())])
    while queue:
        arena, way = queue.popleft()
        if len(way) == DEPTH:
            continue
        for name, step in arena.steps():
            after = arena.copy()
            try:
                step(after)
                after.check_charge()
            except Wrong as wrong:
                return len(seen), way + (name, str(wrong))
            if after.key() not in seen:
                seen.add(after.key())
                queue.append((after, way + (name,)))
    return len(seen), None


def main():
    states, wrong = explore()
    print(f"{states:,} states up to {DEPTH} operations: " + ("nothing wrong" if wrong is None else " → ".join(wrong)))
    failed = wrong is not None
    if "--mutants" in sys.argv[1:]:
        for rule in RULES:
            states, wrong = explore([rule])
            print(f"without \"{rule}\": " + ("NOT FOUND" if wrong is None else " → ".join(wrong)))
            failed |= wrong is None
    sys.exit(failed)


if __name__ == "__main__":
    main()
