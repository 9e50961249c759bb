"""A program of a step, run to its end with all that it starts.

Invariant: it begins only once it is tied to our life, so that none goes on unseen after a kill;
whatever ends it, its process group is over before we return. What it prints is read to the end
and of that the last OUTPUT_MAX bytes are kept. No shell reads its words.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.text import clean
from orc_core.tmux import tether

OUTPUT_MAX: Final = 4_000
DRAIN_S: Final = 0.5
"""How long what a program left behind may still print, once it has ended itself."""
_READ_BYTES: Final = 64 * 1024
_BEGIN: Final = 'read -r _ && exec "$@" </dev/null'
"""Waits for our word, which a runner that was killed before it tied this cannot give."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: `code` as a shell says it, and the end of what it printed."""

    code: int
    output: str


async def run(argv: Sequence[str], *, environ: Mapping[str, str], folder: str) -> Ran:
    """Run a program until it ends, or until the caller is cancelled, which ends it.

    Raises OSError where the folder is not there.
    """
    # A pipe of our own: asyncio's would keep wait() waiting for whatever the program left behind.
    ours, theirs = os.pipe()
    reading = asyncio.create_task(_tail(ours))
    try:
        with tether.end() as ends:
            child = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", _BEGIN, "sh", *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=theirs,
                stderr=theirs,
                env=dict(environ),
                cwd=folder,
                start_new_session=True,
                pass_fds=ends,
            )  # fmt: skip
            tether.tie(ends, -child.pid, signum=signal.SIGKILL)
    except BaseException:
        reading.cancel()
        raise
    finally:
        os.close(theirs)
    try:
        code = await _wait(child)
        await asyncio.wait({reading}, timeout=DRAIN_S)
    finally:
        _end_group(child.pid)
        reading.cancel()
        if child.returncode is None:
            await asyncio.shield(child.wait())
        child._transport.close()  # type: ignore[attr-defined] # noqa: SLF001
    output = b"" if reading.cancelled() or not reading.done() else reading.result()
    said = clean(output, limit=OUTPUT_MAX, newlines=True).strip()
    return Ran(code if code >= 0 else 128 - code, said)


async def _wait(child: asyncio.subprocess.Process) -> int:
    """Have a program begin, wait for its end, and end what it left behind."""
    assert child.stdin is not None  # noqa: S101
    child.stdin.write(b"\n")
    child.stdin.close()
    code = await child.wait()
    _end_group(child.pid)
    return code


def _end_group(pid: int) -> None:
    """End what is left of the group that a child leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


async def _tail(fd: int) -> bytes:
    """The last of what comes through a pipe, which is closed in the end."""
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(fd, "rb", buffering=0)
    )
    kept = b""
    try:
        while chunk := await stream.read(_READ_BYTES):
            kept = (kept + chunk)[-OUTPUT_MAX:]
    finally:
        transport.close()
    return kept
