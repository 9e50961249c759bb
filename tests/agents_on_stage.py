"""Makers of panes and rules that the tests of agents share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from corpus_screens import read_screen
from observed import Stage
from orc_core.agents.processes import Facts
from orc_core.agents.rules import RuleSet, load
from orc_core.model.agent import PaneRef
from orc_core.tmux.watcher import PaneInfo

NOW = 1_800_000_000.0


@pytest.fixture(scope="session")
def rules() -> RuleSet:
    return load()


@pytest.fixture
def screen() -> Callable[[str], tuple[str, ...]]:
    """The lines of a screen of the corpus by `AGENT/NAME`."""
    return read_screen


@pytest.fixture
def pane() -> Callable[..., PaneInfo]:
    """A pane's facts, any of which may be given by name."""

    def make(**given: object) -> PaneInfo:
        facts: dict[str, object] = {
            "pane": PaneRef("/tmp/s", 7, "%1", 100),
            "session": "shop",
            "window": "w",
            "where": "shop:3.0",
            "cwd": "/home/me/shop",
            "command": "claude",
            "title": "",
            "tty": "/dev/pts/9",
            "width": 80,
            "height": 24,
            "dead": False,
            "dead_status": None,
            "dead_signal": None,
            "alternate": False,
            "in_mode": False,
            "active": True,
            "session_attached": 0,
        }
        return PaneInfo(**(facts | given))  # type: ignore[arg-type]

    return make


class Machine:
    """A machine with the processes that a test puts on it."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[Facts, tuple[str, ...]]] = {}

    def put(
        self,
        pid: int,
        *argv: str,
        parent: int = 1,
        foreground: int = 0,
        start: str = "1",
        state: str = "S",
        cpu_s: float = 0.0,
        started_at: float = NOW,
        group: int = 0,
        exit_status: int | None = None,
    ) -> None:
        times = (start, started_at, cpu_s)
        facts = Facts(pid, parent, argv[0], state, foreground, *times, group, exit_status)
        self.known[pid] = (facts, argv)

    def end(self, pid: int) -> None:
        del self.known[pid]

    def facts(self, pid: int) -> Facts | None:
        return self.known[pid][0] if pid in self.known else None

    def argv(self, pid: int) -> tuple[str, ...]:
        return self.known[pid][1] if pid in self.known else ()

    def children(self, pid: int) -> tuple[int, ...]:
        return tuple(sorted(one for one, (facts, _) in self.known.items() if facts.parent == pid))


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def stage(
    rules: RuleSet,
    machine: Machine,
    tmp_path: Path,
    screen: Callable[[str], tuple[str, ...]],
    pane: Callable[..., PaneInfo],
) -> Stage:
    """An observer with panes to move about, on that machine."""
    return Stage(rules, machine, tmp_path, screen, pane)
