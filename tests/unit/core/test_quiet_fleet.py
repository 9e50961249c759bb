"""What is asked of the core every second, for every agent, takes next to nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

from orc_core.agents.names import NameBook
from orc_core.agents.rules import load
from orc_core.agents.sources import NOTHING, Report, Subject
from orc_core.clock import SystemClock
from orc_core.fleet import Fleet
from orc_core.model.activity import Deeds
from orc_core.switches import Switches
from orc_core.tmux.server import Address
from orc_core.watch import WatchSetup

CALLS_MAX = 20


class Silent:
    """A source that tells of nobody."""

    def report(self, subject: Subject, now: float) -> Report:
        return NOTHING


class Knowing(Silent):
    """One that knows what every agent did."""

    def deeds(self, key: str) -> Deeds | None:
        return Deeds(since=1.0) if key == "/s:%1" else None


def test_asking_what_an_agent_did_takes_few_calls(tmp_path: Path) -> None:
    sources = (Silent(), Silent(), Knowing())
    setup = WatchSetup(
        SystemClock(), load(), tmp_path, NameBook([]), set, Switches(), sources=sources
    )
    fleet = Fleet([Address(str(tmp_path / "s"))], setup, read_only=True, environ={})
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        told, untold = fleet.deeds("/s:%1"), fleet.deeds("/s:%2")
    finally:
        sys.setprofile(None)
    assert told == Deeds(since=1.0)
    assert untold is None
    assert calls <= CALLS_MAX, "a protocol is asked for, again and again"
