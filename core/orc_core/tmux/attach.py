"""The way into an agent's pane: our own client goes there, or a second one is nested.

Invariant: planning changes nothing in tmux, and what a nested client makes smaller is put
back without leaving an option behind.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.errors import TmuxError, UsageError
from orc_core.model.agent import PaneRef
from orc_core.model.attach import AttachPlan, How
from orc_core.tmux.server import Address, client_argv, escape, run_chain

MESSAGE_MS: Final = 4_000
WINDOWS_MAX: Final = 200
MANUAL: Final = "manual"
_WINDOW: Final = re.compile(r"@\d+")
_SIZES: Final = frozenset({"largest", "smallest", "latest", MANUAL})


@dataclass(frozen=True, slots=True)
class WindowSize:
    """A window as it was: its cells, and its own `window-size` option ("" where it has none)."""

    window: str
    width: int
    height: int
    option: str = ""


@dataclass(frozen=True, slots=True)
class Here:
    """Where the dashboard itself runs: its tmux server and pane."""

    address: Address
    pane_id: str


def here(environ: Mapping[str, str]) -> Here | None:
    """The dashboard's own place in tmux; None where it runs outside of it."""
    tmux, pane = environ.get("TMUX", ""), environ.get("TMUX_PANE", "")
    if not tmux or not re.fullmatch(r"%\d+", pane):
        return None
    # `tmux -S` with a relative path hands that path on; ours runs in another folder.
    return Here(Address(str(Path(tmux.rsplit(",", 2)[0]).absolute())), pane)


async def plan_attach(
    address: Address, pane: PaneRef, environ: Mapping[str, str], *, timeout_s: float = 5.0
) -> AttachPlan:
    """Find the way into a pane. Raises `TmuxError` when it is gone, `UsageError` when it is ours.

    Reads only; `timeout_s` holds for each of at most three questions to tmux.
    """
    own = here(environ)
    if own is not None and _same(own.address, address):
        return await _switch(address, pane, own, timeout_s)
    target, windows = await _windows(address, pane, timeout_s)
    outer = ""
    if own is not None:
        asked = ["display-message", "-p", "-t", own.pane_id, "#{prefix}"]
        outer = (await run_chain(own.address, [asked], timeout_s=timeout_s)).strip()
    return nest(address, pane, windows, prefix=target["prefix"], outer_prefix=outer)


def nest(
    address: Address,
    pane: PaneRef,
    windows: Sequence[WindowSize],
    *,
    prefix: str,
    outer_prefix: str = "",
) -> AttachPlan:
    """A client inside the dashboard's terminal; leaving it detaches that client alone.

    Where both servers have one prefix, the outer one takes it first, so it is pressed twice:
    once would detach the dashboard's own terminal.
    """
    keys = f"{prefix} {prefix} d" if prefix == outer_prefix else f"{prefix} d"
    argv = [
        *client_argv(address, "attach-session", "-E", "-t", pane.pane_id),
        *(";", "display-message", "-d", str(MESSAGE_MS), f"orc: {keys} comes back"),
    ]
    lines = [_put_back(window) for window in windows if window.option != MANUAL]
    return AttachPlan(
        how=How.NEST,
        argv=tuple(argv),
        unset=("TMUX", "TMUX_PANE"),
        pane=pane,
        way_back=keys,
        after_argv=tuple(client_argv(address, "source-file", "-")) if lines else (),
        after_stdin="\n".join(lines).encode(),
    )


def _put_back(was: WindowSize) -> str:
    """One line that gives a window its size again, if it lost it and nobody looks at it.

    `resize-window` makes the window's size manual, so the option is put back right after it.
    """
    size = f"{was.width}x{was.height}"
    changed = f"#{{!=:#{{window_width}}x#{{window_height}},{size}}}"
    alone = "#{==:#{window_active_clients},0}"
    option = f"window-size {was.option}" if was.option else "-u window-size"
    resize = f"resize-window -t {was.window} -x {was.width} -y {was.height}"
    restore = f"set-option -w -t {was.window} {option}"
    return f"if-shell -F -t {was.window} '#{{&&:{alone},{changed}}}' '{resize} ; {restore}'"


async def _windows(
    address: Address, pane: PaneRef, timeout_s: float
) -> tuple[dict[str, str], tuple[WindowSize, ...]]:
    """The pane's session and prefix, and every window of that session as it is now."""
    fields = "#{pane_pid} #{session_id} #{prefix}"
    listed = "#{window_id} #{window_width} #{window_height}"
    out = await run_chain(
        address,
        [
            ["display-message", "-p", "-t", pane.pane_id, fields],
            ["list-windows", "-t", pane.pane_id, "-F", listed],
        ],
        timeout_s=timeout_s,
    )
    first, *rest = out.splitlines() or [""]
    pid, session, prefix = _fields(first, 3, pane)
    _same_pane(pane, pid)
    sizes: list[WindowSize] = []
    for line in rest[:WINDOWS_MAX]:
        window, width, height = _fields(line, 3, pane)
        sizes.append(WindowSize(window, int(width), int(height)))
    questions: list[list[str]] = []
    for size in sizes:
        questions.append(["display-message", "-p", size.window])
        questions.append(["show-options", "-wqv", "-t", size.window, "window-size"])
    answers = await run_chain(address, questions, timeout_s=timeout_s)
    options = _options(answers.splitlines())
    found = tuple(
        WindowSize(size.window, size.width, size.height, options.get(size.window, ""))
        for size in sizes
    )
    return {"session": session, "prefix": prefix}, found


def _options(lines: Sequence[str]) -> dict[str, str]:
    """Window ids, each followed by its own option where it has one."""
    found: dict[str, str] = {}
    window = ""
    for line in lines:
        if _WINDOW.fullmatch(line):
            window = line
        elif window and line in _SIZES:
            found[window] = line
    return found


async def _switch(address: Address, pane: PaneRef, own: Here, timeout_s: float) -> AttachPlan:
    """Take the dashboard's own client to the pane."""
    if pane.pane_id == own.pane_id:
        raise UsageError("that pane is this dashboard itself")
    out = await run_chain(
        address,
        [
            ["display-message", "-p", "-t", own.pane_id, "#{session_id} #{window_id} #{prefix}"],
            ["display-message", "-p", "-t", pane.pane_id, "#{session_id} #{window_id} #{pane_pid}"],
            [
                *("list-clients", "-t", own.pane_id),
                *("-F", "#{client_control_mode} #{client_activity} #{client_name}"),
            ],
        ],
        timeout_s=timeout_s,
    )
    lines = out.splitlines()
    if len(lines) < 2:
        raise TmuxError("tmux did not say where this dashboard is: try again")
    session, window, prefix = _fields(lines[0], 3, pane)
    to_session, to_window, pid = _fields(lines[1], 3, pane)
    _same_pane(pane, pid)
    clients = [line.split(" ", 2) for line in lines[2:]]
    people = [(int(seen), name) for control, seen, name in clients if control != "1"]
    if not people:
        raise TmuxError("no terminal is attached to this dashboard's tmux session")
    key = "L"
    if session == to_session:
        # `L` goes to the session before; inside one session there is none to go back to.
        key = ";" if window == to_window else "l"
    client = max(people)[1]
    keys = f"{prefix} {key}"
    argv = client_argv(address, "switch-client", "-E", "-c", client, "-t", pane.pane_id)
    message = escape(f"orc: {keys} comes back")
    argv += [";", "display-message", "-c", client, "-d", str(MESSAGE_MS), message]
    return AttachPlan(how=How.SWITCH, argv=tuple(argv), unset=(), pane=pane, way_back=keys)


def _fields(line: str, count: int, pane: PaneRef) -> list[str]:
    parts = line.split(" ")
    if len(parts) != count:
        raise TmuxError(f"the pane {pane.key} is gone")
    return parts


def _same_pane(pane: PaneRef, pid: str) -> None:
    """Refuse a pane that took the number of the one that is meant."""
    if not pid.isdigit() or (pane.pid and int(pid) != pane.pid):
        raise TmuxError(f"the pane {pane.key} is gone")


def _same(one: Address, other: Address) -> bool:
    return os.path.realpath(one.socket_path) == os.path.realpath(other.socket_path)
