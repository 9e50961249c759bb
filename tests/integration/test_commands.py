"""Keys to deeds: the whole dashboard on a real store and a real tmux server."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from clocks import wait_for
from dashboard_desk import Desk, seated
from dialog_scenes import AGENT, TITLE
from orc_core.model.agent import State
from orc_core.model.history import Moment
from orc_core.model.task import Status, Task
from orc_core.tasks.desk import Tasks
from orc_storage import documents
from orc_storage.database import Transaction
from orc_storage.records import ConflictState
from orc_tui import keymap
from orc_tui.screens.answer import AnswerCard
from orc_tui.screens.checkpoint import CheckpointForm
from orc_tui.screens.conflict import ConflictView
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.edit import FieldEdit
from orc_tui.screens.line import LineInput
from orc_tui.screens.menu import Menu
from orc_tui.screens.newtask import NewTask
from orc_tui.screens.recalling import looks_of
from orc_tui.screens.timeline import TimelineView
from orc_tui.verbs.answering import writers
from orc_tui.view_models.story import Tab
from private_tmux import PrivateTmux

PROGRAM = Path(__file__).with_name("programs") / "claude"


@pytest.fixture
async def desk(tmux: PrivateTmux, tmp_path: Path) -> AsyncIterator[Desk]:
    async with seated(tmux, tmp_path) as desk:
        yield desk


async def test_a_task_is_made_edited_ended_and_taken_back(desk: Desk) -> None:
    await desk.act("new", keymap.TASKS)
    await desk.screen(NewTask)
    await desk.press(*"Invoices as PDF", "enter")
    await desk.says("T-1 made: Invoices as PDF")
    await wait_for(lambda: desk.shown("T-1"))

    await desk.act("edit", keymap.TASKS, "T-1")
    await desk.screen(Menu)
    await desk.press("p")
    await desk.screen(FieldEdit)
    await desk.press("backspace", *"9", "enter")
    await desk.says("T-1: priority is now 9  z takes it back")
    assert (await desk.core.tasks.get("T-1")).priority == 9

    await desk.act("undo", keymap.TASKS, "T-1")
    await desk.says("undone: ")
    assert (await desk.core.tasks.get("T-1")).priority == 5
    await desk.act("redo", keymap.TASKS, "T-1")
    await desk.says("done again: ")
    assert (await desk.core.tasks.get("T-1")).priority == 9

    await wait_for(lambda: (task := desk.shown("T-1")) and task.priority == 9)
    await desk.act("end", keymap.TASKS, "T-1")
    await desk.screen(Dialog)
    await desk.press("enter")
    assert (await desk.core.tasks.get("T-1")).status is Status.READY, "Cancel had the focus"
    await desk.act("end", keymap.TASKS, "T-1")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("T-1 is done")
    assert (await desk.core.tasks.get("T-1")).status is Status.DONE


async def test_a_task_is_given_to_an_agent(desk: Desk, tmux: PrivateTmux) -> None:
    await desk.task("Cart totals")
    await agents(desk, tmux, 1)
    await desk.act("assign", keymap.TASKS, "T-1")
    await desk.screen(Menu)
    await desk.press("j", "enter")
    await desk.says("T-1: assignee is now claude-1  z takes it back")
    assert (await desk.core.tasks.get("T-1")).assignee == "claude-1"
    await wait_for(lambda: (task := desk.shown("T-1")) and task.assignee == "claude-1")
    await desk.act("attach", keymap.TASKS, "T-1")
    await desk.says("this terminal cannot be handed over")
    assert any("claude-1: C-b d comes back here" in line for line in desk.app.told)


async def test_an_edit_that_is_overtaken_at_the_last_moment_is_asked_about_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.task("Cart totals")
    await desk.act("edit", keymap.TASKS, "T-1")
    await desk.screen(Menu)
    await desk.press("t")
    await desk.screen(FieldEdit)
    get, faster = Tasks.get, ["Cart totals round"]

    async def overtaken(tasks: Tasks, id: str) -> Task:
        found = await get(tasks, id)
        if faster:
            await tasks.edit(id, {"title": faster.pop()}, actor="codex-1", cause="orc task edit")
        return found

    monkeypatch.setattr(Tasks, "get", overtaken)
    await desk.press(*" mine", "enter")
    await desk.screen(Dialog)
    await desk.press("enter")
    await desk.idle()
    assert (await desk.core.tasks.get("T-1")).title == "Cart totals round"


async def test_an_edit_that_was_overtaken_is_asked_about(desk: Desk) -> None:
    await desk.task("Cart totals")
    await desk.act("edit", keymap.TASKS, "T-1")
    await desk.screen(Menu)
    await desk.press("t")
    await desk.screen(FieldEdit)
    await desk.core.tasks.edit("T-1", {"title": "Cart totals round"})
    await desk.press(*" mine", "enter")
    await desk.screen(Dialog)
    await desk.press("enter")
    await desk.idle()
    assert (await desk.core.tasks.get("T-1")).title == "Cart totals round"


async def test_a_refusal_is_a_line_and_never_a_crash(desk: Desk) -> None:
    for action, pane in (
        ("undo", keymap.TASKS),
        ("redo", keymap.TASKS),
        ("answer", keymap.AGENTS),
        ("type", keymap.AGENTS),
        ("attach", keymap.AGENTS),
        ("history", keymap.SYNC),
        ("type", keymap.TIMELINE),
        ("rollback", keymap.AGENTS),
        ("edit", keymap.CONFLICTS),
        ("take-left", keymap.CONFLICTS),
        ("open", keymap.CONFLICTS),
        ("end", keymap.TASKS),
        ("copy", keymap.TASKS),
        ("why", keymap.TASKS),
    ):
        before = len(desk.app.told)
        await desk.act(action, pane, "nobody")
        await wait_for(lambda before=before: len(desk.app.told) > before)  # type: ignore[misc]
    assert desk.app.is_running


async def test_the_way_back_is_previewed_confirmed_and_undone(desk: Desk) -> None:
    await desk.task("Migrate orders")
    await desk.core.tasks.edit("T-1", {"title": "Staging migration"})
    await desk.core.tasks.edit("T-1", {"title": "Staging migration for orders"})
    await desk.act("rollback", keymap.TASKS, "T-1")
    await desk.screen(TimelineView)
    await desk.press("R")
    await desk.screen(Dialog)
    await desk.press("enter")
    await desk.idle()
    assert (await desk.core.tasks.get("T-1")).title == "Staging migration for orders"

    await desk.press("R")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("T-1 is back at revision 2")
    assert (await desk.core.tasks.get("T-1")).title == "Staging migration"
    await desk.screen(TimelineView)
    await desk.press("z")
    await desk.says("undone: ")
    assert (await desk.core.tasks.get("T-1")).title == "Staging migration for orders"
    revisions = await desk.core.history.revisions("task", "T-1")
    assert [revision.rev for revision in revisions] == [1, 2, 3, 4, 5]
    await desk.press("q")


async def test_checkpoints_marks_and_an_undo_over_newer_work(desk: Desk) -> None:
    """Every verb of the timeline, on the keys that a person presses."""
    await desk.task("Migrate orders", priority=3)
    await desk.press("5")
    await desk.screen(TimelineView)
    await desk.press("N")
    await desk.screen(CheckpointForm)
    await desk.press(*"no good", "enter")
    assert isinstance(desk.app.screen, CheckpointForm), "a name has no blank"
    await desk.press(*["backspace"] * 5, "tab", *"all well", "enter")
    await desk.says("checkpoint no is made")

    tasks = desk.core.tasks
    await tasks.edit("T-1", {"title": "Staging", "priority": 7})
    await tasks.edit("T-1", {"text": "later"})
    await tasks.add("made later")
    view = desk.app.screen
    assert isinstance(view, TimelineView)
    await wait_for(lambda: len(view._view.rows) == 5)
    await desk.press("g")
    assert _at(view) == "T-2@1"
    await desk.press("j", "j")
    assert _at(view) == "T-1@2"
    await desk.press("u")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("done: take out T-1 2, as revision 4  z takes it back")
    task = await tasks.get("T-1")
    assert (task.title, task.priority, task.text) == ("Migrate orders", 3, "later")

    await desk.press("]", "]")
    await wait_for(lambda: view.checkpoint == "no")
    await desk.press("e")
    await desk.screen(CheckpointForm)
    await desk.press(*"on", "enter")
    await desk.says("checkpoint no is called noon")
    await wait_for(lambda: view.checkpoint == "noon")
    await desk.press("R")
    await desk.screen(Dialog)
    await desk.press("tab", "tab", "enter")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("done: restore noon, in 2 documents")
    assert [(task.id, task.text) for task in await tasks.listing()] == [("T-1", "")]

    await desk.core.store.write(_by_another)
    await desk.press("z")
    await desk.screen(Dialog)
    await desk.press("enter")
    await desk.idle()
    assert [task.id for task in await tasks.listing()] == ["T-1"], "Cancel had the focus"
    await desk.press("z")
    await desk.screen(Dialog)
    await desk.press("tab", "enter")
    await desk.says("undone: restore noon; to be decided: C-1")
    assert [task.text for task in await tasks.listing()] == ["by another", ""]
    await desk.press("2")
    await wait_for(lambda: not isinstance(desk.app.screen, TimelineView))
    assert desk.app.main.pane == keymap.TASKS


async def test_the_timeline_opens_where_one_was_away_and_on_an_agent(
    desk: Desk, tmux: PrivateTmux
) -> None:
    await agents(desk, tmux, 1)
    await desk.task("Cart totals")
    await desk.press("5")
    await desk.screen(TimelineView)
    assert _tab(desk) is Tab.ALL
    await desk.press("q")
    desk.app.main._absence.began = desk.app.now() - 3_600
    await desk.press("5")
    await desk.screen(TimelineView)
    assert _tab(desk) is Tab.SINCE
    await desk.press("q")
    await desk.act("history", keymap.AGENTS, desk.app.snapshot.agents[0].key)
    await desk.screen(TimelineView)
    view = desk.app.screen
    assert isinstance(view, TimelineView)
    assert (_tab(desk), view._view.subject) == (Tab.THIS, "agent claude-1")
    await wait_for(lambda: view.who == "claude-1")
    await desk.press("I")
    await desk.says("claude-1")
    await desk.press("]", "[", "q")


def _tab(desk: Desk) -> Tab:
    view = desk.app.screen
    assert isinstance(view, TimelineView)
    return view._view.tab


def _at(view: TimelineView) -> str:
    row = view.current
    return f"{row.id}@{row.rev}" if isinstance(row, Moment) else ""


def _by_another(tx: Transaction) -> None:
    found = documents.get(tx.conn, "task", "T-1")
    assert found is not None
    body = found.body | {"text": "by another"}
    documents.put(tx, "task", "T-1", body, rev=found.rev, actor="codex-1", cause="edit")


async def a_conflict(desk: Desk) -> str:
    """A title that was changed in its file and in the store since both agreed."""
    await desk.task("Cart totals")
    path = desk.folder / "ws" / "files" / "tasks" / "T-1.json"
    await wait_for(path.exists, 10)
    before = path.read_text()
    body = json.loads(before)
    await desk.core.tasks.edit("T-1", {"title": "Cart totals, by you"})
    path.write_text(json.dumps(body | {"title": "Cart totals, by file"}))
    await wait_for(lambda: desk.app.snapshot.conflicts, 10)
    (conflict,) = desk.app.snapshot.conflicts
    return conflict.id


async def test_a_conflict_is_decided_at_once_and_taken_back(desk: Desk) -> None:
    id = await a_conflict(desk)
    await desk.act("take-left", keymap.CONFLICTS, id)
    await desk.says(id)
    assert (await desk.core.tasks.get("T-1")).title == "Cart totals, by file"
    await desk.act("undo", keymap.CONFLICTS, id)
    await desk.says("undone: ")
    assert (await desk.core.conflicts.get(id)).state is ConflictState.OPEN
    await desk.act("later", keymap.CONFLICTS, id)
    await desk.says("put off")
    assert (await desk.core.conflicts.get(id)).state is ConflictState.DEFERRED


async def test_several_parts_open_the_view_and_are_written_as_one_act(desk: Desk) -> None:
    task = await desk.task("Cart", text="a\nb\nc")
    file = desk.folder / "ws" / "files" / "tasks" / f"{task.id}.json"
    await wait_for(file.exists, 10)
    body = json.loads(file.read_text())
    await desk.core.tasks.edit(task.id, {"title": "Trolley", "text": "a\nstore\nc"})
    file.write_text(json.dumps(body | {"title": "Basket", "text": "a\nfile\nc"}))
    await wait_for(lambda: len(desk.app.snapshot.conflicts) == 2, 10)
    first = desk.app.snapshot.conflicts[0].id
    await desk.act("take-left", "conflicts", first)
    await desk.screen(ConflictView)
    await desk.press("O", "enter")
    await desk.says("C-2, C-1 decided: take left")
    assert (await desk.core.tasks.get(task.id)).text == "a\nfile\nc"
    await desk.act("undo", "conflicts")
    await desk.says("undone: resolve C-2, C-1: take left")
    found = await desk.core.conflicts.listing()
    assert [conflict.state for conflict in found] == [ConflictState.OPEN] * 2


async def test_the_conflict_view_writes_what_was_chosen(desk: Desk) -> None:
    id = await a_conflict(desk)
    await desk.act("open", keymap.CONFLICTS, id)
    await desk.screen(ConflictView)
    await desk.press("t")
    await wait_for(lambda: id in desk.app.choices, 10)
    assert id in looks_of(desk.app.main, desk.app.choices).choices, "kept before the view is left"
    await desk.press("escape")
    await desk.says("nothing written: 1 chosen, kept for next time")
    await desk.act("open", keymap.CONFLICTS, id)
    await desk.screen(ConflictView)
    await desk.press("H")
    await desk.screen(TimelineView)
    await desk.press("q")
    await desk.screen(ConflictView)
    await desk.press("e", *", both", "enter", "enter")
    await desk.says(id)
    assert (await desk.core.tasks.get("T-1")).title == "Cart totals, by you, both"
    assert (await desk.core.conflicts.get(id)).state is ConflictState.RESOLVED
    await desk.idle()
    assert desk.app.choices == {}, "what was written is no choice any more"


async def agents(desk: Desk, tmux: PrivateTmux, count: int) -> list[str]:
    """Panes with a program that asks for permission; gives back the keys of those agents."""
    command = f"exec {sys.executable} {PROGRAM} ask"
    for _ in range(count):
        if tmux.sessions():
            tmux.window(command)
        else:
            tmux.start(command, size="120x40")
    await wait_for(lambda: len(waiting(desk)) == count, 20)
    return waiting(desk)


def waiting(desk: Desk) -> list[str]:
    return [a.key for a in desk.app.snapshot.agents if a.state is State.WAITING]


async def test_prompts_are_answered_one_after_the_other(desk: Desk, tmux: PrivateTmux) -> None:
    first, *_ = await agents(desk, tmux, 2)
    await desk.act("answer", keymap.AGENTS, first)
    await desk.screen(AnswerCard)
    card = desk.app.screen
    assert isinstance(card, AnswerCard)
    card._guard_s = 0.0
    for left in (1, 0):
        await wait_for(lambda: card._wanted is not None and card._seen_at is not None)
        await desk.press("y")
        await wait_for(lambda left=left: len(waiting(desk)) <= left, 15)  # type: ignore[misc]
    await wait_for(lambda: card._card is None)
    await desk.press("y")
    assert desk.app.screen is card, "it stays for the next prompt until a key closes it"
    await desk.press("q")
    await desk.idle()
    assert not isinstance(desk.app.screen, AnswerCard)
    assert sum("sent, went on" in line for line in desk.app.told) == 2


async def test_a_line_is_typed_and_a_draft_kept(desk: Desk, tmux: PrivateTmux) -> None:
    (key,) = await agents(desk, tmux, 1)
    await desk.act("type", keymap.AGENTS, key)
    await desk.screen(LineInput)
    await desk.press(*"hello", "escape")
    await desk.says("nothing sent, the line is kept")
    await desk.act("type", keymap.AGENTS, key)
    await desk.screen(LineInput)
    await desk.press("enter")
    await desk.idle()
    assert "claude-1: " in desk.told, "a prompt stands in the way, and the line says so"
    await desk.act("type", keymap.AGENTS, key)
    await desk.screen(LineInput)
    screen = desk.app.screen
    assert isinstance(screen, LineInput)
    assert screen._area.text == "hello", "what was not sent is still there"
    await desk.press("escape")


async def test_others_go_on_while_a_dialog_is_open(desk: Desk) -> None:
    await desk.act("new", keymap.TASKS)
    await desk.screen(NewTask)
    await desk.task("Made by another")
    assert desk.shown("T-1")
    await desk.press("escape")
    await desk.idle()


async def test_a_defect_in_a_verb_is_a_line_and_not_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str) -> None:
        raise ZeroDivisionError("of \x1b[31mall\x07 things")

    await desk.task("Cart totals")
    monkeypatch.setattr(desk.app, "copy_to_clipboard", broken)
    await desk.act("copy", keymap.TASKS, "T-1")
    await desk.screen(Menu)
    await desk.press("i")
    await desk.says("that failed, which is a fault of orc-tui: ZeroDivisionError: of all things")
    await desk.task("still here")


async def test_a_task_is_given_to_an_agent_and_a_writer_of_a_conflict_reached(
    desk: Desk, tmux: PrivateTmux
) -> None:
    id = await a_conflict(desk)
    for key in ("attach", "type", "interrupt"):
        await desk.act(key, keymap.CONFLICTS, id)
        await desk.says(f"no side of {id} was written by an agent that runs now")
        desk.app.said.clear()
    (key,) = await agents(desk, tmux, 1)
    await desk.act("give", keymap.AGENTS, key)
    await desk.screen(Menu)
    await desk.press("enter")
    await desk.says("T-1: assignee is now claude-1")
    assert (await desk.core.tasks.get("T-1")).assignee == "claude-1"
    await desk.act("give", keymap.AGENTS, key)
    await desk.says("no task is ready or blocked")
    await desk.act("undo", keymap.AGENTS)
    await desk.says("undone: ")
    assert (await desk.core.tasks.get("T-1")).assignee == ""


def test_the_writers_of_a_conflict_are_its_agents_the_left_one_first() -> None:
    one, two = replace(AGENT, name="claude-2"), replace(AGENT, name="codex-1", key="/tmp/s:%9")
    assert writers(TITLE, [two, one]) == (one, two)
    assert writers(TITLE, [two]) == (two,)
    alone = replace(TITLE, right=replace(TITLE.right, writer="claude-2"))
    assert writers(alone, [two, one]) == (one,)
    assert writers(replace(alone, left=replace(TITLE.left, writer="")), [two]) == ()
