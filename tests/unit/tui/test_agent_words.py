"""What an agent's row says it asks or does."""

from __future__ import annotations

from dataclasses import replace

import scene
from orc_core.model.agent import State
from orc_core.model.snapshot import Span
from orc_tui.view_models.agents import READY, STOPPED, does
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
