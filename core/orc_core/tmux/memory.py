"""What is known of the panes of a server from one look to the next; pure.

Invariant: a pane is gone after two lists without it, never because nobody answered. A pane
that may have changed since its screen was taken is dirty until it is taken again: activity is
told in whole seconds, so a change in the second of the capture counts as later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from orc_core.model.agent import PaneRef
from orc_core.model.snapshot import Screen
from orc_core.tmux.control import HIDDEN
from orc_core.tmux.panes import Details, PaneInfo, Row, Shot, describe
from orc_core.tmux.screen import clean_lines, parse_lines, plain

MISSES_MAX: Final = 2

DEATH_ASKS_MAX: Final = 3
"""How often to ask at once how a program ended; tmux 3.3a misses it for some, for a while."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One pane as it was seen.

    `lines` are the clean visible lines, None where the screen was not taken or is the same as
    before; `screen` is there for the selected pane alone, when it changed. `at` is when that
    was, in seconds since the epoch.
    """

    info: PaneInfo
    lines: tuple[str, ...] | None
    screen: Screen | None
    at: float


@dataclass(slots=True)
class Pane:
    """What is remembered of one pane."""

    row: Row
    details: Details
    info: PaneInfo
    quiet: Sighting
    dirty: bool = True
    dirty_since: float = 0.0
    misses: int = 0
    captured_second: int = -1
    digest: int = 0
    colour_digest: int = 0
    death_asks_left: int = DEATH_ASKS_MAX


@dataclass(slots=True)
class Memory:
    """The panes of one server.

    `alone` is True when it has none but those of hidden sessions, `visitors` when someone
    else's client is in our own.
    """

    server: str
    start: int = 0
    panes: dict[str, Pane] = field(default_factory=dict)
    newest_activity: int = 0
    alone: bool = False
    visitors: bool = False
    _hidden: set[str] = field(default_factory=set)

    def merge(
        self, rows: Sequence[Row], start: int, at: float, own_session: str
    ) -> tuple[PaneRef, ...] | None:
        """Take in a list of all panes and return those that are gone.

        None when details of some pane are missing: nothing changed then, ask for all details.
        """
        if any(row.details is None and not self._known(row, start) for row in rows):
            return None
        if start != self.start:
            self._hidden.clear()
        for row in rows:
            if row.details is not None:
                self._note_session(row, row.details, own_session)
        shown = [row for row in rows if row.session_id not in self._hidden]
        for row in shown:
            self._take(row, start, at)
        self.start, self.alone = start, not shown
        self.newest_activity = max((row.activity for row in rows), default=0)
        return self._miss({row.pane_id for row in shown})

    def take_shot(self, shot: Shot, at: float, *, colour: bool) -> Sighting | None:
        """Take in a captured screen; None when the pane is not known or shows the same."""
        pane = self.panes.get(shot.pane_id)
        if pane is None:
            return None
        pane.captured_second = shot.second
        digest = hash((shot.raw, shot.cursor, shot.width)) if colour else hash(shot.raw)
        if digest == (pane.colour_digest if colour else pane.digest):
            return None
        if not colour:
            pane.digest, pane.colour_digest = digest, 0
            return Sighting(pane.info, clean_lines(shot.raw), None, at)
        pane.digest, pane.colour_digest = 0, digest
        lines = parse_lines(shot.raw)
        key = pane.info.pane.key
        screen = Screen(key, shot.width, shot.height, lines, shot.cursor, at)
        return Sighting(pane.info, plain(lines), screen, at)

    def mark(self, ttys: Collection[str], at: float) -> None:
        """These terminals were written to."""
        if ttys:
            for pane in self.panes.values():
                if pane.info.tty in ttys:
                    soil(pane, at)

    def dirty(
        self, skip_ttys: Collection[str], always: Collection[str | None] = ()
    ) -> Iterator[Pane]:
        """The panes whose screen may have changed, but for those never to be captured.

        Those with a key in `always` count as changed.
        """
        for pane in self.panes.values():
            if (pane.dirty or pane.info.pane.key in always) and pane.info.tty not in skip_ttys:
                yield pane

    def sightings(self, fresh: Iterable[Sighting]) -> tuple[Sighting, ...]:
        """All panes of the last list, with what is fresh in the place of what is not."""
        news = {sighting.info.pane.pane_id: sighting for sighting in fresh}
        return tuple(
            news.get(pane_id, pane.quiet)
            for pane_id, pane in self.panes.items()
            if pane.misses == 0
        )

    def _known(self, row: Row, start: int) -> bool:
        """Whether what is remembered of a pane can stand for its details."""
        if start != self.start:
            return False
        if row.session_id in self._hidden:
            return True
        pane = self.panes.get(row.pane_id)
        return (
            pane is not None
            and pane.row.pid == row.pid
            and pane.row.session_id == row.session_id
            and pane.row.dead == row.dead
            and (not row.dead or pane.details.tells_death or pane.death_asks_left <= 0)
        )

    def _note_session(self, row: Row, details: Details, own_session: str) -> None:
        if not HIDDEN.fullmatch(details.session):
            self._hidden.discard(row.session_id)
            return
        self._hidden.add(row.session_id)
        if details.session == own_session:
            self.visitors = details.attached > 1

    def _take(self, row: Row, start: int, at: float) -> None:
        old = self.panes.get(row.pane_id)
        if old is None or start != self.start or old.row.pid != row.pid:
            details = row.details
            assert details is not None  # noqa: S101  # merge() has made sure
            info = describe(row, details, self.server, start)
            fresh = Pane(row, details, info, Sighting(info, None, None, at), dirty_since=at)
            self.panes[row.pane_id] = fresh
            return
        old.misses = 0
        if row.details is not None and row.dead and not row.details.tells_death:
            old.death_asks_left -= 1
        details = row.details or old.details
        if row.activity >= old.captured_second or _redrawn(old.row, row):
            soil(old, at)
        if details.tells_death and not old.details.tells_death:
            soil(
                old, at
            )  # tmux writes it onto the screen when it knows, which counts as no activity
        if row != old.row or details != old.details:
            info = describe(row, details, self.server, start)
            old.row, old.details = replace(row, details=None), details
            if info != old.info:
                old.info, old.quiet = info, Sighting(info, None, None, at)

    def _miss(self, seen: Collection[str]) -> tuple[PaneRef, ...]:
        gone: list[PaneRef] = []
        for pane_id, pane in list(self.panes.items()):
            if pane_id not in seen:
                pane.misses += 1
                if pane.misses >= MISSES_MAX:
                    gone.append(pane.info.pane)
                    del self.panes[pane_id]
        return tuple(gone)


def soil(pane: Pane, at: float) -> None:
    """Note that a pane may have changed; `dirty_since` keeps the first time."""
    if not pane.dirty:
        pane.dirty, pane.dirty_since = True, at


def _redrawn(old: Row, new: Row) -> bool:
    return (old.width, old.height, old.dead) != (new.width, new.height, new.dead)
