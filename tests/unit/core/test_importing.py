"""Importing: nothing that both sides wrote is decided silently, and all of it can be undone."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clocks import TurnedClock
from orc_core.chronicle.importing import Fate, Importer, ImportReport, SettingRules
from orc_core.errors import UsageError
from orc_core.tasks.rules import KIND, TaskRules
from orc_storage import audit, documents, exports, journal
from orc_storage.exports import Carried
from orc_storage.records import OPERATOR
from workspaces import Workspace, open_workspace

RULES = {KIND: TaskRules()}


@pytest.fixture
async def here(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "here", clock) as workspace:
        yield workspace


@pytest.fixture
async def there(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Workspace]:
    async with open_workspace(tmp_path / "there", clock) as workspace:
        yield workspace


async def carried(ws: Workspace) -> list[Carried]:
    out = io.BytesIO()
    await ws.db.read(lambda conn: exports.write(conn, out, at=1.0))
    return exports.read(io.BytesIO(out.getvalue()))[1]


async def bring(ws: Workspace, what: list[Carried], take: str = "") -> ImportReport:
    importer = Importer(ws.db, RULES, OPERATOR)
    foreseen = await importer.foresee(what, take)
    head = await ws.db.read(journal.head)
    done = await importer.bring(what, take)
    assert foreseen.counts == done.counts, "what was foreseen is what happens"
    if not done.done:
        assert await ws.db.read(journal.head) == head
    return done


def fates(report: ImportReport) -> dict[str, Fate]:
    return {one.id: one.fate for one in report.landings}


async def test_a_copy_is_made_and_a_second_import_changes_nothing(
    here: Workspace, there: Workspace
) -> None:
    await here.add("Cart")
    await here.edit(title="Cart, summed")
    await here.add("Mail")
    report = await bring(there, await carried(here))
    assert fates(report) == {"T-1": Fate.ADDED, "T-2": Fate.ADDED}
    assert (await there.tasks.get("T-1")).title == "Cart, summed"
    (only,) = await there.revisions("T-1")
    assert (only.actor, only.cause) == (OPERATOR, "import: revision 2 by codex-1")
    head = await there.db.read(journal.head)
    report = await bring(there, await carried(here))
    assert set(fates(report).values()) == {Fate.SAME}
    assert await there.db.read(journal.head) == head
    assert (await there.add("Next")).id == "T-3", "numbers that were brought are taken"


async def test_what_went_on_there_comes_as_a_new_revision(
    here: Workspace, there: Workspace
) -> None:
    await here.add("Cart")
    await here.add("Mail")
    await bring(there, await carried(here))
    await here.edit(priority=9)
    await here.db.write(lambda tx: documents.delete(tx, KIND, "T-2", rev=1, actor="a", cause="c"))
    report = await bring(there, await carried(here))
    assert fates(report) == {"T-1": Fate.CHANGED, "T-2": Fate.DELETED}
    assert report.landings[0].fields == ("priority",)
    assert [task.id for task in await there.tasks.listing()] == ["T-1"]
    assert (await there.tasks.get("T-1")).priority == 9


async def test_what_is_newer_here_stays(here: Workspace, there: Workspace) -> None:
    await here.add("Cart")
    await here.add("Mail")
    old = await carried(here)
    await here.edit(priority=9)
    await here.db.write(lambda tx: documents.delete(tx, KIND, "T-2", rev=1, actor="a", cause="c"))
    report = await bring(here, old)
    assert fates(report) == {"T-1": Fate.NEWER_HERE, "T-2": Fate.NEWER_HERE}
    assert (await here.tasks.get("T-1")).priority == 9
    # Unless that is what is wanted: as new revisions, and undone in one step.
    report = await bring(here, old, "import")
    assert set(fates(report).values()) == {Fate.CHANGED}
    assert {task.id for task in await here.tasks.listing()} == {"T-1", "T-2"}
    await here.history.undo(OPERATOR)
    assert (await here.tasks.get("T-1")).priority == 9
    assert [task.id for task in await here.tasks.listing()] == ["T-1"]


async def test_where_both_wrote_nothing_is_written_at_all(
    here: Workspace, there: Workspace
) -> None:
    await here.add("Cart")
    await bring(there, await carried(here))
    await here.edit(title="Cart here", priority=1)
    await here.add("Mail")
    await there.edit(title="Cart there", priority=1)
    report = await bring(there, await carried(here))
    assert not report.done
    assert fates(report) == {"T-1": Fate.CONFLICT, "T-2": Fate.ADDED}
    assert report.conflicts[0].fields == ("title",)
    assert [task.title for task in await there.tasks.listing()] == ["Cart there"]
    assert fates(await bring(there, await carried(here), "store")) == {
        "T-1": Fate.NEWER_HERE,
        "T-2": Fate.ADDED,
    }
    assert (await there.tasks.get("T-1")).title == "Cart there"
    assert fates(await bring(there, await carried(here), "import"))["T-1"] is Fate.CHANGED
    assert (await there.tasks.get("T-1")).title == "Cart here"
    assert not (await there.db.read(lambda c: audit.examine(c, there.folder))).findings


async def test_two_stores_that_never_met_conflict(here: Workspace, there: Workspace) -> None:
    await here.add("Cart")
    await there.add("Another task of the same number")
    assert fates(await bring(there, await carried(here))) == {"T-1": Fate.CONFLICT}


async def test_who_came_back_to_an_old_state_is_told_by_the_count_of_steps(
    here: Workspace, there: Workspace
) -> None:
    await here.add("A")
    await here.edit(title="B")
    old = await carried(here)
    await here.edit(title="A")
    assert fates(await bring(here, old)) == {"T-1": Fate.NEWER_HERE}
    await bring(there, old)
    await here.edit(title="B")
    assert fates(await bring(there, await carried(here))) == {"T-1": Fate.SAME}


async def test_a_deletion_of_what_was_never_here_is_nothing(
    here: Workspace, there: Workspace
) -> None:
    await here.add("Cart")
    await here.db.write(lambda tx: documents.delete(tx, KIND, "T-1", rev=1, actor="a", cause="c"))
    assert fates(await bring(there, await carried(here))) == {"T-1": Fate.SAME}


async def test_one_document_that_is_not_valid_stops_all(here: Workspace, there: Workspace) -> None:
    await here.add("Cart")
    await here.db.write(
        lambda tx: documents.put(
            tx, KIND, "T-2", {"id": "T-2", "title": 7}, rev=0, actor="a", cause="c"
        )
    )
    with pytest.raises(UsageError, match="T-2: title"):
        await Importer(there.db, RULES, OPERATOR).bring(await carried(here))
    assert await there.tasks.listing() == ()


async def test_a_kind_that_is_not_known_is_named_and_left_out(
    here: Workspace, there: Workspace
) -> None:
    await here.add("Cart")
    for kind in ("gadget", "setting"):
        await here.db.write(
            lambda tx, kind=kind: documents.put(
                tx, kind, "layers", {"id": "layers"}, rev=0, actor="a", cause="c"
            )
        )
    importer = Importer(there.db, RULES | {"setting": SettingRules()}, OPERATOR)
    report = await importer.bring(await carried(here))
    assert report.done
    assert {one.kind: one.fate for one in report.landings} == {
        "gadget": Fate.UNKNOWN,
        "setting": Fate.ADDED,
        "task": Fate.ADDED,
    }


async def test_a_loop_that_only_both_together_make_is_refused(
    here: Workspace, there: Workspace
) -> None:
    await here.add("One")
    await here.add("Two")
    await bring(there, await carried(here))
    await here.edit("T-1", depends_on=["T-2"])
    await there.edit("T-2", depends_on=["T-1"])
    with pytest.raises(UsageError, match="circle"):
        await Importer(there.db, RULES, OPERATOR).bring(await carried(here))


async def test_a_dependency_that_was_turned_round_is_no_circle(
    here: Workspace, there: Workspace
) -> None:
    await here.add("Cart")
    await here.tasks.add("Mail", actor="a", cause="c", depends_on=["T-1"])
    await bring(there, await carried(here))
    await here.edit(id="T-2", depends_on=[])
    await here.edit(id="T-1", depends_on=["T-2"])
    assert fates(await bring(there, await carried(here))) == {
        "T-1": Fate.CHANGED,
        "T-2": Fate.CHANGED,
    }
    assert (await there.tasks.get("T-1")).depends_on == ("T-2",)
