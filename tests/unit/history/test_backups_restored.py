"""Bringing a backup back: into its store, into a new one, in place of a damaged one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clocks import TurnedClock
from orc_core.chronicle.compacting import compact
from orc_core.errors import Overlap, UsageError
from orc_core.history.backups import Backups, replace_damaged
from orc_core.settings import BackupSettings
from orc_storage import anchors, audit, compaction, documents
from orc_storage.engine import STORE_FILE
from orc_storage.errors import StoreCorrupt
from orc_storage.records import OPERATOR, Check, Document
from workspaces import Workspace, open_workspace


@asynccontextmanager
async def opened(folder: Path, clock: TurnedClock) -> AsyncIterator[tuple[Workspace, Backups]]:
    async with open_workspace(folder, clock) as place:
        yield (
            place,
            Backups(place.db, clock, BackupSettings(), leads=lambda: False, changed=lambda: None),
        )


async def held(place: Workspace) -> dict[str, Document]:
    found = await place.db.read(lambda conn: documents.listing(conn, "task"))
    return {document.id: document for document in found}


async def sound(place: Workspace) -> bool:
    found = await place.db.read(lambda conn: audit.examine(conn, place.folder))
    return not found.findings


async def test_what_changed_comes_back_and_what_was_made_since_stays(
    tmp_path: Path, clock: TurnedClock
) -> None:
    async with opened(tmp_path / "w", clock) as (place, backups):
        await place.add("Cart")
        await place.add("Mail")
        before = {id: one.sha256 for id, one in (await held(place)).items()}
        copy = await backups.create()
        await place.edit("T-1", title="Basket")
        await place.add("Invoices")
        plan = await backups.plan_restore(copy)
        assert [step.id for step in plan.steps] == ["T-1"]
        assert any("T-3" in line for line in plan.stays)
        await place.history.revert(plan, actor=OPERATOR)
        after = {id: one.sha256 for id, one in (await held(place)).items()}
        assert {id: after[id] for id in before} == before
        assert "T-3" in after
        assert (await held(place))["T-1"].rev == 3
        await place.history.undo(OPERATOR)
        assert (await held(place))["T-1"].body["title"] == "Basket"
        assert await sound(place)


async def test_exact_takes_away_what_was_made_since(tmp_path: Path, clock: TurnedClock) -> None:
    async with opened(tmp_path / "w", clock) as (place, backups):
        await place.add("Cart")
        copy = await backups.create()
        await place.add("Mail")
        plan = await backups.plan_restore(copy, exact=True)
        await place.history.revert(plan, actor=OPERATOR)
        assert list(await held(place)) == ["T-1"]
        await place.history.undo(OPERATOR)
        assert list(await held(place)) == ["T-1", "T-2"]


async def test_a_write_after_the_preview_stops_it(tmp_path: Path, clock: TurnedClock) -> None:
    async with opened(tmp_path / "w", clock) as (place, backups):
        await place.add("Cart")
        copy = await backups.create()
        await place.edit("T-1", title="Basket")
        plan = await backups.plan_restore(copy)
        await place.edit("T-1", title="Trolley")
        with pytest.raises(Overlap):
            await place.history.revert(plan, actor=OPERATOR)
        assert (await held(place))["T-1"].body["title"] == "Trolley"


async def test_a_new_store_takes_what_it_never_had(tmp_path: Path, clock: TurnedClock) -> None:
    async with opened(tmp_path / "w", clock) as (place, backups):
        await place.add("Cart", text="one")
        before = await held(place)
        copy = await backups.create()
    (tmp_path / "w" / STORE_FILE).unlink()
    async with opened(tmp_path / "w", clock) as (place, backups):
        plan = await backups.plan_restore(await backups.find(copy.name))
        await place.history.revert(plan, actor=OPERATOR)
        assert (await held(place))["T-1"].sha256 == before["T-1"].sha256
        assert await place.add("Mail")
        assert list(await held(place)) == ["T-1", "T-2"]
        await place.history.undo(OPERATOR)


async def test_a_copy_that_is_not_sound_is_not_brought_back(
    tmp_path: Path, clock: TurnedClock
) -> None:
    async with opened(tmp_path / "w", clock) as (place, backups):
        await place.add("Cart")
        copy = await backups.create()
        copy.path.write_bytes(copy.path.read_bytes()[:-1])
        with pytest.raises(StoreCorrupt, match="not sound"):
            await backups.plan_restore(copy)


async def test_a_store_is_sound_whatever_lies_beside_it(
    tmp_path: Path, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost archive or spoilt anchors are told, and are no reason to set the store aside."""
    folder = tmp_path / "w"
    monkeypatch.setattr(compaction, "ENTRIES_KEPT", 2)
    async with opened(folder, clock) as (place, backups):
        await place.add("Cart")
        await backups.create()
        for number in range(8):
            await place.edit("T-1", title=f"Cart {number}")
        clock.turn(1.0)
        await compact(place.db, clock.now(), keep_days=0.0, limit=2**30)
    (archive,) = (folder / "archive").iterdir()
    archive.unlink()
    with (folder / anchors.FILE).open("ab") as noted:
        noted.write(b"junk\n" * 500)
    with pytest.raises(UsageError, match="sound"):
        await replace_damaged(folder, "latest", clock)
    async with opened(folder, clock) as (place, _):
        found = await place.db.read(lambda conn: audit.examine(conn, folder))
        assert {finding.check for finding in found.findings} == {Check.ARCHIVE, Check.ANCHOR}
        assert all(finding.is_beside for finding in found.findings)
        assert len(found.findings) == 7
        assert (await held(place))["T-1"].body["title"] == "Cart 7"


async def test_files_newer_than_the_copy_are_kept_and_asked_about(
    tmp_path: Path, clock: TurnedClock
) -> None:
    folder = tmp_path / "w"
    async with opened(folder, clock) as (place, backups):
        await place.add("Cart", due="monday")
        await place.sync()
        await backups.create()
        await place.edit("T-1", title="Basket")
        await place.add("Mail")
        await place.sync()
    (folder / STORE_FILE).write_bytes(b"junk" * 4096)
    await replace_damaged(folder, "latest", clock)
    async with opened(folder, clock) as (place, _):
        assert await sound(place)
        await place.sync()
        (conflict,) = await place.open_conflicts()
        assert (conflict.doc, conflict.path) == ("T-1", "title")
        assert (conflict.left.value, conflict.right.value) == ("Basket", "Cart")
        assert (await held(place))["T-2"].body["title"] == "Mail"
        assert place.file("T-1")["title"] == "Basket"
