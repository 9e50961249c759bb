"""Making panes, starting programs in them again, and closing them, through libtmux.

Invariant: argv reaches the program word by word and never a shell. A pane that was made here
carries its agent's name from the same command that made it, so that it can be found again
whatever happens to us. Every call has a deadline and runs on a thread of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orc_core.errors import TmuxError, TmuxGone, UsageError
from orc_core.model.agent import PaneRef
from orc_core.text import clean
from orc_core.tmux.server import Address, alive, escape, failure, run, run_chain

if TYPE_CHECKING:
    from libtmux.common import tmux_cmd

MARK: Final = "@orc_agent"
"""The option of a pane that says which agent was started in it."""

HOME: Final = "@orc_workspace"
"""The option that says from which workspace: two of them may have an agent of one name."""

OURS: Final = "@orc_made"
"""The option of a server that says it was started by us."""

SESSION: Final = "orc"
"""The session in which agents are started when no other one is named."""

TIMEOUT_S: Final = 5.0
COLUMNS: Final = 160
LINES: Final = 48
TRIES: Final = 4
PANES_MAX: Final = 4096
ENV: Final = "/usr/bin/env"

_MADE: Final = "#{pane_id}|#{pane_pid}|#{start_time}|#{session_name}"
_SEEN: Final = (
    f"#{{pane_id}}|#{{pane_pid}}|#{{pane_dead}}|#{{pane_dead_status}}|#{{pane_dead_signal}}"
    f"|#{{start_time}}|#{{{MARK}}}|#{{{HOME}}}|#{{pane_tty}}|#{{pane_current_path}}"
)
_SESSION_NAME: Final = re.compile(r"[^:.#%\x00-\x1f=@$][^:.#\x00-\x1f]{0,59}")
_NO_SESSION: Final = ("can't find session", "no such session")
_RACED: Final = "duplicate session"


@dataclass(frozen=True, slots=True)
class Start:
    """A program to be started: `argv` begins with an absolute path, `cwd` is absolute.

    `home` is one word that tells the workspace it belongs to.
    """

    name: str
    argv: tuple[str, ...]
    cwd: str
    environ: Mapping[str, str]
    home: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A pane in which a program was started."""

    pane: PaneRef
    session: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One pane as it stands; `mark` is the agent that was started in it, "" for none."""

    pane: PaneRef
    dead: bool
    status: int | None
    signal: int | None
    mark: str
    home: str
    tty: str
    cwd: str


async def make(
    address: Address,
    start: Start,
    *,
    session: str = SESSION,
    environ: Mapping[str, str] = os.environ,
    timeout_s: float = TIMEOUT_S,
) -> Made:
    """Start a program in a new window of `session`, which is made if it is not there.

    A server is started where none runs; it inherits an allowlist of `environ`. Raises
    UsageError, TmuxTimeout and TmuxError. After TmuxTimeout it is not known whether it started.
    """
    check(start, session)
    token = f"orc-{secrets.token_hex(8)}"
    window = _chain("new-window", "-d", "-t", f"={session}:", session=session, of=(start, token))
    size = ("-x", str(COLUMNS), "-y", str(LINES))
    first = _chain("new-session", "-d", "-s", session, *size, session=session, of=(start, token))
    refused = ""
    # The first session of a server says that it was started for us.
    is_first = ("if-shell", "-F", "-t", f"={session}:", "#{==:#{session_id},$0}")
    ours = [";", *is_first, f"set-option -s {OURS} 1"]
    for _ in range(TRIES):
        was_alive = await alive(address)
        if was_alive:
            answer = await _ask(address, window, timeout_s)
            refused = " ".join(answer.stderr)
            if answer.returncode == 0:
                return _made(address, answer)
            if not any(sign in refused for sign in _NO_SESSION) and not _is_gone(address, answer):
                raise failure(address, refused.encode())
        _make_room(address)
        chain = first if was_alive else [*first, *ours]
        answer = await _ask(address, chain, timeout_s, may_start=True, environ=environ)
        refused = " ".join(answer.stderr)
        if answer.returncode == 0 and (answer.stdout or not refused):
            return _made(address, answer)
        if _RACED not in refused and not _is_gone(address, answer):
            raise failure(address, refused.encode())
    raise failure(address, refused.encode())


def check(start: Start, session: str = SESSION) -> None:
    """Raise UsageError where tmux could not be told to start this in that session."""
    if not _SESSION_NAME.fullmatch(session):
        raise UsageError(
            f"{clean(session, limit=60)!r} cannot name a session: leave out : . # and controls"
        )
    if "#[" in start.cwd:
        raise UsageError(f"{clean(start.cwd, limit=200)}: tmux cannot start in a folder with #[")
    if len(start.argv) == 1 and "=" in start.argv[0]:
        raise UsageError(f"{clean(start.argv[0], limit=200)}: a path with = needs an argument")
    for word in (*start.argv, start.cwd, *start.environ.values()):
        if "\0" in word:
            raise UsageError("the command, its folder or its environment holds a zero byte")


async def again(
    address: Address, pane_id: str, start: Start, *, timeout_s: float = TIMEOUT_S
) -> Made:
    """Start a program in a pane whose last one ended; raises TmuxError where it still runs."""
    check(start)
    words = _program(start)
    words += _marking(start, pane_id)
    words += [";", "display-message", "-p", "-t", pane_id, _MADE]

    def work() -> tmux_cmd:
        from libtmux import Pane

        from orc_core.tmux.bounded import BoundedServer

        server = BoundedServer(address, timeout_s=timeout_s)
        return Pane(server=server, pane_id=pane_id).cmd("respawn-pane", *words)

    answer = await _on_thread(work)
    if answer.returncode != 0:
        raise failure(address, " ".join(answer.stderr).encode())
    return _made(address, answer)


async def close(address: Address, pane_id: str, *, timeout_s: float = TIMEOUT_S) -> None:
    """Close a pane that is ours; nothing happens where it is gone already. Raises TmuxError."""

    def work() -> None:
        from libtmux import Pane
        from libtmux.exc import LibTmuxException

        from orc_core.tmux.bounded import BoundedServer

        server = BoundedServer(address, timeout_s=timeout_s)
        try:
            Pane(server=server, pane_id=pane_id).kill()
        except LibTmuxException as error:
            trouble = failure(address, str(error).encode())
            if "can't find pane" not in str(trouble) and not isinstance(trouble, TmuxGone):
                raise trouble from error

    await _on_thread(work)


async def unmark(address: Address, pane_id: str, *, timeout_s: float = TIMEOUT_S) -> None:
    """Take the agent's name off a pane; raises TmuxError."""
    commands = [("set-option", "-pu", "-t", pane_id, option) for option in (MARK, HOME)]
    await run_chain(address, commands, timeout_s=timeout_s)


async def look(address: Address, *, timeout_s: float = TIMEOUT_S) -> tuple[Seen, ...]:
    """All panes of a server; raises TmuxGone where there is none, TmuxTimeout, TmuxError."""
    if not await alive(address):
        raise TmuxGone(f"no tmux server at {clean(address.socket_path, limit=120)}")
    told = await run(address, "list-panes", "-a", "-F", _SEEN, timeout_s=timeout_s)
    found: dict[str, Seen] = {}
    for line in told.splitlines()[:PANES_MAX]:
        fields = line.split("|", 9)
        if len(fields) != 10 or not fields[1].isdigit() or not fields[5].isdigit():
            continue
        pane_id, pid, dead, status, signal, start, mark, home, tty, cwd = fields
        pane = PaneRef(address.socket_path, int(start), pane_id, int(pid))
        found[pane_id] = Seen(
            pane=pane,
            dead=dead == "1",
            status=_number(status),
            signal=_number(signal),
            mark=clean(mark, limit=63),
            home=clean(home, limit=63),
            tty=tty,
            cwd=cwd,
        )
    return tuple(found.values())


async def _ask(
    address: Address,
    words: Sequence[str],
    timeout_s: float,
    *,
    may_start: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> tmux_cmd:
    def work() -> tmux_cmd:
        from orc_core.tmux.bounded import BoundedServer

        server = BoundedServer(address, timeout_s=timeout_s, may_start=may_start, environ=environ)
        return server.cmd(*words)

    return await _on_thread(work)


_on_thread = asyncio.to_thread


def _chain(*words: str, session: str, of: tuple[Start, str]) -> list[str]:
    """The commands that make a window and name it, run by the server in one go.

    The window is called by a random word until it is marked: its number is not known here.
    """
    start, token = of
    here = f"={session}:={token}"
    chain = [*words, "-P", "-F", _MADE, "-n", token, *_program(start)]
    chain += _marking(start, here)
    chain += [";", "set-option", "-p", "-t", here, "remain-on-exit", "on"]
    return [*chain, ";", "rename-window", "-t", here, start.name]


def _program(start: Start) -> list[str]:
    """Folder, environment and words of a program; a single word would go to a shell."""
    words = ["-c", start.cwd.replace("#", "##")]
    for name, value in start.environ.items():
        words += ["-e", f"{name}={value}"]
    words += [ENV, *start.argv] if len(start.argv) == 1 else list(start.argv)
    return [escape(word) for word in words]


def _marking(start: Start, target: str) -> list[str]:
    words: list[str] = []
    for option, value in ((MARK, start.name), (HOME, start.home)):
        words += [";", "set-option", "-p", "-t", target, option, escape(value)]
    return words


def _make_room(address: Address) -> None:
    """Make tmux's own folder of sockets as tmux makes it, but not for a path that it is given.

    It is gone after a reboot. Any other folder is for the user to make.
    """
    folder = Path(address.socket_path).parent
    if folder.name == f"tmux-{os.getuid()}":
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            shown = clean(str(folder), limit=120)
            raise TmuxError(f"{shown} cannot be made: {error.strerror}") from error


def _made(address: Address, answer: tmux_cmd) -> Made:
    fields = answer.stdout[-1].split("|", 3) if answer.stdout else []
    if len(fields) != 4 or not fields[1].isdigit() or not fields[2].isdigit():
        raise TmuxError("tmux started the program, but did not say where: look with `orc agents`")
    pane_id, pid, start, session = fields
    pane = PaneRef(address.socket_path, int(start), pane_id, int(pid))
    return Made(pane, clean(session, limit=60))


def _is_gone(address: Address, answer: tmux_cmd) -> bool:
    return isinstance(failure(address, " ".join(answer.stderr).encode()), TmuxGone)


def _number(digits: str) -> int | None:
    return int(digits) if digits.isdigit() and len(digits) < 10 else None
