#!/usr/bin/env python3
"""The count protocol of docs/DESIGN.md, in every order of its actions.

What stands here for what in the code:
  retain, release, detach   SharedAllocation.java (tryRetain, letGo, end, isSoleHolder)
  cede                      SharedAllocation.cede, for Held.takeOver
  share, try_share, mutable, mutable_original, share_result
                            Tensor.java (share, tryShare, mutable, consume) and SharedTensor.claim
  close                     SharedTensor.close
  tell                      ForeignBlock.released
  end_scope                 Scope.end, Scope.closeKeeping, Arena.rewind and .close; chunk_detach and end_behind in C
  unpin, give               ta_chunk_release in chunk_pins.c, pool_give in chunk_pool.c
Magazines, which chunks lie in when they have come home, have a model of their own, magazines.py; how threads run and what
waits in store buffers is in interleavings.py.

One chunk holds one or two allocations of an arena that thread O owns; B and C do not own it. Each allocation has a count that
only O touches, `mine`, and one atomic word of a count and DETACHED; the chunk has the same pair for its pins. An allocation
that was shared pins the chunk once. An allocation may also wrap memory that is not the arena's: it has no chunk, its scope holds it
from the start, and whoever lets go last tells the memory's owner, who may then free it.

Who takes bytes over by mutable() ends their count at zero, for good, and has their pin. A tensor from mutable() has a count of its
own, which its context's thread owns; what is shared of it is shared like any other tensor, and here it is only held and ended.
A result of closeKeeping that others hold stays counted as it is: its hold is the enclosing scope's then.

Any number of threads may close one handle, share it and make it mutable at the same time:
  made     what the owner made has a plain flag, `closed`, that the owner alone stores; no handle of others has
  taken    open, taken, claimed or unclaimed, changed by compare-and-set: who takes a handle counts it down, who claims it
           may open it again, and does the closing of whoever wanted to close it meanwhile
  list     of an allocation: the owner's handles that others took before its scope ended, for the owner to count down; it
           counts those whose plain flag is not set. When the scope ends the list ends, too
  again    handles that the owner closed without seeing what somebody else had attached, which the list told it, too: opened
           before the scope's end, and closed when it is complete

Checked in every state that can be reached:
  held    no bytes are handed out again, and no owner of wrapped memory is told that he may free it, while a live handle, an open scope, a tensor from mutable() or a copy needs them
  once    the chunk goes to the pool once
  freed   when nobody holds anything and the context is closed, the chunk is in the pool
  tracked what is tracked by a handle is closed, or was refused
  told    the owner of wrapped memory is told once, when its tensors are dead and no end is half done
  valid   no share through a live handle is refused
  frozen  where one tensor can be written there is no live handle of the same bytes
  bytes   no write to bytes that had ended reaches memory after they were handed out again
  books   what the pool counts as pinned is counted out by whoever frees it

What is assumed of the caller, as the javadoc says it:
  - a handle is handed over with what was stored before (a queue does that);
  - an original tensor is its owner's alone.
What the code is known to break on is at the end of this file, found here as well.

Run it as interleavings.py says: alone, with --mutants, and with --ways.
"""
from interleavings import Model, add, assign, atomic, main, private, read, relaxed, swap, write, write_release

OWNER = "O"  # who opens the context, and who writes an original tensor
IN_TRANSIT = "-"
MOVES = 2  # there and back
FOR_GOOD = 9  # seals by who closes, and does not unseal; who makes mutable counts up and down below that


class Lifetimes(Model):
    """
    Threads that do whatever they may, with so many handles in all. `scopes`: the allocations of each of O's scopes, one after
    the other; the last scope is the root, whose end is the context's close. `uses`: what is called beside share and close.
    `wrapped`: the allocations that wrap memory of somebody else's. `left_out`: the rules that a mutant does without.
    """

    def __init__(self, scopes, threads, handles, uses=(), left_out=(), wrapped=()):
        self.scopes, self.threads, self.handles = scopes, threads, handles
        self.uses, self.left_out = frozenset(uses), frozenset(left_out)
        self.allocations = [a for scope in scopes for a in scope]
        self.wrapped = wrapped

    def but(self, *left_out):
        return Lifetimes(self.scopes, self.threads, self.handles, self.uses, left_out, self.wrapped)

    def start(self):
        m = {"owner": OWNER, "detached": False, "moves": 0, "scope": 0, "dead": 0, "fault": ""}
        for a in self.allocations:
            m |= {f"shared{a}": False, f"biased{a}": "", f"mine{a}": 0, f"word{a}": (0, False)}
            m |= {f"bytes{a}": "", f"wrote{a}": "", f"writer{a}": OWNER, f"kept{a}": "", f"result{a}": False}
            m |= {f"reused{a}": False, f"pins{a}": 0, f"pinned{a}": False, f"holds{a}": 0, f"held{a}": False, f"list{a}": ()}
            m |= {f"reads{a}": 0, f"missed{a}": ()}
        m |= {"again": (), "owner_pins": 0, "chunk": (0, False), "floor": 0, "noted": False, "given": 0}
        for h in range(self.handles):
            if "track" in self.uses:
                m |= {f"attached{h}": False, f"seals{h}": 0, f"resource{h}": "", f"tracked{h}": ""}
            m |= {f"of{h}": None, f"user{h}": "", f"live{h}": False, f"closed{h}": False, f"taken{h}": "", f"made{h}": "", f"asked{h}": False}
        for a in self.wrapped:
            m |= {f"untold{a}": False, f"told{a}": 0}
            if "wrapped memory is held from the start" not in self.left_out:
                self.begin_sharing(m, a)
        return m

    # ---- SharedAllocation

    def biased(self, t, a):
        """Whether the thread counts plainly; only the owner's thread ever finds itself in that field."""
        return (yield private(lambda m: m[f"biased{a}"] == t))

    def mine(self, a):
        return (yield read(f"mine{a}") if "move" in self.uses else private(lambda m: m[f"mine{a}"]))

    def count_mine(self, a, n):
        """By the thread that the allocation is biased to; one action where no other thread ever is."""
        if "move" in self.uses:
            mine = yield read(f"mine{a}")
            yield write(f"mine{a}", mine + n)
        else:
            yield private(lambda m: add(m, f"mine{a}", n))

    def retain(self, t, a):
        if (yield from self.biased(t, a)):
            yield from self.count_mine(a, 1)
            return True
        return (yield atomic(f"retains {a}", lambda m: self.retain_word(m, a)))

    def retain_word(self, m, a):
        count, detached = m[f"word{a}"]
        if detached and count <= 0 and "a retain is refused at zero" not in self.left_out:
            return False
        if count <= 0 and "retains are unconditional before detach" in self.left_out:
            return False
        m[f"word{a}"] = (count + 1, detached)
        return True

    def release(self, t, a):
        if (yield from self.count_down(a)):
            yield from self.freed(t, a)

    def count_down(self, a):
        """One holder less, in the word; whether that was the last one."""
        word = f"word{a}"
        if "the decrement is one step" in self.left_out:
            count, detached = yield read(word)
            left = yield atomic(f"stores the count of {a}", lambda m: assign(m, word, (count - 1, m[word][1])))
        else:
            step = relaxed if "a release has release order" in self.left_out else atomic
            left = yield step(f"releases {a}", lambda m: assign(m, word, (m[word][0] - 1, m[word][1])))
        return left[0] == 0 and (left[1] or "only a detached word frees" in self.left_out)

    def let_go(self, t, a):
        if (yield from self.biased(t, a)):
            yield from self.count_mine(a, -1)
        else:
            yield from self.release(t, a)

    def alone(self, t, a):
        """Whether the caller, who is a holder, is the only one."""
        if (yield from self.biased(t, a)):
            if "a fence before the owner asks" not in self.left_out:
                yield atomic("fence", lambda m: None)
            yield from self.count_listed(t, a, end=False)
            count, _ = yield read(f"word{a}")
            mine = yield from self.mine(a)
            return (mine if "the owner asks for the word, too" in self.left_out else mine + count) == 1
        return (yield read(f"word{a}")) == (1, True)

    def detach(self, t, a):
        """The scope ends: the original lets go, and the owner's part goes into the word."""
        word = f"word{a}"
        yield from self.end_list(t, a)

        def hand_over(m):
            if "the bias ends with the scope" not in self.left_out:
                m[f"biased{a}"] = ""
            return (counted if "move" in self.uses else m[f"mine{a}"]) - (0 if "the original is a holder" in self.left_out else 1)

        counted = "move" in self.uses and (yield from self.mine(a))
        mine = yield private(hand_over)
        if "detach is one step" in self.left_out:
            yield atomic(f"sets DETACHED of {a}", lambda m: assign(m, word, (m[word][0], True)))
        left = yield atomic(f"detaches {a}", lambda m: assign(m, word, (m[word][0] + mine, True)))
        if left[0] != 0:
            return
        if a in self.wrapped:
            yield private(lambda m: assign(m, f"untold{a}", True))
        elif "the owner unpins what nobody holds" not in self.left_out:
            yield private(lambda m: add(m, "owner_pins", -1))

    def count_listed(self, t, a, end):
        """The owner counts down what others took, and keeps in mind to what others attached something."""
        step = atomic if end else relaxed  # nothing is exchanged where there is nothing
        for h in (yield step(f"empties the list of {a}", lambda m: swap(m, f"list{a}", ()))):
            if isinstance(h, str):
                yield private(lambda m: assign(m, f"missed{a}", m[f"missed{a}"] + (int(h),)))
            elif "listed handles are looked at" in self.left_out or not (yield read(f"closed{h}")):
                if "what the owner counts it marks" not in self.left_out:
                    yield write(f"closed{h}", True)
                yield from self.count_mine(a, -1)

    def end_list(self, t, a):
        if "the list ends with the scope" in self.left_out:
            yield from self.count_listed(t, a, end=True)
            return
        yield from self.open_missed(t, a)
        while not (yield atomic(f"ends the list of {a}, if it is empty", lambda m: self.end_if_empty(m, a))):
            yield from self.count_listed(t, a, end=False)
            yield from self.open_missed(t, a)

    def end_if_empty(self, m, a):
        empty = m[f"list{a}"] == ()
        if empty:
            m[f"list{a}"] = None
        return empty

    def open_missed(self, t, a):
        """The owner opens again what it closed without seeing what was attached, to close it once the end is complete."""
        for h in (yield private(lambda m: swap(m, f"missed{a}", ()))):
            closed = (yield read(f"closed{h}")) and (yield read(f"taken{h}")) == ""
            if closed and not (yield read(f"seals{h}")) and "a close that missed something is done again" not in self.left_out:
                yield write(f"closed{h}", False)
                yield private(lambda m: assign(m, "again", m["again"] + (h,)))
                yield from self.count_mine(a, 1)

    def freed(self, t, a):
        """Nobody holds the bytes any longer."""
        if a in self.wrapped:
            if (yield private(lambda m: m["owner"] == t)) or "whoever lets go last tells" not in self.left_out:
                yield from self.tell(t, a)
        else:
            yield from self.unpin(t)

    def tell(self, t, a):
        def told(m):
            if t == m["owner"] and m["dead"] != m["scope"]:
                m["fault"] = "told: in the middle of an end"
            m |= {f"untold{a}": False, f"reused{a}": True}
            add(m, f"told{a}", 1)

        yield atomic(f"tells the owner of {a}", told)

    # ---- the chunk

    def unpin(self, t):
        step = relaxed if "a release has release order" in self.left_out else atomic
        left = yield step("unpins the chunk", lambda m: assign(m, "chunk", (m["chunk"][0] - 1, m["chunk"][1])))
        if left[0] == 0 and (left[1] or "only a detached chunk is freed" in self.left_out):
            yield from self.give(detached=True)

    def give(self, detached):
        def to_pool(m):
            if m["noted"] != detached:
                m["fault"] = "books: freed without having been counted as pinned" if detached else "books: not counted out"
            m["noted"] = False
            add(m, "given", 1)
            self.reuse(m, self.allocations)

        yield atomic("gives the chunk to the pool", to_pool)

    def reuse(self, m, allocations):
        for a in allocations:
            if a not in self.wrapped:
                m[f"reused{a}"] = True

    # ---- handles: h is where the new one goes

    def share_original(self, t, a, h):
        def first(m):
            if not m[f"shared{a}"]:
                self.begin_sharing(m, a)
            m[f"of{h}"] = a

        yield private(first)
        yield from self.count_listed(t, a, end=False)
        yield from self.retain(t, a)
        yield private(lambda m: self.hand_out(m, h, t, freezes=True))

    def begin_sharing(self, m, a):
        m |= {f"shared{a}": True, f"biased{a}": m["owner"], f"mine{a}": 1}
        if a in self.wrapped:
            return
        add(m, "owner_pins", 1)
        if "a pin raises the floor" not in self.left_out:
            m["floor"] = max(m["floor"], a + 1)

    def hand_out(self, m, h, t, freezes):
        a = m[f"of{h}"]
        m |= {f"user{h}": t, f"live{h}": True, f"made{h}": "by the owner" if m[f"biased{a}"] == t else ""}
        if freezes and "a share freezes" not in self.left_out:
            m[f"writer{m[f'of{h}']}"] = ""

    def is_closed(self, h):
        plain = yield private(lambda m: m[f"made{h}"] != "")
        return plain and (yield read(f"closed{h}")) or (yield read(f"taken{h}")) != ""

    def share(self, t, source, h, user):
        """Of a handle that the thread uses, or that others may be closing: try_share."""
        a = yield private(lambda m: self.busy(m, source, h, user))
        shared = yield from self.try_hold(t, a, source)

        def returned(m):
            if shared:
                self.hand_out(m, h, t, freezes=False)
            else:
                m[f"of{h}"] = None
                if m[f"live{source}"] and "others" not in self.uses:
                    m["fault"] = "valid: a share through a live handle is refused"
            if user:
                m[f"user{source}"] = t

        yield private(returned)

    def try_hold(self, t, a, source):
        """Whether the bytes of a handle have one holder more now."""
        biased = yield from self.biased(t, a)
        if (yield from self.is_closed(source)) or not (yield from self.retain(t, a)):
            return False
        if biased or "a share looks at the handle again" in self.left_out or not (yield from self.is_closed(source)):
            return True
        yield from self.let_go(t, a)
        return False

    def copy(self, t, a, source):
        """Whether the bytes of a handle were there to be read. Where nobody else closes the handle, that is one step."""
        if "others" not in self.uses:
            return True
        held = "a copy holds what it reads" not in self.left_out
        if held and not (yield from self.try_hold(t, a, source)):
            return False
        yield private(lambda m: add(m, f"reads{a}", 1))
        yield relaxed(f"reads the bytes of {a}", lambda m: add(m, f"reads{a}", -1))
        if held:
            yield from self.let_go(t, a)
        return True

    def busy(self, m, source, h, user):
        if user:
            m[f"user{source}"] = "-"
        m[f"of{h}"] = m[f"of{source}"]
        return m[f"of{h}"]

    def hand_over(self, t, h, to):
        yield atomic("with all it stored", lambda m: assign(m, f"user{h}", to))

    def close(self, t, h):
        def begin(m):
            m |= {f"user{h}": "-", f"live{h}": False, f"asked{h}": True}
            return m[f"of{h}"], m[f"made{h}"] == "by the owner"

        a, plain = yield private(begin)
        while True:
            seen = yield from self.is_attached(h)
            if seen:
                yield from self.close_tracked(h, seal=True)
            if plain and (yield from self.biased(t, a)):
                if not (yield read(f"closed{h}")):
                    yield write(f"closed{h}", True)
                    yield from self.count_mine(a, -1)
            elif (yield from self.take(h, plain, "taken")):
                if (yield from self.is_attached_by_now(h, seen)):
                    yield atomic(f"opens handle {h} again", lambda m: assign(m, f"taken{h}", ""))
                    continue
                if plain and not (yield from self.counts_at_once(a)):
                    if (yield atomic(f"pushes handle {h}, if the list is open", lambda m: self.push(m, a, h))):
                        return
                    if "who finds the list ended looks at closed" not in self.left_out and (yield read(f"closed{h}")):
                        return
                yield from self.let_go(t, a)
            return

    def counts_at_once(self, a):
        in_transit = "move" in self.uses and (yield private(lambda m: m[f"biased{a}"] == IN_TRANSIT))
        return "handles of the owner's are listed" in self.left_out or in_transit and "in transit handles are listed, too" in self.left_out

    # ---- what is tracked by a handle: HandleResources, with one resource

    def is_attached(self, h):
        return "track" in self.uses and (yield read(f"attached{h}"))

    def is_attached_by_now(self, h, seen):
        """Who has taken a handle looks again."""
        return not seen and "who has taken looks again" not in self.left_out and (yield from self.is_attached(h))

    def close_tracked(self, h, seal):
        def close(m):
            if m[f"resource{h}"] == "in":
                m[f"resource{h}"] = "closed"
            if seal and "who ends it seals" not in self.left_out:
                m[f"seals{h}"] = FOR_GOOD

        yield atomic(f"closes what handle {h} tracks", close)

    def unseal(self, h, sealed):
        if sealed:
            yield atomic(f"unseals what handle {h} tracks", lambda m: assign(m, f"seals{h}", max(m[f"seals{h}"] - 1, m[f"seals{h}"] == FOR_GOOD and FOR_GOOD)))

    def track(self, t, h):
        def begin(m):
            m[f"tracked{h}"] = "asked"
            return m[f"of{h}"], m[f"made{h}"] == "by the owner"

        a, plain = yield private(begin)
        tracked = False
        if not (yield from self.is_closed(h)):
            yield atomic(f"attaches to handle {h}", lambda m: assign(m, f"attached{h}", True))
            if plain and not (yield from self.biased(t, a)) and "what is attached is listed" not in self.left_out:
                yield atomic(f"lists it, if the list of {a} is open", lambda m: self.push(m, a, str(h)))
            tracked = yield atomic(f"adds to what handle {h} tracks", lambda m: self.add_resource(m, h))
            if tracked and "who adds looks at the handle again" not in self.left_out and (yield from self.is_closed(h)):
                tracked = not (yield atomic("takes it back", lambda m: self.take_back(m, h)))
        yield private(lambda m: assign(m, f"tracked{h}", "yes" if tracked else "no"))

    def add_resource(self, m, h):
        if m[f"seals{h}"]:
            return False
        m[f"resource{h}"] = "in"
        return True

    def take_back(self, m, h):
        if m[f"resource{h}"] != "in":
            return False  # somebody has closed it
        m[f"resource{h}"] = ""
        return True

    # ---- taking

    def take(self, h, plain, how):
        """Whether the caller has won the handle."""
        if plain and "who takes looks at closed first" not in self.left_out and (yield read(f"closed{h}")):
            return False
        if "a take is a compare-and-set" in self.left_out:
            if (yield read(f"taken{h}")) != "":
                return False
            yield atomic(f"sets taken{h}", lambda m: assign(m, f"taken{h}", how))
            return True
        return (yield atomic(f"takes handle {h}", lambda m: self.take_if_open(m, h, how)))

    def take_if_open(self, m, h, how):
        found = m[f"taken{h}"]
        if found == "claimed" and "a close during a claim is noted" not in self.left_out:
            m[f"taken{h}"] = "unclaimed"  # by a mutable, too, which then throws: the handle is to be closed in any case
        elif found == "":
            m[f"taken{h}"] = how
        return found == ""

    def push(self, m, a, h):
        if m[f"list{a}"] is None:
            return False
        m[f"list{a}"] += (h,)
        return True

    def mutable(self, t, h, full):
        """Of a shared handle, into a scope of the calling thread, which may be `full`: the same bytes where it is the only
        holder."""

        def begin(m):
            m |= {f"user{h}": "-", f"live{h}": False}
            return m[f"of{h}"], m[f"made{h}"] == "by the owner"

        a, plain = yield private(begin)
        seen = yield from self.is_attached(h)
        if (yield from self.alone(t, a)):
            if seen:
                yield atomic(f"seals what handle {h} tracks", lambda m: assign(m, f"seals{h}", min(m[f"seals{h}"] + 1, FOR_GOOD)))
            early = "claim closes before it asks" in self.left_out
            alone = early and (yield from self.cede(a))
            if not (yield from self.take(h, plain, "claimed")):
                yield from self.unseal(h, seen)
                return  # "released meanwhile"
            late = yield from self.is_attached_by_now(h, seen)
            if alone or not early and not late and (yield from self.cede(a)):
                yield private(lambda m: self.take_over(m, t, h, a))
                if seen:
                    yield from self.close_tracked(h, seal=False)
                return
            yield from self.unseal(h, seen)
            if not (yield from self.open_again(h)):
                yield atomic(f"opens handle {h} again", lambda m: assign(m, f"taken{h}", ""))
                yield from self.close(t, h)  # somebody wanted to
                return
            if full:
                yield private(lambda m: m.update({f"user{h}": t, f"live{h}": not m[f"asked{h}"]}))
                return
        if (yield from self.copy(t, a, h)):
            yield from self.close(t, h)

    def cede(self, a):
        """Whether the caller is the only holder; nobody can retain then."""
        return (yield atomic(f"ends the count of {a}, if it is one", lambda m: self.cede_word(m, a)))

    def cede_word(self, m, a):
        alone = m[f"word{a}"] == (1, True)
        if alone:
            m[f"word{a}"] = (0, True)
        return alone

    def open_again(self, h):
        """Also where the caller fails to find out whether it is alone, for want of heap or stack."""
        if "a handle is opened again in one step" not in self.left_out:
            return (yield atomic(f"opens handle {h} again", lambda m: self.open_if_claimed(m, h)))
        if (yield read(f"taken{h}")) == "unclaimed":
            return False
        yield atomic(f"opens handle {h} again", lambda m: assign(m, f"taken{h}", ""))
        return True

    def open_if_claimed(self, m, h):
        if m[f"taken{h}"] == "unclaimed" and "who claimed looks for closes" not in self.left_out:
            return False
        m[f"taken{h}"] = ""
        return True

    def take_over(self, m, t, h, a):
        self.check_pin(m, a)
        if m[f"kept{a}"]:
            m["fault"] = "alone: one handle gave its bytes to two"
        m |= {f"live{h}": False, f"kept{a}": t, f"writer{a}": t}

    def check_pin(self, m, a):
        if m[f"holds{a}"]:
            m["fault"] = "pinned: bytes with a TensorPin are another's to write"

    def mutable_original(self, t, a):
        if (yield from self.alone(t, a)):
            yield private(lambda m: (self.check_pin(m, a), assign(m, f"writer{a}", t)))

    # ---- tensors that mutable() gave to a thread, and closeKeeping() to the owner: a scope of theirs has the hold

    def share_result(self, t, a, h):
        yield private(lambda m: assign(m, f"of{h}", a))
        if not (yield from self.retain(t, a)):
            yield private(lambda m: assign(m, "fault", "valid: a share of a live tensor is refused"))
        yield private(lambda m: self.hand_out(m, h, t, freezes=True))

    def end_kept(self, t, a):
        yield private(lambda m: m.update({f"kept{a}": "", f"writer{a}": ""}))
        yield from self.freed(t, a)

    def write_bytes(self, t, a):
        yield private(lambda m: add(m, f"wrote{a}", t))
        yield write(f"bytes{a}", t)

    # ---- TensorPin of an original: a holder that freezes nothing

    def hold(self, t, a):
        yield private(lambda m: None if m[f"shared{a}"] else self.begin_sharing(m, a))
        if "a TensorPin is a holder" not in self.left_out:
            yield from self.retain(t, a)
        yield private(lambda m: m.update({f"holds{a}": 1, f"held{a}": True}))

    def let_hold_go(self, t, a):
        yield private(lambda m: add(m, f"holds{a}", -1))
        if "a TensorPin is a holder" not in self.left_out:
            yield from self.let_go(t, a)

    # ---- ta_pin: a pin of the chunk, without a holder

    def pin(self, t, a):
        def pinned(m):
            m |= {f"pins{a}": 1, f"pinned{a}": True}
            add(m, "owner_pins", 1)
            m["floor"] = max(m["floor"], a + 1)

        yield atomic("pins the chunk and hands the pin out", pinned)

    def retain_pin(self, t, a):
        yield private(lambda m: m.update({f"pins{a}": 2, f"pinned{a}": "twice"}))
        yield relaxed("retains the chunk", lambda m: assign(m, "chunk", (m["chunk"][0] + 1, m["chunk"][1])))

    def unpin_tensor(self, t, a):
        yield private(lambda m: add(m, f"pins{a}", -1))
        yield from self.unpin(t)

    # ---- the context moves: ExecutionContext.detach, DetachedContext.attach, and ExecutionContext.adopt, which counts as an attach

    def detach_context(self, t):
        def let_go(m):
            m["owner"] = IN_TRANSIT
            add(m, "moves", 1)
            if "in transit everybody counts in the word" not in self.left_out:
                self.bias(m, t, IN_TRANSIT)

        yield private(let_go)
        yield (write if "a detach is a release" in self.left_out else write_release)("detached", True)

    def attach_context(self, t):
        if "one attach wins" in self.left_out:
            won = yield read("detached")
            yield write("detached", False)
        else:
            won = yield atomic("attaches the context, if it is detached", lambda m: swap(m, "detached", False))
        if won:
            yield private(lambda m: self.own(m, t))

    def own(self, m, t):
        if m["owner"] != IN_TRANSIT:
            m["fault"] = "moved: two threads own the context"
        m["owner"] = t
        self.bias(m, IN_TRANSIT, t)
        self.bias(m, OWNER, t)  # only where a detach has left it so
        if "what has been detached stays so" in self.left_out:
            self.bias(m, "", t)

    def bias(self, m, before, after):
        for a in self.allocations:
            if m[f"shared{a}"] and m[f"biased{a}"] == before:
                m[f"biased{a}"] = after

    # ---- the end of a scope; `keep`: the allocation that closeKeeping carries over, if it is shared; `in_c`: by ta_rewind

    def end_scope(self, t, keep, in_c):
        ended = yield private(self.begin_end)
        yield private(lambda m: self.keep_result(m, keep))
        for a in reversed(ended):
            if (yield private(lambda m: self.has_hold(m, a))) and "the scope's end walks its list" not in self.left_out:
                yield from self.detach(t, a)
                if "an end tells when it is complete" in self.left_out:
                    yield from self.tell_untold(t)
        if ended is self.scopes[-1]:
            yield from self.close_context(t)
        else:
            yield from self.rewind(ended, in_c)
        yield private(lambda m: m.update({"scope": m["scope"] + 1, "dead": m["scope"] + 1}))
        yield from self.tell_untold(t)
        for h in (yield private(lambda m: swap(m, "again", ()))):
            yield from self.close(t, h)

    def tell_untold(self, t):
        for a in self.wrapped:
            if (yield private(lambda m: m[f"untold{a}"])):
                yield from self.tell(t, a)

    def keep_result(self, m, keep):
        if keep is not None and m[f"shared{keep}"]:
            m[f"result{keep}"] = True

    def has_hold(self, m, a):
        passed_on = m[f"result{a}"] and "the hold of a kept result is passed on" not in self.left_out
        return m[f"shared{a}"] and not passed_on

    def begin_end(self, m):
        for a in self.scopes[m["scope"]]:
            if m[f"writer{a}"] == OWNER:
                m[f"writer{a}"] = ""
        if "tensors die before their holds go" not in self.left_out:
            add(m, "dead", 1)
        return self.scopes[m["scope"]]

    def is_pinned(self):
        count, _ = yield read("chunk")
        mine = yield private(lambda m: m["owner_pins"])
        return count + mine != 0 and "what is pinned is not handed out" not in self.left_out

    def rewind(self, ended, in_c):
        if (yield from self.is_pinned()):
            yield private(lambda m: self.reuse(m, [a for a in ended if a >= m["floor"]]))
        elif in_c:
            yield write("chunk", (0, False))
            yield private(lambda m: m.update({"owner_pins": 0}))
            yield private(lambda m: (m.update({"floor": 0}), self.reuse(m, ended)))
        else:
            yield private(lambda m: (m.update({"floor": 0}), self.reuse(m, ended)))

    def close_context(self, t):
        for a in self.allocations:
            if (yield private(lambda m: swap(m, f"result{a}", False) and m[f"biased{a}"])):
                yield from self.detach(t, a)
        if not (yield from self.is_pinned()):
            yield from self.give(detached=False)
            return
        late = "pinned is counted before the bit is seen" in self.left_out
        if not late:
            yield atomic("counts the chunk as pinned", lambda m: assign(m, "noted", True))
        mine = yield private(lambda m: m["owner_pins"])
        if "the chunk is detached in one step" in self.left_out:
            count, _ = yield read("chunk")
            left = yield atomic("stores the chunk's word", lambda m: assign(m, "chunk", (count + mine, True)))
        else:
            left = yield atomic("detaches the chunk", lambda m: assign(m, "chunk", (m["chunk"][0] + mine, True)))
        if left[0] == 0:
            yield atomic("counts it out", lambda m: assign(m, "noted", False))
            yield from self.give(detached=False)
        elif late:
            yield atomic("counts the chunk as pinned", lambda m: assign(m, "noted", True))

    # ---- who may do what

    def operations(self, m, t):
        new = next((h for h in range(self.handles) if m[f"of{h}"] is None), None)
        open_scope = self.scopes[m["scope"]] if m["scope"] < len(self.scopes) else ()
        if t == m["owner"] and m["scope"] < len(self.scopes):
            yield from self.operations_of_owner(m, open_scope, new, t)
            if "move" in self.uses and m["moves"] < MOVES:
                yield Lifetimes.detach_context, ()
        if m["owner"] == IN_TRANSIT:
            yield Lifetimes.attach_context, ()
        for a in self.allocations:
            yield from self.operations_on_kept(m, t, a, new)
            if m[f"pins{a}"]:
                yield Lifetimes.unpin_tensor, (a,)
                if m[f"pinned{a}"] != "twice":
                    yield Lifetimes.retain_pin, (a,)
            if m[f"holds{a}"]:
                yield Lifetimes.let_hold_go, (a,)
        for h in range(self.handles):
            if m[f"of{h}"] is not None and m[f"user{h}"] != "":
                yield from self.operations_on_handle(m, t, h, new)

    def operations_of_owner(self, m, open_scope, new, t):
        for keep in (None,) + (open_scope if "keep" in self.uses and open_scope is not self.scopes[-1] else ()):
            for in_c in (False, True) if open_scope is not self.scopes[-1] else (False,):
                yield Lifetimes.end_scope, (keep, in_c)
        for a in open_scope:
            if new is not None and (new == 0 or "one share" not in self.uses):
                yield Lifetimes.share_original, (a, new)
            if "mutable original" in self.uses and m[f"shared{a}"] and m[f"writer{a}"] == "":
                yield Lifetimes.mutable_original, (a,)
            if "write" in self.uses and m[f"writer{a}"] == OWNER and t not in m[f"wrote{a}"]:
                yield Lifetimes.write_bytes, (a,)
            if "pin" in self.uses and a not in self.wrapped and not m[f"shared{a}"] and not m[f"pinned{a}"]:
                yield Lifetimes.pin, (a,)
            if "hold" in self.uses and not m[f"held{a}"]:
                yield Lifetimes.hold, (a,)

    def operations_on_kept(self, m, t, a, new):
        if new is not None and m[f"result{a}"] and t == m["owner"]:
            yield Lifetimes.share_result, (a, new)
        if m[f"kept{a}"] == t:
            yield Lifetimes.end_kept, (a,)
            if m[f"writer{a}"] == t and "write" in self.uses and t not in m[f"wrote{a}"]:
                yield Lifetimes.write_bytes, (a,)

    def operations_on_handle(self, m, t, h, new):
        if "track" in self.uses and not m[f"tracked{h}"]:
            yield Lifetimes.track, (h,)
        if "try" in self.uses and new is not None:
            yield Lifetimes.share, (h, new, False)
        if "others" in self.uses and m[f"user{h}"] != t:
            yield Lifetimes.close, (h,)
            if "mutable" in self.uses:
                yield Lifetimes.mutable, (h, False)
                yield Lifetimes.mutable, (h, True)
        if not m[f"live{h}"] or m[f"user{h}"] != t:
            return
        yield Lifetimes.close, (h,)
        if new is not None:
            yield Lifetimes.share, (h, new, True)
        if "mutable" in self.uses:
            yield Lifetimes.mutable, (h, False)
        for to in self.threads if "others" not in self.uses else ():
            if to != t:
                yield Lifetimes.hand_over, (h, to)

    # ---- what must never be

    def wrong(self, m, buffers):
        if m["fault"]:
            return m["fault"]
        if m["given"] > 1:
            return "once: freed twice"
        if m["given"] and m["scope"] < len(self.scopes):
            return "held: freed while the context is open"
        for h in range(self.handles):
            if m[f"live{h}"]:
                a = m[f"of{h}"]
                if m[f"reused{a}"]:
                    return f"held: the bytes of {a} are handed out again while handle {h} is live"
                if m[f"writer{a}"]:
                    return f"frozen: {m[f'writer{a}']} writes {a} while handle {h} is live"
        for a in self.wrapped:
            if m[f"told{a}"] > 1:
                return f"told: the owner of {a} is told twice"
            if m[f"told{a}"] and any(a in scope for scope in self.scopes[m["dead"] :]):
                return f"told: the owner of {a} is told while its tensors are alive"
        for a in self.allocations:
            if m[f"result{a}"] and m[f"writer{a}"]:
                return f"frozen: {m[f'writer{a}']} writes {a} while closeKeeping's result is live"
            if not m[f"reused{a}"]:
                continue
            if m[f"reads{a}"]:
                return f"held: the bytes of {a} are handed out again while they are copied"
            if m[f"kept{a}"] or m[f"result{a}"] or m[f"pins{a}"] or m[f"holds{a}"]:
                return f"held: the bytes of {a} are handed out again under a tensor or a pin"
            for t in self.threads:
                if (t != m["owner"] or m["given"]) and any(name == f"bytes{a}" for name, _, _ in buffers[t]):
                    return f"bytes: a write of {t} is to come into bytes that are another's"
        return None

    def wrong_at_rest(self, m):
        handles = any(m[f"live{h}"] for h in range(self.handles))
        held = handles or any(m[f"kept{a}"] or m[f"pins{a}"] or m[f"holds{a}"] for a in self.allocations)
        if m["scope"] == len(self.scopes) and not held:
            if not m["given"]:
                return "freed: nobody holds the chunk and nobody frees it"
            for a in self.wrapped:
                if not m[f"told{a}"]:
                    return f"told: nobody holds {a} and nobody tells its owner"
            for h in range(self.handles) if "track" in self.uses else ():
                if m[f"resource{h}"] == "in":
                    return f"tracked: nobody closes what handle {h} tracks"
        return None


SHARES = Lifetimes(((0, 1),), "OB", 3)
SCOPES = Lifetimes(((0,), (1,)), "OB", 3, {"keep"})
PINS = Lifetimes(((0,), (1,)), "OB", 1, {"keep", "pin"})
MUTABLE = Lifetimes(((0,),), "OB", 3, {"mutable", "mutable original", "write"})
MUTABLE_OF_TWO = Lifetimes(((0, 1),), "OB", 2, {"mutable", "write"})
TRIES = Lifetimes(((0,),), "OB", 3, {"mutable", "mutable original", "try"})
TRIES_OF_THREE = Lifetimes(((0,),), "OBC", 2, {"mutable", "mutable original", "try"})
CLOSES = Lifetimes(((0,),), "OB", 3, {"others", "try"})
CLOSES_OF_THREE = Lifetimes(((0,),), "OBC", 2, {"others"})
MUTABLE_OF_OTHERS = Lifetimes(((0,),), "OB", 2, {"others", "mutable", "mutable original", "try"})
HOLDS = Lifetimes(((0,),), "OB", 1, {"hold", "mutable", "mutable original"})
TRACKED = Lifetimes(((0,),), "OB", 1, {"others", "track"})
TRACKED_MUTABLE = Lifetimes(((0,),), "OB", 1, {"others", "track", "mutable"})
KEPT = Lifetimes(((0,), (1,)), "OB", 1, {"mutable", "keep"})
WRAPPED = Lifetimes(((0,), (1,)), "OB", 2, {"mutable", "keep", "hold"}, wrapped=(0,))
WRAPPED_OF_OTHERS = Lifetimes(((0,),), "OB", 2, {"others", "try", "mutable"}, wrapped=(0,))
MOVED = Lifetimes(((0,), (1,)), "OB", 2, {"move"})
MOVED_OF_OTHERS = Lifetimes(((0,),), "OB", 2, {"move", "others"})
MOVED_MUTABLE = Lifetimes(((0,),), "OB", 2, {"move", "mutable original", "try", "write"})

THE_PROTOCOL = (
    ("shares of two allocations", SHARES),
    ("scopes, one after the other, and closeKeeping", SCOPES),
    ("pins of native code beside them", PINS),
    ("mutable, and writes", MUTABLE),
    ("mutable in a chunk of two allocations", MUTABLE_OF_TWO),
    ("tryShare against close and mutable", TRIES),
    ("tryShare on three threads", TRIES_OF_THREE),
    ("anybody closes any handle", CLOSES),
    ("anybody closes any handle, three threads", CLOSES_OF_THREE),
    ("anybody closes any handle, or makes it mutable", MUTABLE_OF_OTHERS),
    ("TensorPins against mutable", HOLDS),
    ("closeKeeping of what a resource shares", KEPT),
    ("what is tracked by a handle that anybody closes", TRACKED),
    ("what is tracked by a handle that anybody closes or makes mutable", TRACKED_MUTABLE),
    ("wrapped memory: handles, mutable, closeKeeping, TensorPins", WRAPPED),
    ("contexts that move, and shares", MOVED),
    ("contexts that move, whose handles anybody closes", MOVED_OF_OTHERS),
    ("contexts that move, tryShare and mutable", MOVED_MUTABLE),
    ("wrapped memory, whose handles anybody closes or makes mutable", WRAPPED_OF_OTHERS),
)

# Each rule, and the models that break without it.
MUTANTS = (
    ("only a detached word frees", SHARES),
    ("only a detached chunk is freed", PINS),
    ("retains are unconditional before detach", SHARES),
    ("a retain is refused at zero", TRIES),
    ("the decrement is one step", SHARES),
    ("a release has release order", MUTABLE_OF_TWO),
    ("detach is one step", SHARES),
    ("the original is a holder", SHARES),
    ("the bias ends with the scope", SHARES),
    ("the scope's end walks its list", SHARES),
    ("the owner unpins what nobody holds", SHARES),
    ("what is pinned is not handed out", SCOPES),
    ("a pin raises the floor", SCOPES),
    ("the chunk is detached in one step", SHARES),
    ("pinned is counted before the bit is seen", SHARES),
    ("a share freezes", SHARES),
    ("the owner asks for the word, too", MUTABLE),
    ("a fence before the owner asks", TRIES),
    ("claim closes before it asks", MUTABLE_OF_OTHERS),
    ("a share looks at the handle again", TRIES),
    ("a copy holds what it reads", MUTABLE_OF_OTHERS),
    ("a take is a compare-and-set", CLOSES),
    ("handles of the owner's are listed", CLOSES),
    ("the list ends with the scope", CLOSES),
    ("listed handles are looked at", CLOSES),
    ("what the owner counts it marks", CLOSES),
    ("who finds the list ended looks at closed", CLOSES),
    ("who takes looks at closed first", MUTABLE_OF_OTHERS),
    ("a close during a claim is noted", MUTABLE_OF_OTHERS),
    ("who claimed looks for closes", MUTABLE_OF_OTHERS),
    ("a handle is opened again in one step", MUTABLE_OF_OTHERS),
    ("who adds looks at the handle again", TRACKED_MUTABLE),
    ("who ends it seals", TRACKED),
    ("who has taken looks again", TRACKED),
    ("what is attached is listed", TRACKED),
    ("a close that missed something is done again", TRACKED),
    ("a TensorPin is a holder", HOLDS),
    ("the hold of a kept result is passed on", KEPT),
    ("wrapped memory is held from the start", WRAPPED),
    ("whoever lets go last tells", WRAPPED),
    ("tensors die before their holds go", WRAPPED),
    ("an end tells when it is complete", WRAPPED),
    ("a detach is a release", MOVED),
    ("one attach wins", MOVED),
    ("in transit everybody counts in the word", MOVED_OF_OTHERS),
    ("in transit handles are listed, too", MOVED_OF_OTHERS),
    ("what has been detached stays so", MOVED),
)

if __name__ == "__main__":
    main(
        THE_PROTOCOL,
        [(f"without: {rule}", [model.but(rule)]) for rule, model in MUTANTS],
    )
