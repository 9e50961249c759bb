"""A git folder of ours through which an agent's work tree and its objects are read.

Invariant: the repository's own configuration, hooks, index and locks do not count here. What it
says of filters, monitors, merge or diff programs is not read, so that it cannot be executed;
what git writes, it writes into folders that the caller names.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.code import git, repository
from orc_core.code.git import Argument
from orc_core.code.repository import WorkTree
from orc_storage.paths import ensure_private

_RAW: Final = b"* -text -ident -filter -working-tree-encoding\n"
"""Takes files as they lie there: the file in which this stands counts before all others."""
_MARKERS: Final = b"\n* conflict-marker-size=7\n"


@dataclass(frozen=True, slots=True)
class Lens:
    """One look at a work tree: `folder` is ours; nothing is written but into `index` and `objects`.

    `objects` is where new objects go: the repository's own folder, or one that is thrown away.
    """

    tree: WorkTree
    folder: Path
    index: Path
    objects: Path

    async def run(
        self,
        *argv: Argument,
        stdin: bytes = b"",
        codes: Collection[int] = (0,),
        timeout_s: float = git.TIMEOUT_S,
        identity: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run one git command on the work tree; raises GitTimeout, GitError."""
        return await git.run(
            argv,
            environ=self._environ() | dict(identity or {}),
            folder=self.tree.top,
            stdin=stdin,
            codes=codes,
            timeout_s=timeout_s,
        )

    async def converse(
        self, *argv: Argument, stdin: bytes = b"", timeout_s: float = git.TIMEOUT_S
    ) -> tuple[int, bytes, bytes]:
        """Run one git command to its end: exit code, stdout, stderr."""
        return await git.converse(
            argv,
            environ=self._environ(),
            folder=self.tree.top,
            stdin=stdin,
            timeout_s=timeout_s,
        )

    def _environ(self) -> dict[str, str]:
        more = {} if self.objects == self.tree.objects else {_MORE: _quoted(self.tree.objects)}
        return (
            git.closed_environment(self.folder)
            | more
            | {
                "GIT_DIR": str(self.folder),
                "GIT_WORK_TREE": str(self.tree.top),
                "GIT_INDEX_FILE": str(self.index),
                "GIT_OBJECT_DIRECTORY": str(self.objects),
            }
        )


_MORE: Final = "GIT_ALTERNATE_OBJECT_DIRECTORIES"


def _quoted(path: Path) -> str:
    """A path in that list: between quotes no colon ends it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


async def prepare(
    tree: WorkTree,
    folder: Path,
    *,
    raw: bool,
    environ: Mapping[str, str] = os.environ,
    markers: bool = False,
) -> None:
    """Make the git folder of a lens in `folder`, or bring it up to date.

    A `raw` one takes and gives files byte by byte; another converts line ends as the tree's
    attributes ask for. Programs that convert are run by neither. Conflict markers are as long
    as the attributes say only with `markers`: a great length breaks git. Raises GitError, OSError.
    """
    chosen = await repository.settings(tree, environ)
    await asyncio.to_thread(_write, tree, folder, chosen, raw, markers)


def _write(
    tree: WorkTree, folder: Path, chosen: Mapping[str, str], raw: bool, markers: bool
) -> None:
    for one in (folder.parent, folder):
        ensure_private(one)
    for name in ("objects", "refs", "info"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    _put(folder / "HEAD", b"ref: refs/heads/none\n")
    _put(folder / "config", _config(tree, chosen))
    _put(folder / "info" / "exclude", read_small(tree.common_dir / "info" / "exclude"))
    own = read_small(tree.common_dir / "info" / "attributes")
    _put(folder / "info" / "attributes", _RAW if raw else own if markers else own + _MARKERS)
    shallow = read_small(tree.common_dir / "shallow")
    if shallow:
        _put(folder / "shallow", shallow)
    else:
        (folder / "shallow").unlink(missing_ok=True)
    _share(tree, folder)


def _share(tree: WorkTree, folder: Path) -> None:
    """The other part of an index that is split lies beside it; it is read from there."""
    for part in tree.git_dir.glob("sharedindex.*"):
        with contextlib.suppress(FileExistsError):
            (folder / part.name).symlink_to(part)


def _config(tree: WorkTree, chosen: Mapping[str, str]) -> bytes:
    is_sha1 = tree.hash_name == "sha1"
    lines = [
        "[core]",
        f"\trepositoryformatversion = {0 if is_sha1 else 1}",
        "\tbare = false",
        "\tfsmonitor = false",
        "\tuntrackedCache = false",
        "\tsafecrlf = false",
        "\tcreateObject = rename",
        "\tlooseCompression = 1",
        "\thooksPath = /dev/null",
    ]
    sections: dict[str, Sequence[str]] = {"core": lines}
    for name, value in sorted(chosen.items()):
        section, _, key = name.partition(".")
        held = list(sections.get(section, (f"[{section}]",)))
        held.append(f"\t{key} = {_value(value)}")
        sections[section] = held
    text = [line for part in sections.values() for line in part]
    text += [] if is_sha1 else ["[extensions]", f"\tobjectFormat = {tree.hash_name}"]
    return "\n".join([*text, ""]).encode("utf-8", "surrogateescape")


def _value(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def read_small(path: Path) -> bytes:
    """A small file of the repository; b"" where there is none, or something else is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(_SMALL_BYTES) or b""
        except OSError:
            return b""


_SMALL_BYTES: Final = 4 * 1024 * 1024


def _put(path: Path, data: bytes) -> None:
    """Write a file of the lens whole, unless it holds that already."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == data:
            return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(path)
