"""The options of panes in which we publish: read all at once, written in one command list.

Invariant: a value is written only on the server that was read, and only over the value that was
read there; whatever somebody set in between stays. Nothing is expanded on its way.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.errors import TmuxError
from orc_core.text import clean
from orc_core.tmux.making import HOME, MARK, OURS
from orc_core.tmux.server import Address, run

AGENT: Final = MARK
STATE: Final = "@orc_state"
TASK: Final = "@orc_task"
NOTE: Final = "@orc_note"
VALUE_MAX: Final = 400
SCRIPT_MAX: Final = 12_000
"""How much is written at once; tmux takes 16 KB of arguments."""
TIMEOUT_S: Final = 5.0
_MOVED: Final = "orc: another server"
_OPTIONS: Final = (AGENT, STATE, TASK, NOTE)
_PANE_ID: Final = re.compile(r"%\d{1,9}")


@dataclass(frozen=True, slots=True)
class PaneOptions:
    """What a pane says of itself; `home` is the mark of the workspace it was started from.

    `values` are those of AGENT, STATE, TASK and NOTE, "" where there is none.
    """

    pane_id: str
    home: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """The options of all panes of one server; `is_ours` where the server was made by us."""

    pid: int
    start: int
    is_ours: bool
    panes: dict[str, PaneOptions]


@dataclass(frozen=True, slots=True)
class Setting:
    """One option of one pane to be set; `value` None takes it away.

    `before` is what it has to have for that, as `render` gave it, or None for whatever.
    """

    pane_id: str
    option: str
    before: str | None
    value: str | None


async def read(address: Address, *, timeout_s: float = TIMEOUT_S) -> Listing:
    """Read the options of all panes; raises TmuxGone, TmuxTimeout and TmuxError."""
    mark = secrets.token_hex(8)
    between = f"|{mark}|"
    fields = (HOME, *_OPTIONS)
    told = "".join(f"{between}{_plain(name)}" for name in fields)
    form = f"<{mark}>#{{pid}} #{{start_time}} #{{pane_id}} #{{{OURS}}}{told}"
    text = await run(address, "list-panes", "-a", "-F", form, timeout_s=timeout_s)
    pid = start = 0
    is_ours = False
    panes: dict[str, PaneOptions] = {}
    for row in text.split(f"<{mark}>")[1:]:
        head, home, *values = row.removesuffix("\n").split(between)
        words = head.split(" ", 3)
        if len(words) != 4 or len(values) != len(_OPTIONS):
            continue
        pid, start, is_ours = int(words[0]), int(words[1]), words[3] == "1"
        panes[words[2]] = PaneOptions(words[2], home, dict(zip(_OPTIONS, values, strict=True)))
    return Listing(pid, start, is_ours, panes)


async def write(
    address: Address, listing: Listing, settings: Sequence[Setting], *, timeout_s: float = TIMEOUT_S
) -> int:
    """Set options on the server that was listed, as many as go at once; return how many.

    One whose value is another by now stays. Raises TmuxGone, TmuxTimeout, and TmuxError where
    another server answers, or a pane is gone.
    """
    lines: list[str] = []
    size = 0
    for setting in settings:
        line = _line(setting)
        size += len(line.encode()) + 3
        if size > SCRIPT_MAX:
            break
        lines.append(line)
    if not lines:
        return 0
    same = f"#{{==:#{{pid}}.#{{start_time}},{listing.pid}.{listing.start}}}"
    answer = await run(
        address,
        *("if-shell", "-F", same, " ; ".join(lines), f"display-message -p {_quoted(_MOVED)}"),
        timeout_s=timeout_s,
    )
    if _MOVED in answer:
        raise TmuxError(f"another server answers at {clean(address.socket_path, limit=120)}")
    return len(lines)


def render(text: str, limit: int = VALUE_MAX) -> str:
    """A text as it is published: on one line, short, and nothing that tmux would expand."""
    line = clean(" ".join(text.split()), limit=limit)
    return re.sub(r"#(?=[^\w\s]|$)", "＃", line).removesuffix("\\")


def _line(setting: Setting) -> str:
    if not _PANE_ID.fullmatch(setting.pane_id) or setting.option not in _OPTIONS:
        raise TmuxError(f"{setting.option} of {setting.pane_id} is nothing that we publish")
    where = f"-p -t {setting.pane_id} {setting.option}"
    if setting.value is None:
        write = f"set-option -u {where}"
    else:
        write = f"set-option {where} {_quoted(setting.value)}"
    if setting.before is None:
        return write
    is_as_read = f"#{{==:{_plain(setting.option)},{_escaped(setting.before)}}}"
    return f"if-shell -F -t {setting.pane_id} {_quoted(is_as_read)} {_quoted(write)}"


def _plain(option: str) -> str:
    """Ask for an option on one line, whatever is in it."""
    return f"#{{s/[\x01-\x1f\x7f]/ /:{option}}}"


def _quoted(text: str) -> str:
    """A word of a tmux command, whatever is in it."""
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(text: str) -> str:
    """A text as a side of a comparison in a format: nothing in it is expanded or ends it."""
    return text.replace("#", "##").replace(",", "#,").replace("}", "#}")
