"""Bases, conflicts, acts, live rows and counters: what goes in comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orc_storage import acts, bases, conflicts, counters, live
from orc_storage.database import Database, Transaction
from orc_storage.errors import NotFound
from orc_storage.records import (
    Act,
    Base,
    Change,
    Clash,
    Conflict,
    ConflictState,
    Deed,
    LiveRow,
    Side,
    StateChange,
)

LEFT = Side("file", "Rotate", True, "", 10.0, 0, "files/tasks/T-1.json")
RIGHT = Side("store", None, False, "codex-1", 11.5, 3, "orc task edit")
CONFLICT = Conflict(
    id="C-1",
    kind=Clash.EDIT_DELETE,
    doc_kind="task",
    doc="T-1",
    path="title",
    base={"a": [1, None, 2.5, "ü"]},
    base_present=True,
    base_rev=2,
    left=LEFT,
    right=RIGHT,
    state=ConflictState.OPEN,
    opened_at=12.0,
    why="both changed it",
)
BASE = Base("file", "task", "T-1", 2, {"id": "T-1"}, {"id": "T-1", "title": "x"}, "ab" * 32)
ROW = LiveRow("/tmp/s", 99, "%3", 1234, "claude-1", "claude", "working", 1.5, "title: *", 2.5)


async def test_a_base_is_kept_per_layer_and_document(db: Database) -> None:
    absent = replace(BASE, id="T-2", rev=0, body=None, seen=None, seen_sha256="")
    newer = replace(BASE, rev=3)

    def work(tx: Transaction) -> None:
        for base in (BASE, absent, replace(BASE, layer="tmux"), newer):
            bases.put(tx, base)

    await db.write(work)
    assert await db.read(lambda conn: bases.get(conn, "file", "task", "t-1")) == newer
    assert await db.read(lambda conn: bases.listing(conn, "file", "task")) == [newer, absent]
    await db.write(lambda tx: bases.remove(tx, "file", "task", "T-1"))
    assert await db.read(lambda conn: bases.get(conn, "file", "task", "T-1")) is None
    assert await db.read(lambda conn: bases.listing(conn, "file", "task")) == [absent]


async def test_a_conflict_comes_back_as_it_was(db: Database) -> None:
    await db.write(lambda tx: conflicts.insert(tx, CONFLICT))
    assert await db.read(lambda conn: conflicts.get(conn, "c-1")) == CONFLICT
    assert await db.read(lambda conn: conflicts.get(conn, "C-9")) is None
    decided = replace(
        CONFLICT,
        state=ConflictState.RESOLVED,
        decided_at=50.0,
        decided_by="operator",
        decision="value",
        value=["x"],
        value_present=True,
    )
    await db.write(lambda tx: conflicts.update(tx, decided))
    assert await db.read(lambda conn: conflicts.get(conn, "C-1")) == decided
    with pytest.raises(NotFound, match="there is no conflict C-9"):
        await db.write(lambda tx: conflicts.update(tx, replace(CONFLICT, id="C-9")))


async def test_conflicts_are_listed_by_state_and_age(db: Database) -> None:
    states = {
        "C-1": (ConflictState.OPEN, 0.0),
        "C-2": (ConflictState.RESOLVED, 100.0),
        "C-3": (ConflictState.RESOLVED, 200.0),
        "C-4": (ConflictState.DEFERRED, 0.0),
        "C-5": (ConflictState.SUPERSEDED, 300.0),
    }

    def work(tx: Transaction) -> None:
        for id, (state, at) in states.items():
            conflicts.insert(tx, replace(CONFLICT, id=id, state=state, decided_at=at))

    await db.write(work)

    async def ids(states: set[ConflictState] | None, since: float = 0.0) -> list[str]:
        found = await db.read(
            lambda conn: conflicts.listing(conn, states=states, decided_since=since)
        )
        return [conflict.id for conflict in found]

    assert await ids(None) == list(states)
    assert await ids(None, 150.0) == ["C-1", "C-3", "C-4", "C-5"]
    assert await ids({ConflictState.OPEN, ConflictState.RESOLVED}, 150.0) == ["C-1", "C-3"]
    assert await ids(set()) == []
    waiting = await db.read(lambda conn: conflicts.for_document(conn, "file", "task", "t-1"))
    assert [conflict.id for conflict in waiting] == ["C-1", "C-4"]
    assert await db.read(lambda conn: conflicts.for_document(conn, "tmux", "task", "T-1")) == []


async def record(db: Database, label: str, actor: str = "operator") -> Act:
    return await db.write(
        lambda tx: acts.record(
            tx,
            actor=actor,
            deed=Deed.DECIDE,
            label=label,
            changes=[Change("task", "T-1", 1, 2)],
            conflicts=["C-1"],
        )
    )


async def last(db: Database, state: str, actor: str = "operator") -> str:
    act = await db.read(lambda conn: acts.last(conn, actor, state))
    return act.label if act else ""


async def test_undo_goes_back_and_redo_forth_in_order(db: Database) -> None:
    made = [await record(db, label) for label in ("one", "two", "three")]
    assert made[0] == Act(
        seq=1,
        at=1_790_000_000.0,
        actor="operator",
        deed=Deed.DECIDE,
        label="one",
        changes=(Change("task", "T-1", 1, 2),),
        conflicts=("C-1",),
        state="done",
    )
    assert await db.read(lambda conn: acts.last(conn, "operator", "done")) == made[2]
    for act in reversed(made[1:]):
        await db.write(lambda tx, seq=act.seq: acts.mark(tx, seq, "undone"))  # type: ignore[misc]
    assert (await last(db, "done"), await last(db, "undone")) == ("one", "two")
    await db.write(lambda tx: acts.mark(tx, made[1].seq, "done"))
    assert (await last(db, "done"), await last(db, "undone")) == ("two", "three")
    with pytest.raises(NotFound, match="there is no act 99"):
        await db.write(lambda tx: acts.mark(tx, 99, "done"))


async def test_a_new_act_drops_only_what_its_actor_had_undone(db: Database) -> None:
    mine, theirs = await record(db, "mine"), await record(db, "theirs", actor="codex-1")
    for act in (mine, theirs):
        await db.write(lambda tx, seq=act.seq: acts.mark(tx, seq, "undone"))  # type: ignore[misc]
    await record(db, "new")
    assert (await last(db, "done"), await last(db, "undone")) == ("new", "")
    assert await last(db, "undone", "codex-1") == "theirs"


async def test_the_undo_list_is_bounded(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "ACTS_MAX", 3)
    await record(db, "theirs", actor="codex-1")
    for label in "abcde":
        await record(db, label)
    kept = await db.read(lambda conn: conn.execute("SELECT label FROM act").fetchall())
    assert kept == [("theirs",), ("c",), ("d",), ("e",)]


async def test_a_pane_has_one_row_per_server(db: Database) -> None:
    later = replace(ROW, state="done", pane_pid=4321)
    other = replace(ROW, server="/tmp/t")
    await db.write(lambda tx: live.upsert(tx, [ROW, replace(ROW, pane_id="%4")]))
    await db.write(lambda tx: live.upsert(tx, [later, other]))
    await db.write(lambda tx: live.upsert(tx, []))
    assert await db.read(live.listing) == [later, replace(ROW, pane_id="%4"), other]
    await db.write(lambda tx: live.forget(tx, "/tmp/s", ["%3", "%4", "%5"]))
    assert await db.read(live.listing) == [other]


async def test_state_changes_are_kept_newest_first_and_pruned(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHANGES_MAX", 3)

    def work(tx: Transaction) -> None:
        live.transition(tx, "codex-1", 0.0, "idle", "")
        for at in range(5):
            live.transition(tx, "claude-1", float(at), "working", f"rule {at}")

    await db.write(work)
    found = await db.read(lambda conn: live.recent(conn, "claude-1"))
    assert [change.at for change in found] == [4.0, 3.0, 2.0]
    assert await db.read(lambda conn: live.recent(conn, "claude-1", limit=1)) == [
        StateChange("claude-1", 4.0, "working", "rule 4")
    ]
    assert len(await db.read(lambda conn: live.recent(conn, "codex-1"))) == 1


async def test_counts_are_kept_per_name_and_day(db: Database) -> None:
    await db.write(lambda tx: counters.bump(tx, "merged", "2026-11-20"))
    await db.write(lambda tx: counters.bump(tx, "merged", "2026-11-20", by=2))
    await db.write(lambda tx: counters.bump(tx, "merged", "2026-11-21"))
    assert await db.read(lambda c: counters.value(c, "merged", "2026-11-20")) == 3
    assert await db.read(lambda c: counters.value(c, "merged", "2026-11-22")) == 0
