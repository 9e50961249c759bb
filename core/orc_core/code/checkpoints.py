"""Checkpoints of work trees: kept by private refs of their repositories, found again, bounded.

Invariant: a checkpoint is whole before its ref is there, and its ref is put in its place in one
step without a lock. What was read of one is untrusted until it was checked here.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote, unquote_to_bytes

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from orc_core.code import git, repository
from orc_core.code.lens import Lens
from orc_core.code.repository import WorkTree
from orc_core.code.snapshots import Taken
from orc_core.errors import GitError, UnknownName
from orc_core.model.code import Cause, LeftOut, TreeCheckpoint
from orc_core.text import clean

REFS: Final = "refs/orc/checkpoints/"
PREFIX: Final = "W-"
NOTE_MAX: Final = 200

AUTOMATIC_MAX: Final = 100
"""How many checkpoints of a work tree are kept that nobody asked for; 300 in all."""
KEPT_MAX: Final = 300
AUTOMATIC_AGE_S: Final = 14 * 24 * 3600.0
KEPT_BYTES: Final = 2 * 1024 * 1024 * 1024
"""What the checkpoints of a work tree read together, of which the older ones go first."""

_LISTED_MAX: Final = 10_000
_FIELDS: Final = ("refname", "objectname", "tree", "parent", "contents")
_FORMAT: Final = "".join(f"%({field})%00" for field in _FIELDS)
_ID: Final = re.compile(r"W-([1-9][0-9]{0,8})")
_OBJECT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBERS = itertools.count(1)


def _word(value: object) -> str:
    return clean(value, limit=NOTE_MAX) if isinstance(value, str) else ""


class _Told(BaseModel):
    """What stands in the message of a checkpoint's commit."""

    model_config = ConfigDict(extra="ignore")

    at: float
    actor: Annotated[str, BeforeValidator(_word)] = ""
    note: Annotated[str, BeforeValidator(_word)] = ""
    cause: Cause = Cause.ASKED
    tree: str
    top: str = ""
    branch: Annotated[str, BeforeValidator(_word)] = ""
    head: str = ""
    new_bytes: int = 0
    left_out: list[tuple[str, str]] = []
    ignored: list[str] | None = None


async def save(
    look: Lens,
    taken: Taken,
    *,
    at: float,
    actor: str,
    note: str,
    cause: Cause,
    environ: Mapping[str, str],
) -> TreeCheckpoint:
    """Keep what was taken, by a new ref; `at` is seconds since the epoch. Raises GitError."""
    tree = look.tree
    head, branch = await repository.head(tree, environ)
    told = {
        "at": at,
        "actor": actor,
        "note": clean(note, limit=NOTE_MAX).strip(),
        "cause": cause.value,
        "tree": quote(os.fsencode(tree.name)),
        "top": quote(os.fsencode(tree.top)),
        "branch": branch,
        "head": head,
        "new_bytes": taken.new_bytes,
        "left_out": [[quote(one.path), one.why] for one in taken.left_out],
        "ignored": [quote(one) for one in taken.ignored] if taken.ignored is not None else None,
    }
    message = f"orc: a checkpoint of the work tree\n\n{json.dumps(told)}\n".encode()
    parents = ["-p", head] if head else []
    made = await look.run(
        "commit-tree", taken.content, *parents, stdin=message, identity=_identity(at)
    )
    commit = made.strip().decode("ascii")
    id = await _keep(tree, commit, environ)
    found = _read(id, commit, taken.content, message)
    assert found is not None  # noqa: S101
    return found


def _identity(at: float) -> dict[str, str]:
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (
            ("NAME", "orc"),
            ("EMAIL", "orc@localhost"),
            ("DATE", f"{int(at)} +0000"),
        )
    }


async def _keep(tree: WorkTree, commit: str, environ: Mapping[str, str]) -> str:
    """Point the next free ref at a commit; its id."""
    numbers = [int(one.id.removeprefix(PREFIX)) for one in await every(tree, environ)]
    number = max(numbers, default=0)
    while True:
        number += 1
        id = f"{PREFIX}{number}"
        if (tree.common_dir / "reftable").is_dir():
            await _owner(tree, environ, "update-ref", REFS + id, commit, "0" * len(commit))
            return id
        with suppress(FileExistsError):
            await asyncio.to_thread(_link, tree.common_dir, id, commit)
            return id


def _link(common_dir: Path, id: str, commit: str) -> None:
    """Make a ref whole or not at all, without the lock that git would take for it."""
    folder = common_dir
    for part in REFS.rstrip("/").split("/"):
        folder /= part
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():
            raise GitError(f"{clean(str(folder), limit=200)} is a symlink: nothing is kept there")
    draft = folder / f".draft-{os.getpid()}-{next(_NUMBERS)}"
    try:
        with draft.open("x", encoding="ascii") as file:
            file.write(f"{commit}\n")
            file.flush()
            os.fsync(file.fileno())
        (folder / id).hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


async def every(tree: WorkTree, environ: Mapping[str, str]) -> list[TreeCheckpoint]:
    """The checkpoints of all work trees of a repository, the newest first."""
    told = await _owner(
        tree, environ, "for-each-ref", f"--format={_FORMAT}", f"--count={_LISTED_MAX}", REFS
    )
    values = told.split(b"\0")
    found: list[TreeCheckpoint] = []
    for at in range(0, len(values) - len(_FIELDS), len(_FIELDS)):
        ref, commit, content, _, message = values[at : at + len(_FIELDS)]
        id = ref.strip().decode("utf-8", "replace").removeprefix(REFS)
        one = _read(
            id, commit.decode("ascii", "replace"), content.decode("ascii", "replace"), message
        )
        if one is not None:
            found.append(one)
    return sorted(found, key=lambda one: int(one.id.removeprefix(PREFIX)), reverse=True)


async def listing(tree: WorkTree, environ: Mapping[str, str]) -> list[TreeCheckpoint]:
    """The checkpoints of one work tree, the newest first."""
    return [one for one in await every(tree, environ) if one.tree == tree.name]


async def find(tree: WorkTree, id: str, environ: Mapping[str, str]) -> TreeCheckpoint:
    """A checkpoint of this work tree, found without regard to case; raises UnknownName."""
    for one in await every(tree, environ):
        if one.id.casefold() != id.casefold():
            continue
        if one.tree != tree.name:
            raise UnknownName(
                f"{one.id} is a checkpoint of another work tree, {clean(one.top, limit=200)}:"
                " go there, or name an agent in it"
            )
        return one
    raise UnknownName(
        f"there is no checkpoint {clean(id, limit=40)!r} of this work tree: `orc code list` has all"
    )


def _read(id: str, commit: str, content: str, message: bytes) -> TreeCheckpoint | None:
    """A checkpoint from its commit; None where that is none of ours."""
    if not (_ID.fullmatch(id) and _OBJECT.fullmatch(commit) and _OBJECT.fullmatch(content)):
        return None
    try:
        told = _Told.model_validate_json(message.strip().rpartition(b"\n")[2])
    except (ValidationError, ValueError):
        return None
    return TreeCheckpoint(
        id=id,
        at=told.at,
        actor=told.actor,
        note=told.note,
        cause=told.cause,
        tree=os.fsdecode(unquote_to_bytes(told.tree)),
        top=os.fsdecode(unquote_to_bytes(told.top)),
        branch=told.branch,
        head=told.head if _OBJECT.fullmatch(told.head) else "",
        commit=commit,
        content=content,
        new_bytes=max(0, told.new_bytes),
        left_out=tuple(
            LeftOut(unquote_to_bytes(path), clean(why, limit=80)) for path, why in told.left_out
        ),
        ignored=tuple(map(unquote_to_bytes, told.ignored)) if told.ignored is not None else None,
    )


def superfluous(
    known: list[TreeCheckpoint], now: float, pinned: Collection[str]
) -> list[TreeCheckpoint]:
    """Which checkpoints go, given newest first: what is too old, too many, too much together.

    Those whose ids are `pinned` stay, and so does the newest.
    """
    gone: list[TreeCheckpoint] = []
    automatic, kept, size = 0, 0, 0
    for one in known:
        is_automatic = one.cause is not Cause.ASKED
        too_old = is_automatic and now - one.at > AUTOMATIC_AGE_S
        too_many = kept >= KEPT_MAX or (is_automatic and automatic >= AUTOMATIC_MAX)
        too_much = size + one.new_bytes > KEPT_BYTES
        if kept and one.id not in pinned and (too_old or too_many or too_much):
            gone.append(one)
            continue
        kept, automatic = kept + 1, automatic + is_automatic
        size += one.new_bytes
    return gone


async def forget(
    tree: WorkTree, gone: Collection[TreeCheckpoint], environ: Mapping[str, str]
) -> None:
    """Remove the refs of checkpoints; what they held is for git to collect. Raises GitError."""
    for one in gone:
        if not await asyncio.to_thread(_unlink, tree.common_dir, one):
            await _owner(tree, environ, "update-ref", "-d", REFS + one.id, one.commit)


def _unlink(common_dir: Path, one: TreeCheckpoint) -> bool:
    """Remove a ref that is a file of its own, for which no lock is needed; whether it was one."""
    packed = common_dir / "packed-refs"
    name = (REFS + one.id).encode()
    with suppress(FileNotFoundError):
        if any(line.endswith(b" " + name) for line in packed.read_bytes().splitlines()):
            return False
    path = common_dir / REFS / one.id
    if not path.is_file():
        return False
    path.unlink()
    return True


async def _owner(tree: WorkTree, environ: Mapping[str, str], *argv: str) -> bytes:
    return await git.run(argv, environ=git.owner_environment(environ), folder=tree.top)
