"""Ending an agent: which processes it is, which signals it gets, and whether they worked.

Invariant: a signal goes to a process whose pid and start were checked just before, through a
handle of that very process where the system has one. The shell that an agent was typed into,
its other children and the tmux server are never sent anything. What is reported was seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.agents.kinds import program_kind
from orc_core.agents.processes import (
    Facts,
    Processes,
    PsTable,
    foreground,
    in_group,
    is_shell,
    is_wrapper,
    short_command,
    walk,
)
from orc_core.agents.rules import RuleSet
from orc_core.clock import Clock
from orc_core.lifecycle.supervision import Exit
from orc_core.model.agent import OTHER
from orc_core.text import clean
from orc_core.tmux.making import Seen

LOOK_EVERY_S: Final = 0.05
KILLED_WITHIN_S: Final = 2.0
NAMED_MAX: Final = 3
GRACEFUL: Final = (signal.SIGTERM,)


@dataclass(frozen=True, slots=True)
class Occupant:
    """The process that an agent is; `owns_pane` where the pane runs it and nothing else."""

    facts: Facts
    owns_pane: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """Whether an agent's process is known to be over, and how that came about."""

    ok: bool
    steps: tuple[str, ...]


async def refreshed(processes: Processes) -> Processes:
    """The same processes, with what they know brought up to date where that takes a while."""
    if isinstance(processes, PsTable):
        await asyncio.to_thread(processes.read_now)
    return processes


def occupant(
    processes: Processes, rules: RuleSet, pane_pid: int, *, kind: str, argv: Sequence[str] = ()
) -> Occupant | None:
    """The agent's process in a pane: the pane's own, or what runs in the shell there.

    In a shell it has to be of that `kind`, or run that `argv`; None where there is no such.
    """
    own = processes.facts(pane_pid)
    if own is None or own.state == "Z":
        return None
    line = processes.argv(pane_pid)
    if not is_shell(line[0] if line else own.name) or is_wrapper(line):
        return Occupant(own, owns_pane=True)
    front = foreground(processes, pane_pid)
    children = sorted(processes.children(pane_pid), key=lambda pid: pid != front)
    for pid in children:
        leader = processes.facts(pid)
        if leader is None or leader.state == "Z":
            continue
        if any(_matches(processes, rules, one, kind, argv) for one in in_group(processes, leader)):
            return Occupant(leader, owns_pane=False)
    return None


async def end(
    processes: Processes,
    clock: Clock,
    leader: Facts,
    *,
    signals: Sequence[signal.Signals] = GRACEFUL,
    timeout_s: float = 5.0,
    force: bool = False,
) -> Ended:
    """Ask an agent's process group to end, and end it by force when `timeout_s` are over.

    With `force` nobody is asked. What it started outside of its group is ended with it only
    by force, and named where it runs on.
    """
    steps: list[str] = []
    if not lives(processes, leader):
        return Ended(True, ("it had ended already",))
    began_s = clock.monotonic()
    group: dict[int, Facts] = {leader.pid: leader}
    family = dict(group)

    def gather() -> None:
        family.update({facts.pid: facts for _, facts in walk(processes, leader.pid)})
        group.update({facts.pid: facts for facts in in_group(processes, leader)})

    gather()
    for number in () if force else signals:
        sent = _send_all(processes, group.values(), number)
        steps.append(f"{number.name} to {_counted(leader, sent)}")
        stopped = [one for pid in group if (one := processes.facts(pid)) and one.state == "T"]
        _send_all(processes, stopped, signal.SIGCONT)
        if await _over(processes, clock, list(group.values()), timeout_s / len(signals)):
            break
        gather()
    if any(lives(processes, facts) for facts in group.values()):
        if not force:
            steps.append(f"still there after {clock.monotonic() - began_s:.0f} s")
        gather()
        sent = _send_all(processes, family.values(), signal.SIGKILL)
        steps.append(f"SIGKILL to {_counted(leader, sent)}")
        if not await _over(processes, clock, list(family.values()), KILLED_WITHIN_S):
            steps.append("it does not end: the system keeps it, look at it with ps")
            return Ended(False, tuple(steps))
    steps.append(f"ended after {clock.monotonic() - began_s:.1f} s")
    left = [facts for facts in family.values() if lives(processes, facts)]
    if left:
        steps.append(f"runs on, it left its group: {_named(processes, left)}")
    return Ended(True, tuple(steps))


def lives(processes: Processes, known: Facts) -> bool:
    """Whether that very process still runs; one that only waits to be asked about does not."""
    now = processes.facts(known.pid)
    return now is not None and now.start == known.start and now.state not in ("Z", "X")


def send(processes: Processes, known: Facts, number: signal.Signals) -> bool:
    """Send a signal to that very process and to no other; False where it is over, or not ours."""
    if known.pid <= 1 or known.pid == os.getpid():
        return False
    try:
        handle = os.pidfd_open(known.pid)
    except AttributeError:
        return _kill(processes, known, number)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM, errno.EINVAL):
            return _kill(processes, known, number)
        return False
    try:
        # From here on the handle means this process; was it the one that is meant?
        if not lives(processes, known):
            return False
        signal.pidfd_send_signal(handle, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)
    return True


def how_it_ended(processes: Processes, seen: Seen) -> Exit | None:
    """How the program of a dead pane ended; None while nobody says.

    A terminal closes a moment before tmux has a status, and tmux 3.3a misses the end of some
    children altogether, which then stay zombies.
    """
    if seen.status is not None or seen.signal is not None:
        return Exit(seen.status, seen.signal)
    facts = processes.facts(seen.pane.pid)
    if facts is None or facts.state != "Z" or facts.exit_status is None:
        return None
    return Exit(facts.exit_status >> 8, (facts.exit_status & 0x7F) or None)


def _kill(processes: Processes, known: Facts, number: signal.Signals) -> bool:
    if not lives(processes, known):
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(known.pid, number)
        return True
    return False


def _send_all(processes: Processes, all: Iterable[Facts], number: signal.Signals) -> int:
    return sum(send(processes, facts, number) for facts in all)


async def _over(
    processes: Processes, clock: Clock, known: Sequence[Facts], timeout_s: float
) -> bool:
    deadline_s = clock.monotonic() + timeout_s
    while any(lives(processes, facts) for facts in known):
        if clock.monotonic() >= deadline_s:
            return False
        await clock.sleep(LOOK_EVERY_S)
        await refreshed(processes)
    return True


def _matches(
    processes: Processes, rules: RuleSet, facts: Facts, kind: str, argv: Sequence[str]
) -> bool:
    line = processes.argv(facts.pid)
    if kind and kind != OTHER:
        return program_kind(rules, line, facts.name) == kind
    return bool(argv) and tuple(line) == tuple(argv)


def _counted(leader: Facts, sent: int) -> str:
    more = f" and {sent - 1} more" if sent > 1 else ""
    return f"pid {leader.pid}{more}" if sent else f"pid {leader.pid}, which refused it"


def _named(processes: Processes, left: Sequence[Facts]) -> str:
    names = [
        clean(f"{short_command(processes.argv(one.pid)) or one.name} (pid {one.pid})", limit=80)
        for one in left[:NAMED_MAX]
    ]
    more = f" and {len(left) - NAMED_MAX} more" if len(left) > NAMED_MAX else ""
    return ", ".join(names) + more
