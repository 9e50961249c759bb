"""A recording as it is played: what stands on its screen at a time, and the line that tells when.

Invariant: pure but for what it remembers to be quick: a time shows the same screen, whichever way
it was come to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from time import localtime, strftime
from typing import Final

from orc_core.model.snapshot import Screen
from orc_core.text import clean, fit
from orc_core.tmux.asciicast import CLEAR, MARKER, OUTPUT, Event, Header, Shown
from orc_tui.view_models.footer import Footer
from orc_tui.view_models.lines import Line, Part, cut, ends

SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
STEP_S: Final = 5.0
IDLE_S: Final = 2.0
"""Longer pauses are played as so long, unless the person wants them as they were."""
KEYS: Final = (
    ("space", "space", "pause"),
    ("left", "←", "back"),
    ("right", "→", "on"),
    ("less_than_sign", "<", "slower"),
    ("greater_than_sign", ">", "faster"),
    ("i", "i", "pauses"),
    ("g", "g", "begin"),
    ("G", "G", "end"),
)

_CLOSE: Final = len("q close")


class Reel:
    """The events of one recording, and what is shown after some of them."""

    def __init__(self, header: Header, events: Sequence[Event]) -> None:
        self.header = header
        self.events = tuple(events)
        self._times = [event.at for event in self.events]
        self._whole = [
            number
            for number, event in enumerate(self.events)
            if event.code == OUTPUT and event.data.startswith(CLEAR)
        ]
        self._sizes = [(n, one) for n, one in enumerate(self.events) if one.code == "r"]
        self._shown = Shown.blank(header)
        self._done = 0

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return self._times[-1] if self._times else 0.0

    def screen_at(self, at: float) -> Screen:
        """The screen at a time, in seconds since the beginning."""
        until = bisect_right(self._times, at)
        if until < self._done or self._keyframe(until) > self._done:
            self._rewind(self._keyframe(until))
        for event in self.events[self._done : until]:
            self._shown.take(event)
        self._done = until
        return copy(self._shown).screen(self.header.key, self.header.at + at)

    def next_at(self, at: float) -> float:
        """When something happens after a time; the end where nothing does."""
        number = bisect_right(self._times, at)
        return self._times[number] if number < len(self._times) else self.length_s

    def marker_at(self, at: float) -> str:
        """What the last marker before a time says, "" for none."""
        until = bisect_right(self._times, at)
        told = (one.data for one in reversed(self.events[:until]) if one.code == MARKER)
        return clean(next(told, ""), limit=80)

    def _keyframe(self, until: int) -> int:
        """The number of the last event before that draws the whole screen."""
        found = bisect_right(self._whole, max(until - 1, 0))
        return self._whole[found - 1] if found else 0

    def _rewind(self, number: int) -> None:
        self._shown, self._done = Shown.blank(self.header), number
        for _, event in (one for one in self._sizes if one[0] < number):
            self._shown.take(event)


@dataclass(frozen=True, slots=True)
class Playing:
    """Where a recording is played, how fast, and whether it stands still."""

    at: float = 0.0
    speed: float = 1.0
    stands: bool = False
    cuts: bool = True
    """Long pauses are cut short."""


def step(playing: Playing, reel: Reel, seconds: float) -> Playing:
    """Where it is after some seconds of the clock; at its end it stands still."""
    if playing.stands:
        return playing
    at = playing.at + seconds * playing.speed
    following = reel.next_at(playing.at)
    if playing.cuts and following - playing.at > IDLE_S * playing.speed and at < following:
        # What is left of a long pause goes by as if it were a short one.
        at = max(at, following - IDLE_S * playing.speed)
    at = min(at, reel.length_s)
    return replace(playing, at=at, stands=at >= reel.length_s)


def seek(playing: Playing, reel: Reel, by: float) -> Playing:
    """Go back or on by seconds of the recording."""
    return replace(playing, at=min(max(playing.at + by, 0.0), reel.length_s))


def toggle(playing: Playing, reel: Reel) -> Playing:
    """Stand still or go on; from its end it begins anew."""
    if playing.stands and playing.at >= reel.length_s:
        return replace(playing, at=0.0, stands=False)
    return replace(playing, stands=not playing.stands)


def with_pauses(playing: Playing) -> Playing:
    """Cut long pauses short, or play them as they were."""
    return replace(playing, cuts=not playing.cuts)


def faster(playing: Playing, by: int) -> Playing:
    """The next speed up or down."""
    number = SPEEDS.index(playing.speed) + by
    return replace(playing, speed=SPEEDS[min(max(number, 0), len(SPEEDS) - 1)])


def watch(seconds: float) -> str:
    """A time of a recording: `0:07`, `1:02:03`."""
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def head(reel: Reel, width: int) -> Line:
    """Of whom it is, and when it was recorded."""
    header = reel.header
    when = strftime("%a %d %b %H:%M", localtime(header.at))
    left: Line = ((" ● ", "crashed"), (header.title, "text bold"), ("  recording", "dim"))
    return ends(left, ((f"{header.width}x{header.height}   {when} ", "dim"),), width)


def progress(playing: Playing, reel: Reel, width: int) -> Line:
    """How far it is, as a bar with its times; what the last marker said."""
    sign = "‖" if playing.stands else "▶"
    speed = f"{playing.speed:g}x"
    times = f"{watch(playing.at)} / {watch(reel.length_s)}"
    told = reel.marker_at(playing.at)
    right = f" {told}  {speed} " if told else f" {speed} "
    room = max(width - len(times) - len(right) - 6, 0)
    share = playing.at / reel.length_s if reel.length_s else 1.0
    filled = min(round(room * share), room)
    line: Line = (
        (f" {sign} ", "accent bold"),
        (fit(times, len(times) + 2), "text"),
        ("━" * filled, "accent"),
        ("─" * (room - filled), "border"),
        (right, "dim"),
    )
    return cut(line, width)


def footer(playing: Playing, width: int) -> Footer:
    """The keys, as many as there is room for; each is pressed by a click, too."""
    parts: list[Part] = [(" ", "text")]
    spots: list[tuple[int, int, str]] = []
    column, close = 1, width - _CLOSE - 1
    for key, label, word in KEYS:
        told = "play" if key == "space" and playing.stands else word
        told = "all pauses" if key == "i" and playing.cuts else told
        size = len(label) + 1 + len(told)
        if column + size + 2 > close:
            break
        parts += [(label, "text bold"), (f" {told}  ", "dim")]
        spots.append((column, column + size, key))
        column += size + 2
    parts += [(" " * (close - column), "text"), ("q", "text bold"), (" close ", "dim")]
    spots.append((close, close + _CLOSE, "q"))
    return Footer(tuple(parts), tuple(spots))
