"""What is known of the panes of a server from one look to the next; pure.

Invariant: a pane is gone after two lists without it, never because nobody answered. A pane
that may have changed since its screen was taken is dirty until it is taken again: activity is
told in whole seconds, so a change in the second of the capture counts as later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from orc_core.model.agent import PaneRef
from orc_core.model.snapshot import Screen
from orc_core.tmux.guests import HIDDEN
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
    key: str
    quiet: Sighting
    dirty: bool = True
    dirty_since: float = 0.0
    misses: int = 0
    captured_second: int = -1
    digest: int = 0
    colour_digest: int = 0
    death_asks_left: int = DEATH_ASKS_MAX
    rows: dict[str, str] = field(default_factory=dict)
    """What the rows of its last screen are, as clean lines."""


@dataclass(slots=True)
class Memory:
    """The panes of one server.

    `alone` is True when it has none but those of hidden sessions, `visitors` when someone
    else's client is in our own. `version` is another one when panes came or went, or have other
    terminals.
    """

    server: str
    start: int = 0
    panes: dict[str, Pane] = field(default_factory=dict)
    alone: bool = False
    visitors: bool = False
    version: int = 0
    _hidden: dict[str, int] = field(default_factory=dict)
    """The panes of hidden sessions and their pids."""
    _rows: Sequence[Row] = ()
    """The last list, where another one just like it would tell nothing new."""
    _missed: int = 0
    _news: dict[str, Sighting] = field(default_factory=dict)
    _all: tuple[Sighting, ...] | None = None

    def merge(
        self, rows: Sequence[Row], start: int, at: float, own_session: str
    ) -> tuple[PaneRef, ...] | None:
        """Take in a list of all panes and return those that are gone.

        None when details of some pane are missing: nothing changed then, ask for all details.
        """
        if rows is self._rows and start == self.start and rows:
            return ()
        if not all(row.details is not None or self._known(row, start) for row in rows):
            return None
        if start != self.start:
            self._hidden.clear()
        detailed = False
        seen: set[str] = set()
        for row in rows:
            if row.details is not None:
                detailed = True
                self._note_session(row, row.details, own_session)
            if row.pane_id not in self._hidden:
                seen.add(row.pane_id)
                self._take(row, start, at)
        if len(seen) + len(self._hidden) != len(rows):
            listed = {row.pane_id for row in rows}
            self._hidden = {one: pid for one, pid in self._hidden.items() if one in listed}
        self.start, self.alone = start, not seen
        gone = self._miss(seen) if len(seen) != len(self.panes) else ()
        self._rows = () if detailed or self._missed else rows
        return gone

    def take_shot(self, shot: Shot, at: float, *, colour: bool) -> Sighting | None:
        """Take in a captured screen; None when the pane is not known.

        A pane that shows the same is sighted without lines: something was written to it.
        """
        pane = self.panes.get(shot.pane_id)
        if pane is None:
            return None
        pane.captured_second = shot.second
        facts = (shot.raw, shot.cursor, shot.width, shot.history)
        digest = hash(facts) if colour else hash(shot.raw)
        if digest == (pane.colour_digest if colour else pane.digest):
            return pane.quiet
        if not colour:
            pane.digest, pane.colour_digest = digest, 0
            return Sighting(pane.info, clean_lines(shot.raw, pane.rows), None, at)
        pane.digest, pane.colour_digest = 0, digest
        lines = parse_lines(shot.raw)
        cursor, history = shot.cursor, shot.history
        screen = Screen(pane.key, shot.width, shot.height, lines, cursor, at, history)
        return Sighting(pane.info, plain(lines), screen, at)

    def mark(self, ttys: Collection[str], at: float) -> None:
        """These terminals were written to."""
        if ttys:
            for pane in self.panes.values():
                if pane.info.tty in ttys:
                    soil(pane, at)

    def forget_screens(self, keys: Collection[str | None]) -> None:
        """Look at these panes anew: their text in the other form is not known to be the same."""
        for pane in self.panes.values():
            if pane.key in keys:
                pane.dirty, pane.digest, pane.colour_digest = True, 0, 0

    def forget_seconds(self) -> None:
        """The clock of the server was set back: no activity can be compared with what was."""
        for pane in self.panes.values():
            pane.captured_second = -1

    def dirty(self, skip_ttys: Collection[str], always: Collection[str | None] = ()) -> list[Pane]:
        """The panes whose screen may have changed, but for those never to be captured.

        Those with a key in `always` count as changed.
        """
        dirty = [pane for pane in self.panes.values() if pane.dirty]
        dirty += [pane for pane in self.panes.values() if pane.key in always and not pane.dirty]
        return [pane for pane in dirty if pane.info.tty not in skip_ttys]

    @property
    def there(self) -> tuple[Sighting, ...]:
        """All panes of the last list, without their screens."""
        if self._all is None:
            self._all = tuple(pane.quiet for pane in self.panes.values() if pane.misses == 0)
        return self._all

    def take_news(
        self, fresh: Iterable[Sighting], waiting: Collection[str] = ()
    ) -> tuple[Sighting, ...]:
        """What is fresh, and the panes of which other facts were told since the last call.

        Those of panes in `waiting` are kept until their screens are there, too.
        """
        news = self._news | {sighting.info.pane.pane_id: sighting for sighting in fresh}
        self._news = {one: news.pop(one) for one in waiting if one in news}
        return tuple(news.values())

    def _known(self, row: Row, start: int) -> bool:
        """Whether what is remembered of a pane can stand for its details."""
        if start != self.start:
            return False
        pane = self.panes.get(row.pane_id)
        if pane is None:
            return self._hidden.get(row.pane_id) == row.pid
        known = pane.row
        if row is known:
            return not row.dead or self._death_told(pane)
        same = known.pid == row.pid and known.dead == row.dead
        return same and (not row.dead or self._death_told(pane))

    @staticmethod
    def _death_told(pane: Pane) -> bool:
        return pane.details.tells_death or pane.death_asks_left <= 0

    def _note_session(self, row: Row, details: Details, own_session: str) -> None:
        if not HIDDEN.fullmatch(details.session):
            self._hidden.pop(row.pane_id, None)
            return
        self._hidden[row.pane_id] = row.pid
        if details.session == own_session:
            self.visitors = details.attached > 1

    def _take(self, row: Row, start: int, at: float) -> None:
        old = self.panes.get(row.pane_id)
        details = row.details
        if old is None or start != self.start or old.row.pid != row.pid:
            assert details is not None  # noqa: S101  # merge() has made sure
            info = describe(row, details, self.server, start)
            quiet = Sighting(info, None, None, at)
            fresh = Pane(row, details, info, info.pane.key, quiet, dirty_since=at)
            self.panes[row.pane_id] = fresh
            self._news[row.pane_id] = quiet
            self.version, self._all = self.version + 1, None
            return
        if old.misses:
            old.misses, self._missed, self._all = 0, self._missed - 1, None
        if details is None:
            old.row = row
            return
        if row.dead and not details.tells_death:
            old.death_asks_left -= 1
        if row.activity >= old.captured_second or _redrawn(old, row, details):
            soil(old, at)
        if details.tells_death and not old.details.tells_death:
            # tmux writes it onto the screen when it knows, which counts as no activity.
            soil(old, at)
        if (details is old.details or details == old.details) and row.dead == old.row.dead:
            return
        old.row, old.details = replace(row, details=None), details
        info = describe(row, details, self.server, start)
        if info != old.info:
            self.version += info.tty != old.info.tty
            old.quiet, self._all = Sighting(info, None, None, at), None
            self._news[row.pane_id] = old.quiet
            old.info = info

    def _miss(self, seen: Collection[str]) -> tuple[PaneRef, ...]:
        gone: list[PaneRef] = []
        self._missed, self._all = 0, None
        for pane_id, pane in list(self.panes.items()):
            if pane_id not in seen:
                pane.misses += 1
                if pane.misses >= MISSES_MAX:
                    gone.append(pane.info.pane)
                    del self.panes[pane_id]
                    self._news.pop(pane_id, None)
                    self.version += 1
                else:
                    self._missed += 1
        return tuple(gone)


def soil(pane: Pane, at: float) -> None:
    """Note that a pane may have changed; `dirty_since` keeps the first time."""
    if not pane.dirty:
        pane.dirty, pane.dirty_since = True, at


def _redrawn(old: Pane, row: Row, details: Details) -> bool:
    before = (old.details.width, old.details.height, old.row.dead)
    return before != (details.width, details.height, row.dead)
