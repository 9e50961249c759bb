"""The flicker guard: what counts as a flip, how long, and that it stays bounded."""

from __future__ import annotations

from itertools import cycle, pairwise

from orc_core.agents.flicker import KEPT_MAX, Flicker, flicker_line
from orc_core.model.agent import State

T = 1000.0


def flip(flicker: Flicker, times: int, every_s: float = 1.0) -> None:
    states = cycle([State.WORKING, State.UNKNOWN])
    for at, (before, after) in zip(range(times), pairwise(states), strict=False):
        flicker.note(before, after, T + at * every_s)


def test_more_than_three_changes_in_a_minute_are_told() -> None:
    flicker = Flicker()
    flip(flicker, 3)
    assert flicker.flips(T + 3) == 0
    flip(flicker, 2)
    assert flicker.flips(T + 3) == 5
    assert flicker_line(5) == "flickers: 5 changes in 60 s"
    assert flicker.flips(T + 62) == 0


def test_slow_changes_are_none() -> None:
    flicker = Flicker()
    flip(flicker, 20, every_s=21)
    assert flicker.flips(T + 20 * 21) == 0


def test_answering_one_prompt_after_another_is_no_flicker() -> None:
    flicker = Flicker()
    for number in range(6):
        flicker.note(State.WORKING, State.WAITING, T + number, f"question {number}")
        flicker.note(State.WAITING, State.WORKING, T + number + 0.5, "the task")
    assert flicker.flips(T + 6) == 0


def test_the_same_question_over_and_over_is_flicker() -> None:
    flicker = Flicker()
    for number in range(6):
        flicker.note(State.WORKING, State.WAITING, T + number, "the same")
        flicker.note(State.WAITING, State.WORKING, T + number + 0.5)
    assert flicker.flips(T + 6) == 10


def test_short_turns_that_somebody_asks_for_are_no_flicker() -> None:
    flicker = Flicker()
    for number in range(8):
        flicker.note(State.IDLE, State.WORKING, T + number * 5, f"task {number}")
        flicker.note(State.WORKING, State.IDLE, T + number * 5 + 3)
    assert flicker.flips(T + 41) == 0


def test_its_memory_is_bounded() -> None:
    flicker = Flicker()
    flip(flicker, 10_000, every_s=0.001)
    assert flicker.flips(T + 10) == KEPT_MAX
