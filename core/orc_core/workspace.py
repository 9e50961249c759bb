"""Which workspace a command works on, and making a project's own.

Invariant: finding a workspace creates nothing; only `init_project` and opening a store for
writing do.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orc_core.errors import OrcError, UsageError
from orc_storage import paths
from orc_storage.engine import STORE_FILE

PROJECT_FOLDER = ".orc"
GIT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder that holds the store, its mirror, its backups and its locks.

    `name` is what the header shows; `project` is True for one made by `orc init`.
    """

    folder: Path
    name: str
    project: bool

    @property
    def exists(self) -> bool:
        """Whether a store was ever made here."""
        return (self.folder / STORE_FILE).exists()


async def find(folder: Path | None, *, environ: Mapping[str, str], cwd: Path) -> Workspace:
    """The workspace asked for, else `$ORC_WORKSPACE`, the project's, the person's own.

    Raises UsageError when the folder asked for is a file, OrcError when git tracks the store.
    """
    asked = folder or (Path(environ["ORC_WORKSPACE"]) if environ.get("ORC_WORKSPACE") else None)
    if asked is not None:
        asked = asked.expanduser().absolute()
        if asked.exists() and not asked.is_dir():
            raise UsageError(f"--workspace {asked} is not a folder: name one, it is made if absent")
        return Workspace(asked, asked.name, project=False)
    root = await repository_root(cwd)
    if root is not None and (root / PROJECT_FOLDER).is_dir():
        await _refuse_tracked(root)
        return Workspace(root / PROJECT_FOLDER, root.name, project=True)
    return Workspace(paths.state_dir() / "default", "default", project=False)


async def init_project(cwd: Path) -> Workspace:
    """Make `.orc/` at the root of the repository, shared by all of its work trees.

    Raises UsageError outside a git repository.
    """
    root = await repository_root(cwd)
    if root is None:
        raise UsageError(f"{cwd} is not in a git repository: run `git init`, or use --workspace")
    folder = root / PROJECT_FOLDER
    paths.ensure_private(folder)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    await _refuse_tracked(root)
    return Workspace(folder, root.name, project=True)


async def repository_root(cwd: Path) -> Path | None:
    """The parent of git's common folder, so that all work trees agree; None outside git."""
    found = await _git(cwd, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if found is None or not found.strip():
        return None
    common = Path(found.strip())
    return common.parent if common.name == ".git" else common


async def _refuse_tracked(root: Path) -> None:
    tracked = await _git(root, "ls-files", "--", f"{PROJECT_FOLDER}/{STORE_FILE}")
    if tracked and tracked.strip():
        raise OrcError(
            f"{root / PROJECT_FOLDER / STORE_FILE} is tracked by git and may hold someone else's "
            f"commands: run `git rm --cached {PROJECT_FOLDER}/{STORE_FILE}`"
        )


async def _git(cwd: Path, *argv: str) -> str | None:
    """Git's answer, or None when it refuses, is missing, or is too slow."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            "--no-optional-locks",
            "-C",
            str(cwd),
            *argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(GIT_TIMEOUT_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return out.decode("utf-8", "replace") if process.returncode == 0 else None
