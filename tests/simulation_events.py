"""What may happen in a simulated workspace: people, programs and faults.

Invariant: what an event does follows from its own draws and from how the world stands. Whoever
saves a file had read it before, and wrote one change of their own, which is told to the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from orc_core.model.history import Mark
from orc_core.sync.conflicts import SIDES
from orc_core.tasks.desk import Tasks
from orc_storage import documents
from orc_storage.errors import StorageError
from orc_storage.records import OPERATOR, Body, ConflictState
from simulated_workspace import BOARD, Store
from simulation_laws import KIND, WAITING

if TYPE_CHECKING:
    from simulation import Event, Play

Happening: TypeAlias = "Callable[[Play, Event, random.Random], Awaitable[None]]"
TASKS = ("T-1", "T-1", "T-1", "T-2", "T-3")
"""Much is done to one of them, so that people meet."""


def word(event: Event, part: int = 0) -> str:
    """A word that only this event writes."""
    return f"w{event.number * 10 + part + 1000}"


def change(body: dict[str, Any], chance: random.Random, mark: str) -> dict[str, Any]:
    """Draw one change of a task that has the word `mark` in it."""
    match chance.choice(("title", "title", "due", "text", "text", "text", "labels", "status")):
        case "title":
            return {"title": f"Task {mark}"}
        case "due":
            return {"due": mark}
        case "labels":
            labels = [label for label in body.get("labels", []) if chance.random() < 0.7]
            return {"labels": [*labels, mark]}
        case "status":
            status = chance.choice(("ready", "running", "done", "failed", "cancelled"))
            return {"status": status, "assignee": mark}
        case _:
            lines = str(body.get("text", "")).split("\n")
            at = chance.randrange(len(lines) + 1)
            lines[at : at + chance.choice((0, 1, 1, 2))] = [f"now {mark}"]
            return {"text": "\n".join(lines)}


# ---- through orc and dashboards


async def edit(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody edits a task in a dashboard."""
    desk = play.desk(chance)
    if desk is None:
        return
    deed = play.begin(event, desk.process, word(event))

    async def work() -> None:
        if chance.random() < 0.6:
            await desk.look()
        shown = {one.id: one.body for one in desk.pending.overlay(desk.held)}
        known = sorted(id for id in shown if not id.startswith("pending"))
        if not known:
            return
        id = chance.choice(known)
        fields = change(shown[id], chance, deed.word)
        deed.begun = play.loop.steps
        task = await desk.pending.edit(id, fields, actor=OPERATOR, cause=deed.cause)
        play.ended(deed, task)

    play.in_desk(desk, work(), str(event))


async def orc(play: Play, event: Event, chance: random.Random) -> None:
    """A command edits a task over the revision that was read, some time ago perhaps."""
    wait_s, sure = chance.choice((0.0, 0.02, 0.5)), chance.random() < 0.6
    id, deed = chance.choice(TASKS), None

    async def work(store: Store) -> None:
        tasks = Tasks(store)
        task = await tasks.get(id)
        body: dict[str, Any] = {"text": task.text, "labels": list(task.labels)}
        await asyncio.sleep(wait_s)
        fields = change(body, chance, deed.word)
        deed.begun, deed.over = play.loop.steps, task.rev if sure else 0
        rev = task.rev if sure else None
        made = await tasks.edit(id, fields, actor="codex-1", cause=deed.cause, rev=rev)
        play.ended(deed, made)

    process = play.in_orc(work, str(event))
    deed = play.begin(event, process, word(event))
    if chance.random() < 0.1:
        process.fuse = chance.randrange(12)


async def put(play: Play, event: Event, chance: random.Random) -> None:
    """A program reads a document, and writes it over that revision a while later."""
    wait_s, id = chance.choice((0.02, 0.3, 1.0)), chance.choice(TASKS)

    async def work(store: Store) -> None:
        found = await store.read(lambda conn: documents.get(conn, KIND, id))
        if found is None:
            return
        await asyncio.sleep(wait_s)
        body = found.body | change(found.body, chance, deed.word)
        deed.begun, deed.over = play.loop.steps, found.rev
        made = await store.write(
            lambda tx: documents.put(
                tx, KIND, id, body, rev=found.rev, actor="codex-2", cause=deed.cause
            )
        )
        deed.got = made.rev

    process = play.in_orc(work, str(event))
    deed = play.begin(event, process, word(event))


async def add(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody adds a task in a dashboard."""
    desk = play.desk(chance)
    if desk is None:
        return
    deed = play.begin(event, desk.process, word(event))

    async def work() -> None:
        deed.begun = play.loop.steps
        title = f"Task {deed.word}"
        task = await desk.pending.add(title, actor=OPERATOR, cause=deed.cause)
        play.ended(deed, task)

    play.in_desk(desk, work(), str(event))


async def decide(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody decides a conflict, takes a decision back, or puts it off."""
    desk = play.desk(chance)
    if desk is None:
        return

    async def work() -> None:
        found = await desk.conflicts.listing()
        waiting = [one for one in found if one.state in WAITING]
        decided = [one for one in found if one.state is ConflictState.RESOLVED]
        draw = chance.random()
        await asyncio.sleep(chance.choice((0.0, 0.0, 0.3)))  # a person looks at them
        if decided and draw < 0.2:
            await desk.conflicts.undo_resolution(chance.choice(decided).id, actor=OPERATOR)
        elif not waiting:
            return
        elif draw < 0.3:
            until = play.world.now() + chance.random() * 5
            await desk.conflicts.defer(chance.choice(waiting).id, until, actor=OPERATOR)
        elif draw < 0.4:
            await desk.conflicts.resolve_all(chance.choice(SIDES), actor=OPERATOR)
        else:
            one = chance.choice(waiting)
            take = chance.choice(("left", "left", "right", "right", "base", "both", "value"))
            value = f"line {word(event)}" if one.path and take == "value" else None
            await desk.conflicts.resolve(one.id, take, value=value, actor=OPERATOR)

    play.in_desk(desk, work(), str(event))


async def go_back(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody reverts a task, takes a change out, undoes or redoes."""
    desk = play.desk(chance)
    if desk is None:
        return

    async def work() -> None:
        match chance.choice(("undo", "undo", "redo", "revert", "take_out")):
            case "undo":
                await desk.history.undo(OPERATOR)
            case "redo":
                await desk.history.redo(OPERATOR)
            case kind:
                id = chance.choice(TASKS)
                revs = [one.rev for one in await desk.history.revisions(KIND, id)]
                rev = chance.choice(revs)
                plan = (
                    await desk.history.plan(KIND, id, rev)
                    if kind == "revert"
                    else await desk.history.plan_take_out([Mark(KIND, id, rev)])
                )
                await asyncio.sleep(chance.choice((0.0, 0.3)))
                await desk.history.revert(plan, actor=OPERATOR)

    play.in_desk(desk, work(), str(event))


async def policy(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody sets what becomes of a field that both sides changed."""
    desk = play.desk(chance)
    if desk is not None:
        subject = chance.choice(("task", "task.title", "task.text", "task.due"))
        strategy = chance.choice(("LAST_WRITE", "LAST_WRITE", "MERGE", "MANUAL", None))
        work = desk.conflicts.set_strategy(subject, strategy, actor=OPERATOR)
        play.in_desk(desk, work, str(event))


async def pace(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody sets when a layer is brought in step, or switches it off."""
    desk = play.desk(chance)
    if desk is None:
        return
    fields = chance.choice(
        (
            {"strategy": "batch", "interval_s": 2.0},
            {"strategy": "lazy"},
            {"strategy": "event"},
            {"strategy": "realtime"},
            {"on": False},
            {"on": True},
        )
    )
    name = chance.choice(("file", "file", BOARD))
    work = desk.sync.choices.change(name, fields, actor=OPERATOR, cause="pace")
    play.in_desk(desk, work, str(event))


async def sync(play: Play, event: Event, chance: random.Random) -> None:
    """A command brings everything in step."""
    accepts = chance.random() < 0.2

    async def work(store: Store) -> None:
        mine = play.synchronizer(store)
        await play.leadership("orc").sync_once(mine, accept_deletions=accepts, timeout_s=5.0)

    process = play.in_orc(work, str(event))
    if chance.random() < 0.2:
        process.fuse = chance.randrange(60)


# ---- through files and the board


async def save(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody opens a file, changes something and saves it, some time later perhaps."""
    path = _file(play, chance)
    read = _read(path)
    if read is None:
        return
    try:
        body = json.loads(read)
    except ValueError:
        return
    if not isinstance(body, dict):
        return
    body |= change(body, chance, word(event))
    if chance.random() < 0.2:
        body |= change(body, chance, word(event, 1))
    if chance.random() < 0.1:
        body.pop("rev", None)
        play.ledger.trusted.add(path.stem)
    data = json.dumps(body, indent=1).encode()
    wait_s = chance.choice((0.0, 0.0, 0.05, 0.4, 1.5))
    torn_s = chance.choice((0.0, 0.0, 0.0, 0.05, 0.5, 1.0))

    async def work() -> None:
        await asyncio.sleep(wait_s)
        if torn_s:
            _put(play, path, data[: chance.randrange(len(data))])
            await asyncio.sleep(torn_s)
        play.ledger.edited("file", path.stem, read, data)
        _put(play, path, data)

    play.outside(work(), str(event))


async def spoil(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody breaks a file, and puts it right a while later."""
    path = _file(play, chance)
    read = _read(path)
    if read is None:
        return
    rubbish = chance.choice((b"", b"{", b"[]", b'{"id": "T-1", "rev": 1', b"\xff\xfe", b"null"))
    wait_s = chance.random() * 4

    async def work() -> None:
        _put(play, path, rubbish)
        await asyncio.sleep(wait_s)
        if _read(path) == rubbish and chance.random() < 0.9:
            _put(play, path, read)

    play.outside(work(), str(event))


async def remove(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody removes a file, and puts it back a while later perhaps."""
    path = _file(play, chance)
    read = _read(path)
    if read is None:
        return
    wait_s, returns = chance.choice((0.1, 1.0, 3.0)), chance.random() < 0.5

    async def work() -> None:
        path.unlink(missing_ok=True)
        play.ledger.touched.add(("file", path.stem))
        play.world.touch(KIND, path.stem)
        await asyncio.sleep(wait_s)
        if returns and not path.exists():
            _put(play, path, read)

    play.outside(work(), str(event))


async def put_back(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody writes an old copy of a file back."""
    known = sorted(play.copies)
    if known:
        id = chance.choice(known)
        data = chance.choice(play.copies[id])
        play.ledger.edited("file", id, _made_on(play, id, data), data)
        _put(play, play.folder / f"{id}.json", data)


async def new_file(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody makes a task as a file."""
    id = f"N-{event.number}"
    body: Body = {"id": id, "title": f"Task {word(event)}"}
    if play.folder.is_dir():
        _put(play, play.folder / f"{id}.json", json.dumps(body).encode())


async def post(play: Play, event: Event, chance: random.Random) -> None:
    """Somebody changes what the board has."""
    known = sorted(id for _, id in play.world.board)
    if known:
        id = known[0] if chance.random() < 0.5 else chance.choice(known)
        before = play.world.board[KIND, id]
        after: Body = before | change(before, chance, word(event))
        play.ledger.edited(BOARD, id, repr(before).encode(), repr(after).encode())
        play.world.board[KIND, id] = after
        play.ledger.touched.add((BOARD, id))
        play.world.touch(BOARD, id)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _file(play: Play, chance: random.Random) -> Path:
    """One of the files, or where one could be."""
    known = sorted(play.folder.glob("*.json")) if play.folder.is_dir() else []
    if known and chance.random() < 0.5:
        return next((path for path in known if path.stem == "T-1"), known[0])
    return chance.choice(known) if known else play.folder / "T-1.json"


def _put(play: Play, path: Path, data: bytes) -> None:
    """Save a file as an editor does."""
    if path.parent.is_dir():
        _remember(play, path.stem, path)
        path.write_bytes(data)
        _remember(play, path.stem, path)
        play.ledger.touched.add(("file", path.stem))
        play.ledger.quiet_since = play.loop.time()
        play.world.touch(KIND, path.stem)


def _remember(play: Play, id: str, path: Path) -> None:
    """Keep a copy of a file, for whoever writes an old one back."""
    with contextlib.suppress(OSError, ValueError):
        data = path.read_bytes()
        json.loads(data)
        kept = play.copies.setdefault(id, [])
        if data not in kept:
            kept.append(data)


def _made_on(play: Play, id: str, data: bytes) -> bytes:
    """What a copy of a file was made from, by the number in it; the copy where it has none."""
    try:
        found = documents.revision(play.world.conn, KIND, id, json.loads(data)["rev"])
    except (StorageError, KeyError, TypeError):
        play.ledger.trusted.add(id)
        return data
    return json.dumps(found.body).encode()
