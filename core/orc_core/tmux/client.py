"""The process of a control client and its pipes: started, never killed.

Invariant: the user's server survives whatever becomes of us. tmux 3.3a dies, and all agents
with it, when a control client is killed while it introduces itself; when its input ends before
it has a session and nobody reads its output; and when its input ends while its session still
stands, that session goes with its last client, and some other client leaves in that moment.
How a client introduces itself is the matter of `introducer`.
So a client is never killed and its input never just closed: `kill-session` comes first and its
output is read to the end. A guard, one small shell, sees to that when we cannot any more: it
runs `farewell`, which brings home what others have put into the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import orc_core.tmux
from orc_core.tmux import guests
from orc_core.tmux.server import child_environment

_READ_BYTES: Final = 256 * 1024

# It reads one line, which means that all went well, or the end, which our death means, too. Then
# it gives an opening client time to have its session, has that ended, and reads what still comes.
# Where our program is gone from the disk by then, the session ends if nobody else is in it.
_GUARD: Final = (
    """read -r _ <&2 && exit; sleep 1; "$1" -I -S -c "$2" "$3" "$0" 2>/dev/null || """
    """printf '%s\\n' "$4"; exec cat >/dev/null"""
)
_FAREWELL: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from orc_core.tmux import farewell; farewell.main(sys.argv[2])"
)
_ROOT: Final = str(Path(orc_core.tmux.__file__).parents[2])
_DONE: Final = b"done\n"


class ClientProcess:
    """A control client that runs; `exited` is done when it does not any more."""

    def __init__(self, session: str) -> None:
        self._session = session
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._input: asyncio.WriteTransport | None = None
        self._output = -1
        self._life = -1

    async def start(
        self,
        argv: Sequence[str],
        received: Callable[[bytes], None],
        ended: Callable[[], None],
    ) -> None:
        """Start the client; `received` gets what it prints, `ended` is called at its end."""
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as ours:
            in_read, in_write = _pipe(ours)
            out_read, out_write = _pipe(ours)
            life_read, life_write = _pipe(ours)
            # What we keep is a copy; the ends in this block are closed with it.
            keep = os.fdopen(os.dup(in_write), "wb", buffering=0)
            try:
                self._input, _ = await loop.connect_write_pipe(asyncio.Protocol, keep)
            except BaseException:
                keep.close()
                raise
            self._life = os.dup(life_write)
            self._output = os.dup(out_read)
            # Not through a transport, which would make it non-blocking for the guard, too.
            loop.add_reader(self._output, self._read, received, ended)
            self._spawn(argv, (in_read, in_write), (out_read, out_write), life_read)

    def _spawn(
        self, argv: Sequence[str], inward: tuple[int, int], outward: tuple[int, int], life: int
    ) -> None:
        """Start the guard, then the client; nothing can come between them."""
        loop = asyncio.get_running_loop()
        last = guests.ending(self._session)
        ours = [self._session, sys.executable, _FAREWELL, _ROOT, last]
        guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, *ours],
            stdin=outward[0],
            stdout=inward[1],
            stderr=life,
            cwd="/",
            start_new_session=True,
        )
        _await_exit(guard, lambda: None)
        client = subprocess.Popen(
            argv,
            stdin=inward[0],
            stdout=outward[1],
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            cwd="/",
            start_new_session=True,
        )
        _await_exit(client, lambda: loop.call_soon_threadsafe(self._note_exit))

    def write(self, data: bytes) -> None:
        """Send to the client; what cannot be sent any more is dropped."""
        if self._input is not None and not self._input.is_closing():
            self._input.write(data)

    def leave(self, *, done: bool) -> None:
        """Let go of the client; the guard sees to its end unless that is `done`."""
        if self._life < 0:
            return
        self.pause_reading()
        os.close(self._output)
        if self._input is not None and not self._input.is_closing():
            self._input.abort()
        if done:
            with contextlib.suppress(OSError):
                os.write(self._life, _DONE)
        os.close(self._life)
        self._input, self._output, self._life = None, -1, -1

    @property
    def started(self) -> bool:
        return self._life >= 0

    def pause_reading(self) -> None:
        """Read no more; for those who want to see a connection that wedges."""
        if self._output >= 0:
            asyncio.get_running_loop().remove_reader(self._output)

    def _read(self, received: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        """Take what is there; the pipe blocks, but not when it is readable and we alone read."""
        data = os.read(self._output, _READ_BYTES)
        if data:
            received(data)
        else:
            self.pause_reading()
            ended()

    def _note_exit(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        stack.callback(os.close, end)
    return ends


def _await_exit(child: subprocess.Popen[bytes], then: Callable[[], object]) -> None:
    """Reap a child when it ends, in a thread: it may outlive the loop."""

    def reap() -> None:
        child.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            then()

    threading.Thread(target=reap, name=f"reap {child.pid}", daemon=True).start()
