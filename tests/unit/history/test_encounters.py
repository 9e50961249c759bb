"""Two agents in one file as a conflict: there at once, the same everywhere, gone as it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import scene
from clocks import TurnedClock
from orc_core.code.encounters import encounters
from orc_core.history import encounters as past
from orc_core.model.agent import State
from orc_core.model.code import Clash, Code, FileOverlap, Forecast, Touch, TreeState
from orc_core.wings import ConflictWing
from orc_storage import audit, journal
from orc_storage.records import Conflict, ConflictState, Filter
from stores import open_store

REPOSITORY = "/shop/.git"
TREES = (
    TreeState("/a", "a", REPOSITORY, "feat/orders", "a1", at=50.0),
    TreeState("/b", "b", REPOSITORY, "feat/price", "b2", at=60.0),
)
CLAUDE = replace(scene.agent("claude-7", State.WORKING, 1, task="T-20"), cwd="/a", task="T-20")
CODEX = replace(scene.agent("codex-1", State.WORKING, 1, task="T-09"), cwd="/b", task="T-09")


def overlap(path: bytes = b"src/price.ts", **others: float) -> FileOverlap:
    touches = (
        Touch("codex-1", 90.0, "/b", "T-09", "stack the discounts"),
        Touch("claude-7", 80.0, "/a", "T-20"),
        *(Touch(name, at, "/a") for name, at in others.items()),
    )
    return FileOverlap(REPOSITORY, path, touches)


def forecast(left: str, right: str, *clashes: Clash) -> Forecast:
    return Forecast(REPOSITORY, left, right, "a1", "b2", clashes)


def code(*overlaps: FileOverlap, forecasts: tuple[Forecast, ...] = ()) -> Code:
    return Code(TREES, overlaps, forecasts, (("/a", "/a"), ("/b", "/b")))


def told(known: Code, **put_off: float) -> tuple[Conflict, ...]:
    return encounters(known, (CODEX, CLAUDE), put_off, 100.0)


def test_two_agents_in_one_file_are_named_with_their_tasks() -> None:
    (one,) = told(code(overlap()))
    assert one.of_code and one.doc == "src/price.ts" and one.opened_at == 80.0
    assert [(side.writer, side.cause, side.layer) for side in (one.left, one.right)] == [
        ("claude-7", "T-20", "feat/orders"),
        ("codex-1", "T-09", "feat/price"),
    ]
    assert one.right.value == "stack the discounts" and not one.left.present
    assert one.why == "are both in it, in 2 work trees"
    later = replace(overlap(), touches=tuple(reversed(overlap().touches)))
    assert told(code(later))[0].id == one.id, "who was there last names it no other way"
    three = told(code(overlap(zoe=70.0)))[0]
    assert three.id != one.id and three.why == "are both in it, in 2 work trees, with 1 more"
    assert told(code()) == ()


def test_branches_of_agents_that_will_conflict_are_told_and_those_of_nobody_are_not() -> None:
    known = (
        forecast("feat/orders", "feat/price", Clash(b"src/price.ts", 2), Clash(b"x", 1)),
        forecast("feat/price", "main", Clash(b"y", 0)),
        forecast("feat/orders", "main"),
        forecast("feat/old", "main", Clash(b"z", 1)),
    )
    pair, base = told(code(forecasts=known))
    assert (pair.left.writer, pair.right.writer) == ("claude-7", "codex-1")
    assert (pair.doc, pair.why) == ("src/price.ts and 1 more", "will conflict, 3 hunks")
    assert (base.left.writer, base.right.writer, base.why) == ("codex-1", "main", "will conflict")


def test_one_that_is_put_off_waits_until_then() -> None:
    (one,) = told(code(overlap()))
    assert told(code(overlap()), **{one.id: 101.0})[0].state is ConflictState.DEFERRED
    assert told(code(overlap()), **{one.id: 100.0})[0].state is ConflictState.OPEN


async def test_each_is_counted_once_and_ends_in_the_journal(tmp_path: Path) -> None:
    clock = TurnedClock()
    leads = True
    here: tuple[Conflict, ...] = ()
    both = told(code(overlap(), forecasts=(forecast("feat/price", "main", Clash(b"y", 1)),)))
    async with open_store(tmp_path, clock) as db:

        def watch() -> past.Encounters:
            return past.Encounters(db, clock, lambda: here, leads=lambda: leads)

        async def actions() -> list[str]:
            page = await db.read(lambda conn: journal.page(conn, Filter(kind=past.KIND)))
            return [one.action for one in reversed(page)]

        first = watch()
        await first.look()
        here = both
        await first.look()
        await first.look()
        assert await actions() == ["begin", "begin"]
        here = ()
        other = watch()
        await other.look()
        assert await actions() == ["begin", "begin"], "nothing was looked at yet: nothing ended"
        here = both[:1]
        await other.look()
        assert await actions() == ["begin", "begin", "end"], "begun by another process already"
        leads, here = False, ()
        await first.look()
        leads = True
        await other.look()
        assert await actions() == ["begin", "begin", "end", "end"]
        here = both[:1]
        await other.look()
        assert await db.read(past.seen) == past.Seen(overlaps=2, forecasts=1)
        assert not (await db.read(lambda conn: audit.examine(conn, db.folder))).findings


async def test_what_was_said_of_one_is_kept_until_that_is_over(tmp_path: Path) -> None:
    clock = TurnedClock()
    async with open_store(tmp_path, clock) as db:
        from orc_core.sync.conflicts import Conflicts

        wing = ConflictWing(Conflicts(db, clock, {}), "operator")
        now = clock.now()
        report = await wing.defer("F-abc12", now + 60)
        assert "L takes it up again" in report.text and not report.undoable
        tally = await wing.defer_many(["F-other"], now + 90)
        assert tally.text == "1 deferred"

        async def put_off(after_s: float) -> dict[str, float]:
            return dict(await db.read(lambda conn: past.put_off(conn, now + after_s)))

        assert await put_off(0) == {"F-abc12": now + 60, "F-other": now + 90}
        assert await put_off(61) == {"F-other": now + 90}
        await wing.defer("F-other", 0.0)
        assert await put_off(61) == {}
