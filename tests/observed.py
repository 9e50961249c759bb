"""An observer with panes that tests move about, under a clock that they turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from orc_core.agents.observer import Observer
from orc_core.model.agent import Agent, PaneRef
from orc_core.model.health import LinkState
from orc_core.tmux.watcher import PaneInfo, Sighting, Tick
from orc_storage.records import LiveRow

T: Final = 1_800_000_000.0
SERVER: Final = "/tmp/s"


class Turned:
    """A clock that stands where a test puts it."""

    def __init__(self) -> None:
        self.at = T

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, delay_s: float) -> None:
        self.at += delay_s


class Stage:
    """A observer with panes that tests move about."""

    def __init__(self, rules, machine, home: Path, screen, pane) -> None:  # type: ignore[no-untyped-def]
        self.rules, self.machine, self.home = rules, machine, home
        self.screen, self.make = screen, pane
        self.clock = Turned()
        self.panes: dict[str, tuple[PaneInfo, tuple[str, ...] | None]] = {}
        self.observer = self.open()

    def open(self, known: tuple[LiveRow, ...] = ()) -> Observer:
        self.observer = Observer(self.rules, self.clock, self.home, known, processes=self.machine)
        return self.observer

    def put(self, pane_id: str, lines: str | tuple[str, ...] = (), **facts: object) -> None:
        number = int(pane_id[1:])
        info = {"pane": PaneRef(SERVER, 7, pane_id, 100 + number), "where": f"shop:{number}.0"}
        shown = self.screen(lines) if isinstance(lines, str) else lines
        self.panes[pane_id] = (self.make(**(info | facts)), shown)

    def tick(self, after_s: float = 0.0, *, gone: tuple[PaneRef, ...] = ()) -> bool:
        self.clock.at += after_s
        sightings = tuple(
            Sighting(info, lines, None, self.clock.at) for info, lines in self.panes.values()
        )
        live = LinkState.LIVE
        return self.observer.apply(Tick(self.clock.at, live, sightings, gone, True, 0, 0.0))

    def agent(self, pane_id: str = "%1") -> Agent:
        key = f"{SERVER}:{pane_id}"
        return next(agent for agent in self.observer.agents() if agent.key == key)

    def session(self, pid: int, status: str, **more: str) -> None:
        folder = self.home / ".claude" / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        body = {"pid": pid, "procStart": "1", "status": status} | more
        (folder / f"{pid}.json").write_text(json.dumps(body))
