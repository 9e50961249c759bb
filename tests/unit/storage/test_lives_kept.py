"""Signs of life and standings: one row per agent, whatever the case of its name."""

from __future__ import annotations

from pathlib import Path

from clocks import TurnedClock
from orc_storage import live, lives
from orc_storage.database import Transaction
from orc_storage.records import BeatRow, StandingRow
from stores import open_store


async def test_a_beat_is_one_row_and_keeps_what_was_said(
    tmp_path: Path, clock: TurnedClock
) -> None:
    async with open_store(tmp_path, clock) as db:
        before = await db.read(lambda conn: conn.execute("SELECT max(seq) FROM journal").fetchone())
        for at in range(5):
            row = BeatRow("Claude-1" if at % 2 else "claude-1", at, at, "b", "", "")
            await db.write(lambda tx, row=row: lives.beat(tx, row))  # type: ignore[misc]
        said = BeatRow("claude-1", 9.0, 9.0, "b", "busy", "3/4")
        await db.write(lambda tx: lives.beat(tx, said))
        await db.write(lambda tx: lives.beat(tx, BeatRow("claude-1", 19.0, 19.0, "c", "", "4/4")))
        assert await db.read(lives.beats) == [BeatRow("claude-1", 19.0, 19.0, "c", "busy", "4/4")]
        after = await db.read(lambda conn: conn.execute("SELECT max(seq) FROM journal").fetchone())
        assert after == before, "a beat was journalled"


async def test_forgetting_leaves_nothing_of_that_agent(tmp_path: Path, clock: TurnedClock) -> None:
    async with open_store(tmp_path, clock) as db:

        def work(tx: Transaction) -> None:
            for name in ("w", "v"):
                lives.beat(tx, BeatRow(name, 1.0, 1.0, "b", "", ""))
                lives.stand(tx, StandingRow(name, "running", 1, 2, "", 1.0))
                live.transition(tx, name, 1.0, "idle", "")
            lives.forget(tx, "w")

        await db.write(work)
        assert [row.name for row in await db.read(lives.beats)] == ["v"]
        assert [row.name for row in await db.read(lives.standings)] == ["v"]
        assert await db.read(lambda conn: live.recent(conn, "w")) == []
        assert len(await db.read(lambda conn: live.recent(conn, "v"))) == 1
