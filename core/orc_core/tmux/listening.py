"""Listening to a pane: its output piped through our listener, because a person asked for it.

Invariant: a pipe that someone else put on a pane is left alone; tmux knows one per pane. What is
kept is bounded by the panes that are listened to, and those of the last day.
"""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import sys
import time
from pathlib import Path
from typing import Final

from orc_core.errors import TmuxError
from orc_core.model.agent import PaneRef
from orc_core.tmux import listener
from orc_core.tmux.server import Address, run
from orc_storage import paths
from orc_storage.lock import lives

TIMEOUT_S: Final = 3.0
KEPT_S: Final = 24 * 3600.0
"""How long a record outlives its listener at least."""


def folder() -> Path:
    """Where listeners keep what they heard."""
    return paths.state_dir() / "listeners"


def record_path(pane: PaneRef, within: Path) -> Path:
    """The file of a pane; another pane with the same number has another."""
    server = hashlib.sha256(f"{pane.server} {pane.server_start}".encode()).hexdigest()[:12]
    return within / f"{server}-{pane.pane_id.lstrip('%')}-{pane.pid}"


async def listen(address: Address, pane: PaneRef, within: Path) -> None:
    """Pipe what the pane's program writes through a listener; nothing if one is there.

    Raises TmuxError where the pane is piped elsewhere, or tmux does not do it.
    """
    path = record_path(pane, within)
    if await _is_piped(address, pane):
        if _listener(path):
            return
        raise TmuxError(
            f"{pane.key} is piped already (tmux pipe-pane), and tmux knows one pipe per pane: "
            "end that one first"
        )
    paths.ensure_private(within)
    _tidy(within)
    program = [sys.executable, "-I", "-S", listener.__file__, str(path)]
    await run(address, *_pipe(pane, f"exec {shlex.join(program)}"), timeout_s=TIMEOUT_S)


async def unlisten(address: Address, pane: PaneRef, within: Path) -> bool:
    """End our listener of a pane; False where there is none. Raises TmuxError."""
    path = record_path(pane, within)
    if not _listener(path) or not await _is_piped(address, pane):
        path.unlink(missing_ok=True)
        return False
    await run(address, "pipe-pane", "-t", pane.pane_id, timeout_s=TIMEOUT_S)
    path.unlink(missing_ok=True)
    return True


def _tidy(within: Path) -> None:
    """Remove what was kept of panes that are long gone."""
    for path in within.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > KEPT_S and not _listener(path):
                path.unlink()


def _pipe(pane: PaneRef, command: str) -> tuple[str, ...]:
    # tmux expands formats and strftime's letters in the command before a shell gets it.
    literal = command.replace("#", "##").replace("%", "%%")
    return ("pipe-pane", "-O", "-t", pane.pane_id, literal)


async def _is_piped(address: Address, pane: PaneRef) -> bool:
    told = await run(
        address, "display-message", "-p", "-t", pane.pane_id, "#{pane_pid} #{pane_pipe}",
        timeout_s=TIMEOUT_S,
    )  # fmt: skip
    pid, _, piped = told.strip().partition(" ")
    if pid != str(pane.pid):
        raise TmuxError(f"the pane {pane.key} is gone: look again")
    return piped == "1"


def _listener(path: Path) -> int:
    """The pid of the listener that keeps a file, 0 where it is over."""
    try:
        word, _, pid = paths.read_plain(path, 40).decode("ascii", "replace").partition(" ")
    except OSError:
        return 0
    number = pid.partition("\n")[0]
    return int(number) if word == "listener" and number.isdecimal() and lives(int(number)) else 0
