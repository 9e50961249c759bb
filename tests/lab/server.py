"""A scripted model server on loopback: it plays the turns of a scenario to a real agent.

Invariant: it listens on 127.0.0.1 alone, answers only from the script, and keeps what it was
asked in a bounded list. A request that no turn was queued for gets a short, harmless answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol

from tests.lab import anthropic, chat, gemini, responses
from tests.lab.script import Disconnect, Fail, Hang, Slow, Text, Turn
from tests.lab.sse import Body, Frame

HEAD_MAX_BYTES: Final = 64 * 1024
BODY_MAX_BYTES: Final = 64 * 1024 * 1024
SEEN_MAX: Final = 400
READ_WITHIN_S: Final = 30.0
UNSCRIPTED: Final = Turn((Text("All done."),))
ASIDE: Final = Turn((Text("Lab"),))


class Dialect(Protocol):
    """One protocol. Every module named here as a dialect has these functions."""

    def wants(self, method: str, path: str) -> bool:
        """Whether a request belongs to this protocol."""

    def canned(self, path: str, body: Body) -> Body | None:
        """The answer to a request that is for no model, such as counting tokens, or None."""

    def is_aside(self, body: Body) -> bool:
        """Whether the agent asks beside the conversation, for a title or a summary.

        Such requests are answered by turns alone that say `when`.
        """

    def is_streamed(self, path: str, body: Body) -> bool:
        """Whether the answer is to be a stream of events."""

    def frames(self, turn: Turn, body: Body) -> Iterator[Frame]:
        """The stream of one turn."""

    def whole(self, turn: Turn, body: Body) -> Body:
        """One turn as one document."""

    def failure(self, fail: Fail) -> Body:
        """The body of an HTTP error."""


DIALECTS: Final[tuple[Dialect, ...]] = (anthropic, responses, chat, gemini)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Body
    scripted: bool = True
    """Whether the scenario, or the protocol, had an answer to it."""


@dataclass(slots=True)
class ModelServer:
    """Plays queued turns. Use `running()`, which also says the port."""

    port: int = 0
    seen: deque[Request] = field(default_factory=lambda: deque(maxlen=SEEN_MAX))
    _turns: list[list[Any]] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def queue(self, turns: Iterable[Turn]) -> None:
        """Answer the coming requests with these."""
        self._turns += [[turn, turn.times] for turn in turns]

    def forget(self) -> None:
        """Drop what is queued."""
        self._turns.clear()

    def release(self) -> None:
        """Let streams that hang end."""
        self._released.set()
        self._released = asyncio.Event()

    @property
    def left(self) -> int:
        """How many turns nobody asked for yet; those for all that come do not count."""
        return sum(times > 0 for _, times in self._turns)

    async def up(self) -> None:
        """Listen, on the port of last time if there was one."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=HEAD_MAX_BYTES
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Listen no more, and hang up on everyone."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[ModelServer]:
        """Listen for as long as the block runs."""
        await self.up()
        try:
            yield self
        finally:
            await self.down()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            request = await _read(reader)
            if request is not None:
                await self._answer(request, reader, writer)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            pass  # the agent left, or does not speak HTTP: nothing to answer
        except asyncio.CancelledError:
            pass  # the server goes down
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        dialect = next((one for one in DIALECTS if one.wants(request.method, request.path)), None)
        if dialect is None:
            self.seen.append(request)
            known = request.method == "HEAD"
            await _send(writer, 200 if known else 404, {} if known else {"error": "not found"})
            return
        canned = dialect.canned(request.path, request.body)
        if canned is not None:
            self.seen.append(request)
            await _send(writer, 200, canned)
            return
        aside = dialect.is_aside(request.body)
        turn = self._next(request, aside=aside)
        scripted = turn is not UNSCRIPTED
        self.seen.append(
            Request(request.method, request.path, request.headers, request.body, scripted)
        )
        fail = turn.parts[0] if turn.parts else None
        if isinstance(fail, Fail):
            body = dict(fail.body) if fail.body is not None else dialect.failure(fail)
            await _send(writer, fail.status, body, fail.headers)
        elif dialect.is_streamed(request.path, request.body):
            await self._stream(dialect.frames(turn, request.body), reader, writer)
        else:
            for part in turn.parts:
                if isinstance(part, (Slow, Hang)):
                    await self._hold(part, reader)
            await _send(writer, 200, dialect.whole(turn, request.body))

    def _next(self, request: Request, *, aside: bool) -> Turn:
        text = ""
        for entry in self._turns:
            turn, times = entry
            if aside and not turn.when:
                continue
            if turn.when:
                text = text or json.dumps(request.body, ensure_ascii=False)
                if turn.when not in text:
                    continue
            if times:
                entry[1] -= 1
                if not entry[1]:
                    self._turns.remove(entry)
            found: Turn = turn
            return found
        return ASIDE if aside else UNSCRIPTED

    async def _stream(
        self, frames: Iterator[Frame], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(_head(200, {"content-type": "text/event-stream", "cache-control": "no-cache"}))
        for frame in frames:
            if isinstance(frame, bytes):
                writer.write(frame)
                await writer.drain()
            elif isinstance(frame, Disconnect):
                writer.transport.abort()
                return
            else:
                await self._hold(frame, reader)

    async def _hold(self, frame: Slow | Hang, reader: asyncio.StreamReader) -> None:
        """Wait, unless the agent hangs up."""
        released = asyncio.ensure_future(
            asyncio.sleep(frame.delay_s) if isinstance(frame, Slow) else self._released.wait()
        )
        left = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({released, left}, return_when=asyncio.FIRST_COMPLETED)
            if left.done() and not released.done():
                raise ConnectionResetError
        finally:
            released.cancel()
            left.cancel()
            await asyncio.gather(released, left, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    async with asyncio.timeout(READ_WITHIN_S):
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        raw = await _read_body(reader, headers)
    if headers.get("content-encoding") == "gzip":
        raw = gzip.decompress(raw)
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    return Request(method, path, headers, body if isinstance(body, dict) else {"list": body})


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        chunks: list[bytes] = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            chunks.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readline()
        return b"".join(chunks)
    size = int(headers.get("content-length", "0"))
    if size > BODY_MAX_BYTES:
        raise ValueError("the request is too large")
    return await reader.readexactly(size)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    words = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Lab"
    lines = [f"HTTP/1.1 {status} {words}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _send(
    writer: asyncio.StreamWriter, status: int, body: Body, headers: Mapping[str, str] | None = None
) -> None:
    raw = json.dumps(body, ensure_ascii=False).encode()
    about = {"content-type": "application/json", "content-length": str(len(raw))}
    writer.write(_head(status, about | dict(headers or {})) + raw)
    await writer.drain()
