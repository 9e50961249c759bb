"""The timeline on the screen: what it reads of a real store, and what it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dialog_stage import Stage, until
from orc_core.history.checkpoints import Checkpoints
from orc_core.model.history import Mark, Query
from orc_storage.records import OPERATOR
from orc_tui.screens.help import HelpScreen
from orc_tui.screens.timeline import TimelineView
from orc_tui.view_models.story import Tab, parse_row_key, row_key
from stores import Turned
from story_scenes import past, step, wing
from workspaces import Workspace, open_workspace

T1 = Query(doc_kind="task", doc="T-1")


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as opened:
        await past(opened)
        yield opened


def a_view(ws: Workspace, tab: Tab = Tab.ALL, *, at_older: bool = False) -> TimelineView:
    return TimelineView(
        wing(ws),
        now=ws.clock.now,
        tab=tab,
        of=T1,
        subject="task T-1",
        title="Staging migration",
        since=ws.clock.now() - 600,
        at_older=at_older,
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_the_difference_follows_the_cursor(ws: Workspace, size: tuple[int, int]) -> None:
    stage = Stage(a_view(ws, Tab.THIS))
    async with stage.run_test(size=size) as pilot:
        await until(lambda: "+ 11" in stage.text)
        await pilot.press("j")
        await until(lambda: "+ Staging migration for orders and refunds" in stage.text)
        await pilot.press("G")
        await until(lambda: "T-1 revision 1, the first" in stage.text)
        await pilot.press("g")
        await until(lambda: "+ 11" in stage.text)


async def test_every_tab_tells_its_own(ws: Workspace) -> None:
    stage = Stage(a_view(ws))
    async with stage.run_test(size=(120, 36)) as pilot:
        await until(lambda: "revert     T-2@3" in stage.text)
        assert "[All]" in stage.text and "waiting    permission: Bash" in stage.text
        await pilot.press("]")
        await until(lambda: "[This]" in stage.text and "add        @1" in stage.text)
        assert "T-2" not in stage.text.split("T-1 revision")[0]
        await pilot.press("]")
        await until(lambda: "0 of 3 documents are as they were" in stage.text)
        assert "before-lunch" in stage.text and "all three read once" in stage.text
        await pilot.press("]")
        await until(lambda: "[Since]" in stage.text and "T-2@3" in stage.text)
        assert "T-3" not in stage.text
        await pilot.press("]", "[")
        await until(lambda: "[Since]" in stage.text and "T-2@3" in stage.text)


async def test_acts_name_the_row_under_the_cursor(ws: Workspace) -> None:
    stage = Stage(a_view(ws, Tab.THIS))
    async with stage.run_test() as pilot:
        await until(lambda: "+ 11" in stage.text)
        await pilot.press("R")
        assert "T-1 stands at revision 4 already" in stage.text
        await pilot.press("j", "R", "u", "z", "Z", "c", "N", "H")
        assert stage.acts == [
            ("rollback", "timeline", "task/T-1@3"),
            ("take-out", "timeline", "task/T-1@3"),
            ("undo", "timeline", "task/T-1@3"),
            ("redo", "timeline", "task/T-1@3"),
            ("copy", "timeline", "task/T-1@3"),
            ("checkpoint", "timeline", "task/T-1@3"),
            ("history", "timeline", "task/T-1@3"),
        ]
        await pilot.press("e")
        assert "only a checkpoint has a name" in stage.text
        await pilot.press("q")
        assert stage.results == [""]


async def test_whoever_did_it_is_who_is_typed_to(ws: Workspace) -> None:
    view = a_view(ws, Tab.THIS)
    stage = Stage(view)
    async with stage.run_test() as pilot:
        assert view.who == ""
        await until(lambda: "+ 11" in stage.text)
        assert view.who == "codex-1"
        await pilot.press("a", "i", "I")
        assert [act[:2] for act in stage.acts] == [
            ("attach", "timeline"),
            ("type", "timeline"),
            ("interrupt", "timeline"),
        ]
        await pilot.press("j")
        assert view.who == OPERATOR


async def test_a_checkpoint_is_restored_and_named(ws: Workspace) -> None:
    view = a_view(ws, Tab.CHECKPOINTS)
    stage = Stage(view)
    async with stage.run_test() as pilot:
        await until(lambda: "0 of 3 documents" in stage.text)
        assert view.checkpoint == "before-lunch"
        assert "R restore before-lunch" in stage.text
        await pilot.press("R", "e", "u")
        assert stage.acts == [
            ("rollback", "timeline", "checkpoint/before-lunch@0"),
            ("name", "timeline", "checkpoint/before-lunch@0"),
        ]
        assert "that row is no change of a document" in stage.text


async def test_older_revision_is_offered_first_where_one_rolls_back(ws: Workspace) -> None:
    stage = Stage(a_view(ws, Tab.THIS, at_older=True))
    async with stage.run_test():
        await until(lambda: "T-1 revision 3 against 2" in stage.text)
        assert "R back to 3" in stage.text


async def test_marks_are_acted_on_together(ws: Workspace) -> None:
    view = a_view(ws, Tab.THIS)
    stage = Stage(view)
    async with stage.run_test(size=(100, 30)) as pilot:
        await until(lambda: "+ 11" in stage.text)
        await pilot.press("v")
        assert "mark one end first" in stage.text
        await pilot.press("space", "j", "v")
        assert view.marks == tuple(Mark("task", "T-1", rev) for rev in (4, 3, 2))
        assert "3 marked of 4" in stage.text
        assert "R revert 3 marked" in stage.text
        await pilot.press("*")
        assert len(view.marks) == 4
        await pilot.press("*")
        assert view.marks == ()
        await pilot.press("space", "escape")
        assert view.marks == ()
        assert stage.results == []


async def test_a_revision_is_compared_with_before_now_and_the_marked_one(ws: Workspace) -> None:
    stage = Stage(a_view(ws, Tab.THIS))
    async with stage.run_test(size=(120, 36)) as pilot:
        await until(lambda: "+ 11" in stage.text)
        await pilot.press("G", "space", "k", "k")
        await until(lambda: "T-1 revision 3 against 2" in stage.text)
        await pilot.press("=")
        await until(lambda: "against 4, now" in stage.text and "+ 11" in stage.text)
        assert "- 9" in stage.text and "refunds" not in stage.text.split("against 4")[1]
        await pilot.press("=")
        await until(lambda: "against 1, marked" in stage.text and "+ running" in stage.text)
        await pilot.press("=")
        await until(lambda: "against 2" in stage.text and "refunds" in stage.text)


async def test_a_filter_is_typed_and_taken_away(ws: Workspace) -> None:
    stage = Stage(a_view(ws))
    async with stage.run_test(size=(120, 36)) as pilot:
        await until(lambda: "T-2@3" in stage.text)
        await pilot.press("/", *"actor:codex-1 kind:task", "enter")
        await until(lambda: "3, newest first" in stage.text)
        assert "/actor:codex-1 kind:task" in stage.text
        await pilot.press("/", *" nothing-like-it", "enter")
        await until(lambda: "nothing matches: Esc shows all" in stage.text)
        await pilot.press("escape")
        await until(lambda: "T-2@3" in stage.text)
        await pilot.press("/", *"since:noon", "enter")
        await until(lambda: "'noon' is no time" in stage.text)
        await pilot.press("/", "escape")
        assert stage.results == []


async def test_what_happens_meanwhile_comes_on_top_and_the_cursor_stays(ws: Workspace) -> None:
    view = a_view(ws)
    stage = Stage(view)
    async with stage.run_test(size=(120, 36)) as pilot:
        await until(lambda: "T-2@3" in stage.text)
        await pilot.press("j", "j")
        await until(lambda: "T-1 revision 3 against 2" in stage.text)
        before = view.current
        await ws.edit("T-2", actor="claude-9", title="Newer")
        await step(ws, "claude-9", "idle", "hook Stop")
        await until(lambda: "claude-9" in stage.text)
        assert before is not None and view.current is not None
        assert (view.current.at, view.current.actor) == (before.at, before.actor)
        assert "T-2@3        revert T-2 to 1  (now)" not in stage.text


async def test_older_pages_are_read_as_the_cursor_comes_to_them(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(230):
        await ws.edit("T-2", title=f"title {number}")
    stage = Stage(a_view(ws))
    async with stage.run_test(size=(120, 36)) as pilot:
        await until(lambda: "200+, newest first" in stage.text)
        await pilot.press("G")
        await until(lambda: "243, newest first" in stage.text)
        await pilot.press("G")
        await until(lambda: "T-1 revision 1, the first" in stage.text)


async def test_the_difference_takes_the_whole_view_and_gives_it_back(ws: Workspace) -> None:
    stage = Stage(a_view(ws, Tab.THIS))
    async with stage.run_test() as pilot:
        await until(lambda: "+ 11" in stage.text)
        assert "5 task T-1" in stage.text
        await pilot.press("enter")
        assert "5 task T-1" not in stage.text and "1 of 4" in stage.text
        await pilot.press("escape")
        assert "5 task T-1" in stage.text


async def test_digits_lead_back_to_the_panes(ws: Workspace) -> None:
    stage = Stage(a_view(ws))
    async with stage.run_test() as pilot:
        await pilot.press("2")
        assert stage.results == ["tasks"]


async def test_help_and_reasons_are_told(ws: Workspace) -> None:
    stage = Stage(a_view(ws))
    async with stage.run_test() as pilot:
        await until(lambda: "T-2@3" in stage.text)
        await pilot.press("o")
        assert "o does nothing in Timeline" in stage.text
        await pilot.press("w")
        assert "journal entry 10: revert T-2 to 1" in stage.text
        await pilot.press("?")
        assert isinstance(stage.screen, HelpScreen)


async def test_an_empty_timeline_says_how_to_fill_it(tmp_path: Path, clock: Turned) -> None:
    async with open_workspace(tmp_path / "empty", clock) as ws:
        view = TimelineView(wing(ws), now=clock.now, tab=Tab.CHECKPOINTS)
        stage = Stage(view)
        async with stage.run_test() as pilot:
            await until(lambda: "no checkpoints: N makes one" in stage.text)
            await pilot.press("[")
            await until(lambda: "H on a task, a conflict or an agent" in stage.text)
            await pilot.press("R")
            await Checkpoints(ws.db).create("first", note="", actor=OPERATOR)
            await pilot.press("]")
            await until(lambda: "0 of 0 documents" in stage.text)


async def test_a_store_that_cannot_be_read_is_a_line(ws: Workspace) -> None:
    await ws.db.close()
    stage = Stage(a_view(ws))
    async with stage.run_test(size=(120, 36)):
        await until(lambda: "is closed" in stage.text)


def test_row_keys_go_round() -> None:
    assert parse_row_key(row_key("task", "T-14", 7)) == ("task", "T-14", 7)
