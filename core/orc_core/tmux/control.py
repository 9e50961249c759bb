"""One control-mode client in a hidden session of our own: asking a server without forking.

Invariant: it never starts a server, never joins a session of the user, and never sends
`refresh-client -A`, `-B` or `-C`, which crash, lag or resize. What others put into our session,
because a command without a target finds the newest one, is given back to them and never ended.
Every request has a deadline. A reply ends only with the time and number it began with; anything
out of order closes the connection. The session dies with its client (`destroy-unattached`),
however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.errors import TmuxBusy, TmuxError, TmuxGone, TmuxTimeout
from orc_core.text import clean
from orc_core.tmux import guests, introducer
from orc_core.tmux.client import ClientProcess
from orc_core.tmux.server import (
    OUTPUT_MAX_BYTES,
    Address,
    alive,
    client_argv,
    failure,
    parse_version,
    run,
    version,
)
from orc_core.tmux.turns import turn

PENDING_MAX: Final = 64
_CLOSE_GRACE_S: Final = 0.5
_TURN_S: Final = 1.0
"""How long others of us may keep us from coming, who need a few milliseconds each."""

INTRODUCED: Final = (3, 3)
"""The tmux whose own client endangers the server while it comes; `introducer` comes for it."""

_BEGIN: Final = re.compile(rb"%begin (\d+) (\d+) (\d+)")
_END: Final = re.compile(rb"%(end|error) (\d+) (\d+) \d+")

# What tells that the list of panes may be another now, apart from what runs in them.
_STRUCTURAL: Final = (
    b"%sessions-changed",
    b"%session-renamed",
    b"%window-add",
    b"%window-close",
    b"%window-renamed",
    b"%window-pane-changed",
    b"%unlinked-window",
    b"%layout-change",
    b"%client-session-changed",
    b"%client-detached",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What one command printed; `asked` is False for commands that were not sent over here."""

    lines: tuple[str, ...]
    failed: bool
    asked: bool


class Disorder(Exception):
    """The stream does not follow the protocol; nothing that comes later can be trusted."""


class ReplyReader:
    """Splits the stream of a control client into replies and notices; pure."""

    def __init__(self) -> None:
        self._rest = b""
        self._open: tuple[bytes, bytes, bool] | None = None
        self._lines: list[bytes] = []
        self._size = 0
        self.structural = False

    def feed(self, data: bytes) -> list[Reply]:
        """Take bytes as they come and return the replies they complete; raises `Disorder`."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > OUTPUT_MAX_BYTES:
            raise Disorder("a line without an end")
        replies: list[Reply] = []
        for line in lines:
            if self._open is None:
                self._outside(line)
            elif (reply := self._inside(line, *self._open)) is not None:
                replies.append(reply)
        return replies

    def _inside(self, line: bytes, time: bytes, number: bytes, asked: bool) -> Reply | None:
        end = _END.fullmatch(line) if line.startswith(b"%e") else None
        if end is None or (end[2], end[3]) != (time, number):
            self._lines.append(line)
            self._size += len(line)
            if self._size > OUTPUT_MAX_BYTES:
                raise Disorder("a reply without an end")
            return None
        lines = tuple(line.decode("utf-8", "surrogateescape") for line in self._lines)
        self._open, self._lines, self._size = None, [], 0
        return Reply(lines, failed=end[1] == b"error", asked=asked)

    def _outside(self, line: bytes) -> None:
        begin = _BEGIN.fullmatch(line)
        if begin is not None:
            self._open = (begin[1], begin[2], begin[3] != b"0")
        elif line.startswith(_STRUCTURAL):
            self.structural = True
        elif line and not line.startswith(b"%"):
            raise Disorder("text between two replies")


class _Stream:
    """What comes from the client, and who waits for it."""

    def __init__(self) -> None:
        self.reader = ReplyReader()
        self.pending: deque[asyncio.Future[Reply]] = deque()
        self.opening: asyncio.Queue[Reply] = asyncio.Queue(maxsize=8)
        self.closed = asyncio.Event()

    def received(self, data: bytes) -> None:
        try:
            for reply in self.reader.feed(data):
                self._deliver(reply)
        except Disorder as trouble:
            self.end(TmuxError(f"the control connection to tmux broke: {trouble}"))

    def ended(self) -> None:
        self.end(TmuxGone("the control connection to tmux ended"))

    def _deliver(self, reply: Reply) -> None:
        if not reply.asked:
            with contextlib.suppress(asyncio.QueueFull):
                self.opening.put_nowait(reply)
        elif not self.pending:
            raise Disorder("a reply that nobody asked for")
        else:
            waiting = self.pending.popleft()
            if not waiting.done():
                waiting.set_result(reply)

    def end(self, error: TmuxError) -> None:
        """Nothing more will be answered."""
        self.closed.set()
        while self.pending:
            waiting = self.pending.popleft()
            if not waiting.done():
                waiting.set_exception(error)


class ControlClient:
    """One connection, made by `open`: its session, and the server's pid, start and version."""

    def __init__(self, address: Address, name: str) -> None:
        self.address = address
        self.name = name
        self.pid = 0
        self.start = 0
        self.version = (0, 0)
        self.session_id = ""
        self.pane_id = ""
        self._client = ""
        self._stream = _Stream()
        self._process = ClientProcess(name)
        self._opened = False

    @classmethod
    async def open(cls, address: Address, *, timeout_s: float = 2.0) -> ControlClient:
        """Connect to a server that runs.

        Raises `TmuxGone`, `TmuxTimeout` or `TmuxError` where that fails, `TmuxBusy` where another
        of us takes too long with it.
        """
        async with turn(address, within_s=_TURN_S) as ours:
            if not ours:
                raise TmuxBusy(f"others come to tmux at {clean(address.socket_path, limit=120)}")
            return await cls._introduced(address, timeout_s)

    @classmethod
    async def _introduced(cls, address: Address, timeout_s: float) -> ControlClient:
        client = cls(address, f"_orc-{os.getpid()}")
        try:
            try:
                await client._connect(timeout_s)
            except TmuxError as error:
                if "duplicate session" not in str(error):
                    raise
                await client.close()
                client = cls(address, f"_orc-{os.getpid()}-{secrets.token_hex(4)}")
                await client._connect(timeout_s)
        except BaseException:
            await client.close()
            raise
        return client

    @property
    def closed(self) -> asyncio.Event:
        """Set when the connection is over, for whatever reason."""
        return self._stream.closed

    def take_structural(self) -> bool:
        """Whether sessions or windows came, went or changed names since this was asked last."""
        seen, self._stream.reader.structural = self._stream.reader.structural, False
        return seen

    async def request(self, command: str, *, timeout_s: float = 1.5) -> tuple[str, ...]:
        """Send one command line and return what it printed.

        Raises `TmuxError` when tmux refuses it, `TmuxTimeout`, or `TmuxGone`.
        """
        (reply,) = await self.requests([command], timeout_s=timeout_s)
        if reply.failed:
            raise TmuxError(f"tmux: {clean(' '.join(reply.lines), limit=300)}")
        return reply.lines

    async def requests(
        self, commands: Sequence[str], *, timeout_s: float = 1.5
    ) -> tuple[Reply, ...]:
        """Send command lines at once and return a reply for each; one deadline for all."""
        return await self._exchange(commands, len(commands), timeout_s)

    async def _exchange(
        self, commands: Sequence[str], replies: int, timeout_s: float
    ) -> tuple[Reply, ...]:
        if any("\n" in command or not command for command in commands):
            raise ValueError("a command is one line")
        stream = self._stream
        if not self._process.started or stream.closed.is_set():
            raise TmuxGone("the control connection to tmux ended")
        if len(stream.pending) + replies > PENDING_MAX:
            raise TmuxError("too many requests wait for an answer of tmux")
        loop = asyncio.get_running_loop()
        waiting: list[asyncio.Future[Reply]] = [loop.create_future() for _ in range(replies)]
        stream.pending.extend(waiting)
        data = "".join(f"{command}\n" for command in commands)
        self._process.write(data.encode("utf-8", "surrogateescape"))
        try:
            async with asyncio.timeout(timeout_s):
                return tuple(await asyncio.gather(*waiting))
        except TimeoutError:
            raise TmuxTimeout(f"tmux did not answer in {timeout_s:g} s") from None

    async def give_back(self, *, timeout_s: float = 1.5) -> bool:
        """Bring what is not ours, windows, panes and clients, where they were meant to be.

        False where something had to stay, because there is no other session.
        """
        host = guests.Host(self.session_id, self.pane_id, self._client)
        listed = await self.requests(guests.questions(host), timeout_s=timeout_s)
        moves, whole = guests.moves(host, [reply.lines for reply in listed])
        done = await self.requests(moves, timeout_s=timeout_s) if moves else ()
        return whole and not any(reply.failed for reply in done)

    async def _connect(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._spawn()
                await self._await_session()
        except TimeoutError:
            raise TmuxTimeout(f"tmux did not answer in {timeout_s:g} s") from None
        facts = await self.request(
            "display-message -p"
            " '#{pid} #{start_time} #{version} #{session_id} #{pane_id} #{client_name}"
            " #{destroy-unattached} #{session_name}'",
            timeout_s=timeout_s,
        )
        pid, start, told, *ids, dies, name = " ".join(facts).split(" ", 7)
        if dies in ("0", "off") or name != self.name:
            raise TmuxError("tmux did not give us a session that dies with its client")
        self._opened = True
        self.session_id, self.pane_id, self._client = ids
        self.pid, self.start, self.version = int(pid), int(start), parse_version(told)

    async def _spawn(self) -> None:
        command = [
            "new-session", "-E", "-s", self.name, "-f",
            "no-output,ignore-size,read-only", guests.PROGRAM, ";",
            "set-option", "-t", f"={self.name}:", "destroy-unattached", "on",
        ]  # fmt: skip
        argv = client_argv(self.address, "-C", *command)
        if await asyncio.to_thread(version) == INTRODUCED:
            program = [sys.executable, "-I", "-S", introducer.__file__]
            argv = [*program, self.address.socket_path, *command]
        await self._process.start(argv, self._stream.received, self._stream.ended)

    async def _await_session(self) -> None:
        """The two commands that we were started with answer first."""
        closed = asyncio.ensure_future(self._stream.closed.wait())
        reply = asyncio.ensure_future(self._stream.opening.get())
        try:
            for _ in range(2):
                await asyncio.wait({reply, closed}, return_when=asyncio.FIRST_COMPLETED)
                if not reply.done():
                    raise await self._refusal()
                if reply.result().failed:
                    raise failure(self.address, " ".join(reply.result().lines).encode())
                reply = asyncio.ensure_future(self._stream.opening.get())
        finally:
            closed.cancel()
            reply.cancel()

    async def _refusal(self) -> TmuxError:
        if await alive(self.address):
            return TmuxError("tmux closed the control connection before it was open")
        return TmuxGone(f"no tmux server at {clean(self.address.socket_path, limit=120)}")

    async def close(self) -> None:
        """Leave: our session goes, and whoever was thrown into it stays in another.

        What does not end at once, because tmux does not answer or we were not let in yet, is
        left to the guard.
        """
        if self._opened and not self._process.exited.done():
            async with turn(self.address, within_s=_TURN_S):
                await self._end_session()
        self._stream.end(TmuxGone("the control connection to tmux was closed"))
        self._process.leave(done=self._process.exited.done())

    async def _end_session(self) -> None:
        # By its own name: a command without a target could hit a session of the user.
        with contextlib.suppress(TmuxError, TimeoutError):
            async with asyncio.timeout(_CLOSE_GRACE_S):
                await self.give_back()
                # What it runs answers, too; where that is no end, the guard tries again.
                end = guests.ending(self.name, self.pane_id)
                *_, told = await self._exchange([end], 2, _CLOSE_GRACE_S)
                if told.lines == (guests.STAYS,):
                    return
                await asyncio.shield(self._process.exited)
            # The next of us may come when tmux has noticed, too, that this client is gone.
            await run(self.address, "display-message", "-p", "", timeout_s=_CLOSE_GRACE_S)

    def abandon(self) -> None:
        """Give up a connection that does not answer; the guard ends it when tmux is back."""
        self._stream.end(TmuxGone("the control connection to tmux was given up"))
        self._process.leave(done=False)
