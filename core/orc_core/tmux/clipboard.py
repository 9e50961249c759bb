"""Text that a person copies, by way of tmux where the terminal's own way is blocked.

Invariant: tmux is written to only because a person copied something, and only a buffer of our
name; its option is read, never set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orc_core.errors import OrcError, TmuxError
from orc_core.tmux.attach import Here, here
from orc_core.tmux.server import run

BUFFER: Final = "orc-tui"
BUFFER_MAX_BYTES: Final = 8_000_000
SEQUENCE_MAX_BYTES: Final = 74_000
"""More than that terminals drop of one OSC 52."""
TIMEOUT_S: Final = 3.0


class Way(StrEnum):
    """How a text goes to the clipboard."""

    TERMINAL = "terminal"
    BUFFER = "buffer"


@dataclass(frozen=True, slots=True)
class Copied:
    """By which way a text goes, and the line that says so.

    Where `way` is TERMINAL the caller still has to print the sequence.
    """

    way: Way
    text: str


async def copy(text: str, environ: Mapping[str, str]) -> Copied:
    """Put a text into tmux's buffer where OSC 52 would not arrive, else leave it to the terminal.

    Raises OrcError where it is too long for the way that there is, TmuxError where tmux fails.
    """
    data = text.encode("utf-8", "replace")
    place = here(environ)
    allowed = await _setting(place) if place is not None else "on"
    if place is None or (allowed == "on" and len(data) <= SEQUENCE_MAX_BYTES):
        if len(data) > SEQUENCE_MAX_BYTES:
            raise OrcError(
                f"{len(data) / 1000:,.0f} kB are more than a terminal takes at once: "
                "`orc screen AGENT --above N` prints them"
            )
        return Copied(Way.TERMINAL, "to the clipboard, by the terminal (OSC 52)")
    await _load(place, data[:BUFFER_MAX_BYTES])
    if allowed == "off":
        said = f"into tmux's buffer {BUFFER} (set-clipboard is off): prefix ] pastes it"
    else:
        said = f"to the clipboard and into tmux's buffer {BUFFER}, by tmux"
    return Copied(Way.BUFFER, said)


async def _setting(place: Here) -> str:
    """What the dashboard's own server lets through: `on`, `external` or `off`."""
    try:
        told = await run(place.address, "show-options", "-sv", "set-clipboard", timeout_s=TIMEOUT_S)
    except TmuxError:
        return "on"  # the terminal may still take it
    return told.strip()


async def _load(place: Here, data: bytes) -> None:
    client = await _client(place)
    aim = ("-w", "-t", client) if client else ()
    await run(
        place.address, "load-buffer", "-b", BUFFER, *aim, "-", stdin=data, timeout_s=TIMEOUT_S
    )


async def _client(place: Here) -> str:
    """The client whose terminal shows the dashboard, used last; "" where there is none."""
    told = await run(
        place.address,
        *("list-clients", "-t", place.pane_id, "-F", "#{client_activity} #{client_name}"),
        timeout_s=TIMEOUT_S,
    )
    seen = sorted(line.partition(" ")[::2] for line in told.splitlines())
    return seen[-1][1] if seen else ""
