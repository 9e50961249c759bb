"""A store that takes nothing for a while: what is done meanwhile waits, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

import pytest
import pytest_asyncio

from clocks import TurnedClock, wait_for
from orc_core.errors import IllegalMove, OrcError, UsageError
from orc_core.history.checkpoints import Checkpoints
from orc_core.history.timeline import Timeline
from orc_core.model.health import Layer, LayerState
from orc_core.model.history import Chosen
from orc_core.model.task import Status
from orc_core.pending import WAITING_MAX, Pending
from orc_core.wings import ConflictWing, HistoryWing
from orc_storage import audit, bases, documents
from orc_storage.errors import StaleRevision, StoreUnavailable
from orc_storage.records import OPERATOR, Document
from scarcity import files_no_larger_than
from workspaces import Workspace, open_workspace

CAUSE = "dashboard"


class Desk:
    """A workspace with what waits for its store, and a disk that can be full."""

    def __init__(self, place: Workspace) -> None:
        self.place = place
        self.held: tuple[Document, ...] = ()
        self.told = 0
        self.pending = Pending(place.db, place.clock, lambda: self.held, self._tell)

    def _tell(self) -> None:
        self.told += 1

    async def look(self) -> None:
        self.held = tuple(await self.place.db.read(lambda conn: documents.listing(conn, "task")))

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        with files_no_larger_than(0):
            yield

    async def title(self, id: str = "T-1") -> object:
        return (await self.place.tasks.get(id)).title


@asynccontextmanager
async def opened(folder: Path, clock: TurnedClock) -> AsyncIterator[Desk]:
    async with open_workspace(folder, clock) as place:
        desk = Desk(place)
        await place.add("Cart", text="one")
        await desk.look()
        yield desk


@pytest_asyncio.fixture
async def desk(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Desk]:
    async with opened(tmp_path / "w", clock) as found:
        yield found


async def edit(desk: Desk, id: str = "T-1", **fields: str) -> bool:
    task = await desk.pending.edit(id, fields, actor=OPERATOR, cause=CAUSE)
    return task.pending


async def test_with_a_store_that_works_nothing_waits(desk: Desk) -> None:
    assert not await edit(desk, title="Basket")
    assert desk.pending.waiting == ()
    assert await desk.title() == "Basket"


async def test_what_waits_is_shown_and_written_in_order(desk: Desk) -> None:
    with desk.full_disk():
        assert await edit(desk, title="Basket")
        assert await edit(desk, title="Trolley")
        assert await edit(desk, due="monday")
        added = await desk.pending.add("Mail", actor=OPERATOR, cause=CAUSE)
        assert added.pending
        shown = {one.id: one.body for one in desk.pending.overlay(desk.held)}
        assert (shown["T-1"]["title"], shown["T-1"]["due"]) == ("Trolley", "monday")
        assert shown[added.id]["title"] == "Mail"
        await desk.pending.replay()
        assert len(desk.pending.waiting) == 4
        assert await desk.title() == "Cart"
    await desk.pending.replay()
    assert desk.pending.waiting == desk.pending.refused == ()
    past = await desk.place.revisions()
    assert [one.body["title"] for one in past] == ["Cart", "Basket", "Trolley", "Trolley"]
    assert past[-1].body["due"] == "monday"
    assert {one.actor for one in past} == {OPERATOR}
    assert await desk.title("T-2") == "Mail"


async def test_an_edit_of_an_older_revision_is_refused_while_the_store_is_away_too(
    desk: Desk,
) -> None:
    await desk.place.edit(title="Basket")
    await desk.look()
    with desk.full_disk():
        assert await edit(desk, due="monday")  # from here on nothing is asked of the store
        for rev, waits in ((1, 1), (2, 2)):
            with nullcontext() if rev == 2 else pytest.raises(StaleRevision):
                await desk.pending.edit(
                    "T-1", {"title": "Trolley"}, actor=OPERATOR, cause=CAUSE, rev=rev
                )
            assert len(desk.pending.waiting) == waits


async def test_what_was_written_late_can_be_undone(desk: Desk) -> None:
    with desk.full_disk():
        await edit(desk, title="Basket")
    await desk.pending.replay()
    await desk.place.history.undo(OPERATOR)
    assert await desk.title() == "Cart"


async def test_another_field_that_moved_meanwhile_is_merged(desk: Desk) -> None:
    with desk.full_disk():
        await edit(desk, title="Basket")
    await desk.place.edit("T-1", due="monday")
    await desk.pending.replay()
    task = await desk.place.tasks.get("T-1")
    assert (task.title, task.due) == ("Basket", "monday")
    assert await desk.place.open_conflicts() == []


async def test_the_same_field_that_moved_meanwhile_is_a_conflict(desk: Desk) -> None:
    with desk.full_disk():
        await edit(desk, title="Basket", due="friday")
    await desk.place.edit("T-1", title="Trolley")
    await desk.pending.replay()
    task = await desk.place.tasks.get("T-1")
    assert (task.title, task.due) == ("Trolley", "friday")
    (conflict,) = await desk.place.open_conflicts()
    assert (conflict.path, conflict.left.layer, conflict.left.value) == (
        "title",
        "pending",
        "Basket",
    )
    assert conflict.right.value == "Trolley"
    await desk.place.conflicts.resolve(conflict.id, "left", actor=OPERATOR)
    assert await desk.title() == "Basket"
    # Nothing holds what was pending any more, so nothing is remembered as agreed with it.
    agreed = await desk.place.db.read(lambda conn: bases.get(conn, "pending", "task", "T-1"))
    assert agreed is None


async def test_a_text_that_both_changed_in_one_place_is_decided_whole(desk: Desk) -> None:
    await desk.place.edit("T-1", text="one\ntwo\nthree")
    await desk.look()
    with desk.full_disk():
        await edit(desk, text="one\n2\nthree")
    await desk.place.edit("T-1", text="one\nzwei\nthree")
    await desk.pending.replay()
    (conflict,) = await desk.place.open_conflicts()
    assert (conflict.path, conflict.left.value) == ("text", "one\n2\nthree")
    await desk.place.conflicts.resolve(conflict.id, "left", actor=OPERATOR)
    assert (await desk.place.tasks.get("T-1")).text == "one\n2\nthree"


async def test_one_that_was_deleted_meanwhile_is_a_conflict(desk: Desk) -> None:
    with desk.full_disk():
        await edit(desk, title="Basket")
    await desk.place.db.write(
        lambda tx: documents.delete(tx, "task", "T-1", rev=1, actor="codex-1", cause="rm")
    )
    await desk.pending.replay()
    (conflict,) = await desk.place.open_conflicts()
    assert (conflict.kind, conflict.path) == ("edit/delete", "")
    assert isinstance(conflict.left.value, dict)
    assert conflict.left.value["title"] == "Basket"


async def test_a_status_that_both_moved_is_decided_by_a_person(desk: Desk) -> None:
    with desk.full_disk():
        await desk.pending.set_status("T-1", Status.RUNNING, actor=OPERATOR, cause=CAUSE)
    await desk.place.tasks.set_status("T-1", Status.CANCELLED, actor="x", cause=CAUSE)
    await desk.pending.replay()
    (conflict,) = await desk.place.open_conflicts()
    assert (conflict.path, conflict.left.value) == ("status", "running")


async def test_what_the_rules_refuse_in_the_end_is_named_and_keeps_nothing_else_waiting(
    desk: Desk,
) -> None:
    await desk.place.add("Mail")
    await desk.look()
    with desk.full_disk():
        await desk.pending.edit("T-1", {"depends_on": ["T-2"]}, actor=OPERATOR, cause=CAUSE)
        await edit(desk, "T-2", title="Post")
    await desk.place.edit("T-2", depends_on=["T-1"])
    await desk.pending.replay()
    (fault,) = desk.pending.refused
    assert fault.id == "T-1"
    assert "circle" in fault.text
    assert await desk.title("T-2") == "Post"
    (store,) = desk.pending.over([Layer("store", LayerState.OK, "", 0, 0, 0)])
    assert (store.queued, store.failed, store.faults) == (0, 1, (fault,))


async def test_what_is_wrong_is_refused_at_once(desk: Desk) -> None:
    await desk.place.tasks.set_status("T-1", Status.DONE, actor=OPERATOR, cause=CAUSE)
    await desk.look()
    with desk.full_disk():
        await edit(desk, due="x")
        with pytest.raises(UsageError, match="title"):
            await edit(desk, title="")
        with pytest.raises(IllegalMove):
            await desk.pending.set_status("T-1", Status.RUNNING, actor=OPERATOR, cause=CAUSE)
        added = await desk.pending.add("Mail", actor=OPERATOR, cause=CAUSE)
        with pytest.raises(OrcError, match="waits"):
            await edit(desk, added.id, title="Post")
    assert len(desk.pending.waiting) == 2


async def test_no_more_wait_than_there_is_room_for(desk: Desk) -> None:
    with desk.full_disk():
        for number in range(WAITING_MAX):
            await edit(desk, title=f"Cart {number}")
        with pytest.raises(StoreUnavailable, match="changes wait"):
            await edit(desk, title="One more")
    assert len(desk.pending.waiting) == WAITING_MAX
    await desk.pending.replay()
    assert await desk.title() == f"Cart {WAITING_MAX - 1}"


async def test_a_decision_waits_too(desk: Desk) -> None:
    place = desk.place
    await place.sync()
    place.change("T-1", title="Basket")
    await place.edit("T-1", title="Trolley")
    await place.sync()
    (conflict,) = await place.open_conflicts()
    wing = ConflictWing(place.conflicts, OPERATOR, desk.pending.late)
    with desk.full_disk():
        report = await wing.resolve(conflict.id, "left")
        assert report.text.startswith("pending")
        assert not report.undoable
    await desk.pending.replay()
    assert await place.open_conflicts() == []
    assert await desk.title() == "Basket"


async def test_several_decided_at_once_wait_and_nothing_overtakes_them(desk: Desk) -> None:
    place = desk.place
    await place.sync()
    place.change(title="Basket")
    await place.edit(title="Trolley")
    await place.sync()
    (conflict,) = await place.open_conflicts()
    wing = ConflictWing(place.conflicts, OPERATOR, desk.pending.late)
    points = Checkpoints(place.db)
    story = HistoryWing(
        place.history, Timeline(place.db), points, OPERATOR, desk.pending.require_written
    )
    with desk.full_disk():
        report = await wing.resolve_chosen([Chosen(conflict.id, "left")])
        assert (report.done, report.left) == (
            (),
            (f"pending: resolve {conflict.id}, until the store is back",),
        )
    for refused, what in (
        (story.undo(), "nothing was undone"),
        (story.redo(), "nothing was done again"),
        (story.create_checkpoint("now"), "no checkpoint was made"),
        (desk.pending.delete_many(["T-1"], actor=OPERATOR, cause=CAUSE), "nothing was deleted"),
    ):
        with pytest.raises(StoreUnavailable, match=f"1 change still to be written.*{what}"):
            await refused
    await desk.pending.replay()
    assert await place.open_conflicts() == []
    assert await desk.title() == "Basket"
    await wing.undo_resolution(conflict.id)
    assert len(await place.open_conflicts()) == 1
    await story.create_checkpoint("now")


async def test_the_store_says_how_many_wait(desk: Desk) -> None:
    ok = (Layer("file", LayerState.OK, "", 0, 0, 0), Layer("store", LayerState.OK, "", 0, 0, 0))
    assert desk.pending.over(ok) == ok
    with desk.full_disk():
        await edit(desk, title="Basket")
    file, store = desk.pending.over(ok)
    assert file == ok[0]
    assert (store.state, store.queued) == (LayerState.DEGRADED, 1)
    assert "store.db" in store.trouble
    await desk.pending.replay()
    assert desk.pending.over(ok) == ok


async def test_it_tries_by_itself_until_the_store_is_back(desk: Desk, clock: TurnedClock) -> None:
    running = asyncio.create_task(desk.pending.run())
    try:
        with desk.full_disk():
            await edit(desk, title="Basket")
            for _ in range(3):
                await wait_for(lambda: clock.sleepers)
                clock.turn(1.0)
            await wait_for(lambda: clock.sleepers)
            assert desk.pending.waiting
        clock.turn(1.0)
        await wait_for(lambda: not desk.pending.waiting)
        found = await desk.place.db.read(lambda conn: audit.examine(conn, desk.place.folder))
        assert found.findings == ()
    finally:
        running.cancel()
        await asyncio.wait([running])
