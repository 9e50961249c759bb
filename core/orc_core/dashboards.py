"""Which terminals show a dashboard, so that no dashboard captures itself or another.

Invariant: a registration lasts as long as the process that made it; a dead one is ignored.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orc_storage import paths
from orc_storage.lock import lives, start_of

FOLDER = "dashboards"


def own_tty() -> str | None:
    """The terminal this process reads keys from, or None when it has none."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            return os.ttyname(descriptor)
    return None


@contextmanager
def registered(tty: str | None) -> Iterator[None]:
    """Register this process's terminal for the time of the block."""
    if tty is None:
        yield
        return
    folder = paths.runtime_dir() / FOLDER
    paths.ensure_private(folder)
    for name in _dead(folder):
        (folder / name).unlink(missing_ok=True)
    mark = folder / str(os.getpid())
    # A number is used again: with its start it names this process alone.
    mark.write_text(f"{start_of(os.getpid())} {tty}", encoding="utf-8")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def terminals() -> set[str]:
    """The terminals of all dashboards that are alive."""
    folder = paths.runtime_dir() / FOLDER
    return {tty for _, tty in _marks(folder) if tty}


def _dead(folder: Path) -> list[str]:
    return [name for name, tty in _marks(folder) if not tty]


def _marks(folder: Path) -> Iterator[tuple[str, str]]:
    """Every mark's name and terminal, which is "" where its process is over."""
    with contextlib.suppress(OSError):
        for mark in folder.iterdir():
            if mark.name.isdecimal():
                yield mark.name, _terminal(mark)


def _terminal(mark: Path) -> str:
    try:
        start, _, tty = paths.read_plain(mark, 256).decode().partition(" ")
    except (OSError, ValueError):
        return ""
    pid = int(mark.name)
    return tty.strip() if lives(pid) and str(start_of(pid)) == start else ""
