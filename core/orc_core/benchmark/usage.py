"""What processes have used, from the kernel.

Invariant: looking costs microseconds and starts nothing; where the system does not tell (no
`/proc`), zero is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_HEARTBEAT_S = 0.001


@dataclass(frozen=True, slots=True)
class Used:
    """Processor seconds used by us, by the tmux clients we run, and by a server."""

    own_s: float
    clients_s: float
    server_s: float

    def since(self, before: Used) -> Used:
        return Used(
            self.own_s - before.own_s,
            self.clients_s - before.clients_s,
            self.server_s - before.server_s,
        )


class Meter:
    """Measures what is used between `start` and `stop`; its own looking is not counted as ours."""

    def __init__(self, server_pid: int, clients: Iterable[int]) -> None:
        self._server_pid = server_pid
        self._clients = tuple(clients)
        self._before = Used(0.0, 0.0, 0.0)

    def start(self) -> None:
        clients_s, server_s = self._others()
        self._before = Used(time.process_time(), clients_s, server_s)

    def stop(self) -> Used:
        own_s = time.process_time()
        return Used(own_s, *self._others()).since(self._before)

    def _others(self) -> tuple[float, float]:
        """The clients, those that ended once they were waited for, and the server."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        clients_s = ended.ru_utime + ended.ru_stime + sum(map(_seconds, self._clients))
        return clients_s, _seconds(self._server_pid)


def children() -> set[int]:
    """The processes that we started and that run still."""
    found: set[int] = set()
    for task in (_PROC / "self" / "task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, task.read_text().split()))
    return found


def _seconds(pid: int) -> float:
    with contextlib.suppress(OSError, ValueError):
        return int((_PROC / str(pid) / "schedstat").read_text().split()[0]) / 1e9
    return 0.0


class Heartbeat:
    """Measures for how long at most the event loop was kept from running anything else."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Heartbeat:
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _beat(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(_HEARTBEAT_S)
            now = time.perf_counter()
            self.longest_s = max(self.longest_s, now - before - _HEARTBEAT_S)
            before = now
