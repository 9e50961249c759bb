"""Texts that both sides edit: what clashes waits hunk by hunk, the rest is there at once."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from orc_core.errors import Overlap, UsageError
from orc_core.sync.copies import Copy
from orc_core.sync.settlement import settle
from orc_core.sync.synchronizer import SyncReport
from orc_core.tasks.rules import KIND
from orc_storage import journal
from orc_storage.files import parse
from orc_storage.records import OPERATOR, Conflict, ConflictState
from stores import Turned
from workspaces import RULES, Workspace, open_workspace

PLAN = "1 column\n1b index\n2 backfill\n3 reads\n3b check\n4 watch\n5 drop\n6 done"


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: Turned) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "ws", clock) as workspace:
        yield workspace


async def _clash(ws: Workspace) -> tuple[Conflict, Conflict]:
    """Both change lines 2 and 5, the file line 1 as well, the store the last."""
    await ws.add(text=PLAN)
    await ws.sync()
    ws.change(
        text="1 COLUMN\n1b index\n2 in batches\n3 reads\n3b check\n4 watch\n5 drop late\n6 done"
    )
    await ws.edit(
        text="1 column\n1b index\n2 nightly\n2b report\n3 reads\n3b check\n4 watch\n5 keep\n6 DONE"
    )
    await ws.sync()
    first, second = await ws.open_conflicts()
    return first, second


async def _texts(ws: Workspace) -> tuple[str, str]:
    return (await ws.tasks.get("T-1")).text, ws.file()["text"]


async def _assert_in_step(ws: Workspace) -> None:
    assert await ws.sync() == SyncReport()
    assert await ws.open_conflicts() == []
    store, file = await _texts(ws)
    assert store == file
    assert await ws.db.read(journal.verify) == []


async def test_only_the_lines_that_clash_wait(ws: Workspace) -> None:
    first, second = await _clash(ws)
    assert (first.path, first.base, first.left.value, first.right.value) == (
        "text#1",
        "2 backfill",
        "2 in batches",
        "2 nightly\n2b report",
    )
    # The last line of the text touches the second: both wait.
    assert (second.path, second.base) == ("text#2", "5 drop\n6 done")
    assert (second.left.value, second.right.value) == ("5 drop late\n6 done", "5 keep\n6 DONE")
    assert (first.right.writer, first.right.rev) == ("codex-1", 3)
    assert await _texts(ws) == (
        "1 COLUMN\n1b index\n2 nightly\n2b report\n3 reads\n3b check\n4 watch\n5 keep\n6 DONE",
        "1 COLUMN\n1b index\n2 in batches\n3 reads\n3b check\n4 watch\n5 drop late\n6 done",
    )
    assert await ws.sync() == SyncReport()
    assert [c.id for c in await ws.open_conflicts()] == [first.id, second.id]


@pytest.mark.parametrize(
    ("take", "value", "lines"),
    [
        ("left", None, "2 in batches"),
        ("right", None, "2 nightly\n2b report"),
        ("base", None, "2 backfill"),
        ("both", None, "2 in batches\n2 nightly\n2b report"),
        ("value", "2 a\n2 b\n2 c", "2 a\n2 b\n2 c"),
        ("value", "", None),
    ],
)
async def test_a_hunk_is_decided_alone_taken_back_and_decided_again(
    ws: Workspace, take: str, value: str | None, lines: str | None
) -> None:
    first, second = await _clash(ws)
    before = await _texts(ws)
    middle = "" if lines is None else f"{lines}\n"
    decided = (
        f"1 COLUMN\n1b index\n{middle}3 reads\n3b check\n4 watch\n5 keep\n6 DONE",
        f"1 COLUMN\n1b index\n{middle}3 reads\n3b check\n4 watch\n5 drop late\n6 done",
    )
    await ws.conflicts.resolve(first.id, take, value=value, actor=OPERATOR)
    for sync_first in (True, False):
        await ws.sync()
        assert await _texts(ws) == decided
        assert [c.id for c in await ws.open_conflicts()] == [second.id]
        await ws.history.undo(OPERATOR)
        if sync_first:
            await ws.sync()
            assert await _texts(ws) == before
            assert await ws.sync() == SyncReport()
        assert [c.id for c in await ws.open_conflicts()] == [first.id, second.id]
        await ws.history.redo(OPERATOR)
    await ws.conflicts.resolve(second.id, "both", actor=OPERATOR)
    await ws.sync()
    store, _ = await _texts(ws)
    assert (
        store == f"1 COLUMN\n1b index\n{middle}3 reads\n3b check\n4 watch\n"
        "5 drop late\n6 done\n5 keep\n6 DONE"
    )
    await _assert_in_step(ws)


async def test_edits_elsewhere_go_on_and_move_the_hunks_along(ws: Workspace) -> None:
    first, second = await _clash(ws)
    text = (await ws.tasks.get("T-1")).text
    await ws.edit(text=f"0 plan\n{text}")
    ws.change(text=ws.file()["text"].replace("3b check", "3b check all"))
    await ws.sync()
    still = await ws.open_conflicts()
    assert [(c.id, c.line) for c in still] == [(first.id, 4), (second.id, 8)]
    store, file = await _texts(ws)
    assert store.startswith(
        "0 plan\n1 COLUMN\n1b index\n2 nightly\n2b report\n3 reads\n3b check all"
    )
    assert file.startswith("0 plan\n1 COLUMN\n1b index\n2 in batches\n3 reads\n3b check all")
    await ws.conflicts.resolve(second.id, "left", actor=OPERATOR)
    await ws.conflicts.resolve(first.id, "right", actor=OPERATOR)
    await ws.sync()
    assert (await _texts(ws))[0] == (
        "0 plan\n1 COLUMN\n1b index\n2 nightly\n2b report\n3 reads\n3b check all\n"
        "4 watch\n5 drop late\n6 done"
    )
    await _assert_in_step(ws)


async def test_a_side_that_moves_on_supersedes_its_hunk_alone(ws: Workspace) -> None:
    first, second = await _clash(ws)
    ws.change(text=ws.file()["text"].replace("2 in batches", "2 in small batches"))
    await ws.sync()
    third = (await ws.open_conflicts())[-1]
    assert (third.path, third.base, third.left.value) == (
        "text#1",
        "2 backfill",
        "2 in small batches",
    )
    assert (await ws.conflict(first.id)).state is ConflictState.SUPERSEDED
    assert {c.id for c in await ws.open_conflicts()} == {second.id, third.id}


async def test_a_hunk_goes_when_its_sides_agree_or_the_file_takes_it_back(ws: Workspace) -> None:
    await _clash(ws)
    text = ws.file()["text"]
    ws.change(
        text=text.replace("2 in batches", "2 backfill").replace(
            "5 drop late\n6 done", "5 keep\n6 DONE"
        )
    )
    await ws.sync()
    assert (await _texts(ws))[0] == (
        "1 COLUMN\n1b index\n2 nightly\n2b report\n3 reads\n3b check\n4 watch\n5 keep\n6 DONE"
    )
    await _assert_in_step(ws)


async def test_a_store_that_goes_back_to_the_base_is_not_overwritten(ws: Workspace) -> None:
    await _clash(ws)
    text = (await ws.tasks.get("T-1")).text
    await ws.edit(text=text.replace("2 nightly\n2b report", "2 backfill"))
    await ws.sync()
    (conflict,) = [c for c in await ws.open_conflicts() if c.path == "text#1"]
    assert (conflict.left.value, conflict.right.value) == ("2 in batches", "2 backfill")


async def test_a_decision_over_lines_that_moved_on_is_refused(ws: Workspace) -> None:
    first, second = await _clash(ws)
    text = (await ws.tasks.get("T-1")).text
    await ws.edit(text=text.replace("2 nightly", "2 weekly") + "\n7 tell")
    with pytest.raises(Overlap, match=f"{first.id} is superseded by C-3"):
        await ws.conflicts.resolve(first.id, "left", actor=OPERATOR)
    opens = {c.id: c for c in await ws.open_conflicts()}
    assert (await ws.conflict("C-3")).right.value == "2 weekly\n2b report"
    assert second.id not in opens, "the line after it is part of it now"
    for conflict in opens.values():
        await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    assert (await _texts(ws))[0] == (
        "1 COLUMN\n1b index\n2 weekly\n2b report\n3 reads\n3b check\n"
        "4 watch\n5 keep\n6 DONE\n7 tell"
    )
    await _assert_in_step(ws)


async def test_a_decision_is_not_taken_back_over_newer_lines(ws: Workspace) -> None:
    first, _ = await _clash(ws)
    await ws.conflicts.resolve(first.id, "left", actor=OPERATOR)
    await ws.sync()
    text = (await ws.tasks.get("T-1")).text
    await ws.edit(text=text.replace("2 in batches", "2 at once"))
    with pytest.raises(Overlap, match="text#1 was changed"):
        await ws.history.undo(OPERATOR)
    assert (await ws.conflict(first.id)).state is ConflictState.RESOLVED


async def test_one_value_has_no_both_and_lines_are_a_string(ws: Workspace) -> None:
    first, _ = await _clash(ws)
    with pytest.raises(UsageError, match="lines of a text: write them as a JSON string"):
        await ws.conflicts.resolve(first.id, "value", value=7, actor=OPERATOR)
    ws.change(due="soon")
    await ws.edit(due="late")
    await ws.sync()
    (due,) = [c for c in await ws.open_conflicts() if c.path == "due"]
    with pytest.raises(UsageError, match="is one value"):
        await ws.conflicts.resolve(due.id, "both", actor=OPERATOR)


async def test_an_old_copy_with_decided_lines_is_told_and_turns_nothing_back(
    ws: Workspace,
) -> None:
    first, second = await _clash(ws)
    old = ws.file()
    for conflict in (first, second):
        await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    store, _ = await _texts(ws)
    ws.write(old)
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    assert (conflict.path, conflict.why) == ("text", "an old copy of revision 3 was written back")
    assert (await ws.tasks.get("T-1")).text == store


async def test_a_removed_file_takes_the_hunks_into_one_conflict(ws: Workspace) -> None:
    await _clash(ws)
    text = (await ws.tasks.get("T-1")).text
    ws.path().unlink()
    await ws.edit(text=f"{text}\n7 tell")
    await ws.sync()
    assert [c.path for c in await ws.open_conflicts()] == [""]
    assert (await ws.tasks.get("T-1")).text == f"{text}\n7 tell"


async def test_lines_that_were_never_given_are_not_taken_for_taken_out(ws: Workspace) -> None:
    """A crash after the store was written: the file lacks what it was to get, and is edited."""
    await ws.add(text="a\nb\nc\nd\ne\nf\ng\nh\ni")
    await ws.sync()
    ws.change(text="a\nfile\nc\nd\ne\nf\ng\nh\ni")
    await ws.edit(text="a\nstore\nc\nd\ne\nf\ng\nH\ni")
    data = ws.path().read_bytes()
    body, rev = parse(data, "T-1")
    sha256 = hashlib.sha256(data).hexdigest()
    copy = Copy("file", KIND, "T-1", body, rev, sha256, 0.0, "file T-1.json")
    await ws.db.write(partial(settle, copy=copy, rules=RULES[KIND]))
    ws.change(text=ws.file()["text"].replace("e", "E").replace("filE", "file"))
    await ws.sync()
    assert await _texts(ws) == (
        "a\nstore\nc\nd\nE\nf\ng\nH\ni",
        "a\nfile\nc\nd\nE\nf\ng\nH\ni",
    )
    assert [(c.id, c.path) for c in await ws.open_conflicts()] == [("C-1", "text#1")]


async def test_lines_given_before_a_crash_are_known_again(ws: Workspace) -> None:
    """A crash after the file was given, before that was written down: its edit is one of that."""
    await ws.add(text="a\nb\nc\nd\ne\nf\ng\nh\ni")
    await ws.sync()
    ws.change(text="a\nfile\nc\nd\ne\nf\ng\nh\ni")
    await ws.edit(text="a\nstore\nc\nd\ne\nf\ng\nH\ni")
    data = ws.path().read_bytes()
    body, rev = parse(data, "T-1")
    sha256 = hashlib.sha256(data).hexdigest()
    copy = Copy("file", KIND, "T-1", body, rev, sha256, 0.0, "file T-1.json")
    settled = await ws.db.write(partial(settle, copy=copy, rules=RULES[KIND]))
    assert settled.body is not None
    ws.write({**settled.body, "rev": settled.rev, "text": "a\nfile\nc\nd\ne\nf\ng\nh\ni"})
    await ws.sync()
    assert await _texts(ws) == (
        "a\nstore\nc\nd\ne\nf\ng\nh\ni",
        "a\nfile\nc\nd\ne\nf\ng\nh\ni",
    ), "the file took the store's H out"


async def test_an_old_copy_does_not_bring_lines_back_that_were_decided_against(
    ws: Workspace,
) -> None:
    """The store took the lines out, so that nothing in its text tells where the file had them."""
    await ws.add(text="a\nb\nc\nd\ne")
    await ws.sync()
    ws.change(text="a\nfile\nc\nd\ne")
    await ws.edit(text="a\nc\nd\ne")
    await ws.sync()
    (conflict,) = await ws.open_conflicts()
    old = ws.file()
    await ws.conflicts.resolve(conflict.id, "right", actor=OPERATOR)
    await ws.sync()
    assert await _texts(ws) == ("a\nc\nd\ne",) * 2
    ws.write(old | {"text": "a\nfile\nc\nd\nE"})
    await ws.sync()
    assert (await ws.tasks.get("T-1")).text == "a\nc\nd\ne"
    assert [c.left.value for c in await ws.open_conflicts()] == ["a\nfile\nc\nd\nE"]
