"""Panes of which nothing is seen: judged when time changes them, and each in its turn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from clocks import TurnedClock
from orc_core.agents.observer import TURN_ROUND, Observer
from orc_core.agents.occupancy import LOOK_AGAIN_S, LOOK_ANEW_S
from orc_core.agents.processes import Glance
from orc_core.agents.rules import RuleSet
from orc_core.model.agent import Agent, PaneRef, State
from orc_core.model.health import LinkState
from orc_core.tmux.watcher import PaneInfo, Sighting, Tick

pytest_plugins = ("agents_on_stage",)

WORKING = "claude/working-spinner"
IDLE = "claude/idle-turn-ended"


class Counted:
    """A machine that counts how often it is asked about a process."""

    def __init__(self, machine) -> None:  # type: ignore[no-untyped-def]
        self.machine = machine
        self.asked: list[int] = []

    def facts(self, pid: int):  # type: ignore[no-untyped-def]
        self.asked.append(pid)
        return self.machine.facts(pid)

    def argv(self, pid: int) -> tuple[str, ...]:
        return self.machine.argv(pid)  # type: ignore[no-any-return]

    def children(self, pid: int) -> tuple[int, ...]:
        return self.machine.children(pid)  # type: ignore[no-any-return]


class Stage:
    """An observer that is told of what is new alone, as a watcher does it."""

    def __init__(self, rules, machine, home: Path, screen, pane) -> None:  # type: ignore[no-untyped-def]
        self.machine, self.home, self.screen, self.pane = machine, home, screen, pane
        self.clock = TurnedClock()
        self.counted = Counted(machine)
        self.observer = Observer(rules, self.clock, home, processes=self.counted)

    def tick(
        self,
        *news: tuple[int, str | None],
        after_s: float = 0.0,
        complete: bool = True,
        **facts: object,
    ) -> bool:
        """News of panes, (number, screen or None for the same), after so many seconds."""
        self.clock.turn(after_s)
        seen = []
        for number, name in news:
            ref = PaneRef("/tmp/s", 7, f"%{number}", 100 + number)
            info = self.pane(**({"pane": ref, "where": f"shop:{number}.0"} | facts))
            lines = None if name is None else self.screen(name)
            seen.append(Sighting(info, lines, None, self.clock.now()))
        state = LinkState.LIVE if complete else LinkState.STALE
        return self.observer.apply(
            Tick(self.clock.now(), state, (), (), complete, 0, 0.0, news=tuple(seen))
        )

    def agent(self, number: int = 1) -> Agent:
        return next(one for one in self.observer.agents() if one.key == f"/tmp/s:%{number}")

    def session(self, pid: int, status: str) -> None:
        folder = self.home / ".claude" / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        body = {"pid": pid, "procStart": "1", "status": status}
        (folder / f"{pid}.json").write_text(json.dumps(body))


@pytest.fixture
def stage(  # type: ignore[no-untyped-def]
    rules: RuleSet,
    machine,
    tmp_path: Path,
    screen: Callable[[str], tuple[str, ...]],
    pane: Callable[..., PaneInfo],
) -> Stage:
    return Stage(rules, machine, tmp_path, screen, pane)


def test_idle_comes_when_its_time_has_come_without_further_news(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.tick((1, WORKING))
    stage.tick((1, IDLE), after_s=1.0)
    assert stage.agent().state is State.WORKING
    assert not stage.tick(after_s=1.0)
    assert stage.tick(after_s=1.0)
    assert stage.agent().state is State.DONE


def test_silence_is_told_and_counted_without_news(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.session(101, "busy")
    stage.tick((1, WORKING))
    assert stage.tick(after_s=15 * 60.0)
    assert stage.agent().does == "silent 15m"
    assert stage.tick(after_s=60.0)
    assert stage.agent().does == "silent 16m"


def test_a_session_file_that_changes_is_heeded_at_once(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.machine.put(102, "claude")
    stage.session(101, "busy")
    stage.tick((1, IDLE), (2, IDLE))
    assert stage.agent().state is State.WORKING
    assert not stage.tick(after_s=0.1)
    stage.session(101, "waiting")
    assert stage.tick(after_s=0.1)
    assert stage.agent().state is State.WAITING
    stage.clock.turn(3.0)
    stage.session(102, "busy")
    assert stage.tick(after_s=0.1)
    assert stage.agent(2).state is State.WORKING


def test_an_agent_that_ends_in_silence_is_found_in_its_turn(stage: Stage) -> None:
    for number in range(1, 41):
        stage.machine.put(100 + number, "bash", foreground=200 + number)
        stage.machine.put(200 + number, "claude", parent=100 + number)
    stage.tick(*((number, WORKING) for number in range(1, 41)))
    for number in range(1, 41):
        stage.machine.end(200 + number)
        stage.machine.put(100 + number, "bash", foreground=100 + number)
    ended = 0
    for _ in range(TURN_ROUND + 1):
        stage.tick(after_s=1.0)
        now = sum("bash is left" in one.does for one in stage.observer.agents())
        assert now - ended <= 2 * -(-40 // TURN_ROUND)
        ended = now
    stage.tick(after_s=1.0)
    assert all("bash is left" in one.does for one in stage.observer.agents())


def test_what_is_quiet_costs_a_share_of_its_panes_at_a_time(stage: Stage) -> None:
    for number in range(1, 65):
        stage.machine.put(100 + number, "claude")
    stage.tick(*((number, IDLE) for number in range(1, 65)))
    for _ in range(TURN_ROUND):
        stage.counted.asked.clear()
        stage.tick(after_s=1.0)
        assert 0 < len(set(stage.counted.asked)) <= 64 // TURN_ROUND
        stage.counted.asked.clear()
        stage.tick(after_s=0.1)
        assert stage.counted.asked == []
    assert stage.agent(64).state is State.IDLE


def test_a_server_that_does_not_answer_changes_nothing(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.tick((1, WORKING))
    stage.tick((1, IDLE), after_s=1.0)
    assert not stage.tick(after_s=30.0, complete=False)
    assert stage.agent().state is State.WORKING
    assert stage.tick(after_s=1.0)
    assert stage.agent().state is State.DONE


def test_what_stays_the_same_stays_the_very_same_value(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.machine.put(102, "claude")
    stage.tick((1, IDLE), (2, IDLE))
    before = stage.agent(2)
    assert stage.tick((1, WORKING), after_s=1.0)
    assert stage.agent(2) is before


def test_a_glance_asks_once_until_it_forgets(machine) -> None:  # type: ignore[no-untyped-def]
    machine.put(101, "claude", "-u")
    counted = Counted(machine)
    glance = Glance(counted)
    assert glance.facts(101) is glance.facts(101)
    assert (glance.facts(9), glance.facts(9)) == (None, None)
    assert glance.argv(101) == ("claude", "-u")
    assert counted.asked == [101, 9]
    machine.end(101)
    glance.forget()
    assert glance.facts(101) is None


def test_another_agent_in_a_busy_pane_is_found_before_its_turn(stage: Stage) -> None:
    for number in range(1, 65):
        stage.machine.put(100 + number, "claude")
    stage.tick(*((number, WORKING) for number in range(1, 65)))
    stage.machine.put(164, "codex", start="2")
    stage.tick((64, IDLE), after_s=LOOK_AGAIN_S - 1.0)
    assert stage.agent(64).kind == "claude"
    stage.tick((64, WORKING), after_s=2.0)
    assert stage.agent(64).kind == "codex"


def test_a_program_that_runs_another_in_its_place_is_found_in_the_end(stage: Stage) -> None:
    stage.machine.put(101, "node", "/opt/claude")
    stage.tick((1, WORKING), command="node")
    assert stage.agent().kind == "claude"
    stage.machine.put(101, "node", "/opt/codex")
    screens = (IDLE, WORKING)
    for number in range(int(LOOK_ANEW_S)):
        stage.tick((1, screens[number % 2]), after_s=1.0, command="node")
    assert stage.agent().kind == "codex"
