"""The JSON mirror: one file per document, that people and agents may edit.

Invariant: a file is replaced whole and only over the bytes that were read; bytes that someone
saved in between are put back and reported. What is not a plain file named <id>.json is not ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchfiles import awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

from orc_storage import drafts, placing
from orc_storage.documents import ID_PATTERN
from orc_storage.errors import FileFault, FileMoved, InvalidId, StoreUnavailable
from orc_storage.exchange import swap
from orc_storage.lock import lives
from orc_storage.mirrored import SIZE_MAX_BYTES, parse, render
from orc_storage.notices import Notices
from orc_storage.paths import ensure_private, sync_folder
from orc_storage.placing import MirrorFile, Placing, place

__all__ = [
    "CANNOT_WATCH",
    "SIZE_MAX_BYTES",
    "FileFault",
    "FileMoved",
    "Gift",
    "Mirror",
    "MirrorFile",
    "parse",
    "render",
]

CANNOT_WATCH: Final = (OSError, WatchfilesRustInternalError)
"""What is raised where the kernel gives no watch of a folder: its number is bounded."""

FOLDERS: Final[Mapping[str, str]] = {"task": "tasks", "agent": "agents"}
_SUFFIX: Final = ".json"
# watchfiles' own defaults make an edit wait for half a second.
_DEBOUNCE_MS: Final = 50
_STEP_MS: Final = 10
_LEFTOVER_AGE_S: Final = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Gift:
    """Bytes for a file, over those with that hash; None means no file may be there."""

    kind: str
    id: str
    data: bytes
    expect_sha256: str | None


class Mirror:
    """The folder of mirrored files. Every method but `watch` blocks on the disk."""

    def __init__(self, folder: Path, folders: Mapping[str, str] = FOLDERS) -> None:
        self.folder = folder
        self.ignored: dict[str, int] = dict.fromkeys(folders, 0)
        """How many names the last scan of each kind passed over."""
        self._folders = {kind: folder / name for kind, name in folders.items()}
        # A folder beside the watched ones: a temporary file in there would wake the watcher.
        self._workshop = folder.parent / "tmp"
        self._count = itertools.count(1)
        self._unfinished: set[str] = set()
        """Drafts of this process that hold bytes which nobody has seen."""

    def prepare(self, kind: str = "") -> None:
        """Make the folders that are missing, of one kind or of all; raises UnsafePath."""
        wanted = (self._folders[kind],) if kind else self._folders.values()
        for folder in (self.folder, *wanted, self._workshop):
            ensure_private(folder)
        horizon = time.time() - _LEFTOVER_AGE_S
        for left in self._workshop.iterdir():
            with contextlib.suppress(OSError):
                if not self._take_up(left) and left.lstat().st_mtime < horizon:
                    left.unlink()

    def path(self, kind: str, id: str) -> Path:
        """Return where a document's file is; raises InvalidId."""
        if not ID_PATTERN.fullmatch(id):
            raise InvalidId(f"{id[:80]!r} is no id, so it names no file")
        return self._folders[kind] / (id + _SUFFIX)

    def scan(self, kind: str) -> list[MirrorFile]:
        """Return all files of a kind by id; raises StoreUnavailable if their folder is gone."""
        found: list[MirrorFile] = []
        ignored = 0
        for id in sorted(self._ids(kind)):
            file = self.read(kind, id) if id else None
            if file is not None:
                found.append(file)
            else:
                ignored += 1
        self.ignored[kind] = ignored
        return found

    def read(self, kind: str, id: str) -> MirrorFile | None:
        """Return one file; None if there is none, or what is there is not ours."""
        return placing.find(kind, id, self.path(kind, id))

    def write(self, kind: str, id: str, data: bytes, *, expect_sha256: str | None) -> MirrorFile:
        """Put `data` in place of the bytes with that hash; None means no file may be there.

        Raises FileMoved if the file is another by now, StoreUnavailable if the disk refuses.
        """
        (written,) = self.write_all([Gift(kind, id, data, expect_sha256)])
        if isinstance(written, Exception):
            raise written
        return written

    def write_all(self, gifts: Sequence[Gift]) -> list[MirrorFile | Exception]:
        """Write as `write` does, but wait for the disk once for all of them.

        Return what became of each: what would be raised of one keeps no other back. Raises
        InvalidId.
        """
        placings = [
            Placing(
                one.kind,
                one.id,
                self.path(one.kind, one.id),
                one.data,
                one.expect_sha256,
                self._fresh_name(one.kind, one.id, _sha256(one.data), one.expect_sha256),
            )
            for one in gifts
        ]
        place(placings, self._discard)
        return [one.became for one in placings if one.became is not None]

    def remove(self, kind: str, id: str, *, expect_sha256: str) -> None:
        """Remove the file if it still has that hash; nothing happens if there is none.

        Raises FileMoved if it is another by now, StoreUnavailable if the disk refuses.
        """
        path = self.path(kind, id)
        with placing.disk_trouble(path):
            if self.read(kind, id) is None:
                return
            placing.compare(kind, id, path, expect_sha256)
            aside = self._fresh_name(kind, id, None, expect_sha256)
            path.rename(aside)
            if placing.digest(aside) != expect_sha256:
                placing.link_new(aside, path)
                aside.unlink()
                raise FileMoved(f"{path} was saved while it was being removed: it stays")
            aside.unlink()
            sync_folder(path.parent)

    async def watch(self, stop: asyncio.Event) -> AsyncIterator[set[tuple[str, str]]]:
        """Yield sets of (kind, id) whose files may have changed, until `stop` is set.

        A hint only: changes can be gathered, and a file of ours is named as well. Raises
        StoreUnavailable if the folder is gone, or the kernel gives no watch.
        """
        kinds = {folder: kind for kind, folder in self._folders.items()}
        try:
            async with contextlib.aclosing(self._changed(stop)) as changes:
                async for paths in changes:
                    touched: set[tuple[str, str]] = set()
                    for path in paths:
                        if path.parent in kinds and (id := _id_of(path.name)):
                            touched.add((kinds[path.parent], id))
                        elif path in kinds:
                            # The folder itself came or went, with everything in it.
                            touched |= {(kinds[path], id) for id in self._ids_if_there(kinds[path])}
                    if touched:
                        yield touched
        except FileNotFoundError:
            raise StoreUnavailable(f"{self.folder} is missing: make it again") from None
        except CANNOT_WATCH as error:
            raise StoreUnavailable(f"{self.folder} cannot be watched: {error}") from None

    async def _changed(self, stop: asyncio.Event) -> AsyncGenerator[set[Path], None]:
        """Yield what changed, told by the kernel itself where it can, which is sooner."""
        notices = Notices(self.folder, self._folders.values())
        if notices.open():
            async with contextlib.aclosing(notices.changes(stop)) as changes:
                async for paths in changes:
                    yield paths
            return
        async for batch in awatch(
            self.folder,
            watch_filter=None,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=stop,
            recursive=True,
        ):
            yield {Path(name) for _, name in batch}

    def _ids(self, kind: str) -> Iterator[str]:
        folder = self._folders[kind]
        try:
            with os.scandir(folder) as entries:
                yield from [_id_of(entry.name) for entry in entries]
        except OSError as error:
            raise StoreUnavailable(
                f"{folder} cannot be read ({error.strerror}): make it again, or run orc sync"
            ) from error

    def _ids_if_there(self, kind: str) -> set[str]:
        try:
            return {id for id in self._ids(kind) if id}
        except StoreUnavailable:
            return set()

    def _fresh_name(self, kind: str, id: str, ours: str | None, read: str | None) -> Path:
        return self._workshop / drafts.name(kind, id, next(self._count), ours=ours, read=read)

    def _discard(self, draft: Path) -> None:
        """Unlink a draft, unless a swap left bytes in it that nobody has seen yet."""
        self._unfinished.add(draft.name)
        if self._is_known(draft):
            draft.unlink(missing_ok=True)
        if not draft.exists():
            self._unfinished.discard(draft.name)

    def _is_known(self, draft: Path) -> bool:
        said = drafts.parse(draft.name)
        with contextlib.suppress(FileNotFoundError):
            return said is not None and said.knows(placing.digest(draft))
        return False

    def _take_up(self, left: Path) -> bool:
        """Bring back what somebody saved just before whoever swapped it out died.

        False where it has to stay. It is brought back only over what we had put there: whoever
        saved once more since then has the last word.
        """
        said = drafts.parse(left.name)
        if said is None or said.kind not in self._folders:
            return False
        if left.name not in self._unfinished and lives(said.pid):
            return False
        if not self._is_known(left):
            path = self.path(said.kind, said.id)
            found = self.read(said.kind, said.id)
            if found is None:
                path.hardlink_to(left)
            elif not said.wrote(found.sha256) or not swap(left, path):
                return False
            sync_folder(path.parent)
            if found is not None and not self._is_known(left):
                # Another save came in the way of this swap: the newest one has the last word.
                swap(left, path)
                return False
        left.unlink(missing_ok=True)
        self._unfinished.discard(left.name)
        return True


def _id_of(name: str) -> str:
    id = name.removesuffix(_SUFFIX)
    return id if id != name and ID_PATTERN.fullmatch(id) else ""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
