"""Pictures of the dialogs and of the views, at three sizes and in the other themes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

import rollback_scenes
import workflow_scenes
from dialog_scenes import (
    AGENT,
    CONFLICTS,
    NOW,
    ON_SCREEN,
    PLAN,
    PROMPT,
    RANGE_PLAN,
    RISKY,
    SAID,
    TITLES,
    Journal,
    Told,
)
from dialog_stage import Stage, utc  # noqa: F401 (a fixture)
from orc_tui import keymap
from orc_tui.keyboard import DEFAULT, label
from orc_tui.screens.answer import AnswerCard
from orc_tui.screens.audit import AuditView
from orc_tui.screens.checkpoints import CheckpointsView, RestoreView
from orc_tui.screens.conflict import ConflictView
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.edit import FIELDS, FieldEdit
from orc_tui.screens.later import LaterForm
from orc_tui.screens.line import LineInput
from orc_tui.screens.menu import Menu
from orc_tui.screens.messages import MessagesView
from orc_tui.screens.newagent import NewAgent
from orc_tui.screens.newtask import NewTask
from orc_tui.screens.palette import Palette
from orc_tui.screens.timeline import TimelineView
from orc_tui.screens.workflows import WorkflowsView
from orc_tui.verbs.editing import MENU
from orc_tui.verbs.living import END_NOTES, ENDS
from orc_tui.view_models.card import Said
from orc_tui.view_models.story import Tab

SIZES = [(80, 24), (120, 36), (160, 48)]
THEMES = ["light", "contrast", "ansi-dark", "ansi-light"]

pytestmark = pytest.mark.usefixtures("utc")


def conflict(at: str) -> ConflictView:
    return ConflictView(CONFLICTS, at=at, titles=TITLES, taken={}, now=NOW)


def timeline(tab: Tab = Tab.ALL) -> TimelineView:
    return TimelineView(
        Told(),
        now=lambda: NOW,
        tab=tab,
        subject="task T-14",
        title=TITLES["T-14"],
        since=NOW - 3_600,
        at_older=tab is Tab.THIS,
    )


VERBS = [
    Option(one.id, one.id, label(one.keys[0]) if one.keys else "")
    for one in DEFAULT.of_pane(keymap.AGENTS)
]
HELP = [one.help for one in DEFAULT.of_pane(keymap.AGENTS)]
LATER = [
    Option("reset", "goes on", "g"),
    Option("line", "line", "l"),
    Option("hour", "mute", "m"),
    Option("cancel:L-3", "cancel"),
]
LATER_NOTES = [
    "at 16:01, when its limit has ended: type a line then",
    "type a line to it at a time",
    "for an hour, until 15:25: it is not counted as waiting",
    "L-3, 16:01: continue",
]
SCREENS: dict[str, Callable[[], Screen[Any]]] = {
    "card": AnswerCard,
    "risk": AnswerCard,
    "card-same": AnswerCard,
    "card-rest": AnswerCard,
    "conflict": lambda: conflict("C-7"),
    "conflict-text": lambda: conflict("C-9"),
    "timeline": timeline,
    "timeline-this": lambda: timeline(Tab.THIS),
    "timeline-checkpoints": lambda: timeline(Tab.CHECKPOINTS),
    "audit": lambda: AuditView(Journal(), now=lambda: NOW),
    "messages": lambda: MessagesView(SAID),
    "workflows": lambda: WorkflowsView(workflow_scenes.Shelf(), now=lambda: NOW),
    "checkpoints": lambda: CheckpointsView(rollback_scenes.Shelf(), now=lambda: NOW),
    "rollback": lambda: RestoreView(
        rollback_scenes.Shelf(), rollback_scenes.plan(), now=lambda: NOW
    ),
    "plan": lambda: Dialog("Roll back task T-14", [Option("go", "Roll back")], plan=PLAN),
    "plan-range": lambda: Dialog("Take out 3 changes", [Option("go", "Go")], plan=RANGE_PLAN),
    "menu": lambda: Menu("Edit T-14", MENU, ["Staging migration", "", "11", "shop", "claude-2"]),
    "line": lambda: LineInput("claude-2", draft="in batches of 5,000", note=TITLES["T-14"]),
    "edit": lambda: FieldEdit("T-14", FIELDS["title"], TITLES["T-14"]),
    "later": lambda: Menu("Later: claude-3", LATER, LATER_NOTES),
    "later-form": lambda: LaterForm("Type to claude-3", lambda: NOW),
    "newtask": NewTask,
    "newagent": lambda: NewAgent("/home/ada/src/shop", "/home/ada"),
    "palette": lambda: Palette("Commands", VERBS, HELP),
    "endagent": lambda: Menu("End claude-2", ENDS, END_NOTES),
}


@dataclass
class Picture:
    """A scene on the stage; `drawn` once it was brought to where it is taken."""

    name: str
    stage: Stage
    drawn: bool = False

    async def prepare(self, pilot: Pilot[None]) -> None:
        """Put a prompt on the card, let workers finish and everything be painted."""
        card = self.stage.shown
        if isinstance(card, AnswerCard) and self.name == "card":
            card.show(PROMPT, AGENT, position=1, total=3, now=NOW, task_title=TITLES["T-14"])
        elif isinstance(card, AnswerCard) and self.name == "card-same":
            others = [replace(AGENT, name=name) for name in ("claude-4", "claude-9")]
            card.show(PROMPT, AGENT, position=1, total=2, now=NOW, others=others)
        elif isinstance(card, AnswerCard) and self.name == "card-rest":
            card.tell(
                (
                    Said("claude-9: nothing sent: the prompt has changed", "error"),
                    Said("claude-2, claude-4: sent, went on", "done"),
                )
            )
            card.rest(2)
        elif isinstance(card, AnswerCard):
            card.show(RISKY, ON_SCREEN, position=2, total=3, now=NOW, task_title=TITLES["T-09"])
            card.report("claude-2: sent, went on", style="done")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        self.drawn = True


def taken(
    name: str, size: tuple[int, int], snap_compare: Callable[..., bool], theme: str = ""
) -> bool:
    """Compare a picture; a scene that crashed before it was drawn is no picture."""
    picture = Picture(name, Stage(SCREENS[name](), theme=theme))
    same = snap_compare(picture.stage, terminal_size=size, run_before=picture.prepare)
    return same and picture.drawn


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_sizes(name: str, size: tuple[int, int], snap_compare: Callable[..., bool]) -> None:
    assert taken(name, size, snap_compare)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["risk", "conflict", "timeline"])
def test_themes(name: str, theme: str, snap_compare: Callable[..., bool]) -> None:
    assert taken(name, (100, 30), snap_compare, theme)


@pytest.mark.parametrize("name", ["risk", "conflict", "line"])
def test_no_color(
    name: str, monkeypatch: pytest.MonkeyPatch, snap_compare: Callable[..., bool]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("ORC_ASCII", "1")
    assert taken(name, (80, 24), snap_compare)
