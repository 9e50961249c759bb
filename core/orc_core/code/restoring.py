"""Carrying out steps on files so that a tree is the old one or the new one, whatever happens.

Invariant: what is to be done is on disk before the first file is touched, and new contents lie
in the tree's file system before the first is put in its place. Only a file that still is what
the steps say is replaced. Whoever finds a restore that was cut short takes it back, unless all
of it was done and checked.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from orc_core.code.files import LINK, Files
from orc_core.code.lens import Lens
from orc_core.code.room import Room
from orc_core.errors import GitError, OrcError, Overlap
from orc_core.model.code import FileStep, Held, shown
from orc_storage.paths import sync_folder
from orc_storage.records import FilesTurned

STAGE_PREFIX: Final = ".orc-restore-"
_AT_ONCE_BYTES: Final = 64 * 1024 * 1024
_READ_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A restore as it is noted on disk; once `is_done` its files are all there."""

    turn: FilesTurned
    steps: tuple[FileStep, ...]
    is_done: bool


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A restore that was cut short, taken back; `strange` are files that somebody changed since."""

    turn: FilesTurned
    strange: tuple[bytes, ...]


async def carry_out(room: Room, look: Lens, steps: Sequence[FileStep], turn: FilesTurned) -> None:
    """Do all steps, or none and raise: Overlap where a file is another by now, GitError, OSError.

    The note of it stays, marked as done, until `close`. The caller is in the room.
    """
    await asyncio.to_thread(_note, room, Unfinished(turn, tuple(steps), is_done=False))
    try:
        await _do(room, look, steps, strict=True)
        await asyncio.to_thread(_note, room, Unfinished(turn, tuple(steps), is_done=True))
    except (OrcError, OSError):
        await take_back(room, look)
        raise


async def take_back(room: Room, look: Lens) -> TakenBack | None:
    """Take back what was cut short; None where nothing was. The caller is in the room.

    A file that is neither as it was before nor as it was to be stays as it is, and is named.
    """
    found = await asyncio.to_thread(unfinished, room)
    if found is None or found.is_done:
        return None
    back, strange = await asyncio.to_thread(_back, room, found.steps)
    await _do(room, look, back, strict=False)
    await asyncio.to_thread(close, room)
    return TakenBack(found.turn, strange)


def unfinished(room: Room) -> Unfinished | None:
    """The restore that is noted in a room; raises GitError where the note cannot be read."""
    try:
        text = room.unfinished.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    try:
        told = json.loads(text)
        turn = FilesTurned(os.fsdecode(unquote_to_bytes(told["top"])), *told["turn"])
        steps = tuple(
            FileStep(unquote_to_bytes(path), _held(before), _held(after))
            for path, before, after in told["steps"]
        )
        return Unfinished(turn, steps, bool(told["done"]))
    except (ValueError, TypeError, KeyError) as error:
        raise GitError(
            f"{room.unfinished} cannot be read ({error}): compare the tree with its newest"
            " checkpoint, then remove that file"
        ) from None


def close(room: Room) -> None:
    """Remove the note of a restore, and what was staged for it. Blocks on the disk."""
    shutil.rmtree(_stage(room), ignore_errors=True)
    room.unfinished.unlink(missing_ok=True)
    sync_folder(room.folder)


def _note(room: Room, what: Unfinished) -> None:
    told = {
        "top": quote(os.fsencode(what.turn.top)),
        "turn": [what.turn.before, what.turn.after, what.turn.label, what.turn.files],
        "steps": [[quote(one.path), _told(one.before), _told(one.after)] for one in what.steps],
        "done": what.is_done,
    }
    draft = room.folder / f"restore.{os.getpid()}"
    with draft.open("w", encoding="ascii") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(room.unfinished)
    sync_folder(room.folder)


def _told(held: Held | None) -> list[object] | None:
    return None if held is None else [held.mode, held.object]


def _held(told: list[object] | None) -> Held | None:
    if told is None:
        return None
    mode, name = told
    if not isinstance(mode, int) or not isinstance(name, str):
        raise ValueError("a file has no mode or no content")
    return Held(mode, name)


def _stage(room: Room) -> Path:
    return room.tree.top / f"{STAGE_PREFIX}{room.tree.key[:8]}"


async def _do(room: Room, look: Lens, steps: Sequence[FileStep], *, strict: bool) -> None:
    stage = _stage(room)
    try:
        await asyncio.to_thread(_begin, stage)
        await _fill(look, stage, [step for step in steps if step.after is not None])
        await asyncio.to_thread(_apply, room, stage, steps, strict)
    finally:
        await asyncio.to_thread(shutil.rmtree, stage, ignore_errors=True)


def _begin(stage: Path) -> None:
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(mode=0o700)
    (stage / ".gitignore").write_text("*\n", encoding="ascii")  # so that nobody commits it


async def _fill(look: Lens, stage: Path, steps: Sequence[FileStep]) -> None:
    """Write every content that is needed into the stage, some at a time."""
    wanted = list(dict.fromkeys(step.after.object for step in steps if step.after is not None))
    if not wanted:
        return
    asked = "".join(f"{one}\n" for one in wanted).encode()
    told = await look.run("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=asked)
    lines = told.decode("ascii", "replace").splitlines()
    portion: list[str] = []
    size = 0
    for name, line in zip(wanted, lines, strict=True):
        kind, _, text = line.partition(" ")
        if kind != "blob":
            raise GitError(f"what a file held is lost from the repository ({line[:60]})")
        if portion and size + int(text) > _AT_ONCE_BYTES:
            await _fetch(look, stage, steps, portion)
            portion, size = [], 0
        portion.append(name)
        size += int(text)
    await _fetch(look, stage, steps, portion)


async def _fetch(look: Lens, stage: Path, steps: Sequence[FileStep], names: list[str]) -> None:
    asked = "".join(f"{one}\n" for one in names).encode()
    told = await look.run("cat-file", "--batch", stdin=asked, timeout_s=_READ_TIMEOUT_S)
    held: dict[str, bytes] = {}
    at = 0
    for name in names:
        end = told.index(b"\n", at)
        size = int(told[at:end].rpartition(b" ")[2])
        held[name] = told[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    await asyncio.to_thread(_write, stage, steps, held)


def _write(stage: Path, steps: Sequence[FileStep], held: dict[str, bytes]) -> None:
    for number, step in enumerate(steps):
        if step.after is None or step.after.object not in held:
            continue
        data, path = held[step.after.object], stage / str(number)
        if step.after.mode == LINK:
            path.symlink_to(os.fsdecode(data))
            continue
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _apply(room: Room, stage: Path, steps: Sequence[FileStep], strict: bool) -> None:
    """Remove what goes, deepest first, put the others in their places, and look at all again."""
    writes = [step for step in steps if step.after is not None]
    removals = sorted((s for s in steps if s.after is None), key=lambda s: s.path, reverse=True)
    with Files(room.tree.top, room.tree.hash_name) as files:
        for step in removals:
            _check(files, step, strict)
            files.remove(step.path)
        for number, step in enumerate(writes):
            _check(files, step, strict)
            if step.after is not None:
                files.replace(step.path, stage / str(number), step.after.mode)
        wrong = [step.path for step in steps if files.held(step.path) != step.after]
    if wrong and strict:
        raise Overlap(f"{shown(wrong[0])} is not as it was written: somebody writes there")


def _check(files: Files, step: FileStep, strict: bool) -> None:
    if strict and files.held(step.path) != step.before:
        raise Overlap(f"{shown(step.path)} was changed meanwhile: look at a new preview first")


def _back(room: Room, steps: Iterable[FileStep]) -> tuple[tuple[FileStep, ...], tuple[bytes, ...]]:
    """The steps that take back what was done of some, and the files that are neither."""
    back: list[FileStep] = []
    strange: list[bytes] = []
    with Files(room.tree.top, room.tree.hash_name) as files:
        for step in steps:
            now = files.held(step.path)
            if now == step.before:
                continue
            if now == step.after or now is None:
                back.append(FileStep(step.path, now, step.before))
            else:
                strange.append(step.path)
    return tuple(back), tuple(strange)
