"""Work trees as they are: branch, distance to the right bases, uncommitted work.

Invariant: looking takes no lock and writes nothing in a repository. Distances are those to the
main branch and to the branch's own upstream, never to one that merely is called the same.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orc_core.code import git, lens, repository
from orc_core.code.lens import Lens
from orc_core.code.repository import WorkTree
from orc_core.code.room import Room
from orc_core.errors import GitError
from orc_core.model.code import Distance, TreeState
from orc_core.text import clean

FILES_MAX: Final = 500
"""How many files of a tree are named that have uncommitted work."""
REFS_MAX: Final = 5_000
LOOK_TIMEOUT_S: Final = 20.0

_MAINS: Final = ("main", "master", "trunk", "develop")
_EMPTY: Final[Mapping[str, str]] = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""The tree that holds nothing."""
_UNDER_WAY: Final[Mapping[str, str]] = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
_REF: Final = "%(refname)%00%(objectname)%00%(upstream)%00%(symref)%00%(worktreepath)%00"
_REF_FIELDS: Final = 5


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch by its full name, its commit, its upstream, and the work tree that has it."""

    ref: str
    commit: str
    upstream: str
    symref: str
    top: str


async def branches(tree: WorkTree, environ: Mapping[str, str]) -> list[Branch]:
    """The local and remote branches of a repository. Raises GitError."""
    told = await git.run(
        [
            "for-each-ref",
            f"--format={_REF}",
            f"--count={REFS_MAX}",
            "refs/heads",
            "refs/remotes",
        ],
        environ=git.owner_environment(environ),
        folder=tree.top,
    )
    values = [os.fsdecode(value) for value in told.split(b"\0")]
    count = len(values) // _REF_FIELDS * _REF_FIELDS
    rows = (values[at : at + _REF_FIELDS] for at in range(0, count, _REF_FIELDS))
    return [Branch(ref.lstrip("\n"), *rest) for ref, *rest in rows]


def main_of(known: Sequence[Branch]) -> Branch | None:
    """The main branch: what the remote calls so, else a local one by its usual name."""
    by_ref = {one.ref: one for one in known}
    for one in known:
        if one.ref == "refs/remotes/origin/HEAD" and one.symref in by_ref:
            return by_ref[one.symref]
    for place in ("refs/heads/", "refs/remotes/origin/"):
        for name in _MAINS:
            if place + name in by_ref:
                return by_ref[place + name]
    return None


def short(ref: str) -> str:
    """A branch as people call it."""
    for prefix in ("refs/heads/", "refs/remotes/"):
        if ref.startswith(prefix):
            return clean(ref.removeprefix(prefix), limit=200)
    return clean(ref, limit=200)


async def look(room: Room, environ: Mapping[str, str], at: float) -> TreeState:
    """A work tree as it is at `at`, seconds since the epoch; what fails is told as its trouble."""
    top = clean(str(room.tree.top), limit=1024)
    try:
        return replace(await _look(room, environ), top=top, at=at)
    except (GitError, OSError) as error:
        return TreeState(top=top, at=at, trouble=clean(str(error), limit=300))


async def _look(room: Room, environ: Mapping[str, str]) -> TreeState:
    tree = room.tree
    await lens.prepare(tree, room.plain, raw=False, environ=environ)
    view = Lens(tree, room.plain, tree.git_dir / "index", room.plain / "objects")
    known = await branches(tree, environ)
    head, ref = await repository.head(tree, environ)
    own = next((one for one in known if one.ref == ref), None)
    upstream = next((one for one in known if own is not None and one.ref == own.upstream), None)
    main = main_of(known)
    if main is not None and ref in (main.ref, f"refs/heads/{main.ref.rpartition('/')[2]}"):
        main = None  # it is the main branch itself
    base = head or _EMPTY.get(tree.hash_name, _EMPTY["sha1"])
    far, near = await git.together(_distance(view, head, main), _distance(view, head, upstream))
    numbers, others = await git.together(
        view.run(
            "diff",
            "--numstat",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=dirty",
            base,
            timeout_s=LOOK_TIMEOUT_S,
        ),
        view.run("ls-files", "--others", "--exclude-standard", "-z", timeout_s=LOOK_TIMEOUT_S),
    )
    lines = [line.split(b"\t", 2) for line in numbers.split(b"\0") if line.count(b"\t") >= 2]
    changed = [path for _, _, path in lines]
    untracked = others.split(b"\0")[:-1]
    return TreeState(
        top="",
        tree=clean(tree.name, limit=200),
        repository=clean(str(tree.common_dir), limit=1024),
        branch=short(ref),
        head=head,
        main=far,
        upstream=near,
        changed=tuple(changed[:FILES_MAX]),
        untracked=tuple(untracked[:FILES_MAX]),
        changed_count=len(changed),
        untracked_count=len(untracked),
        added=sum(int(added) for added, _, _ in lines if added.isdigit()),
        removed=sum(int(removed) for _, removed, _ in lines if removed.isdigit()),
        under_way=await asyncio.to_thread(_under_way, tree.git_dir),
    )


async def _distance(view: Lens, head: str, other: Branch | None) -> Distance | None:
    if other is None or not head:
        return None
    told = await view.run(
        "rev-list", "--left-right", "--count", f"{head}...{other.commit}", timeout_s=LOOK_TIMEOUT_S
    )
    ahead, behind = told.split()
    return Distance(short(other.ref), int(ahead), int(behind))


def _under_way(git_dir: Path) -> str:
    return next((name for mark, name in _UNDER_WAY.items() if (git_dir / mark).exists()), "")
