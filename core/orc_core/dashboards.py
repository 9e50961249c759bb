"""Which terminals show a dashboard, so that no dashboard captures itself or another.

Invariant: a registration lasts as long as the process that made it; a dead one is ignored.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from orc_storage import paths

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
    mark = folder / str(os.getpid())
    mark.write_text(tty, encoding="utf-8")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def terminals() -> set[str]:
    """The terminals of all dashboards that are alive."""
    found: set[str] = set()
    folder = paths.runtime_dir() / FOLDER
    with contextlib.suppress(OSError):
        for mark in folder.iterdir():
            if mark.name.isdigit() and _alive(int(mark.name)):
                with contextlib.suppress(OSError):
                    found.add(mark.read_text(encoding="utf-8").strip())
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
