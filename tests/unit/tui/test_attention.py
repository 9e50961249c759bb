"""The terminal's title and notices: what changed, once, gathered, and to who is away alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import scene
from clocks import wait_for
from dialog_stage import Ticks
from orc_core.model.agent import OTHER, Agent, State, Waiting
from orc_core.model.snapshot import Snapshot
from orc_core.notices import command, sequences
from orc_core.notices.bulletin import GATHER_S, Bulletin, compose
from orc_core.settings import NotifySettings
from orc_storage.laters import Later, Phase, What
from orc_storage.lock import lives
from orc_tui.attention import HANDS_OFF_S, Attention, Outcomes, title


def fleet(*states: State) -> tuple[Agent, ...]:
    first = replace(scene.agents()[0], waiting=Waiting.NONE, does="")
    return tuple(
        replace(first, key=str(at), name=f"claude-{at}", state=state, since=100.0 + at)
        for at, state in enumerate(states)
    )


def picture(*states: State) -> Snapshot:
    return Snapshot(at=scene.AT, workspace="shop", agents=fleet(*states))


class Paper:
    """A terminal that keeps what is written, and timers that are run by hand."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.started = 0

    def write(self, text: str) -> None:
        self.written.append(text)

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        self.timers.append((seconds, then))

    def start(self, work: Coroutine[Any, Any, str]) -> None:
        work.close()
        self.started += 1


class Desk:
    def __init__(self, **settings: object) -> None:
        self.paper, self.ticks = Paper(), Ticks()
        told = NotifySettings.model_validate({"by": ["osc9"], "title": False} | settings)
        self.attention = Attention(self.paper, told, in_tmux=False, monotonic=self.ticks)

    def look(self, *states: State) -> None:
        self.attention.look(picture(*states))

    def run(self, seconds: float) -> list[str]:
        """Let time pass, run what is due, and give back what was written meanwhile."""
        before = len(self.paper.written)
        self.ticks.now += seconds
        timers, self.paper.timers = self.paper.timers, []
        for _, then in timers:
            then()
        return self.paper.written[before:]


IDLE, WAITING, CRASHED = State.IDLE, State.WAITING, State.CRASHED


def test_the_title_counts_who_waits_and_is_written_when_it_changes() -> None:
    assert title(picture(WAITING, IDLE, WAITING)) == "orc: 2 waiting"
    muted = replace(fleet(WAITING)[0], muted_until=1.0)
    other = replace(fleet(WAITING)[0], kind=OTHER)
    assert title(Snapshot(at=1.0, agents=(muted, other))) == "orc"
    desk = Desk(title=True, by=[])
    desk.look(IDLE)
    desk.look(IDLE, IDLE)
    desk.look(WAITING)
    desk.attention.lend(True)
    desk.look(WAITING, WAITING)
    desk.attention.lend(False)
    desk.attention.close()
    desk.attention.close()
    assert desk.paper.written == [
        "\x1b[22;2t\x1b]2;orc\x1b\\",
        "\x1b]2;orc: 1 waiting\x1b\\",
        "\x1b]2;orc: 2 waiting\x1b\\",
        "\x1b]2;\x1b\\\x1b[23;2t",
    ]


def test_those_that_stop_together_are_one_notice_and_what_was_there_is_none() -> None:
    desk = Desk()
    desk.look(WAITING, IDLE, IDLE, IDLE)
    assert not desk.paper.timers
    desk.look(WAITING, WAITING, IDLE, IDLE)
    desk.look(WAITING, WAITING, CRASHED, WAITING)
    assert len(desk.paper.timers) == 1
    (told,) = desk.run(GATHER_S)
    assert told == "\x1b]9;orc shop: 3 agents need you: claude-1, claude-2, claude-3\x1b\\"
    desk.look(WAITING, WAITING, CRASHED, WAITING)
    assert not desk.paper.timers, "each is told once"


def test_notices_are_apart_and_who_went_on_is_not_told() -> None:
    desk = Desk(every_s=30)
    desk.look(IDLE, IDLE, IDLE)
    desk.look(WAITING, IDLE, IDLE)
    assert len(desk.run(GATHER_S)) == 1
    desk.look(IDLE, WAITING, WAITING)
    assert desk.paper.timers[0][0] == 30
    desk.look(IDLE, IDLE, WAITING)
    (told,) = desk.run(30)
    assert "claude-2 is waiting" in told
    desk.look(IDLE, IDLE, IDLE)
    desk.look(IDLE, IDLE, WAITING)
    desk.look(IDLE, IDLE, IDLE)
    assert desk.run(30) == []


@pytest.mark.parametrize(
    ("settings", "focus", "key_ago", "told"),
    [
        ({}, None, None, True),
        ({}, None, 5.0, False),
        ({}, None, HANDS_OFF_S + 1, True),
        ({}, True, None, False),
        ({}, False, 5.0, True),
        ({"unknown": "here"}, None, None, False),
        ({"unknown": "here"}, False, None, True),
        ({"when": "always"}, True, 5.0, True),
        ({"on": ["crashed"]}, False, None, False),
    ],
)
def test_who_is_here_is_not_told(
    settings: dict[str, object], focus: bool | None, key_ago: float | None, told: bool
) -> None:
    desk = Desk(**settings)
    if focus is not None:
        desk.attention.focus(focus)
    desk.look(IDLE)
    desk.look(WAITING)
    if key_ago is not None:
        desk.attention._key_at = desk.ticks.now + GATHER_S - key_ago
    assert bool(desk.run(GATHER_S)) is told
    assert desk.run(60) == [], "neither later"


def test_without_settings_nothing_is_given() -> None:
    desk = Desk(by=[])
    desk.look(IDLE)
    desk.look(WAITING)
    assert desk.run(GATHER_S) == [] and desk.paper.started == 0
    assert NotifySettings().by == [] and NotifySettings().command == []


def test_a_lent_terminal_is_left_alone_but_the_command_runs() -> None:
    desk = Desk(command=["true"])
    desk.attention.lend(True)
    desk.look(IDLE)
    desk.look(WAITING)
    assert desk.run(GATHER_S) == [] and desk.paper.started == 1


@pytest.mark.parametrize("how", ["osc9", "osc777", "osc99", "bell"])
def test_no_text_ends_a_sequence_or_begins_another(how: str) -> None:
    told = sequences.notice(how, "orc \x1b]2;x", "a;b\x07\x1b\\ \x9c\x1b[2J" * 99, in_tmux=False)
    assert told == "\a" if how == "bell" else told.count("\x1b") in (2, 4)
    assert "\a" not in told.removesuffix("\a")
    wrapped = sequences.notice(how, "orc", "hi", in_tmux=True)
    assert wrapped == "\a" if how == "bell" else wrapped.startswith("\x1bPtmux;\x1b\x1b]")


def test_a_notice_names_a_few_and_counts_the_rest() -> None:
    notice = compose(fleet(*[WAITING] * 7), "shop")
    assert notice.text.endswith("claude-3, claude-4 and 2 more") and notice.head == "orc shop"
    one = replace(fleet(WAITING)[0], task="T-1", does="Bash  rm\x1b[2J -rf")
    assert compose([one], "").text == "claude-0 T-1 is waiting: Bash  rm -rf"


async def test_a_command_reads_json_and_no_shell_reads_anything(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    hostile = replace(fleet(WAITING)[0], name="$(touch x)", does="`id`; rm -rf /")
    argv = [sys.executable, "-c", program, str(out)]
    assert await command.run(argv, compose([hostile], "shop")) == ""
    told = json.loads(out.read_text())
    assert told["agents"][0]["name"] == "$(touch x)" and told["head"] == "orc shop"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["/nonexistent/orc"], "cannot be run"),
        (["false"], "false ended with 1"),
        (["sh", "-c", "sleep 60 & wait"], "took longer than 0.2 s"),
    ],
)
async def test_a_command_that_fails_or_hangs_is_told(argv: list[str], fault: str) -> None:
    told = await command.run(argv, compose(fleet(WAITING), "shop"), deadline_s=0.2)
    assert fault in told


async def test_a_command_that_hangs_takes_what_it_started_with_it(tmp_path: Path) -> None:
    argv = ["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait"]
    await command.run(argv, compose(fleet(WAITING), "shop"), deadline_s=1.0)
    pid = int((tmp_path / "pid").read_text())
    await wait_for(lambda: not lives(pid))


def test_a_bulletin_tells_again_when_it_is_another_time() -> None:
    bulletin = Bulletin(["waiting"], 1.0)
    bulletin.take(fleet(WAITING), 0.0)
    again = tuple(replace(one, since=900.0) for one in fleet(WAITING))
    bulletin.take(again, 1.0)
    assert bulletin.due_in_s(1.0) == GATHER_S, "it went on and asks anew"


def test_what_ended_is_told_once_and_not_what_had_ended_before() -> None:
    told: list[tuple[str, str]] = []
    outcomes = Outcomes(lambda text, severity: told.append((text, severity)))

    def later(id: str, phase: Phase, what: What = What.LINE) -> Later:
        ended = 0.0 if phase is Phase.WAITING else 2.0
        return Later(
            *(id, what, "claude-1", "/tmp/s", 1, "%1", 7, "idle", "go on", 1.0, 0.0, "operator"),
            *(phase, "sent, went on", ended),
        )

    outcomes.look([later("L-1", Phase.SENT), later("L-2", Phase.WAITING)], 5.0)
    assert told == []
    now = [later("L-1", Phase.SENT), later("L-2", Phase.SENT), later("L-3", Phase.OVER, What.MUTE)]
    outcomes.look(now, 5.0)
    outcomes.look(now, 5.0)
    assert [text.endswith("sent, went on") for text, _ in told] == [True]
    outcomes.look([*now, later("L-4", Phase.CANCELLED), later("L-5", Phase.FAILED)], 5.0)
    assert [severity for _, severity in told] == ["", "error"]
