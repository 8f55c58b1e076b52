#!/usr/bin/env python3
"""The parts of a tensor, in every order of their actions: who may write, and what the whole's thread sees.

What stands here for what in the code:
  take, close, close_left, share     TensorPart.java (tensor, close) and SharedAllocation.retainFirst
  ask, write_whole                   Writers.isWriterAgain, TensorParts.isDone and .wasShared

Thread O has the whole, which is split into two parts; O, B and C may take one, write it, share it and close it, and anybody closes
what nobody has taken. That a part holds the bytes, also against the end of the whole's scope, is the count of a TensorPin, which
is in lifetimes.py; nothing of it is here.

  holder    of a part: nobody, a thread, or closed; changed by compare-and-set, but for its thread's own close, which is a
            volatile store
  shared    of a part: a plain field that its thread sets

Checked in every state that can be reached:
  one     no two threads have a part
  whole   O writes the whole only when every part is closed, and none was shared
  bytes   when O may write, or finds that it never will again, all that the parts' threads wrote has reached memory

Run it as interleavings.py says: alone, with --mutants, and with --ways.
"""
from interleavings import Model, assign, atomic, main, private, read, write, write_release

OWNER = "O"
PARTS = (0, 1)


class Parts(Model):
    """Threads that do whatever they may with the parts. `left_out`: the rules that a mutant does without."""

    threads = "OBC"

    def __init__(self, left_out=()):
        self.left_out = left_out

    def start(self):
        m = {"whole": "parts", "fault": ""}
        for k in PARTS:
            m |= {f"holder{k}": "", f"shared{k}": False, f"bytes{k}": "", f"has{k}": "", f"wrote{k}": "", f"live{k}": False}
        return m

    def take(self, t, k):
        holder = f"holder{k}"
        if "one compare-and-set decides" in self.left_out:
            won = (yield read(holder)) == ""
            if won:
                yield atomic(f"stores {holder}", lambda m: assign(m, holder, t))
        else:
            won = yield atomic(f"takes part {k}", lambda m: self.exchange(m, holder, "", t))
        if won:
            yield private(lambda m: self.has(m, k, t))

    def exchange(self, m, name, expected, value):
        if m[name] != expected:
            return False
        m[name] = value
        return True

    def has(self, m, k, t):
        if m[f"has{k}"]:
            m["fault"] = f"one: two threads have part {k}"
        m[f"has{k}"] = t

    def write_part(self, t, k):
        yield private(lambda m: assign(m, f"wrote{k}", t))
        yield write(f"bytes{k}", t)

    def share(self, t, k):
        """The flag is that of the tensor, which says from then on in what allocation it is."""
        yield private(lambda m: assign(m, f"live{k}", True))
        if "a share says so in the part" not in self.left_out:
            yield write(f"shared{k}", True)

    def close(self, t, k):
        """By its thread, for which nobody else closes it."""
        yield private(lambda m: assign(m, f"has{k}", ""))
        store = write if "a close is a volatile store" in self.left_out else write_release
        yield store(f"holder{k}", "closed")

    def close_left(self, t, k):
        holder = f"holder{k}"
        if "who closes what nobody took takes it" in self.left_out:
            if (yield read(holder)) == "":
                yield atomic(f"stores {holder}", lambda m: assign(m, holder, "closed"))
        else:
            yield atomic(f"closes part {k}, if nobody has it", lambda m: self.exchange(m, holder, "", "closed"))

    def ask(self, t):
        for k in PARTS if "the whole asks all parts" not in self.left_out else PARTS[1:]:
            if (yield read(f"holder{k}")) != "closed":
                return
        for k in PARTS:
            if (yield read(f"shared{k}")) and "the whole asks whether one was shared" not in self.left_out:
                yield private(lambda m: assign(m, "whole", "frozen"))
                return
        yield private(lambda m: assign(m, "whole", OWNER))

    def operations(self, m, t):
        for k in PARTS:
            if m[f"has{k}"] == t:
                if not m[f"wrote{k}"]:
                    yield Parts.write_part, (k,)
                if not m[f"live{k}"]:
                    yield Parts.share, (k,)
                yield Parts.close, (k,)
            elif m[f"holder{k}"] == "":
                yield Parts.take, (k,)
                yield Parts.close_left, (k,)
        if t == OWNER and m["whole"] == "parts":
            yield Parts.ask, ()

    def wrong(self, m, buffers):
        if m["fault"]:
            return m["fault"]
        if m["whole"] == "parts":
            return None
        for k in PARTS:
            if m["whole"] == OWNER and m[f"has{k}"]:
                return f"whole: {OWNER} may write it while {m[f'has{k}']} has part {k}"
            if m["whole"] == OWNER and m[f"live{k}"]:
                return f"whole: {OWNER} may write it, of which part {k} was shared"
            for t in self.threads:
                if t != OWNER and any(name == f"bytes{k}" for name, _, _ in buffers[t]):
                    return f"bytes: a write of {t} is to come into part {k}, which is closed"
        return None

    def wrong_at_rest(self, m):
        done = all(m[f"holder{k}"] == "closed" for k in PARTS)
        if done and m["whole"] == OWNER and any(m[f"bytes{k}"] != m[f"wrote{k}"] for k in PARTS):
            return "bytes: something that was written is not there"
        return None


RULES = (
    "one compare-and-set decides",
    "a close is a volatile store",
    "a share says so in the part",
    "who closes what nobody took takes it",
    "the whole asks all parts",
    "the whole asks whether one was shared",
)

if __name__ == "__main__":
    main((("parts of a tensor", Parts()),), [(f"without: {rule}", [Parts((rule,))]) for rule in RULES])
