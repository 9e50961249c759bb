"""What is written down while one store takes the place of another.

Invariant: whatever ends a replacement, the next process that opens the workspace finds the old
store with its log, or the new one with its epoch begun; settling twice does the same as once.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from orc_storage import anchors
from orc_storage.engine import STORE_FILE
from orc_storage.errors import StoreCorrupt, StoreUnavailable
from orc_storage.lock import lives, start_of
from orc_storage.paths import check_own_file, ensure_private, read_plain, sync_folder

MARK: Final = "store.replacing"
QUARANTINE: Final = "quarantine"
COMPANIONS: Final = ("-wal", "-journal", "-shm")
_MARK_MAX: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Replacement:
    """One replacement: by whom, by which file (its inode), and where the old store goes.

    `seq`, `hash` and `at` are those of the first entry of the new epoch, `why` says what it is.
    """

    pid: int
    start: int
    inode: int
    aside: str
    seq: int
    hash: str
    at: float
    why: str


def swap_in(
    folder: Path, draft: Path, *, aside: str, seq: int, hash: str, at: float, why: str
) -> None:
    """Put a store that is whole and on disk in the place of the one in `folder`.

    `draft` lies in a scratch folder of its own on the same disk; what was there goes to `aside`
    in quarantine. Raises OSError; then the old one is in its place.
    """
    pid = os.getpid()
    inode = draft.stat().st_ino
    mark = Replacement(pid, start_of(pid), inode, aside, seq, hash, at, why)
    _write(folder, mark, workshop=draft.parent)
    try:
        _set_aside(folder, aside)
        draft.replace(folder / STORE_FILE)
        sync_folder(folder)
    finally:
        settle(folder)


def settle(folder: Path, *, read_only: bool = False) -> None:
    """Finish a replacement that was cut short, or take it back; nothing where there is none.

    Raises StoreUnavailable while another process is at it, or where nothing may be changed.
    """
    found = _read(folder)
    if found is None:
        return
    store = folder / STORE_FILE
    is_ours = found.pid == os.getpid()
    if not is_ours and lives(found.pid) and start_of(found.pid) == found.start:
        raise StoreUnavailable(
            f"{store} is being replaced by process {found.pid}: try again when that is done"
        )
    if read_only:
        raise StoreUnavailable(
            f"{store} was being replaced, and that was cut short: open it once without --read-only"
        )
    held = check_own_file(store)
    if held is not None and held.st_ino == found.inode:
        if not anchors.begin_epoch(
            folder, seq=found.seq, hash=found.hash, at=found.at, why=found.why
        ):
            raise StoreUnavailable(f"{anchors.FILE} of {store} is in use: try again")
    else:
        _put_back(folder, folder / QUARANTINE / found.aside)
    with contextlib.suppress(FileNotFoundError):
        (folder / MARK).unlink()
    sync_folder(folder)


def _set_aside(folder: Path, name: str) -> None:
    """Keep the files of the store that is there; it stays in its place until it is replaced.

    Its log goes first: SQLite would take it for that of whatever file stands there.
    """
    ensure_private(folder / QUARANTINE)
    aside = folder / QUARANTINE / name
    aside.mkdir(mode=0o700)
    store = folder / STORE_FILE
    with contextlib.suppress(FileNotFoundError):
        (aside / STORE_FILE).hardlink_to(store)
    for suffix in COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            companion = store.with_name(store.name + suffix)
            companion.rename(aside / companion.name)
    sync_folder(aside)
    sync_folder(folder / QUARANTINE)


def _put_back(folder: Path, aside: Path) -> None:
    store = folder / STORE_FILE
    for suffix in COMPANIONS:
        kept = aside / (STORE_FILE + suffix)
        if kept.exists() and not (folder / kept.name).exists():
            kept.rename(folder / kept.name)
    sync_folder(folder)
    if store.exists():
        (aside / STORE_FILE).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        aside.rmdir()


def _write(folder: Path, one: Replacement, *, workshop: Path) -> None:
    draft = workshop / MARK
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        json.dump(asdict(one), file)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / MARK)
    sync_folder(folder)


def _read(folder: Path) -> Replacement | None:
    path = folder / MARK
    if check_own_file(path) is None:
        return None
    try:
        return Replacement(**json.loads(read_plain(path, _MARK_MAX)))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise StoreCorrupt(
            f"{path} cannot be read: move the log that {folder / QUARANTINE} holds back beside"
            f" {STORE_FILE} if that is the old store, then remove {MARK}"
        ) from None
