"""The machine behind a scripted agent: it goes on when it is answered, and only then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orc_core.demo.programs.keys import Key, Paste
from orc_core.demo.programs.play import QUEUED_MAX, TRANSCRIPT_MAX, Phase, Play, Role
from orc_core.demo.programs.steps import (
    Ask,
    Crash,
    Done,
    Limit,
    Question,
    Say,
    Scene,
    Step,
    Think,
    Told,
    Use,
)

LETTERS = {"y": 0, "p": 1, "n": 2}
MIGRATE = Ask(Use("Bash", "migrate", ("applied",), 5.0), "a reason", "migrate", "I leave it alone.")
ROUTES = Question("Routes", "Which way?", (("Keep", "", "I keep it."), ("Drop", "", "I drop it.")))


def play(*steps: Step, again: tuple[Step, ...] = (), line_answers: bool = False) -> Play:
    scene = Scene("a scene", steps, still_s=0.0, again=again)
    fresh = Play(scene, 0.0, letters=LETTERS, line_answers=line_answers)
    fresh.advance(0.0)
    return fresh


def press(subject: Play, *names: str, now: float = 10.0) -> None:
    for name in names:
        subject.press(Key(name), now)


def texts(subject: Play, role: Role) -> list[str]:
    return [entry.text for entry in subject.transcript if entry.role is role]


def test_steps_take_their_time() -> None:
    subject = play(Told("do it"), Think("Reading", 3.0), Say("read"), Done())
    assert subject.phase is Phase.WORKING
    subject.advance(4.9)
    assert texts(subject, Role.SAY) == []
    subject.advance(5.0)
    assert texts(subject, Role.SAY) == ["read"]
    assert subject.phase is Phase.READY
    assert subject.due(5.0) is None


def test_work_is_repainted_once_a_second_and_at_the_end_of_a_step() -> None:
    subject = play(Think("Reading", 2.5))
    assert subject.due(0.2) == 1.0
    assert subject.due(1.0) == 2.0
    assert subject.due(2.1) == 2.5


@pytest.mark.parametrize("keys", [("1",), ("y",), ("enter",), ("down", "up", "enter")])
def test_yes_runs_what_was_asked_and_goes_on(keys: tuple[str, ...]) -> None:
    subject = play(MIGRATE, Say("next"))
    assert subject.phase is Phase.ASKING
    press(subject, *keys)
    assert subject.phase is Phase.WORKING
    subject.advance(15.0)
    assert texts(subject, Role.RESULT) == ["applied"]
    assert texts(subject, Role.SAY) == ["next"]


@pytest.mark.parametrize("keys", [("3",), ("n",), ("escape",), ("up", "enter"), ("ctrl+c",)])
def test_no_says_what_it_does_instead_and_waits(keys: tuple[str, ...]) -> None:
    subject = play(MIGRATE, Say("next"))
    press(subject, *keys)
    assert subject.phase is Phase.READY
    assert texts(subject, Role.SAY) == ["I leave it alone."]
    assert subject.due(10.0) is None


def test_always_asks_no_more_for_the_same_kind() -> None:
    subject = play(MIGRATE, MIGRATE, Say("next"))
    press(subject, "2")
    subject.advance(20.0)
    assert texts(subject, Role.RESULT) == ["applied", "applied"]
    assert texts(subject, Role.SAY) == ["next"]


@pytest.mark.parametrize("name", ["4", "0", "x", "tab", " "])
def test_a_key_that_is_no_answer_changes_nothing(name: str) -> None:
    subject = play(MIGRATE)
    press(subject, name)
    assert subject.asked is MIGRATE
    assert not subject.draft


def test_a_paste_answers_nothing() -> None:
    subject = play(MIGRATE)
    subject.press(Paste("1\n"), 1.0)
    assert subject.asked is MIGRATE
    assert not subject.draft


def test_a_question_goes_the_way_that_was_chosen() -> None:
    subject = play(ROUTES, Say("next"))
    press(subject, "down", "enter")
    subject.advance(20.0)
    assert texts(subject, Role.SAY) == ["I drop it.", "next"]


def test_a_line_answer_counts_with_enter_only() -> None:
    subject = play(MIGRATE, line_answers=True)
    press(subject, "n")
    assert subject.phase is Phase.ASKING
    press(subject, "enter")
    assert subject.phase is Phase.READY
    again = play(MIGRATE, line_answers=True)
    press(again, "enter")
    assert again.phase is Phase.WORKING


def test_a_typed_line_is_worked_on() -> None:
    subject = play(Done())
    subject.press(Paste("round the totals\nonce"), 1.0)
    assert subject.draft == "round the totals\nonce"
    press(subject, "enter", now=2.0)
    assert subject.phase is Phase.WORKING
    assert texts(subject, Role.USER) == ["round the totals\nonce"]
    subject.advance(60.0)
    assert subject.phase is Phase.READY
    assert "round the totals once" in texts(subject, Role.SAY)[0]


def test_a_line_typed_during_work_waits_its_turn() -> None:
    subject = play(Think("Reading", 3.0), Think("Writing", 500.0))
    press(subject, *"hurry", "enter", now=1.0)
    assert subject.queued == ("hurry",)
    subject.advance(3.0)
    assert subject.queued == ()
    assert texts(subject, Role.USER) == ["hurry"]
    subject.advance(100.0)
    assert subject.label == "Writing"


def test_escape_interrupts_and_keeps_what_came_after() -> None:
    subject = play(Use("Bash", "test", ("passed",), 9.0), Say("next"))
    press(subject, "escape", now=2.0)
    assert subject.phase is Phase.READY
    assert len(texts(subject, Role.INTERRUPTED)) == 1
    subject.advance(100.0)
    assert texts(subject, Role.RESULT) == []


def test_a_limit_stands_whatever_is_typed() -> None:
    subject = play(Limit("4pm"))
    press(subject, *"go on", "enter")
    assert subject.phase is Phase.LIMITED
    assert texts(subject, Role.LIMIT) == ["4pm", "4pm"]


def test_a_crash_ends_it_with_its_status() -> None:
    subject = play(Think("Reading", 1.0), Crash(("boom",), 137), Say("never"))
    subject.advance(5.0)
    assert (subject.phase, subject.status) == (Phase.ENDED, 137)
    press(subject, "y")
    assert texts(subject, Role.LAST) == ["boom"]
    assert texts(subject, Role.SAY) == []


def test_two_ctrl_c_at_the_prompt_end_it() -> None:
    subject = play(Done())
    press(subject, "ctrl+c", now=1.0)
    press(subject, "ctrl+c", now=9.0)
    assert not subject.leaving
    press(subject, "ctrl+c", now=10.0)
    assert subject.leaving


@pytest.mark.parametrize(
    "type_much",
    [
        lambda subject: press(subject, *("x", "enter") * 50),
        lambda subject: subject.press(Paste("x" * 100_000), 1.0),
        lambda subject: subject.advance(100_000.0),
    ],
)
def test_nothing_grows_without_bound(type_much: Callable[[Play], None]) -> None:
    subject = play(Think("Reading", 1.0), again=(Use("Bash", "x", ("y",), 1.0),))
    type_much(subject)
    assert len(subject.queued) <= QUEUED_MAX
    assert len(subject.transcript) <= TRANSCRIPT_MAX
    assert len(subject.draft) <= 4_000
