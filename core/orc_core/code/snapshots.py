"""The files of a work tree as one tree of git's, taken without touching the repository's state.

Invariant: HEAD, branches, index and stash are only read, and no lock is taken in the repository.
Files are taken byte by byte, no filter and no conversion between. What is ignored is left alone
unless it is tracked or asked for; what cannot be taken is named.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from orc_core.code import git, lens
from orc_core.code.files import is_safe
from orc_core.code.lens import Lens
from orc_core.code.room import Room
from orc_core.errors import GitError, GitTimeout
from orc_core.model.code import LeftOut
from orc_core.text import clean

LARGE_BYTES: Final = 64 * 1024 * 1024
"""Larger files are left out, and named."""
AT_ONCE_BYTES: Final = 1024 * 1024 * 1024
"""What one checkpoint reads at most; what goes beyond is left out, and named."""
IGNORED_MAX: Final = 5_000
"""How many ignored files and folders are named; with more, none is."""
TAKE_TIMEOUT_S: Final = 120.0
_MODULE: Final = b"160000 "


@dataclass(frozen=True, slots=True)
class Taken:
    """A tree of git's that holds the files of a work tree; `new_bytes` were read for it.

    `ignored` are files and folders that are left alone, None where they are too many to name.
    """

    content: str
    left_out: tuple[LeftOut, ...]
    new_bytes: int
    ignored: tuple[bytes, ...] | None


@dataclass(frozen=True, slots=True)
class _Names:
    """The files of a tree: tracked, held by our index, changed since, new, ignored but held.

    `dropped` are files and whole folders that are ignored and not held, `modules` the submodules
    among those that are tracked.
    """

    tracked: frozenset[bytes]
    modules: frozenset[bytes]
    held: frozenset[bytes]
    changed: frozenset[bytes]
    others: frozenset[bytes]
    ignored: frozenset[bytes]
    dropped: frozenset[bytes]


@dataclass(slots=True)
class _Sorted:
    """What is to be done with names: taken or found gone, dropped, left out."""

    drop: list[bytes]
    update: list[bytes] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    new_bytes: int = 0


@asynccontextmanager
async def looking(room: Room, environ: Mapping[str, str], *, keep: bool) -> AsyncIterator[Lens]:
    """A raw lens on a work tree whose index knows unchanged files; the caller is in its room.

    With `keep`, what is written goes into the repository's own objects, and the index is the
    next one's start. Without, both are gone afterwards. Raises GitError, OSError.
    """
    await lens.prepare(room.tree, room.raw, raw=True, environ=environ)
    with tempfile.TemporaryDirectory(prefix="look-", dir=room.folder) as scratch:
        draft, objects = Path(scratch) / "index", Path(scratch) / "objects"
        objects.mkdir()
        with suppress(FileNotFoundError):
            # With its time: by that, git knows which files may have changed since unseen.
            await asyncio.to_thread(shutil.copy2, room.index, draft)
        yield Lens(room.tree, room.raw, draft, room.tree.objects if keep else objects)
        if keep and draft.exists():
            draft.replace(room.index)


async def take(look: Lens, *, also: Collection[bytes] = ()) -> Taken:
    """Take the files of a work tree; `also` are wanted even if they are ignored.

    Raises GitError, GitTimeout.
    """
    also = frozenset(path for path in also if is_safe(path))
    try:
        return await _take(look, also)
    except GitTimeout:
        raise
    except GitError:
        # What our index knew is gone or damaged: everything is read anew.
        look.index.unlink(missing_ok=True)
        return await _take(look, also)


async def _take(look: Lens, also: frozenset[bytes]) -> Taken:
    names = await _names(look)
    todo = await asyncio.to_thread(_sort, look.tree.top, names, also)
    if todo.drop:
        await _update(look, "--force-remove", names=todo.drop)
    if todo.update:
        await _update(look, "--add", "--remove", "--replace", names=todo.update)
    content = await look.run("write-tree")
    ignored = tuple(sorted(names.dropped)) if len(names.dropped) <= IGNORED_MAX else None
    name = content.strip().decode("ascii")
    return Taken(name, tuple(todo.left_out), todo.new_bytes, ignored)


async def _names(look: Lens) -> _Names:
    own = replace(look, index=look.tree.git_dir / "index")
    tracked, *others = await git.together(
        _listed(own, "ls-files", "--stage"),
        _listed(look, "ls-files"),
        _listed(look, "diff-files", "--name-only", "--ignore-submodules=dirty"),
        _listed(look, "ls-files", "--others", "--exclude-standard"),
        _listed(look, "ls-files", "--cached", "--ignored", "--exclude-standard"),
        _listed(look, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory"),
    )
    # MODE OBJECT STAGE, a tab, and the name
    modules = {line.partition(b"\t")[2] for line in tracked if line.startswith(_MODULE)}
    known = {line.partition(b"\t")[2] for line in tracked}
    return _Names(frozenset(known), frozenset(modules), *others)


async def _listed(look: Lens, *argv: str) -> frozenset[bytes]:
    told = await look.run(*argv, "-z", timeout_s=TAKE_TIMEOUT_S)
    return frozenset(told.split(b"\0")) - {b""}


async def _update(look: Lens, *options: str, names: Iterable[bytes]) -> None:
    code, _, err = await look.converse(
        "update-index",
        *options,
        "-z",
        "--stdin",
        stdin=b"".join(name + b"\0" for name in names),
        timeout_s=TAKE_TIMEOUT_S,
    )
    if code or b"Ignoring path " in err:
        raise GitError(f"git update-index: {clean(err, limit=300).strip()}")


def _sort(top: Path, names: _Names, also: frozenset[bytes]) -> _Sorted:
    """Say what is to be done with each name; blocks on the disk."""
    wanted = names.tracked | also
    todo = _Sorted(drop=sorted((names.held & names.ignored) - wanted))
    fresh = names.changed | names.others | (wanted - names.held)
    folders: dict[bytes, bool] = {b"": True}
    for path in sorted(fresh - set(todo.drop)):
        if path.endswith(b"/"):
            if path[:-1] in names.modules:
                continue
            todo.left_out.append(LeftOut(path, "a repository of its own"))
        elif not _is_reached(os.fsencode(top), path, folders):
            todo.drop.append(path)
        else:
            _weigh(os.fsencode(top) + b"/" + path, path, path in names.modules, todo)
    return todo


def _is_reached(top: bytes, path: bytes, folders: dict[bytes, bool]) -> bool:
    """Whether all that is above a file are folders and none of them a symlink."""
    above = path.rpartition(b"/")[0]
    known = folders.get(above)
    if known is None:
        known = _is_reached(top, above, folders)
        with suppress(OSError):
            known = known and stat.S_ISDIR(os.lstat(top + b"/" + above).st_mode)
        folders[above] = known
    return known


def _weigh(place: bytes, path: bytes, is_module: bool, todo: _Sorted) -> None:
    """Take one file, or say why it is left out."""
    try:
        facts = os.lstat(place)
    except OSError:
        todo.update.append(path)  # gone: it is taken out
        return
    why = ""
    if _is_refused(path, is_link=stat.S_ISLNK(facts.st_mode)):
        why = "git takes no file of that name"
    elif stat.S_ISDIR(facts.st_mode):
        if not is_module:
            todo.drop.append(path)
            return
        # A submodule: the commit that it is at is taken, not what is in it.
    elif not stat.S_ISREG(facts.st_mode) and not stat.S_ISLNK(facts.st_mode):
        why = "no plain file"
    elif facts.st_size > LARGE_BYTES:
        why = f"larger than {LARGE_BYTES // 1024 // 1024} MB"
    elif todo.new_bytes + facts.st_size > AT_ONCE_BYTES:
        why = f"beyond the {AT_ONCE_BYTES // 1024 // 1024} MB of one checkpoint"
    elif stat.S_ISREG(facts.st_mode) and not _is_readable(place):
        why = "cannot be read"
    if why:
        todo.drop.append(path)
        todo.left_out.append(LeftOut(path, why))
    else:
        todo.update.append(path)
        todo.new_bytes += 0 if stat.S_ISDIR(facts.st_mode) else facts.st_size


def _is_refused(path: bytes, *, is_link: bool) -> bool:
    """Whether git passes a file over without an error: what could stand for its own folder."""
    return not is_safe(path) or (is_link and path.rpartition(b"/")[2].lower() == b".gitmodules")


def _is_readable(place: bytes) -> bool:
    try:
        os.close(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True
