"""Programs that are killed while they run, each a function over texts and numbers.

Invariant: a step is told of after it was acknowledged, never before.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from clocks import TurnedClock
from long_stores import archive
from orc_core.clock import SystemClock
from orc_core.code.merging import Merges
from orc_core.code.trees import Trees
from orc_core.history.actions import History
from orc_core.history.checkpoints import Checkpoints
from orc_core.history.trees import TreeLedger
from orc_core.leadership import Leadership
from orc_core.saga.effects import Outside
from orc_core.saga.machine import Event, Outcome
from orc_core.saga.runner import Runner
from orc_core.sync.file_layer import FileLayer
from orc_core.sync.synchronizer import Synchronizer
from orc_core.tasks.desk import Tasks
from orc_storage import backups, documents, recovery
from orc_storage.backups import Reason
from orc_storage.database import Connection, Database
from orc_storage.engine import Engine
from orc_storage.errors import NotFound, StaleRevision
from orc_storage.files import Mirror
from orc_storage.records import OPERATOR, Body
from orc_storage.sagas import Saga
from repositories import environment
from stumbling import CountedEngine, stumbling
from workspaces import RULES, Workspace
from zygote import Program, say, serve

WRITERS: Final = 4
GROUP: Final = 40


def edits(folder: str, runtime: str, life: int) -> None:
    """Four writers, each of its own document; tells of each revision."""
    asyncio.run(_edits(Path(folder), Path(runtime), life))


async def _edits(folder: Path, runtime: Path, life: int) -> None:
    async with await Database.open(folder, runtime=runtime) as db, asyncio.TaskGroup() as group:
        for number in range(1, WRITERS + 1):
            id = f"T-{number}"
            found = await db.read(partial(documents.get, kind="task", id=id))
            group.create_task(_edit(db, id, found.rev if found else 0, life))


async def _edit(db: Database, id: str, begin: int, life: int) -> None:
    for rev in itertools.count(begin):
        body: Body = {"id": id, "n": rev + 1, "life": life, "text": "x" * (rev % 7 * 900)}
        await db.write(
            partial(documents.put, kind="task", id=id, body=body, rev=rev, actor=id, cause="k")
        )
        say(id, rev + 1)


def groups(folder: str, runtime: str) -> None:
    """All documents at once, over and over, each time in one commit; tells of each group."""
    asyncio.run(_groups(Path(folder), Path(runtime)))


async def _groups(folder: Path, runtime: Path) -> None:
    ids = [f"T-{number}" for number in range(1, GROUP + 1)]
    async with await Database.open(folder, runtime=runtime) as db:
        found = await db.read(partial(documents.get, kind="task", id=ids[0]))
        for rev in itertools.count(found.rev if found else 0):
            # They are queued in one turn of the loop, so that the writer finds all of them.
            await asyncio.gather(*(_put(db, id, rev) for id in ids))
            say("group", rev + 1)


async def _put(db: Database, id: str, rev: int) -> None:
    body: Body = {"id": id, "n": rev + 1, "text": "x" * 300}
    await db.write(
        partial(documents.put, kind="task", id=id, body=body, rev=rev, actor=id, cause="k")
    )


def cuts(folder: str, runtime: str) -> None:
    """Write and archive side by side, over and over; tells of each revision and each cut."""
    asyncio.run(_cuts(Path(folder), Path(runtime)))


async def _cuts(folder: Path, runtime: Path) -> None:
    async with await Database.open(folder, runtime=runtime) as db, asyncio.TaskGroup() as group:
        found = await db.read(partial(documents.get, kind="task", id="T-1"))
        group.create_task(_edit(db, "T-1", found.rev if found else 0, 0))
        while True:
            await archive(db)
            say("cut")


def race(folder: str, runtime: str, name: str, shares: list[int], documents_count: int) -> None:
    """Edit a few documents that others edit as well, so often per task; tells of each edit."""
    asyncio.run(_race(Path(folder), Path(runtime), name, shares, documents_count))


async def _race(folder: Path, runtime: Path, name: str, shares: list[int], count: int) -> None:
    async with await Database.open(folder, runtime=runtime) as db, asyncio.TaskGroup() as group:
        for number, share in enumerate(shares):
            group.create_task(_edit_shared(db, f"{name}.{number}", share, count))


async def _edit_shared(db: Database, name: str, share: int, count: int) -> None:
    """Add one to what was read, over the revision that was read, until it went in."""
    for number in range(share):
        id = f"T-{number % count + 1}"
        while True:
            found = await db.read(partial(documents.get, kind="task", id=id), timeout_s=60)
            assert found is not None
            total = found.body["n"]
            assert isinstance(total, int)
            body: Body = {"id": id, "n": total + 1, "edit": f"{name}.{number}"}
            work = partial(
                documents.put, kind="task", id=id, body=body, rev=found.rev, actor=name, cause="r"
            )
            try:
                written = await db.write(work, timeout_s=60)
            except StaleRevision:
                continue
            say(f"{name}.{number}", id, written.rev)
            break


def actor(folder: str, runtime: str) -> None:
    """Do what is asked for, one line at a time, and tell what came of it."""
    asyncio.run(_act(Path(folder), Path(runtime)))


async def _act(folder: Path, runtime: Path) -> None:
    async with await Database.open(folder, runtime=runtime) as db:
        say("open")
        while line := await asyncio.to_thread(sys.stdin.readline):
            what, id, rev, number = json.loads(line)
            try:
                say(json.dumps(await _do(db, what, id, rev, number)))
            except (StaleRevision, NotFound) as error:
                say(json.dumps(type(error).__name__))


async def _do(db: Database, what: str, id: str, rev: int, number: int) -> object:
    if what == "look":
        return await db.read(standing)
    if what == "put":
        body: Body = {"id": id, "n": number}
        put = partial(documents.put, kind="task", id=id, body=body, rev=rev, actor="a", cause="put")
        return (await db.write(put, timeout_s=60)).rev
    delete = partial(documents.delete, kind="task", id=id, rev=rev, actor="a", cause="delete")
    return (await db.write(delete, timeout_s=60)).rev


def standing(conn: Connection) -> dict[str, list[list[int]]]:
    """All revisions of each document, as (number in its body, whether it was deleted)."""
    return {
        one.id: [
            [int(str(past.body["n"])), int(past.deleted)]
            for past in documents.history(conn, "task", one.id)
        ]
        for one in documents.listing(conn, "task", with_deleted=True)
    }


def lead(folder: str, runtime: str) -> None:
    """Sync a workspace whenever nobody else does; tells when it begins to."""
    asyncio.run(_lead(Path(folder), Path(runtime)))


async def _lead(folder: Path, runtime: Path) -> None:
    clock = SystemClock()
    async with await Database.open(folder, runtime=runtime) as db:
        leadership = Leadership(
            folder,
            clock,
            actor="operator",
            read_only=False,
            changed=lambda: say("leads"),
            trouble=lambda text: say("trouble", text),
            beside=tuple,
        )
        layers = [FileLayer(Mirror(folder / "files"))]
        await leadership.run(Synchronizer(db, layers, clock, rules=RULES))


# Killed at one step: an operation on a file or a statement


def until(scenario: str, folder: str, runtime: str, at: int) -> None:
    """Do something and die before its step number `at`; tells of how many steps there were."""
    path = Path(folder)
    with stumbling(path) as watch:
        is_armed = scenario != "saved"

        def look(what: str) -> None:
            nonlocal is_armed
            if not is_armed and what == "swap" and _save_meanwhile(path):
                # From here on it matters.
                is_armed, watch.count = True, 0
            if is_armed and watch.count == at:
                os.kill(os.getpid(), signal.SIGKILL)

        watch.before = look
        _SCENARIOS[scenario](path, Path(runtime), CountedEngine(watch))
        watch.before = lambda _: None
    say(watch.count)


MEANWHILE: Final = "saved meanwhile"


def _save_meanwhile(folder: Path) -> bool:
    """Save a file as an editor does, at the last moment before it is replaced; once."""
    path = folder / "files" / "tasks" / "T-1.json"
    body = json.loads(path.read_bytes())
    if (body["title"], body["rev"]) == ("one", 1):
        draft = folder / "T-1.draft"
        draft.write_text(json.dumps(body | {"title": MEANWHILE}))
        draft.rename(path)
        return True
    return False


def _make(folder: Path, runtime: Path, engine: Engine) -> None:
    asyncio.run(_open(folder, runtime, engine))


async def _open(folder: Path, runtime: Path, engine: Engine) -> None:
    async with await Database.open(folder, runtime=runtime, engine=engine):
        pass


def _backup(folder: Path, runtime: Path, engine: Engine) -> None:
    asyncio.run(_copy(folder, runtime, engine))


async def _copy(folder: Path, runtime: Path, engine: Engine) -> None:
    async with await Database.open(folder, runtime=runtime, engine=engine) as db:
        await db.backup(Reason.MANUAL, at=4e9)


def _restore(folder: Path, runtime: Path, engine: Engine) -> None:
    asyncio.run(_go_back(folder, runtime, engine))


async def _go_back(folder: Path, runtime: Path, engine: Engine) -> None:
    async with await Database.open(folder, runtime=runtime, engine=engine) as db:
        plan = await Checkpoints(db).plan_restore("before")
        await History(db).revert(plan, actor="operator")


def _sync(folder: Path, runtime: Path, engine: Engine) -> None:
    asyncio.run(_bring_in_step(folder, runtime, engine))


async def _bring_in_step(folder: Path, runtime: Path, engine: Engine) -> None:
    async with await Database.open(folder, runtime=runtime, engine=engine) as db:
        await Workspace(folder, TurnedClock(), db).sync()


def _compact(folder: Path, runtime: Path, engine: Engine) -> None:
    asyncio.run(_archive(folder, runtime, engine))


async def _archive(folder: Path, runtime: Path, engine: Engine) -> None:
    async with await Database.open(folder, runtime=runtime, engine=engine) as db:
        await archive(db)


def _replace(folder: Path, runtime: Path, engine: Engine) -> None:
    copy = backups.find(folder / backups.FOLDER, "latest")
    recovery.replace_store(engine, folder, copy, at=5e9)


_SCENARIOS: Final[dict[str, Callable[[Path, Path, Engine], None]]] = {
    "open": _make,
    "replace": _replace,
    "backup": _backup,
    "restore": _restore,
    "sync": _sync,
    "saved": _sync,
    "compact": _compact,
}


_TOUCHING: Final = frozenset(
    {
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "subprocess.Popen",
    }
)
"""What the interpreter tells of before it happens, and what changes something."""


def files_back(top: str, folder: str, runtime: str, at: int) -> None:
    """Restore W-1 in a work tree and die before change number `at`; tells how many there were."""
    count = _dying(at)
    asyncio.run(_take_files_back(Path(top), Path(folder), Path(runtime)))
    say(count())


def merge_committed(top: str, folder: str, at: int) -> None:
    """Commit the merge M-1 and die before change or program number `at`; tells how many."""
    count = _dying(at, "subprocess.Popen")
    asyncio.run(_commit_merge(Path(top), Path(folder)))
    say(count())


async def _commit_merge(top: Path, folder: Path) -> None:
    merges = Merges(folder / "rooms", SystemClock(), environ=environment(), actor=OPERATOR)
    await merges.commit(await merges.find(top), "M-1")


def _dying(at: int, *more: str) -> Callable[[], int]:
    """Die before change number `at`, or event of these names; how many there were so far."""
    count = 0

    def look(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        is_write = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR)
        if event in _TOUCHING or event in more or is_write:
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    return lambda: count


async def _take_files_back(top: Path, folder: Path, runtime: Path) -> None:
    async with await Database.open(folder / "store", runtime=runtime) as db:
        trees = Trees(
            folder / "rooms",
            SystemClock(),
            environ=environment(),
            actor=OPERATOR,
            ledger=TreeLedger(db, OPERATOR),
        )
        tree = await trees.find(top)
        await trees.restore(tree, await trees.plan(tree, "W-1", is_exact=True))


class _MortalRunner(Runner):
    """A runner that dies at a moment, of which there is one on each side of a write."""

    def __init__(self, outside: Outside, at: int) -> None:
        super().__init__(outside)
        self._left = at

    async def _record(self, saga: Saga, event: Event) -> Outcome:
        self._pass()
        outcome = await super()._record(saga, event)
        self._pass()
        return outcome

    def _pass(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def workflow(folder: str, runtime: str, id: str, at: int) -> None:
    """Run a workflow, and die at a moment of it; tells its state where it came to an end."""
    asyncio.run(_workflow(Path(folder), Path(runtime), id, at))


async def _workflow(folder: Path, runtime: Path, id: str, at: int) -> None:
    async with await Database.open(folder, runtime=runtime) as db:
        runner = _MortalRunner(Outside(db, SystemClock(), Tasks(db), dict(os.environ)), at)
        say((await runner.run(id)).state)


PROGRAMS: Final[dict[str, Program]] = {
    "edits": edits,
    "groups": groups,
    "cuts": cuts,
    "race": race,
    "actor": actor,
    "lead": lead,
    "until": until,
    "files-back": files_back,
    "workflow": workflow,
    "merge-committed": merge_committed,
}

if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # pages that the children share are not written to
    serve(int(sys.argv[1]), PROGRAMS)
