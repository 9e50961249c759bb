"""The branch that gets a merge: one that nobody has checked out, or a new one.

Invariant: a branch that a work tree has checked out is never moved, since its files would then
be others than its commit's; and none loses commits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from orc_core.code import git, lens
from orc_core.code.repository import WorkTree
from orc_core.code.worktrees import Branch, short
from orc_core.errors import GitError, UnknownName, UsageError
from orc_core.model.merging import MergeSide
from orc_core.text import clean

HEADS: Final = "refs/heads/"
_PLAIN: Final = re.compile(r"[^A-Za-z0-9._]+")
_UNDER_WAY: Final = ("rebase-merge/head-name", "rebase-apply/head-name")


async def owner(
    tree: WorkTree, environ: Mapping[str, str], *argv: str, codes: Sequence[int] = (0,)
) -> bytes:
    """Ask a repository for places and refs, or move one; raises GitError."""
    return await git.run(argv, environ=git.owner_environment(environ), folder=tree.top, codes=codes)


async def side(
    tree: WorkTree, known: Sequence[Branch], name: str, environ: Mapping[str, str]
) -> MergeSide:
    """A side of a merge by the name of its branch, or a commit; raises UnknownName."""
    for prefix in (HEADS, "refs/remotes/", ""):
        for one in known:
            if one.ref == prefix + name:
                return MergeSide(short(one.ref), one.ref, one.commit)
    shown = clean(name, limit=200)
    told = b""
    if name and not name.startswith("-"):
        asked = ("rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}")
        told = (await owner(tree, environ, *asked, codes=(0, 1, 128))).strip()
    if not re.fullmatch(rb"[0-9a-f]{40,64}", told):
        raise UnknownName(f"no branch {shown} with a commit in this repository: `git branch -a`")
    commit = told.decode("ascii")
    return MergeSide(commit[:10], "", commit)


async def choose(
    tree: WorkTree,
    known: Sequence[Branch],
    left: MergeSide,
    right: MergeSide,
    into: str,
    environ: Mapping[str, str],
) -> tuple[str, str]:
    """The full name of the branch that gets the merge, and why it is that one.

    Raises UsageError where the one that was asked for cannot be had.
    """
    if not into:
        held = held_by(tree, known, left.ref)
        other = _leads_to(known, left.ref)
        if left.ref.startswith(HEADS) and not held and not other:
            return left.ref, "it is the left side, and checked out nowhere"
        why = f"{left.name} is checked out in {held}" if held else f"{left.name} is no branch here"
        if other:
            why = f"{left.name} leads to {other}"
        return HEADS + _free(known, left, right), f"a new one: {why}"
    code, told, _ = await git.converse(
        ["check-ref-format", "--branch", into],
        environ=git.owner_environment(environ),
        folder=tree.top,
    )
    shown = clean(into, limit=200)
    if code or told != os.fsencode(into) + b"\n":  # `@{-1}` is told as the branch before
        raise UsageError(f"{shown!r} cannot be the name of a branch: use letters and hyphens")
    ref = HEADS + into.removeprefix(HEADS)
    if held := held_by(tree, known, ref):
        raise UsageError(
            f"{shown} is checked out in {held}, whose files would no longer be those of its branch:"
            f" give a new one, --into {_free(known, left, right)}"
        )
    if other := _leads_to(known, ref):
        raise UsageError(f"{shown} leads to {other}: give that one, or a new one")
    there = next((one for one in known if one.ref == ref), None)
    if there is not None and not await has(
        tree, there.commit, (left.commit, right.commit), environ
    ):
        raise UsageError(
            f"{shown} has commits that neither side has: give a new one,"
            f" --into {_free(known, left, right)}"
        )
    return ref, "you chose it"


async def has(
    tree: WorkTree, commit: str, within: Sequence[str], environ: Mapping[str, str]
) -> bool:
    """Whether a commit is part of the history of one of some others."""
    for one in within:
        code, _, err = await git.converse(
            ["merge-base", "--is-ancestor", commit, one],
            environ=git.owner_environment(environ),
            folder=tree.top,
        )
        if code > 1:
            raise GitError(f"git merge-base: {clean(err, limit=200).strip()}")
        if code == 0:
            return True
    return False


def _leads_to(known: Sequence[Branch], ref: str) -> str:
    """The branch for which a name merely stands; "" for one with a commit of its own."""
    return next((short(one.symref) for one in known if one.ref == ref and one.symref), "")


def held_by(tree: WorkTree, known: Sequence[Branch], ref: str) -> str:
    """The work tree that has a branch checked out, or is about to have it; "" for none."""
    for one in known:
        if one.ref == ref and one.top:
            return clean(one.top, limit=200)
    linked = tree.common_dir / "worktrees"
    folders = [tree.common_dir, *(linked.iterdir() if linked.is_dir() else ())]
    for folder in folders:
        for name in _UNDER_WAY:
            if os.fsdecode(lens.read_small(folder / name)).strip() == ref:
                return f"a rebase ({clean(folder.name, limit=100)})"
    return ""


def _free(known: Sequence[Branch], left: MergeSide, right: MergeSide) -> str:
    """A name for a new branch that says what it merges."""
    words = [_PLAIN.sub("-", one.name).strip("-.") or one.commit[:10] for one in (left, right)]
    name = f"merge-{words[0]}-{words[1]}"[:120].removesuffix(".lock").rstrip(".")
    taken = {one.ref for one in known}
    number = 1
    found = name
    while HEADS + found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
