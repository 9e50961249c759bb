"""The commit of a merge, and the one step that puts it on a branch.

Invariant: a commit is whole in the repository before a branch points at it, and the branch moves
in one step of git's own, from the very commit that it was seen at.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final

from orc_core.code import targets
from orc_core.code.attempts import Tried
from orc_core.code.lens import Lens
from orc_core.code.repository import WorkTree
from orc_core.code.worktrees import short
from orc_core.errors import GitError, Overlap
from orc_core.model.code import shown
from orc_core.model.merging import MergeSide
from orc_core.text import clean

NAMED_MAX: Final = 100


def message(left: MergeSide, right: MergeSide, ref: str, tried: Tried) -> str:
    """What the commit says: the sides, and the files that were decided by hand."""
    lines = [f"Merge {right.name} into {short(ref)}", ""]
    if left.ref != ref:
        lines += [f"Left side: {left.name} ({left.commit[:12]})"]
    names = [shown(one.path) for one in tried.collisions[:NAMED_MAX]]
    lines += ["Conflicts decided by hand:", *(f"\t{name}" for name in names)] if names else []
    return "\n".join(lines).strip() + "\n"


async def identity(
    tree: WorkTree, environ: Mapping[str, str], at: float, actor: str
) -> dict[str, str]:
    """Who commits at `at`, in seconds since the epoch: as git is told, else the actor."""
    when = f"{int(at)} +0000"
    found = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    for key, fallback in (("name", actor), ("email", "orc@localhost")):
        told = await targets.owner(tree, environ, "config", "--get", f"user.{key}", codes=(0, 1))
        value = told.decode("utf-8", "surrogateescape").strip() or fallback
        for who in ("AUTHOR", "COMMITTER"):
            name = f"GIT_{who}_{key.upper()}"
            found[name] = environ.get(name) or value
    return found


async def write(
    look: Lens,
    sides: tuple[MergeSide, MergeSide],
    content: str,
    text: str,
    who: Mapping[str, str],
) -> str:
    """Write the commit of a merge of both sides; it is on no branch yet. Raises GitError."""
    parents = [word for one in sides for word in ("-p", one.commit)]
    told = await look.run(
        "commit-tree",
        content,
        *parents,
        stdin=text.encode("utf-8", "surrogateescape"),
        identity=who,
    )
    return told.strip().decode("ascii")


async def move(tree: WorkTree, environ: Mapping[str, str], ref: str, commit: str, old: str) -> None:
    """Move a branch from `old`, "" for a new one; raises Overlap where it is elsewhere by now."""
    argv = ["update-ref", "--no-deref", "-m", f"orc: merge {commit[:12]}", ref, commit]
    try:
        await targets.owner(tree, environ, *argv, old or "0" * len(commit))
    except GitError as error:
        raise Overlap(f"{short(ref)} could not be moved, nothing was changed: {error}") from None


def way_back(ref: str, commit: str, old: str) -> str:
    """The command that takes a branch back to `old`, or away: fit for a shell, whatever its name.

    A name with signs that no terminal shows is told without them, so that the command finds none.
    """
    name = clean(ref, limit=1024)
    if old:
        return f"git update-ref {shlex.quote(name)} {old[:12]} {commit[:12]}"
    return f"git branch -D {shlex.quote(name.removeprefix(targets.HEADS))}"
