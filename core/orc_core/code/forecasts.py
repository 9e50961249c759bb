"""What merges would come to, tried without a work tree and without touching the repository.

Invariant: a forecast is made once for a pair of commits, whichever of them is left, and only
where a branch has moved. What git writes for it is thrown away.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from orc_core.code import git, lens
from orc_core.code.lens import Lens
from orc_core.code.room import Room
from orc_core.errors import GitError
from orc_core.model.code import Clash, Forecast
from orc_core.text import clean
from orc_storage.paths import ensure_private

KEPT_MAX: Final = 4_096
"""How many pairs of commits are remembered."""
BRANCHES_MAX: Final = 40
"""How many branches of one repository are tried with each other."""
AT_ONCE: Final = 2
MERGE_TIMEOUT_S: Final = 20.0
_PATHS_MAX: Final = 200
_MARK: Final = re.compile(rb"^<{7,}(?: |$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tip:
    """A branch by its name, and the commit that it is at."""

    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    clashes: tuple[Clash, ...]
    trouble: str = ""


class Forecasts:
    """Forecasts for the branches of any number of repositories, remembered by their commits."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Outcome] = OrderedDict()
        self.made = 0
        """How many merges were tried, since the start."""

    async def of(
        self, room: Room, tips: Sequence[Tip], main: Tip | None, environ: Mapping[str, str]
    ) -> tuple[Forecast, ...]:
        """Forecasts for each pair of some branches, and of each with the main one.

        Raises GitError where git is too old; one merge that fails is told as its trouble.
        """
        await git.check_version(git.FORECASTS, "a forecast of merges")
        some = list(dict.fromkeys(tips))[:BRANCHES_MAX]
        pairs = list(combinations(some, 2))
        if main is not None:
            pairs += [(one, main) for one in some if one.commit != main.commit]
        new = {self._key(*pair) for pair in pairs} - self._known.keys()
        if new:
            await self._try(room, sorted(new), environ)
        told = []
        for left, right in pairs:
            found = self._known[self._key(left, right)]
            self._known.move_to_end(self._key(left, right))
            told.append(
                Forecast(
                    clean(str(room.tree.common_dir), limit=1024),
                    left.name,
                    right.name,
                    left.commit,
                    right.commit,
                    found.clashes,
                    found.trouble,
                )
            )
        while len(self._known) > KEPT_MAX:
            self._known.popitem(last=False)
        return tuple(told)

    @staticmethod
    def _key(left: Tip, right: Tip) -> tuple[str, str]:
        first, second = sorted((left.commit, right.commit))
        return first, second

    async def _try(
        self, room: Room, pairs: Sequence[tuple[str, str]], environ: Mapping[str, str]
    ) -> None:
        await asyncio.to_thread(ensure_private, room.folder.parent)
        await lens.prepare(room.tree, room.plain, raw=False, environ=environ)
        scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, "", "merge-", room.folder))
        try:
            (scratch / "objects").mkdir()
            view = Lens(room.tree, room.plain, scratch / "index", scratch / "objects")
            limit = asyncio.Semaphore(AT_ONCE)
            await git.together(*(self._merge(view, pair, limit) for pair in pairs))
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def _merge(self, view: Lens, pair: tuple[str, str], limit: asyncio.Semaphore) -> None:
        async with limit:
            self.made += 1
            try:
                self._known[pair] = await _merged(view, *pair)
            except GitError as error:
                self._known[pair] = _Outcome((), clean(str(error), limit=200))


async def _merged(view: Lens, left: str, right: str) -> _Outcome:
    """Merge two commits without a work tree, and count what conflicts."""
    told = await view.run(
        "merge-tree",
        "--write-tree",
        "-z",
        "--name-only",
        "--no-messages",
        "--allow-unrelated-histories",
        left,
        right,
        codes=(0, 1),
        timeout_s=MERGE_TIMEOUT_S,
    )
    tree, *paths = told.rstrip(b"\0").split(b"\0")
    if not paths:
        return _Outcome(())
    asked = b"".join(tree + b":" + path + b"\n" for path in paths if b"\n" not in path)
    hunks = await _hunks(view, asked) if asked else []
    counted = iter(hunks)
    clashes = [Clash(path, 0 if b"\n" in path else next(counted, 0)) for path in paths]
    return _Outcome(tuple(clashes[:_PATHS_MAX]))


async def _hunks(view: Lens, asked: bytes) -> list[int]:
    """How many conflicts are marked in each of some files."""
    told = await view.run("cat-file", "--batch", stdin=asked, timeout_s=MERGE_TIMEOUT_S)
    found: list[int] = []
    at = 0
    while at < len(told):
        end = told.index(b"\n", at)
        words = told[at:end].split(b" ")
        at = end + 1
        if len(words) != 3 or words[1] != b"blob":
            found.append(0)
            at += int(words[2]) + 1 if len(words) == 3 and words[2].isdigit() else 0
            continue
        size = int(words[2])
        found.append(len(_MARK.findall(told[at : at + size])))
        at += size + 1
    return found
