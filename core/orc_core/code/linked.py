"""Linked work trees: made for an agent, and removed without losing what is in them.

Invariant: a tree is removed only after what would be lost was named, and what is not committed
only where that was asked for, after a checkpoint. Branches stay; the main work tree, too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.code import git, worktrees
from orc_core.code.repository import WorkTree
from orc_core.code.room import Room
from orc_core.errors import GitError, UsageError
from orc_core.text import clean

MAKE_TIMEOUT_S: Final = 120.0
"""A large tree takes a while to be written."""
COMMITS_MAX: Final = 1_000
_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Made:
    """A work tree that was made; `is_new` where its branch was, too."""

    top: Path
    branch: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Losses:
    """What removing a work tree would lose, or leave where few look for it.

    `files` have work that is not committed, `ignored` are ignored files and folders, `commits`
    are only on its branch: not on the main one, and not on its upstream. `branch` is "" where
    none is checked out; then those commits would be lost with it.
    """

    top: str
    branch: str
    files: tuple[bytes, ...]
    file_count: int
    ignored: tuple[bytes, ...]
    commits: tuple[str, ...]


async def make(tree: WorkTree, branch: str, environ: Mapping[str, str]) -> Made:
    """Make a work tree beside a repository's, on a branch that is made if it is missing.

    Its files are written as by any checkout, filters included; hooks are not run. Raises
    UsageError where the name or the place cannot be used, GitError.
    """
    await _owner(tree, environ, "check-ref-format", "--branch", branch, why=_no_branch(branch))
    main = tree.common_dir.parent if tree.common_dir.name == ".git" else tree.common_dir
    top = main.parent / f"{main.name}-{_PLAIN.sub('-', branch).strip('-.')}"
    if top.exists():
        raise UsageError(f"{clean(str(top), limit=200)} is there already: choose another branch")
    known = {one.ref for one in await worktrees.branches(tree, environ)}
    is_new = f"refs/heads/{branch}" not in known
    chosen = ["-b", branch, str(top)] if is_new else [str(top), branch]
    await _owner(tree, environ, "worktree", "add", "--quiet", *chosen)
    return Made(top, branch, is_new)


async def unmake(tree: WorkTree, made: Made, environ: Mapping[str, str]) -> None:
    """Take back what `make` did just now; raises GitError where something was changed since."""
    await _owner(tree, environ, "worktree", "remove", str(made.top))
    if made.is_new:
        await _owner(tree, environ, "branch", "--quiet", "-d", made.branch)


async def losses(room: Room, environ: Mapping[str, str]) -> Losses:
    """What removing a work tree would lose; raises UsageError for the main one, GitError."""
    tree = room.tree
    if tree.git_dir == tree.common_dir:
        raise UsageError(f"{clean(str(tree.top), limit=200)} is the main work tree: it stays")
    state = await worktrees.look(room, environ, 0.0)
    if state.trouble:
        raise GitError(state.trouble)
    known = await worktrees.branches(tree, environ)
    own = next((one for one in known if one.ref == f"refs/heads/{state.branch}"), None)
    main = worktrees.main_of(known)
    elsewhere = {main.commit} if main is not None and main != own else set()
    elsewhere |= {one.commit for one in known if own is not None and one.ref == own.upstream}
    commits = b""
    if state.head:
        commits = await _owner(
            tree,
            environ,
            "log",
            "--no-show-signature",
            f"--max-count={COMMITS_MAX}",
            "--format=%h %s",
            state.head,
            *(f"^{one}" for one in sorted(elsewhere)),
            "--",
        )
    ignored = await _owner(
        tree, environ, "ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory"
    )
    return Losses(
        state.top,
        state.branch,
        (*state.changed, *state.untracked),
        state.dirty,
        tuple(name for name in ignored.split(b"\0") if name),
        tuple(clean(line, limit=120) for line in commits.splitlines()),
    )


async def remove(tree: WorkTree, environ: Mapping[str, str]) -> None:
    """Remove a linked work tree and all that is in it; its branch stays. Raises GitError."""
    main = tree.common_dir.parent if tree.common_dir.name == ".git" else tree.common_dir
    await git.run(
        ["worktree", "remove", "--force", os.fsencode(tree.top)],
        environ=git.owner_environment(environ),
        folder=main,
        timeout_s=MAKE_TIMEOUT_S,
    )


def _no_branch(branch: str) -> str:
    return f"{clean(branch, limit=80)!r} cannot be the name of a branch: use letters and hyphens"


async def _owner(tree: WorkTree, environ: Mapping[str, str], *argv: str, why: str = "") -> bytes:
    code, out, err = await git.converse(
        argv,
        environ=git.owner_environment(environ),
        folder=tree.top,
        timeout_s=MAKE_TIMEOUT_S,
    )
    if code and why:
        raise UsageError(why)
    if code:
        raise GitError(f"git {argv[0]}: {clean(err, limit=300).strip().removeprefix('fatal: ')}")
    return out
