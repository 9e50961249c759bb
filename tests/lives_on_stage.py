"""A wing of lives on a real store and a private tmux server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from clocks import wait_for
from orc_core.agents.processes import system_processes
from orc_core.agents.rules import load
from orc_core.clock import Clock, SystemClock
from orc_core.lifecycle.ending import how_it_ended
from orc_core.lifecycle.supervision import Exit
from orc_core.lifecycle.wing import Lifecycle
from orc_core.model.agent import Agent, Evidence, PaneRef, Source, State, Waiting
from orc_core.model.life import Known
from orc_core.tmux.making import Seen, look
from orc_storage import journal
from orc_storage.database import Database
from orc_storage.records import OPERATOR, Entry
from private_tmux import PrivateTmux
from stores import open_store


@dataclass
class Life:
    """What a test acts on."""

    wing: Lifecycle
    tmux: PrivateTmux
    db: Database
    folder: Path

    async def seen(self, name: str) -> Seen:
        """The pane that was made for an agent."""
        return next(one for one in await look(self.tmux.address) if one.mark == name)

    async def known(self, name: str) -> Known:
        return await self.wing.crew.get(name)

    async def pane(self, name: str) -> PaneRef:
        pane = (await self.known(name)).pane
        assert pane is not None
        return pane

    async def entries(self) -> list[Entry]:
        return await self.db.read(lambda conn: journal.since(conn, 0))

    async def until_dead(self, name: str) -> Exit:
        """Wait until it is known how the program of an agent ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 10.0
        while True:
            seen = await self.seen(name)
            exit = how_it_ended(self.wing.processes, seen) if seen.dead else None
            if exit is not None:
                return exit
            assert loop.time() < deadline, f"{name} does not end"

    def program(self, text: str, name: str = "agent.sh") -> str:
        """A program of the test, as an absolute path."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    async def started(self, mark: str) -> None:
        """Wait until a program of the test says that it runs, by making this file."""
        await wait_for(lambda: (self.folder / mark).exists(), 10.0)

    def note_server(self) -> int:
        """Have the server ended after the test that something else started."""
        pid = int(self.tmux.run("display-message", "-p", "#{pid}"))
        self.tmux.pids.append(pid)
        return pid


@asynccontextmanager
async def living(
    tmux: PrivateTmux,
    folder: Path,
    *,
    clock: Clock | None = None,
    actor: str = OPERATOR,
    environ: dict[str, str] | None = None,
) -> AsyncIterator[Life]:
    """The wing of lives of a store in `folder`."""
    clock = clock or SystemClock()
    given = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "screen"}
    async with open_store(folder / "workspace", clock) as db:
        wing = Lifecycle(
            db,
            tmux.address,
            load(),
            clock,
            actor=actor,
            environ=given | (environ or {}),
            cwd=folder,
        )
        yield Life(wing, tmux, db, folder)


def agent_in(tmux: PrivateTmux, pane_id: str, kind: str, name: str) -> Agent:
    """A pane as the fleet shows it."""
    told = tmux.run(
        *("display-message", "-p", "-t", pane_id),
        "#{start_time} #{pane_pid} #{pane_current_command} #{session_name} #{pane_current_path}",
    )
    start, pid, command, session, cwd = told.split(" ", 4)
    pane = PaneRef(tmux.socket_path, int(start), pane_id, int(pid))
    evidence = Evidence(Source.SCREEN, "test", 0.0)
    return Agent(
        key=pane.key,
        name=name,
        kind=kind,
        pane=pane,
        where=f"{session}:0.0",
        session=session,
        cwd=cwd,
        command=command,
        title="",
        state=State.IDLE,
        waiting=Waiting.NONE,
        since=0.0,
        changed_at=0.0,
        evidence=evidence,
    )


def lives(pid: int) -> bool:
    """Whether a process runs and is no zombie."""
    facts = system_processes().facts(pid)
    return facts is not None and facts.state != "Z"


def end(pid: int) -> None:
    """End a process of the test."""
    os.kill(pid, signal.SIGKILL)
