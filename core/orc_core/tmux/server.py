"""One tmux server: where it is, whether it is there, and one command at a time.

Invariant: no call starts a server (`-N`), waits without a deadline, or passes an argument
through a shell; a child that outlives its deadline is killed. What a child sees of our
environment is an allowlist.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from orc_core.errors import TmuxError, TmuxGone, TmuxTimeout
from orc_core.text import clean
from orc_core.tmux import tether

SOCKET_PATH_MAX_BYTES: Final = 103
"""The smallest limit of the systems we run on (macOS: 104 with the closing zero)."""

OUTPUT_MAX_BYTES: Final = 64 * 1024 * 1024
_READ_BYTES: Final = 256 * 1024
_KILL_GRACE_S: Final = 2.0

_GONE: Final = ("no server running", "error connecting to", "lost server", "server exited")
_KEPT: Final = ("HOME", "PATH", "TMPDIR", "TMUX_TMPDIR", "USER", "LOGNAME")


@dataclass(frozen=True, slots=True)
class Address:
    """The socket of one tmux server, as an absolute path."""

    socket_path: str


def socket_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where tmux keeps the sockets of this user."""
    place = Path(environ.get("TMUX_TMPDIR") or "/tmp") / f"tmux-{os.getuid()}"  # noqa: S108
    return place.absolute()


def resolve(
    socket_path: str | None = None,
    socket_name: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Address:
    """Find the server that is meant: the option, else the server of `$TMUX`, else the default.

    Raises `TmuxError` where the path is longer than a socket may be.
    """
    if socket_path:
        path = Path(socket_path).expanduser().absolute()
    elif socket_name:
        path = socket_folder(environ) / socket_name
    else:
        path = Path(own_server(environ).socket_path)
    if len(os.fsencode(path)) > SOCKET_PATH_MAX_BYTES:
        raise TmuxError(
            f"the socket path {clean(str(path), limit=120)} is longer than "
            f"{SOCKET_PATH_MAX_BYTES} bytes: use a shorter --socket-path"
        )
    return Address(str(path))


def own_server(environ: Mapping[str, str] = os.environ) -> Address:
    """The server of `$TMUX`, else the default one; nobody may be there."""
    if environ.get("TMUX"):
        return Address(str(Path(environ["TMUX"].rsplit(",", 2)[0]).absolute()))
    return Address(str(socket_folder(environ) / "default"))


def resolve_all(
    socket_paths: Sequence[str], socket_names: Sequence[str], environ: Mapping[str, str]
) -> tuple[Address, ...]:
    """The servers that were named, each once; none where no option names any."""
    named = [resolve(socket_path=path, environ=environ) for path in socket_paths]
    named += [resolve(socket_name=name, environ=environ) for name in socket_names]
    return tuple({os.path.realpath(one.socket_path): one for one in reversed(named)}.values())[::-1]


@cache
def tmux_binary() -> str:
    """The path of the tmux program; `TmuxError` where there is none."""
    found = shutil.which("tmux")
    if found is None:
        raise TmuxError("tmux is not installed: install tmux 3.2 or newer and run orc again")
    return found


@cache
def version() -> tuple[int, int]:
    """The version of the tmux program, (3, 3) for 3.3a; a development build counts as newest."""
    return parse_version(version_text())


@cache
def version_text() -> str:
    """The version as the tmux program tells it: `3.3a`, `next-3.6`."""
    done = subprocess.run(
        [tmux_binary(), "-V"], capture_output=True, text=True, timeout=5.0, check=False
    )
    return clean(done.stdout, limit=40).strip().removeprefix("tmux ")


def parse_version(text: str) -> tuple[int, int]:
    """Read `tmux 3.3a`, `next-3.6` or `master`."""
    found = re.search(r"(\d+)\.(\d+)", text)
    if found:
        return int(found[1]), int(found[2])
    return (99, 0) if "master" in text else (0, 0)


def child_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a tmux client of ours is given: no secrets, no `$TMUX`, a UTF-8 locale."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    return kept | {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}


def escape(argument: str) -> str:
    """Keep a trailing `;` from ending the command: tmux reads it so even in an exec array."""
    return argument[:-1] + "\\;" if argument.endswith(";") else argument


def client_argv(address: Address, *argv: str) -> list[str]:
    """The argv of a client that never starts a server; trailing `;` are the caller's matter."""
    return [tmux_binary(), "-N", "-u", "-S", address.socket_path, *argv]


async def run(
    address: Address, *argv: str, stdin: bytes | None = None, timeout_s: float = 5.0
) -> str:
    """Run one command in one client and return what it printed.

    Raises `TmuxGone`, `TmuxTimeout`, or `TmuxError` with tmux's own words.
    """
    return await run_chain(address, [argv], stdin=stdin, timeout_s=timeout_s)


async def run_chain(
    address: Address,
    commands: Sequence[Sequence[str]],
    *,
    stdin: bytes | None = None,
    timeout_s: float = 5.0,
) -> str:
    """Run commands in one client, in order; the first that fails ends the chain."""
    argv: list[str] = []
    for command in commands:
        argv += [";"] if argv else []
        argv += map(escape, command)
    code, out, err = await spawn(address, argv, stdin, timeout_s)
    if code != 0:
        raise failure(address, err)
    return out.decode("utf-8", "surrogateescape")


def failure(address: Address, stderr: bytes) -> TmuxError:
    """The error that tmux's words on stderr stand for."""
    words = clean(stderr, limit=300).strip() or "tmux failed without a word"
    if any(sign in words for sign in _GONE) and "Permission denied" not in words:
        return TmuxGone(f"no tmux server at {clean(address.socket_path, limit=120)}")
    return TmuxError(f"tmux: {words}")


async def spawn(
    address: Address,
    argv: Sequence[str],
    stdin: bytes | Awaitable[bytes] | None,
    timeout_s: float,
    received: Callable[[bytes], None] | None = None,
) -> tuple[int, bytes, bytes]:
    """Run one client to its end: exit code, stdout, stderr. Raises `TmuxTimeout`.

    What it is to read may be known only later: it starts meanwhile. What it prints is handed to
    `received` as it comes, where that is given.
    """
    with tether.end() as ends:
        child = await asyncio.create_subprocess_exec(
            *client_argv(address, *argv),
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environment(),
            cwd="/",
            start_new_session=True,
            pass_fds=ends,
        )
        tether.tie(ends, child.pid)
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await _converse(child, stdin, received)
            return await child.wait(), out, err
    except TimeoutError:
        raise TmuxTimeout(
            f"tmux did not answer in {timeout_s:g} s at {clean(address.socket_path, limit=120)}"
        ) from None
    finally:
        await reap(child)


async def _converse(
    child: asyncio.subprocess.Process,
    stdin: bytes | Awaitable[bytes] | None,
    received: Callable[[bytes], None] | None,
) -> tuple[bytes, bytes]:
    assert child.stdout is not None and child.stderr is not None  # noqa: S101
    async with asyncio.TaskGroup() as group:
        out = group.create_task(_read_all(child.stdout, received))
        err = group.create_task(_read_all(child.stderr))
        if stdin is not None and child.stdin is not None:
            data = stdin if isinstance(stdin, bytes) else await stdin
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                child.stdin.write(data)
                await child.stdin.drain()
            child.stdin.close()
    return out.result(), err.result()


async def _read_all(
    stream: asyncio.StreamReader, received: Callable[[bytes], None] | None = None
) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := await stream.read(_READ_BYTES):
        size += len(chunk)
        if size > OUTPUT_MAX_BYTES:
            continue
        if received is not None:
            received(chunk)
        else:
            chunks.append(chunk)
    return b"".join(chunks)


async def reap(child: asyncio.subprocess.Process) -> None:
    """Make sure that a child is over, by force if need be, and its pipes closed."""
    ended = child.returncode is not None
    if not ended:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
    # The server holds our pipes, too: while it stands still they would never be seen to close.
    child._transport.close()  # type: ignore[attr-defined] # noqa: SLF001
    if not ended:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KILL_GRACE_S):
                await asyncio.shield(child.wait())


async def alive(address: Address, *, timeout_s: float = 1.0) -> bool:
    """Whether something listens at the socket; a stopped server does, too. Forks nothing."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.setblocking(False)
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(probe, address.socket_path)
    except (TimeoutError, BlockingIOError):
        return True  # its backlog is full: there is somebody who does not answer
    except OSError:
        return False
    finally:
        probe.close()
    return True
