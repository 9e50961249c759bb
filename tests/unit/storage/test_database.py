"""The store: opening, the one writer, group commit, deadlines, and looking without touching."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from orc_storage import counters, schema, writer
from orc_storage.database import Connection, Database, Transaction
from orc_storage.engine import APPLICATION_WAL, Engine, is_wal_safe, pick
from orc_storage.errors import StoreCorrupt, StoreUnavailable, UnsafePath


class Unfixed(Engine):
    """Python's own SQLite, as one that lacks the fix: here it does."""

    is_wal_safe = False


UNFIXED = Unfixed("sqlite3")


def bump(tx: Transaction, name: str = "n") -> int:
    counters.bump(tx, name, "today")
    return counters.value(tx.conn, name, "today")


async def count(db: Database, name: str = "n") -> int:
    return await db.read(lambda conn: counters.value(conn, name, "today"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


class Blocked:
    """Holds the writer's thread inside one transaction until it is told to go on."""

    def __init__(self, db: Database) -> None:
        self._entered, self._go_on = threading.Event(), threading.Event()
        self.task = asyncio.create_task(db.write(self._hold))

    async def __aenter__(self) -> Blocked:
        assert await asyncio.to_thread(self._entered.wait, 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._go_on.set()
        await self.task

    def _hold(self, tx: Transaction) -> None:
        self._entered.set()
        assert self._go_on.wait(10)


# Opening


async def test_a_new_store_is_private_and_durable(db: Database, folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} >= {"store.db"}
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    engine = pick()
    assert db.facts() == {
        "library": "pysqlite3" if engine.library.startswith("pysqlite3") else "sqlite3",
        "version": ".".join(map(str, engine.version)),
        "journal_mode": "wal" if engine.is_wal_safe else "delete",
        "synchronous": "EXTRA",
        "schema": str(schema.migrations()[-1][0]),
    }


async def test_what_was_written_is_there_after_opening_again(folder: Path, runtime: Path) -> None:
    for expected in (1, 2):
        async with await Database.open(folder, runtime=runtime) as db:
            assert await db.write(bump) == expected
    assert [path.name for path in folder.iterdir()] == ["store.db"]


async def test_many_open_a_new_store_at_once(folder: Path, runtime: Path) -> None:
    opened = await asyncio.gather(*(Database.open(folder, runtime=runtime) for _ in range(8)))
    try:
        await asyncio.gather(*(db.write(bump) for db in opened))
        assert [await count(db) for db in opened] == [8] * 8
    finally:
        await asyncio.gather(*(db.close() for db in opened))
    assert [path.name for path in folder.iterdir()] == ["store.db"]


@pytest.mark.parametrize("umask", [0o000, 0o277])
async def test_the_umask_opens_and_closes_nothing(folder: Path, runtime: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        async with await Database.open(folder, runtime=runtime) as db:
            await db.write(bump)
            assert mode(folder) == 0o700
            assert {mode(path) for path in folder.iterdir()} <= {0o600, 0o400}
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 1), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 4), True),
    ],
)
def test_the_versions_that_can_damage_a_write_ahead_store(
    version: tuple[int, int, int], safe: bool
) -> None:
    assert is_wal_safe(version) is safe


async def test_an_unfixed_sqlite_makes_a_rollback_store(folder: Path, runtime: Path) -> None:
    async with await Database.open(folder, engine=UNFIXED, runtime=runtime) as db:
        assert await db.write(bump) == 1
        assert db.facts()["journal_mode"] == "delete"
        assert db.facts()["synchronous"] == "EXTRA"
    async with await Database.open(folder, runtime=runtime) as db:
        assert await db.write(bump) == 2
        assert db.facts()["journal_mode"] == "delete"


async def test_an_unfixed_sqlite_leaves_a_write_ahead_store_alone(
    db: Database, folder: Path, runtime: Path
) -> None:
    await db.write(bump)
    await db.close()
    before = listing(folder)
    for read_only in (True, False):
        with pytest.raises(StoreUnavailable, match="install pysqlite3"):
            await Database.open(folder, engine=UNFIXED, runtime=runtime, read_only=read_only)
    assert listing(folder) == before


async def test_a_newer_schema_is_refused(db: Database, folder: Path, runtime: Path) -> None:
    await db.write(lambda tx: tx.conn.execute("PRAGMA user_version = 999"))
    await db.close()
    for read_only in (False, True):
        with pytest.raises(StoreUnavailable, match=r"schema 999, .*: upgrade orc-tui"):
            await Database.open(folder, runtime=runtime, read_only=read_only)


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda p: (p.rename(p.with_name("x")), p.symlink_to("x")), UnsafePath, "is a symlink"),
        (lambda p: p.chmod(0o644), UnsafePath, "chmod go-rwx"),
        (lambda p: p.parent.chmod(0o755), UnsafePath, "chmod go-rwx"),
        (lambda p: (p.unlink(), p.mkdir(0o700)), UnsafePath, "is not a plain file"),
        (lambda p: os.truncate(p, 0), StoreCorrupt, "is empty"),
        (lambda p: p.write_bytes(b"garbage" * 1000), StoreCorrupt, "is damaged"),
        (lambda p: (p.unlink(), p.with_name("store.db-wal").touch()), StoreUnavailable, "missing"),
    ],
)
async def test_a_store_that_is_not_sound_is_refused_and_left_as_it_is(
    db: Database,
    folder: Path,
    runtime: Path,
    spoil: Callable[[Path], object],
    error: type[Exception],
    text: str,
) -> None:
    await db.write(bump)
    await db.close()
    spoil(db.path)
    before = listing(folder)
    with pytest.raises(error, match=text) as caught:
        await Database.open(folder, runtime=runtime)
    assert str(folder) in str(caught.value)
    assert listing(folder) == before


async def test_a_store_of_someone_else_is_refused(
    db: Database, folder: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.close()
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(UnsafePath, match="belongs to user"):
        await Database.open(folder, runtime=runtime)


async def test_a_database_that_is_not_ours_is_refused(folder: Path, runtime: Path) -> None:
    folder.mkdir(mode=0o700)
    path = folder / "store.db"
    conn = pick().connect(path, mode="rwc")
    conn.execute("CREATE TABLE photos (name)")
    conn.close()
    path.chmod(0o600)
    with pytest.raises(StoreCorrupt, match="is not a store of orc-tui"):
        await Database.open(folder, runtime=runtime)


async def test_an_open_folder_is_closed_while_it_is_empty(folder: Path, runtime: Path) -> None:
    folder.mkdir(mode=0o755)
    async with await Database.open(folder, runtime=runtime):
        assert mode(folder) == 0o700


async def test_what_a_dead_maker_left_is_swept_and_a_living_ones_is_not(
    folder: Path, runtime: Path
) -> None:
    folder.mkdir(mode=0o700)
    maker = await asyncio.create_subprocess_exec("true")
    await maker.wait()
    for pid in (maker.pid, os.getpid()):
        (folder / f".new-{pid}-abc").mkdir(mode=0o700)
    async with await Database.open(folder, runtime=runtime):
        pass
    assert {path.name for path in folder.iterdir()} == {"store.db", f".new-{os.getpid()}-abc"}


# Migrations


def test_the_migrations_lead_on_one_by_one() -> None:
    versions = [version for version, _ in schema.migrations()]
    assert versions == list(range(1, len(versions) + 1))


async def test_an_older_schema_is_backed_up_and_migrated_once(
    db: Database, folder: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(bump)
    await db.close()
    newest = schema.migrations()[-1][0]
    more = "CREATE TABLE extra (a) STRICT;".replace("(a)", "(a TEXT)")
    grown = [*schema.migrations(), (newest + 1, more)]
    monkeypatch.setattr(schema, "migrations", lambda: grown)
    with pytest.raises(StoreUnavailable, match="open it once without --read-only"):
        await Database.open(folder, runtime=runtime, read_only=True)
    opened = await asyncio.gather(*(Database.open(folder, runtime=runtime) for _ in range(3)))
    for one in opened:
        assert one.facts()["schema"] == str(newest + 1)
        assert await count(one) == 1
        await one.close()
    copies = sorted((folder / "backups").glob("*.db"))
    assert copies
    assert {mode(path) for path in (folder / "backups").iterdir()} == {0o600}
    conn = pick().connect(copies[0], mode="immutable")
    assert conn.execute("PRAGMA user_version").fetchone() == (newest,)
    assert counters.value(conn, "n", "today") == 1
    conn.close()


async def test_acts_of_the_first_schema_are_known_by_what_they_did(
    folder: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = {"edit T-1 title": "[]", "resolve C-1, T-1 title": '["C-1"]'}
    labels |= {"defer C-2": '["C-2"]', "reopen C-1": '["C-1"]', "defer T-2": "[]"}

    def insert(tx: Transaction) -> None:
        for label, conflicts in labels.items():
            tx.conn.execute(
                "INSERT INTO act (at, actor, label, changes, conflicts, state, turn)"
                " VALUES (0, 'operator', ?, '[]', ?, 'done', 0)",
                (label, conflicts),
            )

    first = schema.migrations()[:1]
    with monkeypatch.context() as patched:
        patched.setattr(schema, "migrations", lambda: first)
        async with await Database.open(folder, runtime=runtime) as old:
            await old.write(insert)
    async with await Database.open(folder, runtime=runtime) as db:
        rows = await db.read(lambda c: c.execute("SELECT deed FROM act ORDER BY seq").fetchall())
    assert [deed for (deed,) in rows] == ["write", "decide", "defer", "reopen", "write"]


async def test_a_migration_that_fails_changes_nothing(
    db: Database, folder: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(bump)
    await db.close()
    migrations = schema.migrations()
    bad = [*migrations, (migrations[-1][0] + 1, "CREATE TABLE extra (a TEXT) STRICT;\nNONSENSE;")]
    with monkeypatch.context() as patched:
        patched.setattr(schema, "migrations", lambda: bad)
        with pytest.raises(Exception, match="syntax error"):
            await Database.open(folder, runtime=runtime)
    async with await Database.open(folder, runtime=runtime) as again:
        assert await count(again) == 1
        names = await again.read(
            lambda c: c.execute("SELECT name FROM sqlite_schema WHERE name = 'extra'").fetchall()
        )
        assert names == []


# Writing


async def test_an_error_undoes_its_own_writes_only(db: Database) -> None:
    def fails(tx: Transaction) -> None:
        bump(tx)
        raise LookupError("mine")

    async with Blocked(db):
        writes = [asyncio.create_task(db.write(work)) for work in (bump, fails, bump)]
        await asyncio.sleep(0)
    first, second, third = await asyncio.gather(*writes, return_exceptions=True)
    assert (first, third) == (1, 2)
    assert isinstance(second, LookupError)
    assert await count(db) == 2


async def test_what_waits_together_is_committed_together(db: Database) -> None:
    times: list[float] = []
    commits: list[int] = []
    db.on_commit.add(lambda: commits.append(1))
    async with Blocked(db):
        writes = [
            asyncio.create_task(db.write(lambda tx: (bump(tx), times.append(id(tx)))))
            for _ in range(100)
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*writes)
    assert len(set(times)) == 1
    assert len(commits) == 1
    assert await count(db) == 100


async def test_works_of_one_caller_are_one_commit_and_undone_one_by_one(db: Database) -> None:
    def fails(tx: Transaction) -> int:
        bump(tx)
        raise LookupError("mine")

    commits: list[int] = []
    db.on_commit.add(lambda: commits.append(1))
    first, second, *rest = await db.write_each([bump, fails, *[bump] * 50])
    assert isinstance(second, LookupError)
    assert [first, *rest] == list(range(1, 52))
    assert len(commits) == 1
    async with Blocked(db):
        waiting = asyncio.create_task(db.write_each([bump, bump], timeout_s=0.02))
        for outcome in await waiting:
            assert isinstance(outcome, StoreUnavailable), "nothing is done later"
    assert await count(db) == 51
    await db.close()
    with pytest.raises(StoreUnavailable, match="is closed"):
        await db.write_each([bump])


async def test_a_commit_that_fails_fails_all(db: Database) -> None:
    def breaks_at_commit(tx: Transaction) -> None:
        tx.conn.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        tx.conn.execute(
            "CREATE TABLE child (id REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        tx.conn.execute("INSERT INTO child VALUES (1)")

    async with Blocked(db):
        writes = [asyncio.create_task(db.write(work)) for work in (bump, breaks_at_commit, bump)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert all("FOREIGN KEY constraint failed" in str(error) for error in results)
    assert await count(db) == 0
    assert await db.write(bump) == 1


async def test_a_transaction_that_sqlite_gave_up_fails_all(db: Database) -> None:
    await db.write(bump)

    def gives_up(tx: Transaction) -> None:
        tx.conn.execute("INSERT OR ROLLBACK INTO counter VALUES ('n', 'today', 5)")

    async with Blocked(db) as blocked:
        writes = [asyncio.create_task(db.write(work)) for work in (bump, gives_up, bump)]
        await asyncio.sleep(0)
    assert blocked.task.exception() is None
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert all("UNIQUE constraint failed" in str(error) for error in results)
    assert await count(db) == 1


async def test_nothing_is_acknowledged_before_its_commit(db: Database, folder: Path) -> None:
    seen: list[int] = []

    async def look(_: int) -> None:
        async with await Database.open(folder, read_only=True) as other:
            seen.append(await count(other))

    for expected in range(1, 4):
        await look(await db.write(bump))
        assert seen[-1] == expected


async def test_a_cancelled_caller_leaves_no_transaction_open(db: Database) -> None:
    async with Blocked(db):
        writing = asyncio.create_task(db.write(bump))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    assert await db.write(bump) == 2


async def test_a_write_that_waits_too_long_is_not_done_later(db: Database) -> None:
    async with Blocked(db):
        with pytest.raises(StoreUnavailable, match="nothing was written"):
            await db.write(bump, timeout_s=0.02)
    # The queue is in order: whatever came before this one was done or dropped.
    assert await db.write(bump) == 1


async def test_a_write_that_runs_too_long_says_that_it_may_still_be_done(db: Database) -> None:
    go_on = threading.Event()

    def slow(tx: Transaction) -> None:
        assert go_on.wait(10)
        bump(tx)

    with pytest.raises(StoreUnavailable, match="may still get written"):
        await db.write(slow, timeout_s=0.02)
    go_on.set()
    assert await db.write(bump) == 2


async def test_the_queue_is_bounded(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Blocked(db):
        room = writer.QUEUE_MAX
        writes = [asyncio.create_task(db.write(bump)) for _ in range(room)]
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable, match=f"{room} writes are waiting"):
            await db.write(bump, timeout_s=0.02)
    await asyncio.gather(*writes)
    assert await count(db) == room


async def test_closing_finishes_what_waits(folder: Path, runtime: Path) -> None:
    db = await Database.open(folder, runtime=runtime)
    async with Blocked(db):
        writes = [asyncio.create_task(db.write(bump)) for _ in range(20)]
        await asyncio.sleep(0)
        closing = [asyncio.create_task(db.close()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable, match="is closed"):
            await db.write(bump)
    assert sorted(await asyncio.gather(*writes)) == list(range(1, 21))
    await asyncio.gather(*closing)
    for use in (partial(db.read, counters_of), partial(db.write, bump), db.data_version):
        with pytest.raises(StoreUnavailable, match="is closed"):
            await use()
    async with await Database.open(folder, runtime=runtime) as again:
        assert await count(again) == 20


def counters_of(conn: Connection) -> int:
    return counters.value(conn, "n", "today")


async def test_a_driver_error_is_a_storage_error(db: Database) -> None:
    with pytest.raises(Exception, match="no such table") as caught:
        await db.write(lambda tx: tx.conn.execute("SELECT * FROM nowhere"))
    assert type(caught.value).__module__ == "orc_storage.errors"
    with pytest.raises(Exception, match="no such table") as caught:
        await db.read(lambda conn: conn.execute("SELECT * FROM nowhere"))
    assert type(caught.value).__module__ == "orc_storage.errors"


# Reading


async def test_a_reader_cannot_write(db: Database) -> None:
    with pytest.raises(StoreUnavailable, match="read-only"):
        await db.read(lambda conn: conn.execute("DELETE FROM counter"))


async def test_a_read_sees_one_moment(db: Database) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def twice(conn: Connection) -> tuple[int, int]:
        first = counters_of(conn)
        entered.set()
        assert go_on.wait(10)
        return first, counters_of(conn)

    reading = asyncio.create_task(db.read(twice))
    assert await asyncio.to_thread(entered.wait, 10)
    await db.write(bump)
    go_on.set()
    assert await reading == (0, 0)
    assert await count(db) == 1


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


async def test_a_read_has_a_deadline_and_frees_its_reader(db: Database) -> None:
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="was not read within"):
            await db.read(lambda conn: conn.execute(ENDLESS).fetchone(), timeout_s=0.02)
        assert await count(db) == 0


async def test_a_cancelled_read_frees_its_reader(db: Database) -> None:
    for _ in range(5):
        reading = asyncio.create_task(db.read(lambda conn: conn.execute(ENDLESS).fetchone()))
        await asyncio.sleep(0)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        assert await count(db) == 0


# Looking only


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_store_whose_pages_are_still_in_its_log_is_sound(
    folder: Path, runtime: Path, read_only: bool
) -> None:
    async with await Database.open(folder, runtime=runtime) as db:
        await db.write(bump)
    path = folder / "store.db"
    mover = pick().connect(path, mode="rw")
    try:
        mover.execute("PRAGMA wal_autocheckpoint = 0")
        mover.execute("VACUUM")
        # Every page is in the log now. A move of them into the file that is under way, or was
        # cut short by a kill, leaves the file itself no database.
        os.truncate(path, 4096)
        async with await Database.open(folder, runtime=runtime, read_only=read_only) as again:
            assert await count(again) == 1
    finally:
        mover.close()


async def test_looking_makes_nothing(folder: Path, runtime: Path) -> None:
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await Database.open(folder, read_only=True, runtime=runtime)
    assert not folder.exists()
    async with await Database.open(folder, runtime=runtime) as db:
        await db.write(bump)
    before = listing(folder)
    async with await Database.open(folder, read_only=True, runtime=runtime) as looking:
        assert await count(looking) == 1
        assert listing(folder) == before
        with pytest.raises(StoreUnavailable, match="was opened read-only"):
            await looking.write(bump)
    assert listing(folder) == before


async def test_looking_follows_writers_that_come_and_go(folder: Path, runtime: Path) -> None:
    async with await Database.open(folder, runtime=runtime) as db:
        await db.write(bump)
    async with await Database.open(folder, read_only=True, runtime=runtime) as looking:
        assert await count(looking) == 1
        version = await looking.data_version()
        async with await Database.open(folder, runtime=runtime) as db:
            for expected in (2, 3):
                await db.write(bump)
                assert await count(looking) == expected
                assert await looking.data_version() > version
                version = await looking.data_version()
        assert await count(looking) == 3
        async with await Database.open(folder, runtime=runtime) as db:
            await db.write(bump)
        assert await count(looking) == 4
        assert await looking.data_version() > version


async def test_looking_while_a_writer_comes_and_goes_looks_again(
    folder: Path, runtime: Path
) -> None:
    async with await Database.open(folder, runtime=runtime):
        pass
    seen: list[int] = []

    def interrupted(conn: Connection) -> int:
        if not seen:
            other = pick().connect(folder / "store.db", mode="rw")
            other.execute("INSERT INTO counter VALUES ('n', 'today', 7)")
            other.close()
        seen.append(counters_of(conn))
        return seen[-1]

    async with await Database.open(folder, read_only=True, runtime=runtime) as looking:
        assert await looking.read(interrupted) == 7
    assert len(seen) == 2


async def test_a_folder_that_cannot_be_written_can_be_looked_at(
    folder: Path, runtime: Path
) -> None:
    async with await Database.open(folder, runtime=runtime) as db:
        await db.write(bump)
    folder.chmod(0o500)
    try:
        async with await Database.open(folder, read_only=True, runtime=runtime) as looking:
            assert await count(looking) == 1
    finally:
        folder.chmod(0o700)


# While it is open


async def test_a_store_that_is_removed_or_replaced_is_told(db: Database, folder: Path) -> None:
    await db.write(bump)
    away = folder / "away.db"
    db.path.rename(away)
    for use in (partial(db.write, bump), partial(db.read, counters_of)):
        with pytest.raises(StoreUnavailable, match="was removed while it was open"):
            await use()
    db.path.write_bytes(b"another")
    for use in (partial(db.write, bump), partial(db.read, counters_of)):
        with pytest.raises(StoreUnavailable, match="was replaced while it was open"):
            await use()
    db.path.unlink()
    away.rename(db.path)
    assert await db.write(bump) == 2


async def test_the_header_says_which_journal_is_used(db: Database) -> None:
    if pick().is_wal_safe:
        told = await db.read(lambda conn: conn.execute("PRAGMA application_id").fetchone())
        assert told == (APPLICATION_WAL,)


async def test_a_store_that_another_process_makes_at_this_moment_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "w"
    check, made = schema.check_own_file, list[Path]()
    others = contextlib.ExitStack()

    def miss_it_just_now(path: Path) -> os.stat_result | None:
        if made:
            others.close()
            return check(path)
        schema._create(pick(), folder)
        conn = others.enter_context(contextlib.closing(pick().connect(path, mode="rw")))
        conn.execute("SELECT count(*) FROM journal")
        assert path.with_name(f"{path.name}-wal").exists()
        made.append(path)
        return None

    monkeypatch.setattr(schema, "check_own_file", miss_it_just_now)
    async with await Database.open(folder) as db:
        assert await db.write(bump) == 1
