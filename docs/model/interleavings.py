"""Runs a few threads in every order that there is, action by action: what the models of this folder share.

An operation is a generator, written as the code that it stands for; each `yield` is one action on memory that threads
share, and between two actions anything else may happen. A state is the memory, what waits in the threads' store buffers,
and how far each thread is. `explore` visits every state that can be reached, nearest first, and returns the shortest way
to one that is wrong.

The machine. Loads happen in the order of the program and see the thread's own stores. A plain store waits in the thread's
buffer and reaches memory at any later time, before or after the thread's other stores, but for those to the same variable.
A release store does not overtake what was stored before it. An atomic action waits until the thread's buffer is empty. That
is weaker than x86-64, where stores keep their order, and stronger than AArch64 and Java's memory model, where loads may be
late, too: what only a late load would break is not found here.

    python3 MODEL.py                    the protocol: nothing wrong
    python3 MODEL.py --mutants          and each rule left out in turn, and each known fault: all must be found
    python3 MODEL.py --mutants --ways   with the shortest way to each
"""
import multiprocessing
import sys
import time
from collections import deque


class Action:
    """One step of an operation; `run` changes the memory, a dict, and returns what the operation gets to know."""

    def __init__(self, label, run, kind, variable=None, enabled=None):
        self.label, self.run, self.kind, self.variable, self.enabled = label, run, kind, variable, enabled


def read(variable, then=None):
    """A load. `then(memory, value)` changes what only the checks look at, in the same moment."""
    return Action(f"reads {variable}", then, "read", variable)


def write(variable, value):
    """A plain store."""
    return Action(f"stores {variable} = {value}", lambda m: value, "write", variable)


def write_release(variable, value):
    return Action(f"stores {variable} = {value}, released", lambda m: value, "release", variable)


def atomic(label, run):
    """One action on memory, after all that this thread stored before."""
    return Action(label, run, "atomic")


def relaxed(label, run):
    """One action on memory, which the thread's earlier stores may be behind."""
    return Action(label, run, "relaxed")


def wait(label, until, run):
    """As atomic, but blocked while `until(memory)` is false."""
    return Action(label, run, "atomic", enabled=until)


def private(run):
    """An action on what no other thread looks at: it is no point at which others could come in between."""
    return Action("", run, "private")


# What actions do to memory.


def add(m, name, n):
    m[name] += n


def assign(m, name, value):
    m[name] = value
    return value


def swap(m, name, value):
    before = m[name]
    m[name] = value
    return before


class Model:
    """To be extended: what the threads may do, and what is wrong."""

    threads = ""

    def start(self):
        """The memory at first: a dict from names to values that can be hashed."""
        raise NotImplementedError

    def operations(self, m, thread):
        """What a thread may do next: pairs of a generator function of this model and its arguments."""
        raise NotImplementedError

    def wrong(self, m, buffers):
        """What must never be, in words, or None. Buffers: for each thread what waits, as variable,
        value, whether it is a release store."""
        raise NotImplementedError

    def wrong_at_rest(self, m):
        """The same for states in which no thread is doing anything and no store waits."""
        return None


def seen_by(m, buffer, variable):
    for name, value, _ in reversed(buffer):
        if name == variable:
            return value
    return m[variable]


def perform(m, buffer, action):
    """Carries an action out on the memory, in place; returns the thread's buffer and what it gets to know."""
    if action.kind == "read":
        value = seen_by(m, buffer, action.variable)
        if action.run is not None:
            action.run(m, value)
        return buffer, value
    if action.kind in ("write", "release"):
        return buffer + ((action.variable, action.run(m), action.kind == "release"),), None
    if action.kind == "atomic":
        for variable, value, _ in buffer:
            m[variable] = value
        buffer = ()
    return buffer, action.run(m)


def reachable_stores(buffer):
    """The places of the stores that may reach memory next."""
    for i, (variable, _, released) in enumerate(buffer):
        if i == 0 or not released and all(before != variable for before, _, _ in buffer[:i]):
            yield i


def successors(model, names, state):
    """Yields (what happens, next state)."""
    memory, buffers, running = state
    for t, thread in enumerate(model.threads):
        buffer = buffers[t]
        for i in reachable_stores(buffer):
            name, value, _ = buffer[i]
            at = names[name]
            yield (
                f"{thread}'s {name} = {value} reaches memory",
                (memory[:at] + (value,) + memory[at + 1:], put(buffers, t, buffer[:i] + buffer[i + 1:]), running),
            )
        if running[t] is not None:
            begun = [running[t]]
        else:
            m = dict(zip(names, memory))
            begun = [(operation, arguments, ()) for operation, arguments in model.operations(m, thread)]
        for operation, arguments, log in begun:
            step = advance(model, names, memory, buffer, thread, operation, arguments, log)
            if step is not None:
                label, after, own, going = step
                yield label, (after, put(buffers, t, own), put(running, t, going))


def advance(model, names, memory, buffer, thread, operation, arguments, log):
    """One action of an operation, with the private ones before and behind it. None if it has to wait."""
    m = dict(zip(names, memory))
    going = operation(model, thread, *arguments)
    action = next(going, None)
    for known in log:
        action = send(going, known)
    label = None
    while action is not None:
        if action.kind != "private":
            if label is not None:
                break  # the next step
            if action.enabled is not None and not action.enabled(m):
                return None
            label = action.label
        buffer, known = perform(m, buffer, action)
        log += (known,)
        action = send(going, known)
    said = f"{thread} {operation.__name__}{''.join(f' {a}' for a in arguments)}"
    return said + (f": {label}" if label else ""), tuple(m.values()), buffer, (operation, arguments, log) if action else None


def send(generator, value):
    try:
        return generator.send(value)
    except StopIteration:
        return None


def put(items, index, value):
    return items[:index] + (value,) + items[index + 1:]


def explore(model):
    """Returns (number of states, the shortest way to a wrong one as lines, or None)."""
    first = model.start()
    names = {name: i for i, name in enumerate(first)}
    idle = (None,) * len(model.threads)
    start = (tuple(first.values()), ((),) * len(model.threads), idle)
    came, queue = {start: None}, deque([start])
    while queue:
        state = queue.popleft()
        memory, buffers, running = state
        m = dict(zip(names, memory))
        wrong = model.wrong(m, dict(zip(model.threads, buffers)))
        if wrong is None and running == idle and not any(buffers):
            wrong = model.wrong_at_rest(m)
        moved = wrong is not None
        if wrong is None:
            for label, following in successors(model, names, state):
                moved = True
                if following not in came:
                    came[following] = (label, state)
                    queue.append(following)
        if not moved and running != idle:
            wrong = "every thread waits for another"
        if wrong is not None:
            way, at = [wrong], state
            while came[at] is not None:
                label, at = came[at]
                way.append(label)
            return len(came), way[::-1]
    return len(came), None


tasks = []  # lists of models, for processes that are forked: a model is no data that could be sent


def first_wrong(i):
    """Explores the models of a task until one is wrong, and returns what `explore` says of the last."""
    for model in tasks[i]:
        count, way = explore(model)
        if way is not None:
            break
    return count, way


def main(models, mutants, known=()):
    """
    Explores the models, which must hold, and with --mutants what must not: pairs of a name and its models, of which one has
    to be found wrong. `known` are likewise faults that the code still has. The exit status is 1 if anything is otherwise.
    """
    begin = time.monotonic()
    failed = False
    wrong = []
    if "--mutants" in sys.argv[1:]:
        wrong = [(f"mutant: {name}", tried) for name, tried in mutants]
        wrong += [(f"known fault: {name}", tried) for name, tried in known]
    tasks.extend([model] for _, model in models)
    tasks.extend(tried for _, tried in wrong)
    with multiprocessing.get_context("fork").Pool() as pool:
        explored = pool.imap(first_wrong, range(len(tasks)))
        for (name, _), (count, way) in zip(models, explored):
            failed |= way is not None
            print(f"{name}: {count} states, {'nothing wrong' if way is None else 'WRONG'}")
            show(way)
        for (name, _), (_, way) in zip(wrong, explored):
            failed |= way is None
            print(f"{name}: {'NOT FOUND' if way is None else way[-1]}")
            show(way if "--ways" in sys.argv[1:] else None)
    print(f"{time.monotonic() - begin:.1f} s")
    sys.exit(1 if failed else 0)


def show(way):
    for line in way or ():
        print("    " + line)
