#!/usr/bin/env python3
"""Two threads close one handle, or one makes it mutable: a rule that holds, in every order of its actions.

**None of this is in the code yet.** The code wants a handle to be used by one thread at a time; lifetimes.py lists what breaks
where two use it (its known faults). This is the rule that mends it without an atomic action in the owner's close:

A handle that the owner O made has a plain flag, `closed`, which O alone writes, and a second one, `taken`, which is won by
compare-and-set. Each allocation has a list of handles that others closed before its scope ended. `mine` is O's plain count,
`word` the atomic one.

  O's close, before the end     closed? nothing : closed = true, mine - 1           (no atomic action at all)
  any other close               closed or taken? nothing : take it and push it on the list; where the list has been closed
                                look at `closed` again and, if it is not set, count down in the word
  O's next share                empties the list; for each handle in it that is not closed: closed = true, mine - 1
  the scope's end, by O         closes the list (exchanges it for the sentinel), counts as above, and detaches
  mutable, after the end        closed or taken? released meanwhile : take it; alone? its hold is the target scope's
                                : copy, then count down. Nothing is ever opened again

Handles that are made elsewhere are atomic from birth: `taken` alone; they need no model. Checked in every state:
  once    the handle's hold is counted down at most once; exactly once when it was closed, the scope has ended and all are done
  held    the bytes are not freed while the keeper, another handle, or a tensor from mutable() holds them
  alone   mutable gives the same bytes to one at most, and only while nobody else holds them

    python3 closes.py            nothing wrong
    python3 closes.py --mutants  and each rule left out in turn, which must be found
"""
from interleavings import Model, atomic, main, private, read, write

OWNER = "O"


class Closes(Model):
    """O closes twice, B and C close or make mutable once each, and the keeper, C's, closes at some time after the end."""

    threads = "OBC"

    def __init__(self, left_out=()):
        self.left_out = frozenset(left_out)

    def start(self):
        return {
            "closed": False, "taken": False, "list": "open", "mode": "plain",  # of the handle; list: open, pushed, sentinel
            "biased": True, "mine": 3, "word": (0, False),  # the original, the handle, the keeper
            "calls": (2, 1, 1), "shares": 1, "ended": False,  # what is still to be called
            "asked": False, "counted": 0, "tensor": "", "keeper": True, "freed": 0,  # for the checks
        }

    def count_in_word(self, t):
        def down(m):
            count, detached = m["word"]
            m["word"] = (count - 1, detached)
            m["counted"] += 1
            m["freed"] += m["word"] == (0, True)

        yield atomic("counts down in the word", down)

    def count_plainly(self):
        yield private(lambda m: m.update({"mine": m["mine"] - 1, "counted": m["counted"] + 1}))

    def take(self):
        """Whether the caller has won the handle."""
        if (yield read("closed")) and "who takes looks at closed first" not in self.left_out:
            return False
        return (yield atomic("takes", lambda m: not exchange(m, "taken", True)))

    def close(self, t):
        yield private(lambda m: m.update({"asked": True, "calls": called(m["calls"], self.threads.index(t))}))
        if t == OWNER and (yield private(lambda m: m["biased"])):
            if (yield read("closed")):
                return
            if "a mode that the first of the others switches" in self.left_out and (yield read("mode")) == "atomic":
                if (yield from self.take()):
                    yield from self.count_plainly()
                return
            yield write("closed", True)
            yield from self.count_plainly()
        elif "a mode that the first of the others switches" in self.left_out:
            yield atomic("switches the mode", lambda m: m.update({"mode": "atomic"}))
            if (yield from self.take()):
                yield from self.count_in_word(t)
        elif (yield from self.take()):
            if not (yield atomic("pushes, if the list is open", push)):
                if "who finds the sentinel looks at closed" in self.left_out or not (yield read("closed")):
                    yield from self.count_in_word(t)

    def count_listed(self):
        if not (yield read("closed")) or "listed handles are looked at" in self.left_out:
            if "what the owner counts it marks" not in self.left_out:
                yield write("closed", True)
            yield from self.count_plainly()

    def share(self, t):
        """The owner's next share of the allocation, without the new handle."""
        yield private(lambda m: m.update({"shares": 0}))
        if (yield atomic("empties the list", lambda m: exchange(m, "list", "open") == "pushed")):
            yield from self.count_listed()

    def end_scope(self, t):
        yield private(lambda m: m.update({"ended": True}))
        if "the list is closed" in self.left_out:
            pushed = (yield read("list")) == "pushed"
        else:
            pushed = yield atomic("closes the list", lambda m: exchange(m, "list", "sentinel") == "pushed")
        if pushed:
            yield from self.count_listed()
        mine = yield private(lambda m: m["mine"] - 1)

        def detach(m):
            m |= {"biased": False, "word": (m["word"][0] + mine, True)}
            m["freed"] += m["word"] == (0, True)

        yield atomic("detaches", detach)

    def mutable(self, t):
        yield private(lambda m: m.update({"asked": True, "calls": called(m["calls"], self.threads.index(t))}))
        if (yield read("word")) != (1, True):
            return  # copies and closes: a close is tried by others
        if "mutable takes by compare-and-set" in self.left_out:
            yield atomic("sets taken", lambda m: m.update({"taken": True}))
        elif not (yield from self.take()):
            return  # "released meanwhile"
        if (yield read("word")) == (1, True):  # again, for the sake of try_share: see lifetimes.py
            yield private(lambda m: m.update({"tensor": m["tensor"] + t}))
        else:
            yield from self.count_in_word(t)

    def end_tensor(self, t):
        yield private(lambda m: m.update({"tensor": m["tensor"].replace(t, "")}))
        yield from self.count_in_word(t)

    def keeper_closes(self, t):
        def down(m):
            count, detached = m["word"]
            m |= {"keeper": False, "word": (count - 1, detached)}
            m["freed"] += m["word"] == (0, True)

        yield atomic("counts the keeper down", down)

    def operations(self, m, t):
        if m["calls"][self.threads.index(t)]:
            yield Closes.close, ()
            if m["word"][1]:
                yield Closes.mutable, ()
        if t == OWNER and not m["ended"]:
            yield Closes.end_scope, ()
            if m["shares"]:
                yield Closes.share, ()
        if t == "C" and m["keeper"] and m["word"][1]:
            yield Closes.keeper_closes, ()
        if t in m["tensor"]:
            yield Closes.end_tensor, ()

    def wrong(self, m, buffers):
        if m["counted"] > 1:
            return "once: the handle's hold is counted down twice"
        if m["freed"] and (m["keeper"] or m["tensor"]):
            return "held: freed under " + ("the keeper" if m["keeper"] else f"the tensor of {m['tensor']}")
        if m["freed"] > 1:
            return "once: freed twice"
        if m["tensor"] and (m["keeper"] or m["counted"] or len(m["tensor"]) > 1):
            return f"alone: {m['tensor']} has a tensor of bytes that are not its own"
        return None

    def wrong_at_rest(self, m):
        if m["word"][1] and not m["keeper"] and not m["tensor"] and (m["closed"] or m["taken"]) and m["freed"] != 1:
            return "once: never freed"
        return None


def exchange(m, name, value):
    before = m[name]
    m[name] = value
    return before


def push(m):
    if m["list"] == "sentinel":
        return False
    m["list"] = "pushed"
    return True


def called(calls, at):
    return calls[:at] + (calls[at] - 1,) + calls[at + 1:]


# What was tried before the list of foreign closes.
INSTEAD = ("a mode that the first of the others switches",)
RULES = (
    "the list is closed",
    "listed handles are looked at",
    "what the owner counts it marks",
    "who finds the sentinel looks at closed",
    "who takes looks at closed first",
    "mutable takes by compare-and-set",
)

if __name__ == "__main__":
    main(
        [("closes of one handle", Closes())],
        [(f"instead: {rule}", [Closes([rule])]) for rule in INSTEAD]
        + [(f"without: {rule}", [Closes([rule])]) for rule in RULES],
    )
