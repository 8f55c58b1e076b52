#!/usr/bin/env python3
"""Magazines (native/src/magazine.c) beside the pool's lock, in every order of their actions.

Two threads whose tokens fall on the same magazine, and a third that trims the pool, with two chunks of one order. A thread
takes a chunk, warm from the magazine or else under the lock, writes to it, and gives it back, into the magazine or else under
the lock. Checked in every state that can be reached:
  one owner     no chunk is in two hands, nor at home while somebody has it, nor still written by who has given it back
  nothing lost  when nobody does anything, every chunk is in a hand, in the magazine or at home
  books         what the pool counts as lent is what is in hands and in the magazine
  no deadlock

    python3 magazines.py            nothing wrong
    python3 magazines.py --mutants  and each rule left out in turn, which must be found
"""
from interleavings import Model, atomic, main, private, read, wait, write, write_release

CHUNKS = (1, 2)


class Magazines(Model):
    """A and B take, write and give chunks; T trims. `left_out`: the rules that a mutant does without."""

    threads = "ABT"

    def __init__(self, left_out=()):
        self.left_out = frozenset(left_out)

    def start(self):
        m = {"locked": False, "entered": False, "slot": 0, "free": CHUNKS, "lent": 0}
        m |= {f"hand{t}": 0 for t in "AB"} | {f"used{t}": False for t in "AB"}
        m |= {f"bytes{c}": "" for c in CHUNKS}
        return m

    # ---- the magazine's own lock, which is tried once by those who can do without

    def try_enter(self):
        if "entering is an exchange" in self.left_out:
            if (yield read("entered")):
                return False
            yield atomic("stores entered", lambda m: m.update({"entered": True}))
            return True
        return (yield atomic("tries to enter", lambda m: not exchange(m, "entered", True)))

    def enter_at_last(self):
        if "whoever empties enters" not in self.left_out:
            yield wait("enters", lambda m: not m["entered"], lambda m: m.update({"entered": True}))

    def leave(self):
        yield (write if "leaving is a release" in self.left_out else write_release)("entered", False)

    # ---- the pool, under its lock

    def lock(self):
        yield wait("locks", lambda m: not m["locked"], lambda m: m.update({"locked": True}))

    def unlock(self):
        yield write_release("locked", False)

    def empty(self):
        yield from self.enter_at_last()
        chunk = yield read("slot")
        if chunk:
            yield write("slot", 0)
            yield private(lambda m: come_home(m, chunk))
        if "whoever empties enters" not in self.left_out:
            yield from self.leave()

    # ---- what threads do

    def take(self, t):
        chunk = 0
        if (yield from self.try_enter()):
            chunk = yield read("slot")
            if chunk:
                yield write("slot", 0)
            yield from self.leave()
        if not chunk:
            yield from self.lock()
            if not (yield private(lambda m: m["free"])):
                yield from self.empty()
            chunk = yield private(lend)
            yield from self.unlock()
        yield private(lambda m: m.update({f"hand{t}": chunk, f"used{t}": False}))

    def use(self, t):
        chunk = yield private(lambda m: exchange(m, f"used{t}", True) or m[f"hand{t}"])
        yield write(f"bytes{chunk}", t)

    def give(self, t):
        chunk = yield private(lambda m: exchange(m, f"hand{t}", 0))
        inside = yield from self.try_enter()
        put = inside and ("a slot holds one chunk" in self.left_out or not (yield read("slot")))
        if put:
            yield write("slot", chunk)
        if inside and (put or "nobody asks for the pool's lock inside a magazine" not in self.left_out):
            yield from self.leave()
            inside = False
        if not put:
            yield from self.lock()
            yield private(lambda m: come_home(m, chunk))
            yield from self.unlock()
        if inside:
            yield from self.leave()

    def trim(self, t):
        yield from self.lock()
        yield from self.empty()
        yield from self.unlock()

    def operations(self, m, t):
        if t == "T":
            yield Magazines.trim, ()
        elif not m[f"hand{t}"]:
            yield Magazines.take, ()
        else:
            yield Magazines.give, ()
            if not m[f"used{t}"]:
                yield Magazines.use, ()

    # ---- what must never be

    def wrong(self, m, buffers):
        hands = [m[f"hand{t}"] for t in "AB" if m[f"hand{t}"]]
        if len(set(hands)) < len(hands):
            return f"one owner: chunk {hands[0]} is in two hands"
        if len(set(hands) | set(m["free"])) < len(hands) + len(m["free"]):
            return "one owner: a chunk that somebody has, or had, is at home"
        for t, other in ("AB", "BA"):
            if m[f"hand{t}"] and any(name == f"bytes{m[f'hand{t}']}" for name, _, _ in buffers[other]):
                return f"one owner: a write of {other}, who gave chunk {m[f'hand{t}']} back, is to come while {t} has it"
        return None

    def wrong_at_rest(self, m):
        lent = [m[name] for name in ("handA", "handB", "slot") if m[name]]
        if sorted(lent + list(m["free"])) != list(CHUNKS):
            return "nothing lost: a chunk is in no place, or in two"
        if m["lent"] != len(lent):
            return f"books: {m['lent']} chunks are counted as lent, and {len(lent)} are"
        return None


def exchange(m, name, value):
    before = m[name]
    m[name] = value
    return before


def come_home(m, chunk):
    m["free"] = tuple(sorted(m["free"] + (chunk,)))
    m["lent"] -= 1


def lend(m):
    if not m["free"]:
        return 0
    chunk, m["free"] = m["free"][0], m["free"][1:]
    m["lent"] += 1
    return chunk


RULES = (
    "entering is an exchange",
    "leaving is a release",
    "whoever empties enters",
    "a slot holds one chunk",
    "nobody asks for the pool's lock inside a magazine",
)

if __name__ == "__main__":
    main([("magazines", Magazines())], [(f"without: {rule}", [Magazines([rule])]) for rule in RULES])
