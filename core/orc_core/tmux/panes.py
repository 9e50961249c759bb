"""What is asked of tmux about panes, and how its answers are read; pure.

Invariant: names, titles, paths and screens cannot be taken for anything else. Rows and fields
are set apart by a random mark that no pane has seen, control characters in fields are replaced
by tmux before they travel, and all text is cleaned here, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.model.agent import PaneRef
from orc_core.text import clean

_FIELD_MAX: Final = 400
_PATH_MAX: Final = 1024

_LIGHT: Final = ("pane_id", "pane_pid", "pane_dead")
"""What every list tells of every pane; the server works for each field of each pane."""

_HEAVY: Final = (
    "window_activity",
    "session_id",
    "pane_width",
    "pane_height",
    "pane_in_mode",
    "session_name",
    "session_attached",
    "window_index",
    "window_name",
    "pane_index",
    "pane_active",
    "window_active",
    "alternate_on",
    "pane_dead_status",
    "pane_dead_signal",
    "pane_tty",
)
_FREE: Final = ("pane_title", "pane_current_path", "pane_current_command")


@dataclass(frozen=True, slots=True)
class PaneInfo:
    """One pane as tmux tells it; text is clean.

    `dead_status` and `dead_signal` are None while the program runs, and where tmux does not say.
    """

    pane: PaneRef
    session: str
    window: str
    where: str
    cwd: str
    command: str
    title: str
    tty: str
    width: int
    height: int
    dead: bool
    dead_status: int | None
    dead_signal: int | None
    alternate: bool
    in_mode: bool
    active: bool
    session_attached: int


@dataclass(frozen=True, slots=True)
class Details:
    """What is asked about a pane only when it may have changed; `session` is as tmux has it."""

    session_id: str
    width: int
    height: int
    in_mode: bool
    session: str
    attached: int
    window_index: str
    window: str
    pane_index: str
    active: bool
    alternate: bool
    dead_status: int | None
    dead_signal: int | None
    tty: str
    title: str
    cwd: str
    command: str

    @property
    def tells_death(self) -> bool:
        """Whether it says how a program ended; tmux knows that a moment after the end itself."""
        return self.dead_status is not None or self.dead_signal is not None


@dataclass(frozen=True, slots=True)
class Row:
    """One pane in the list; `details` is None where nothing happened in its window.

    `activity`, told with them, is when its window last changed, in seconds of the server's clock.
    """

    pane_id: str
    pid: int
    dead: bool
    details: Details | None = None
    activity: int = 0


@dataclass(frozen=True, slots=True)
class Shot:
    """One captured screen, raw, with the server's second it was taken in."""

    pane_id: str
    second: int
    cursor: tuple[int, int] | None
    width: int
    height: int
    raw: str
    history: int = 0
    """How many lines lie above the screen."""


def identity_command(mark: str) -> str:
    """Ask which server answers, and for the second on its clock."""
    return f"display-message -p '<{mark}>#{{pid}} #{{start_time}} %s'"


def list_commands(mark: str, since: int) -> tuple[str, ...]:
    """List all panes, with details of those whose window was active at `since` or later.

    Two lists, since a filter costs the server far less than a conditional in every row; one
    where all details are wanted.
    """
    light = " ".join(f"#{{{name}}}" for name in _LIGHT)
    heavy = "".join(f"|{mark}|#{{{name}}}" for name in _HEAVY)
    free = "".join(f"|{mark}|#{{s/[\x01-\x1f]/?/:{name}}}" for name in _FREE)
    detailed = f"-F '<{mark}>{light}{heavy}{free}'"
    if since <= 0:
        return (f"list-panes -a {detailed}",)
    changed = f"#{{e|>=:#{{window_activity}},{since}}}"
    return (f"list-panes -a -f '{changed}' {detailed}", f"list-panes -a -F '<{mark}>{light}'")


def capture_commands(mark: str, pane_id: str, *, colour: bool) -> tuple[str, str]:
    """A line that says what follows, and the screen itself."""
    told = "#{pane_id} %s #{cursor_x} #{cursor_y} #{cursor_flag} #{pane_width} #{pane_height}"
    told += " #{history_size}"
    return (
        f"display-message -p -t {pane_id} '<{mark}>{told}'",
        f"capture-pane -p{'e' if colour else ''} -t {pane_id}",
    )


def pause_command() -> str:
    """Have the server serve everybody else, and send what it has for us, before it goes on."""
    return "run-shell -d 0"


def parse_identity(mark: str, line: str) -> tuple[int, int, int]:
    """The pid, start and time of the server; zeros where it has no session that could tell."""
    head = line.partition(f"<{mark}>")[2].removesuffix("\n").split(" ")
    if len(head) != 3 or not all(word.isdigit() for word in head):
        return 0, 0, 0
    return _int(head[0]), _int(head[1]), _int(head[2])


class RowReader:
    """Reads what `list_commands` printed; what was read the last time is not read again."""

    def __init__(self, mark: str) -> None:
        self._start = f"<{mark}>"
        self._between = f"|{mark}|"
        self._text = ""
        self._rows: tuple[Row, ...] = ()
        self._light: dict[str, Row] = {}
        self._details: dict[str, tuple[str, Details]] = {}
        """What was told of each pane last, by its id: most of what changes is on the screens."""

    def read(self, text: str) -> tuple[Row, ...]:
        """The rows, each pane once; the same tuple as before where the text is the same."""
        if text == self._text and self._rows:
            return self._rows
        light: dict[str, Row] = {}
        rows: dict[str, Row] = {}
        for chunk in text.split(self._start)[1:]:
            row = self._light.get(chunk)
            if row is None:
                row = self._row(chunk)
                if row is None:
                    continue
            if row.details is None:
                light[chunk] = row
            # A pane that several sessions show comes several times; its details come first.
            rows.setdefault(row.pane_id, row)
        if len(self._details) > len(rows):
            self._details = {one: known for one, known in self._details.items() if one in rows}
        self._text, self._rows, self._light = text, tuple(rows.values()), light
        return self._rows

    def _row(self, chunk: str) -> Row | None:
        told, detailed, rest = chunk.removesuffix("\n").partition(self._between)
        words = told.split(" ")
        if len(words) != len(_LIGHT):
            return None
        pane_id, pid, dead = words[0], _int(words[1]), words[2] == "1"
        if not detailed:
            return Row(pane_id, pid, dead)
        activity, _, facts = rest.partition(self._between)
        before, details = self._details.get(pane_id, ("", None))
        if details is None or facts != before:
            fields = facts.split(self._between)
            if len(fields) != len(_HEAVY) - 1 + len(_FREE):
                return None
            details = _details(fields)
            self._details[pane_id] = (facts, details)
        return Row(pane_id, pid, dead, details, _int(activity))


def _details(fields: Sequence[str]) -> Details:
    session_id, width, height, in_mode = fields[:4]
    session, attached, window_index, window, pane_index = fields[4:9]
    pane_active, window_active, alternate, status, signal, tty, title, cwd, command = fields[9:]
    return Details(
        session_id=session_id,
        width=_int(width),
        height=_int(height),
        in_mode=_int(in_mode) > 0,
        session=session,
        attached=_int(attached),
        window_index=clean(window_index, limit=10),
        window=clean(window, limit=_FIELD_MAX),
        pane_index=clean(pane_index, limit=10),
        active=pane_active == "1" and window_active == "1",
        alternate=alternate == "1",
        dead_status=_int(status) if status else None,
        dead_signal=_int(signal) if signal else None,
        tty=tty,
        title=clean(title, limit=_FIELD_MAX),
        cwd=clean(cwd, limit=_PATH_MAX),
        command=clean(command, limit=_FIELD_MAX),
    )


def describe(row: Row, details: Details, server: str, server_start: int) -> PaneInfo:
    """Join what every list tells with the details that were told last."""
    session = clean(details.session, limit=_FIELD_MAX)
    return PaneInfo(
        pane=PaneRef(server, server_start, row.pane_id, row.pid),
        session=session,
        window=details.window,
        where=f"{session}:{details.window_index}.{details.pane_index}",
        cwd=details.cwd,
        command=details.command,
        title=details.title,
        tty=details.tty,
        width=details.width,
        height=details.height,
        dead=row.dead,
        dead_status=details.dead_status if row.dead else None,
        dead_signal=details.dead_signal if row.dead else None,
        alternate=details.alternate,
        in_mode=details.in_mode,
        active=details.active,
        session_attached=details.attached,
    )


class ShotReader:
    """Reads what pairs of `capture_commands` print, as it comes; what is gone is left out."""

    def __init__(self, mark: str) -> None:
        self._start = f"<{mark}>".encode()
        self._rest = b""

    def feed(self, data: bytes) -> list[Shot]:
        """The screens that are whole now: those after which another one has begun."""
        self._rest += data
        *whole, self._rest = self._rest.split(self._start)
        self._rest = self._start + self._rest if whole else self._rest
        return [shot for chunk in whole if (shot := _shot(chunk)) is not None]

    def end(self) -> list[Shot]:
        """Nothing more comes: the last screen, if there is one."""
        _, _, chunk = self._rest.partition(self._start)
        shot, self._rest = _shot(chunk), b""
        return [shot] if shot is not None else []


def _shot(chunk: bytes) -> Shot | None:
    head, _, raw = chunk.decode("utf-8", "surrogateescape").partition("\n")
    words = head.split(" ")
    if len(words) != 8 or not words[0] or not raw:
        return None
    x, y, shown, width, height, history = map(_int, words[2:])
    cursor = (x, y) if shown else None
    return Shot(words[0], _int(words[1]), cursor, width, height, raw, history)


def _int(digits: str) -> int:
    return int(digits) if digits.isdigit() and len(digits) < 19 else 0
