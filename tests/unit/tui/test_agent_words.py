"""What an agent's row says it asks or does."""

from __future__ import annotations

from dataclasses import replace

import scene
from orc_core.model.agent import Agent, State
from orc_core.model.snapshot import Snapshot, Span
from orc_tui.view_models import header, limits
from orc_tui.view_models.agents import READY, STOPPED, does, needs_you, ordered
from orc_tui.view_models.lines import text_of
from orc_tui.view_models.pane_view import PaneView, rows_of, text_lines


def test_an_idle_agent_is_ready_only_without_a_task() -> None:
    agent = replace(scene.agents()[0], state=State.IDLE, does=READY, task="")
    assert does(agent, scene.AT) == READY
    assert does(replace(agent, task="T-5"), scene.AT) == STOPPED


def test_how_a_dead_pane_ended_stands_right_under_its_text() -> None:
    rows = ("Traceback", "ValueError: 7", *[""] * 20, "pane ended with status 1")
    plain = next(span for line in scene.screen().lines for span in line).style
    screen = replace(scene.screen(), lines=tuple((Span(row, plain),) for row in rows))
    told = text_lines(rows_of(PaneView(), screen, dead=True))
    assert told == ["Traceback", "ValueError: 7", "", "pane ended with status 1"]
    assert len(rows_of(PaneView(), screen)) == len(rows)


def fleet(*states: State) -> list[Agent]:
    first = scene.agents()[0]
    return [
        replace(first, key=str(at), name=f"claude-{at}", state=state, since=scene.AT - 60 * at)
        for at, state in enumerate(states)
    ]


def test_a_muted_agent_is_neither_counted_nor_next() -> None:
    waiting, idle = fleet(State.WAITING, State.IDLE)
    muted = replace(waiting, muted_until=scene.AT + 3600, does="asks")
    assert needs_you(waiting) and not needs_you(muted)
    assert [one.name for one in ordered([muted, idle], scene.AT)] == ["claude-1", "claude-0"]
    assert does(muted, scene.AT).startswith("muted until ") and does(muted, scene.AT).endswith(
        "asks"
    )
    counts = text_of(header.line(Snapshot(scene.AT, agents=(muted, idle)), 80))
    assert "waiting" not in counts and "1 muted" in counts


def test_agents_under_one_limit_say_once_what_becomes_of_them() -> None:
    limited = [
        replace(one, kind="claude", resets_at=scene.AT + 3600, does=scene.RESETS)
        for one in fleet(*[State.LIMITED] * 4)
    ]
    first, second, third, other = limited
    other = replace(other, usage=replace(other.usage, account="work"))
    going = replace(first, line_at=scene.AT + 3660)
    group = [going, replace(second, line_at=going.line_at), third, other]
    first_of = limits.heads(group)
    told = [does(one, scene.AT, first_of.get(one.key)) for one in group]
    assert told == [
        f"{scene.RESETS}, goes on",
        scene.RESETS,
        f"{scene.RESETS}, stays",
        scene.RESETS,
    ]
    assert [one.name for one in limits.same_limit(third, group)] == [
        "claude-0",
        "claude-1",
        "claude-2",
    ]
    assert limits.same_limit(replace(third, resets_at=0.0), group) == []
    assert limits.heads([replace(one, resets_at=0.0) for one in group]) == {}


def test_a_planned_line_is_told_in_the_row() -> None:
    (idle,) = fleet(State.IDLE)
    assert ", a line at " in does(replace(idle, line_at=scene.AT + 60), scene.AT)
