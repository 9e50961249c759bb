"""Damaged documents: named, left as they are, and no reason to change anything anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import damage
from clocks import TurnedClock
from orc_core import board
from orc_core.model.health import STORE
from orc_storage import acts, conflicts, documents, journal, live
from orc_storage.errors import DamagedDocument, DamagedRow
from orc_storage.records import OPERATOR, Finding, LiveRow
from workspaces import Workspace, open_workspace

EVERY = pytest.mark.parametrize("harm", damage.EVERY, ids=lambda harm: harm.__name__)


@pytest_asyncio.fixture
async def ws(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Workspace]:
    """T-1 at revision 3 and T-2, both in files."""
    async with open_workspace(tmp_path / "w", clock) as place:
        await place.add("Cart", text="one")
        await place.add("Cartons")
        await place.edit(text="two")
        await place.edit(title="Carts", text="three")
        await place.sync()
        yield place


async def listed(ws: Workspace) -> tuple[list[str], list[Finding]]:
    damaged: list[Finding] = []
    found = await ws.db.read(lambda conn: documents.listing(conn, "task", damaged=damaged))
    return [one.id for one in found], damaged


def rows(folder: Path) -> list[object]:
    with damage.behind_its_back(folder) as conn:
        conn.text_factory = bytes
        tables = ("document", "revision", "base", "conflict")
        return [conn.execute(f"SELECT * FROM {one}").fetchall() for one in tables]  # noqa: S608


@pytest.mark.parametrize("harm", [damage.flip_a_byte, damage.break_the_text, damage.break_both])
async def test_a_damaged_document_is_named_and_the_others_are_there(
    ws: Workspace, harm: damage.Damage
) -> None:
    harm(ws.folder, "T-1")
    ids, damaged = await listed(ws)
    assert ids == ["T-2"]
    assert [(one.kind, one.id, one.rev) for one in damaged] == [("task", "T-1", 3)]
    with pytest.raises(DamagedDocument, match="`orc audit mend task T-1`"):
        await ws.db.read(lambda conn: documents.get(conn, "task", "T-1"))
    with pytest.raises(DamagedDocument):
        await ws.edit(title="Basket")
    assert (await ws.edit("T-2", title="Basket")).title == "Basket"


async def test_a_damaged_revision_is_told_and_the_others_are_there(ws: Workspace) -> None:
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("UPDATE revision SET body = replace(body, 'two', 'twu') WHERE rev = 2")
    found = await ws.revisions()
    assert [(one.rev, bool(one.damage), bool(one.body)) for one in found] == [
        (1, False, True),
        (2, True, False),
        (3, False, True),
    ]
    with pytest.raises(DamagedDocument):
        await ws.db.read(lambda conn: documents.revision(conn, "task", "T-1", 2))
    assert (await ws.edit(text="four")).rev == 4


@EVERY
@pytest.mark.parametrize("file", ["there", "edited", "absent"])
@pytest.mark.parametrize("first", ["damage", "file"])
async def test_the_sync_changes_nothing_of_what_is_damaged(
    ws: Workspace, harm: damage.Damage, file: str, first: str
) -> None:
    def touch() -> None:
        if file == "edited":
            ws.change(title="Basket")
        elif file == "absent":
            ws.path().unlink()

    if first == "file":
        touch()
    harm(ws.folder, "T-1")
    if first == "damage":
        await ws.sync()
        touch()
    before, held = rows(ws.folder), ws.path().read_bytes() if ws.path().exists() else None
    # Where the file is as it was given, nothing is asked of the revision.
    is_due = not (harm is damage.break_the_revision and file == "there")
    for _ in range(3):
        report = await ws.sync()
        told = [(one.layer, one.kind, one.id) for one in report.faults]
        assert told == [(STORE, "task", "T-1")] * is_due
    assert (ws.path().read_bytes() if ws.path().exists() else None) == held
    assert rows(ws.folder) == before
    ws.change("T-2", title="Baskets")
    report = await ws.sync()
    assert (report.imported, report.failed) == (1, 0)
    assert (await ws.tasks.get("T-2")).title == "Baskets"


async def test_a_conflict_that_cannot_be_read_is_left_out_and_named(ws: Workspace) -> None:
    ws.change(title="Basket")
    await ws.edit(title="Crate")
    await ws.sync()
    (found,) = await ws.open_conflicts()
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("UPDATE conflict SET record = replace(record, 'EDIT', 'ADIT')")
        conn.execute("UPDATE conflict SET record = substr(record, 2)")
    held = await board.load(ws.db, ws.clock.now(), board.Board())
    assert (held.conflicts, [(one.kind, one.id) for one in held.damaged]) == (
        (),
        [("conflict", found.id)],
    )
    with pytest.raises(DamagedRow, match=found.id):
        await ws.db.read(lambda conn: conflicts.get(conn, found.id))
    report = await ws.sync()
    assert [(one.id, found.id in one.text) for one in report.faults] == [("T-1", True)]
    assert (ws.file()["title"], (await ws.tasks.get("T-1")).title) == ("Basket", "Crate")


async def test_without_its_base_a_difference_is_for_a_person(ws: Workspace) -> None:
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("UPDATE base SET body = '[' || body WHERE id = 'T-1'")
    assert await ws.base() is None
    await ws.edit(title="Crate")
    ws.change(title="Basket")
    await ws.sync()
    assert [(one.path, one.left.value) for one in await ws.open_conflicts()] == [
        ("title", "Basket")
    ]
    assert ws.file()["title"] == "Basket"


async def test_an_act_that_cannot_be_read_has_left_the_list(ws: Workspace) -> None:
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("UPDATE act SET changes = 'x' WHERE seq = (SELECT max(seq) FROM act)")
    last = await ws.db.read(lambda conn: acts.last(conn, "codex-1", "done"))
    assert last is not None
    assert last.changes[0].to_rev == 2
    assert len(await ws.db.read(lambda conn: acts.listing(conn, "codex-1"))) == 1
    assert await ws.db.read(acts.changes)


async def test_a_pane_that_cannot_be_read_is_seen_anew(ws: Workspace) -> None:
    seen = [LiveRow("/s", 1, f"%{n}", 2, f"a-{n}", "claude", "idle", 1.0, "", 1.0) for n in (1, 2)]
    await ws.db.write(lambda tx: live.upsert(tx, seen))
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("UPDATE live SET name = CAST(x'FF' AS TEXT) WHERE pane_id = '%1'")
    found = await ws.db.read(live.listing)
    assert [one.name for one in found] == ["\N{REPLACEMENT CHARACTER}", "a-2"]


async def test_an_entry_that_cannot_be_read_stops_nobody_who_follows(ws: Workspace) -> None:
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("UPDATE journal SET detail = CAST(x'7BFF' AS TEXT) WHERE seq = 2")
    found = await ws.db.read(lambda conn: journal.since(conn, 0))
    assert [one.detail == {} for one in found] == [False, True, False, False]
    assert await ws.db.read(journal.verify)


async def test_a_setting_that_is_damaged_holds_as_it_was_last(ws: Workspace) -> None:
    choices = ws.synchronizer.choices
    await choices.change("file", {"on": False}, actor=OPERATOR, cause="orc layers off file")
    with damage.behind_its_back(ws.folder) as conn:
        conn.execute("UPDATE document SET body = '{}' WHERE kind = 'setting'")
    await choices.load()
    assert not choices.of("file").on


async def test_the_board_shows_a_damaged_task_as_it_was_last(ws: Workspace) -> None:
    damage.break_both(ws.folder, "T-1")
    held = await board.load(ws.db, ws.clock.now(), board.Board())
    layers = board.with_damage((), held.damaged, ws.clock.now())
    (fault,) = layers[0].faults
    shown = held.tasks([fault])
    assert [(one.id, one.rev, one.text) for one in shown] == [("T-1", 3, "two"), ("T-2", 1, "")]
    assert "`orc audit mend task T-1`" in shown[0].fault
    assert shown[1].fault == ""


async def test_a_task_can_wait_for_one_that_is_damaged(ws: Workspace) -> None:
    await ws.edit("T-2", depends_on=["T-1"])
    damage.break_both(ws.folder, "T-1")
    edited = await ws.edit("T-2", title="Crates", depends_on=["T-1"])
    assert (edited.title, edited.blocked_by) == ("Crates", ("T-1",))
