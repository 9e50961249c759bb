"""kill -9 of a writing process, at any moment: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chores import KILLS
from mortals import GROUP, WRITERS
from orc_storage import audit, documents, journal
from orc_storage.database import Connection, Database
from zygote import Zygote

LIVES = 25
"""How many writers a store outlives before the next store is begun."""
JITTER_S = 0.004

Figure = Callable[[str, list[float]], None]


async def look(
    folder: Path,
    runtime: Path,
    wrong: Callable[[Connection], list[str]],
    opened_s: list[float] | None = None,
) -> list[str]:
    """Open the store, and return what is wrong with it."""
    begin = time.perf_counter()
    async with await Database.open(folder, runtime=runtime) as db:
        await db.read(journal.head)
        if opened_s is not None:
            opened_s.append(time.perf_counter() - begin)
        return await db.read(
            lambda conn: [str(one) for one in audit.examine(conn, folder).findings] + wrong(conn)
        )


def revisions(conn: Connection) -> dict[str, int]:
    """The newest revision of each document, each with all before it and its own body."""
    found = {}
    for one in documents.listing(conn, "task"):
        past = documents.history(conn, "task", one.id)
        assert [each.rev for each in past] == list(range(1, one.rev + 1)), one.id
        assert [each.body["n"] for each in past] == list(range(1, one.rev + 1)), one.id
        found[one.id] = one.rev
    return found


def kill_writer(
    zygote: Zygote, folder: Path, runtime: Path, life: int, chance: random.Random
) -> dict[str, int]:
    """Let a process write, kill it at some moment, return the last of each that it acknowledged."""
    process = zygote.fork("edits", folder, runtime, life)
    if chance.random() < 0.9:
        process.wait_for(chance.randint(1, 60))
        process.live_for(chance.random() * JITTER_S)
    else:
        # While it opens the store, or makes it.
        process.live_for(chance.random() * 0.02)
    return {id: int(rev) for id, rev in map(str.split, process.kill())}


@pytest.mark.timeout(1800)
def test_a_killed_writer_loses_nothing_it_acknowledged(
    tmp_path: Path, runtime: Path, zygote: Zygote, figure: Figure
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    acknowledged: dict[str, int] = {}
    opened_s: list[float] = []

    def wrong(conn: Connection) -> list[str]:
        found = revisions(conn)
        # Of each document one more may have been under way.
        lost = [
            f"{id}: acknowledged {acknowledged.get(id, 0)}, found {found.get(id, 0)}"
            for id in acknowledged.keys() | found.keys()
            if found.get(id, 0) - acknowledged.get(id, 0) not in (0, 1)
        ]
        acknowledged.update(found)
        return lost

    with asyncio.Runner() as runner:
        for number in range(KILLS):
            folder = tmp_path / str(number // LIVES)
            if number % LIVES == 0:
                acknowledged.clear()
            acknowledged |= kill_writer(zygote, folder, runtime, number, chance)
            problems = runner.run(look(folder, runtime, wrong, opened_s))
            assert problems == [], f"seed {seed}, kill {number}"
    assert len(acknowledged) == WRITERS
    figure("a store whose writer was killed, opened again", opened_s)


@pytest.mark.timeout(1800)
def test_a_group_killed_on_its_way_is_there_whole_or_not_at_all(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)

    with asyncio.Runner() as runner:
        for number in range(KILLS // 5):
            folder = tmp_path / str(number // LIVES)
            process = zygote.fork("groups", folder, runtime)
            process.wait_for(chance.randint(1, 8))
            process.live_for(chance.random() * 3 * JITTER_S)
            last = int(process.kill()[-1].split()[1])

            def wrong(conn: Connection, last: int = last) -> list[str]:
                found = revisions(conn)
                one = found.popitem()[1]
                whole = set(found.values()) == {one} and len(found) == GROUP - 1
                return [] if whole and one in (last, last + 1) else [f"{last}: {found}"]

            found = runner.run(look(folder, runtime, wrong))
            assert found == [], f"seed {seed}, kill {number}"


def none_lost(conn: Connection) -> list[str]:
    revisions(conn)
    return []


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.timeout(1800)
def test_a_writer_killed_while_it_makes_the_store_leaves_none_or_a_whole_one(
    tmp_path: Path, runtime: Path, zygote: Zygote
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    with asyncio.Runner() as runner:
        for number in range(KILLS // 5):
            folder = tmp_path / str(number)
            process = zygote.fork("edits", folder, runtime, 0)
            process.live_for(chance.random() * 0.015)
            process.kill()
            made = (folder / "store.db").exists()
            found = runner.run(look(folder, runtime, none_lost))
            assert found == [], f"seed {seed}, kill {number}"
            # What the dead left of making one is swept by whoever makes one.
            assert made or names(folder) == ["store.db"], f"seed {seed}, kill {number}"
