"""The header: whose fleet it is, how many stand where, and how far to trust it.

Invariant: what has no room is left away from the least important on; the link never is.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import Final

from orc_core.model.agent import State
from orc_core.model.health import LayerState, Link, LinkState
from orc_core.model.snapshot import Snapshot
from orc_core.text import cells, fit
from orc_tui.view_models import glyphs, sync
from orc_tui.view_models.agents import STOPPED_WORD, is_other
from orc_tui.view_models.conflicts import needs_you
from orc_tui.view_models.lines import Line, join, width_of

WIDE: Final = 120
_NAME_MAX: Final = 24
_SERVER_MAX: Final = 12

_LINK_INKS: Final = {
    LinkState.SYNC: "limited",
    LinkState.STALE: "limited",
    LinkState.GONE: "error",
}
_BRIEF: Final = {LinkState.GONE.value: "gone", LinkState.SYNC.value: "sync"}
"""What stands behind the name of a server."""

MUTED: Final = "muted"
_SHOWN: Final = (
    State.WAITING,
    State.CRASHED,
    State.ERROR,
    State.LIMITED,
    State.DONE,
    State.WORKING,
    State.STARTING,
    State.UNKNOWN,
    State.IDLE,
    State.GONE,
)
_KEEP: Final = (
    State.WAITING,
    State.CRASHED,
    State.ERROR,
    State.LIMITED,
    State.WORKING,
    State.DONE,
    State.UNKNOWN,
    State.IDLE,
    State.STARTING,
    State.GONE,
)
"""Which counts stay when the line is narrow, the most important first."""


def line(snapshot: Snapshot, width: int, *, marked: int = 0, slow: bool = False) -> Line:
    """The whole header, exactly `width` cells; `marked` rows are told of, and a slow terminal."""
    wide = width >= WIDE
    gap = 3 if wide else 2
    name: Line = ((" orc ", "text bold"), (f" {_place(snapshot)}", "dim"))
    right = join(_right(snapshot, marked, wide=wide, slow=slow), 3)
    lead = 5 if wide else 3
    room = width - 1 - width_of(right) - width_of(name) - lead - 3
    counts = join(_counts(snapshot, room, gap), gap)
    used = width_of(name) + lead + width_of(counts) + width_of(right) + 1
    space = max(width - used, 1)
    return (*name, (" " * lead, "text"), *counts, (" " * space, "text"), *right, (" ", "text"))


def _place(snapshot: Snapshot) -> str:
    path = PurePath(snapshot.workspace)
    name = path.parent.name if path.name == ".orc" else path.name
    return " · ".join(
        fit(part, min(len(part), _NAME_MAX)) for part in (name, snapshot.host) if part
    )


def _counts(snapshot: Snapshot, room: int, gap: int) -> list[Line]:
    """The counts that fit into `room`, in the order of the list."""
    known = [agent for agent in snapshot.agents if not is_other(agent)]
    agents = [agent for agent in known if not agent.muted_until]
    pieces: dict[str, Line] = {}
    stopped = sum(agent.is_stopped for agent in agents)
    states = Counter(agent.state for agent in agents if not agent.is_stopped)
    for state in _SHOWN:
        if count := states[state]:
            sign, ink = glyphs.STATES[state]
            pieces[state.value] = ((f"{sign} {count} {state.value}", ink),)
    if stopped:
        sign, ink = glyphs.STOPPED
        pieces[STOPPED_WORD] = ((f"{sign} {stopped} {STOPPED_WORD}", ink),)
    if len(known) > len(agents):
        pieces[MUTED] = ((f"{len(known) - len(agents)} {MUTED}", "dim"),)
    others = len(snapshot.agents) - len(known)
    if others:
        pieces["other"] = ((f"{glyphs.OTHER} {others} other", "dim"),)
    kept: set[str] = set()
    for name in (*(state.value for state in _KEEP), STOPPED_WORD, MUTED, "other"):
        if name in pieces and _fits([*kept, name], pieces, room, gap):
            kept.add(name)
    return [piece for name, piece in pieces.items() if name in kept]


def _fits(names: list[str], pieces: dict[str, Line], room: int, gap: int) -> bool:
    return sum(width_of(pieces[name]) for name in names) + gap * (len(names) - 1) <= room


def _right(snapshot: Snapshot, marked: int, *, wide: bool, slow: bool) -> list[Line]:
    pieces: list[Line] = []
    if marked:
        pieces.append(((f"{marked} marked", "text bold"),))
    if snapshot.link.pending:
        pieces.append(((f"{snapshot.link.pending} pending", "waiting"),))
    if wide:
        waiting = sum(map(needs_you, snapshot.conflicts))
        if waiting:
            word = "conflict" if waiting == 1 else "conflicts"
            pieces.append(((f"◆ {waiting} {word}", "waiting"),))
        if snapshot.layers:
            state = sync.worst(snapshot.layers)
            sign, ink = glyphs.LAYERS[state]
            pieces.append(((f"{sign} sync", "dim" if state is LayerState.OK else ink),))
    pieces.append((link(snapshot.link, slow=slow),))
    return pieces


def link(link: Link, *, slow: bool = False) -> tuple[str, str]:
    """How far what is shown can be trusted, with its ink; of which server, where not of all.

    Where nothing is wrong but that the terminal is `slow`, so that it is drawn less often, it
    says that.
    """
    if slow and link.state is LinkState.LIVE:
        return "slow link", "limited"
    if link.state is LinkState.LIVE and link.read_only:
        return "read-only", "limited"
    told = f"stale {int(link.stale_s)}s" if link.state is LinkState.STALE else link.state.value
    if link.server:
        told = f"{fit(link.server, min(cells(link.server), _SERVER_MAX))}: {_BRIEF.get(told, told)}"
    return told, _LINK_INKS.get(link.state, "dim")
