"""Where a work tree is, and what of its repository's configuration may count.

Invariant: finding out executes nothing and writes nothing. A repository that belongs to somebody
else is refused by git itself, unless the person has named it in `safe.directory`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.code import git
from orc_core.errors import GitError, GitTimeout, NoWorkTree
from orc_core.text import clean

_ASKED: Final = ("--show-toplevel", "--git-dir", "--git-common-dir", "--show-object-format")

_COUNTING: Final = frozenset(
    {
        "core.autocrlf",
        "core.checkstat",
        "core.eol",
        "core.filemode",
        "core.ignorecase",
        "core.precomposeunicode",
        "core.sharedrepository",
        "core.symlinks",
        "core.trustctime",
        "merge.renamelimit",
        "diff.renamelimit",
    }
)
"""The settings that say how files are compared; none of them names a program."""


@dataclass(frozen=True, slots=True)
class WorkTree:
    """One work tree of a git repository.

    `top` is its folder, `git_dir` what git keeps for it alone, `common_dir` what it shares with
    the other work trees of its repository. `hash_name` is how the repository names its objects.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    hash_name: str = "sha1"

    @property
    def name(self) -> str:
        """What it is called within its repository: `main`, or `worktrees/orders`."""
        if self.git_dir == self.common_dir:
            return "main"
        return "/".join(self.git_dir.parts[-2:])

    @property
    def key(self) -> str:
        """What tells it from every other work tree of this machine, fit for a file's name."""
        place = b"\0".join((os.fsencode(self.common_dir), os.fsencode(self.top)))
        return hashlib.sha256(place).hexdigest()[:20]

    @property
    def objects(self) -> Path:
        """Where the repository keeps what was written into it."""
        return self.common_dir / "objects"


async def find(folder: Path, environ: Mapping[str, str] = os.environ) -> WorkTree:
    """The work tree in which a folder is; raises NoWorkTree, GitError, GitTimeout."""
    try:
        told = await _ask(folder, environ, *_ASKED)
        lines = told.removesuffix(b"\n").split(b"\n")
        if len(lines) != len(_ASKED):  # a name holds a line break: one question at a time
            answers = [await _ask(folder, environ, one) for one in _ASKED]
            lines = [answer.removesuffix(b"\n") for answer in answers]
    except GitTimeout:
        raise
    except GitError as error:
        shown = clean(str(folder), limit=200)
        raise NoWorkTree(f"{shown} is in no work tree that can be read: {error}") from None
    top, git_dir, common_dir = (Path(os.fsdecode(line)) for line in lines[:3])
    if not await asyncio.to_thread(_is_below, folder, top):
        # A repository can name any folder as its work tree; that one was not asked for.
        raise NoWorkTree(
            f"the repository at {clean(str(folder), limit=200)} has its work tree elsewhere, at"
            f" {clean(str(top), limit=200)}: go there first"
        )
    return WorkTree(top, git_dir, common_dir, lines[3].decode("ascii", "replace"))


def _is_below(folder: Path, top: Path) -> bool:
    return folder.resolve().is_relative_to(top.resolve())


async def _ask(folder: Path, environ: Mapping[str, str], *questions: str) -> bytes:
    return await git.run(
        ["rev-parse", "--path-format=absolute", *questions],
        environ=git.owner_environment(environ),
        folder=folder,
    )


async def settings(tree: WorkTree, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The settings of a repository that may count for a git folder of ours.

    `core.excludesfile` is where the person's own ignored names are listed, as a whole path.
    """
    told = await git.run(
        ["config", "--null", "--list"],
        environ=git.owner_environment(environ),
        folder=tree.top,
        output_max_bytes=4 * 1024 * 1024,
    )
    found: dict[str, str] = {}
    excludes = ""
    for item in told.split(b"\0"):
        name, _, value = item.decode("utf-8", "surrogateescape").partition("\n")
        if name in _COUNTING:
            found[name] = value
        elif name == "core.excludesfile":
            excludes = value
    home = environ.get("HOME", "")
    if excludes.startswith("~/"):
        excludes = home + excludes[1:]
    config = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    excludes = excludes or f"{config}/git/ignore"
    if excludes.startswith("/") and await asyncio.to_thread(os.path.isfile, excludes):
        found["core.excludesfile"] = excludes
    return found


async def head(tree: WorkTree, environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The commit that is checked out and the full name of its branch; "" where there is none."""
    asked = (["rev-parse", "--quiet", "--verify", "HEAD^{commit}"], ["symbolic-ref", "-q", "HEAD"])
    surroundings = git.owner_environment(environ)
    commit, branch = await git.together(
        *(git.run(argv, environ=surroundings, folder=tree.top, codes=(0, 1, 128)) for argv in asked)
    )
    return (
        commit.strip().decode("ascii", "replace"),
        branch.strip().decode("utf-8", "replace"),
    )
