"""The lines above a pane's screen, captured when a person asks to see them.

Invariant: one process per question and never one without it; what comes back is bounded in lines
and bytes, oldest left out first, and nothing in tmux is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from orc_core.errors import TmuxError
from orc_core.model.agent import DASHBOARD, PaneRef
from orc_core.model.snapshot import Scrollback
from orc_core.tmux.screen import parse_lines
from orc_core.tmux.server import Address, run_chain

LINES_MAX: Final = 10_000
CHARACTERS_MAX: Final = 4_000_000
TIMEOUT_S: Final = 5.0


async def scrollback(
    address: Address,
    pane: PaneRef,
    *,
    lines: int,
    skip_ttys: Collection[str] = (),
    timeout_s: float = TIMEOUT_S,
) -> Scrollback:
    """Capture a pane's screen with up to `lines` lines above it, at most LINES_MAX.

    Raises TmuxError where the pane is gone or its terminal is one of `skip_ttys`, TmuxTimeout
    where its server does not answer.
    """
    wanted = max(0, min(lines, LINES_MAX))
    told = "#{pane_pid} #{pane_height} #{history_size} #{pane_tty}"
    out = await run_chain(
        address,
        [
            ("display-message", "-p", "-t", pane.pane_id, told),
            ("capture-pane", "-p", "-e", "-t", pane.pane_id, "-S", f"-{wanted}"),
        ],
        timeout_s=timeout_s,
    )
    head, _, raw = out.partition("\n")
    *numbers, tty = head.split(" ", 3)
    if len(numbers) != 3 or numbers[0] != str(pane.pid) or not all(map(str.isdecimal, numbers)):
        raise TmuxError(f"the pane {pane.key} is gone: look again")
    if tty in skip_ttys:
        raise TmuxError(f"{pane.key} is {DASHBOARD}")
    height, history = int(numbers[1]), int(numbers[2])
    # Thousands of lines take longer to read than a key press may wait.
    return await asyncio.to_thread(_read, pane.key, raw, height, history)


def _read(key: str, raw: str, height: int, history: int) -> Scrollback:
    cut = raw[-CHARACTERS_MAX:]
    if len(cut) < len(raw):
        cut = cut.partition("\n")[2]
    lines = parse_lines(cut, limit=LINES_MAX + height)
    return Scrollback(key, lines, height, history, whole=len(lines) - height >= history)
