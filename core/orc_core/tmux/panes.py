"""What is asked of tmux about panes, and how its answers are read; pure.

Invariant: names, titles, paths and screens cannot be taken for anything else. Rows and fields
are set apart by a random mark that no pane has seen, control characters in fields are replaced
by tmux before they travel, and all text is cleaned here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.model.agent import PaneRef
from orc_core.text import clean

_FIELD_MAX: Final = 400
_PATH_MAX: Final = 1024

_LIGHT: Final = (
    "pane_id",
    "pane_pid",
    "session_id",
    "window_activity",
    "pane_dead",
    "pane_width",
    "pane_height",
    "pane_in_mode",
)
_HEAVY: Final = (
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
    """One pane as tmux tells it; text is clean, `activity` in server seconds of its window.

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
    activity: int
    alternate: bool
    in_mode: bool
    active: bool
    session_attached: int


@dataclass(frozen=True, slots=True)
class Details:
    """What is asked about a pane only when it may have changed; `session` is as tmux has it."""

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
    """One pane in the list; `details` is None where nothing happened in its window."""

    pane_id: str
    pid: int
    session_id: str
    activity: int
    dead: bool
    width: int
    height: int
    in_mode: bool
    details: Details | None


@dataclass(frozen=True, slots=True)
class Shot:
    """One captured screen, raw, with the server's second it was taken in."""

    pane_id: str
    second: int
    cursor: tuple[int, int] | None
    width: int
    height: int
    raw: str


def identity_command(mark: str) -> str:
    """Ask which server answers."""
    return f"display-message -p '<{mark}>#{{pid}} #{{start_time}}'"


def list_command(mark: str, since: int) -> str:
    """List all panes, with details of those whose window was active at `since` or later."""
    light = " ".join(f"#{{{name}}}" for name in _LIGHT)
    # In a conditional only the branch that is taken costs anything.
    heavy = "".join(f"|{mark}|#{{{name}}}" for name in _HEAVY)
    free = "".join(f"|{mark}|#{{s/[\x01-\x1f]/?/:{name}}}" for name in _FREE)
    condition = f"#{{e|>=:#{{window_activity}},{since}}}"
    return f"list-panes -a -F '<{mark}>{light}#{{?{condition},{heavy}{free},}}'"


def capture_commands(mark: str, pane_id: str, *, colour: bool) -> tuple[str, str]:
    """A line that says what follows, and the screen itself."""
    told = "#{pane_id} %s #{cursor_x} #{cursor_y} #{cursor_flag} #{pane_width} #{pane_height}"
    return (
        f"display-message -p -t {pane_id} '<{mark}>{told}'",
        f"capture-pane -p{'e' if colour else ''} -t {pane_id}",
    )


def parse_identity(mark: str, text: str) -> tuple[int, int]:
    """The pid and start of the server; (0, 0) where it has no session that could tell."""
    head = text.partition(f"<{mark}>")[2].partition("\n")[0].split(" ")
    return (int(head[0]), int(head[1])) if len(head) == 2 and head[1].isdigit() else (0, 0)


def parse_rows(mark: str, text: str) -> list[Row]:
    """Read what `list_command` printed; a pane that several sessions show comes once."""
    rows: dict[str, Row] = {}
    for chunk in text.split(f"<{mark}>")[1:]:
        light, *fields = chunk.removesuffix("\n").split(f"|{mark}|")
        words = light.split(" ")
        if len(words) != len(_LIGHT) or len(fields) not in (0, len(_HEAVY) + len(_FREE)):
            continue
        row = Row(
            pane_id=words[0],
            pid=_int(words[1]),
            session_id=words[2],
            activity=_int(words[3]),
            dead=words[4] == "1",
            width=_int(words[5]),
            height=_int(words[6]),
            in_mode=_int(words[7]) > 0,
            details=_details(fields) if fields else None,
        )
        rows.setdefault(row.pane_id, row)
    return list(rows.values())


def _details(fields: Sequence[str]) -> Details:
    session, attached, window_index, window, pane_index = fields[:5]
    pane_active, window_active, alternate, status, signal, tty, title, cwd, command = fields[5:]
    return Details(
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
        width=row.width,
        height=row.height,
        dead=row.dead,
        dead_status=details.dead_status if row.dead else None,
        dead_signal=details.dead_signal if row.dead else None,
        activity=row.activity,
        alternate=details.alternate,
        in_mode=row.in_mode,
        active=details.active,
        session_attached=details.attached,
    )


def parse_shots(mark: str, text: str) -> Iterable[Shot]:
    """Read what pairs of `capture_commands` printed; a pane that was gone is left out."""
    for chunk in text.split(f"<{mark}>")[1:]:
        head, _, raw = chunk.partition("\n")
        words = head.split(" ")
        if len(words) != 7 or not words[0] or not raw:
            continue
        x, y, shown, width, height = map(_int, words[2:])
        yield Shot(words[0], _int(words[1]), (x, y) if shown else None, width, height, raw)


def _int(digits: str) -> int:
    return int(digits) if digits.isdigit() and len(digits) < 19 else 0
