"""How a server is asked: over the control connection, or by one process per question.

Invariant: both ways answer the same. A connection that misses a deadline is given up, the
processes do its work, and it is tried again once the server answers; where it fails again and
again, ever more rarely, because each introduction is a risk to the server. A question forks at
most one process. Nothing is asked of a server over a connection that keeps it alive for us alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.breaker import Breaker, Limits
from orc_core.clock import Clock
from orc_core.errors import TmuxBusy, TmuxError, TmuxGone, TmuxTimeout
from orc_core.model.health import LinkState
from orc_core.switches import Strategy
from orc_core.text import clean
from orc_core.tmux.control import ControlClient
from orc_core.tmux.panes import (
    Row,
    RowReader,
    Shot,
    ShotReader,
    capture_commands,
    identity_command,
    list_commands,
    parse_identity,
    pause_command,
)
from orc_core.tmux.server import Address, alive, failure, spawn

__all__ = ["Link", "Listing", "Strategy"]

OPEN_DEADLINE_S: Final = 2.0
DEADLINE_S: Final = 1.5
ENDS_WITHIN_S: Final = 0.2
STEADY_S: Final = 30.0
"""A connection that held this long was a success; one that ends before is a failure."""

_UNMET: Final = (0, 0)

INTRODUCTIONS: Final = Limits(failures=3, within_s=60.0, reset_s=60.0, successes=1)
"""Three in a minute where each fails, then one a minute."""

FIRST_CHUNK: Final = 5
"""The first screens come early, so that reading them begins while tmux is at work."""

CHUNK: Final = 20
"""Captures that the server does at once: more makes typing lag for who is attached."""

CAPTURE_IN_CONTROL: Final = (3, 6)
"""Before this version such captures leak memory of the user's server."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All panes at one moment; `pid` and `start` tell which server, 0 where it did not say.

    `second` is when that was, on the clock of the server.
    """

    pid: int
    start: int
    second: int
    rows: tuple[Row, ...]


class _Client:
    """A client that waits for the script it is to run."""

    def __init__(self, address: Address) -> None:
        self._script: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._received: Callable[[bytes], None] | None = None
        self._run = asyncio.ensure_future(
            spawn(address, ["source-file", "-"], self._script, DEADLINE_S, self._take)
        )

    async def run(self, data: bytes, received: Callable[[bytes], None]) -> tuple[int, bytes, bytes]:
        """Give it its script; what it prints is handed to `received` as it comes."""
        self._received = received
        if not self._script.done():  # its time was over before there was anything to run
            self._script.set_result(data)
        try:
            return await self._run
        except asyncio.CancelledError:
            await self.dismiss()
            raise

    async def dismiss(self) -> None:
        """End it: there is nothing to run."""
        self._run.cancel()
        await asyncio.wait({self._run})
        if not self._run.cancelled():
            self._run.exception()  # whatever it was: nobody asked

    def _take(self, data: bytes) -> None:
        if self._received is not None:
            self._received(data)


class Link:
    """The way to one server; `forks` counts the processes started."""

    def __init__(self, address: Address, clock: Clock, strategy: Strategy) -> None:
        self.forks = 0
        self._address = address
        self._clock = clock
        self._wants_control = strategy == "async"
        self._mark = secrets.token_hex(8)
        self._rows = RowReader(self._mark)
        self._control: ControlClient | None = None
        self._opened_at = 0.0
        self._breaker = Breaker(clock, INTRODUCTIONS)
        self._server = _UNMET
        self._answers = True
        self._lonely = False
        self._client: _Client | None = None

    @property
    def state(self) -> LinkState:
        """How the last question was answered."""
        live = self._control is not None or (self._lonely and self._wants_control)
        return LinkState.LIVE if live else LinkState.SYNC

    @property
    def paused_s(self) -> float:
        """Seconds until the connection is tried again that failed too often; 0.0 for no pause."""
        wanted = self._control is None and self._wants_control
        return self._breaker.retry_in_s if wanted else 0.0

    @property
    def session(self) -> str:
        """The name of our hidden session, "" where there is none."""
        return self._control.name if self._control else ""

    def use(self, strategy: Strategy) -> None:
        """Ask by this strategy from the next list on."""
        self._wants_control = strategy == "async"

    def take_structural(self) -> bool:
        """Whether tmux told of sessions or windows that changed."""
        return self._control is not None and self._control.take_structural()

    async def listing(self, since: int) -> Listing:
        """Ask for all panes, with details of those active at server second `since` or later.

        Raises `TmuxGone` where there is no server, `TmuxTimeout` where it does not answer; the
        next question goes another way then.
        """
        commands = [identity_command(self._mark), *list_commands(self._mark, since)]
        await self._settle()
        if self._control is not None:
            try:
                listing = self._listing(await self._ask(self._control, commands))
                if self._has_guests(self._control, listing.rows):
                    await self._control.give_back(timeout_s=DEADLINE_S)
                return listing
            except TmuxGone:
                await self._drop(wedged=False)
            except TmuxError:
                await self._drop(wedged=True)
                raise
        return await self._listing_by_process(commands)

    def prepare(self) -> None:
        """Start the process of the captures that are to come: it is ready when they are known."""
        control = self._control
        if self._client is None and control is not None and control.version < CAPTURE_IN_CONTROL:
            self.forks += 1
            self._client = _Client(self._address)

    async def withdraw(self) -> None:
        """There is nothing to capture after all; nothing happens where nothing was prepared."""
        client, self._client = self._client, None
        if client is not None:
            await client.dismiss()

    async def captures(
        self, panes: Sequence[tuple[str, bool]], taken: Callable[[list[Shot]], None]
    ) -> None:
        """Capture panes, (id, in colour), and hand over some as soon as they are there.

        Those that are gone are left out.
        """
        if self._control is not None and self._control.version >= CAPTURE_IN_CONTROL:
            try:
                return await self._captures_by_control(self._control, panes, taken)
            except TmuxGone:
                await self._drop(wedged=False)
            except TmuxError:
                await self._drop(wedged=True)
                raise
        script: list[str] = []
        pauses = range(FIRST_CHUNK, len(panes), CHUNK)
        for number, (pane_id, colour) in enumerate(panes):
            if number in pauses:
                script.append(pause_command())
            script += capture_commands(self._mark, pane_id, colour=colour)
        reader = ShotReader(self._mark)
        try:
            await self._source(script, lambda data: taken(reader.feed(data)))
            taken(reader.end())
        except TmuxGone:
            if self._control is None or await _ends(self._control):
                raise
            raise TmuxError(
                f"its socket is gone, but tmux runs: kill -USR1 {self._control.pid} brings back"
                f" {clean(self._address.socket_path, limit=120)}"
            ) from None

    async def leave(self) -> None:
        """Give up our session for now: no other is left, or who came into it will not go."""
        control = self._control
        if control is None:
            return
        wedged = False
        try:
            if not self._lonely and await control.give_back(timeout_s=DEADLINE_S):
                return
        except TmuxError as error:
            wedged = isinstance(error, TmuxTimeout)
        await self._drop(wedged=wedged)

    def lonely(self, alone: bool) -> None:
        """Whether the server has no session but hidden ones; then we make none either."""
        self._lonely = alone

    async def close(self) -> None:
        """End the connection and our session with it."""
        await self.withdraw()
        control, self._control = self._control, None
        if control is not None:
            await control.close()

    async def _settle(self) -> None:
        """Have the connection that is wanted, as far as it can be had."""
        if self._control is not None and not self._wants_control:
            self._breaker.withdraw()
            await self.close()
        if self._control is None:
            await self._connect()
        elif self._is_steady:
            self._breaker.succeed()

    async def _connect(self) -> None:
        if not self._wants_control or self._lonely or not self._answers:
            return
        if self._breaker.retry_in_s > 0:
            return
        await self._require()
        if self._server == _UNMET:
            # Whoever does not answer this would keep an introduction waiting in the door.
            await self._source([identity_command(self._mark)])
        if not self._breaker.admit():
            return
        self.forks += 1
        try:
            self._control = await ControlClient.open(self._address, timeout_s=OPEN_DEADLINE_S)
            self._opened_at = self._clock.monotonic()
            self._server = (self._control.pid, self._control.start)
        except TmuxTimeout:
            self._answers = False
            self._breaker.fail()
        except TmuxGone:
            self._breaker.withdraw()
            raise
        except TmuxBusy:
            self._breaker.withdraw()
        except TmuxError:
            self._breaker.fail()

    @staticmethod
    def _has_guests(control: ControlClient, rows: Sequence[Row]) -> bool:
        """Whether someone's command made a pane in our session, because it is the newest."""
        # A pane that is new, or was moved, comes with its details.
        return any(
            row.details is not None
            and row.details.session_id == control.session_id
            and row.pane_id != control.pane_id
            for row in rows
        )

    @property
    def _is_steady(self) -> bool:
        return self._clock.monotonic() - self._opened_at >= STEADY_S

    async def _require(self) -> None:
        """Raise `TmuxGone` where nobody listens; whoever comes later is met afresh."""
        if not await alive(self._address):
            self._answers, self._lonely, self._server = True, False, _UNMET
            self._breaker.reset()
            raise TmuxGone(f"no tmux server at {clean(self._address.socket_path, limit=120)}")

    async def _drop(self, *, wedged: bool) -> None:
        """Let go of the connection; after one that wedged the server has to answer first."""
        control, self._control = self._control, None
        if control is None:
            return
        if wedged or not self._is_steady:
            self._breaker.fail()
        else:
            self._breaker.succeed()
        if wedged:
            self._answers = False
            control.abandon()
        else:
            await control.close()

    async def _listing_by_process(self, commands: Sequence[str]) -> Listing:
        await self._require()
        listing = self._listing(await self._source(commands))
        if (listing.pid, listing.start) != self._server:
            self._server = (listing.pid, listing.start)
            self._breaker.reset()
        return listing

    def _listing(self, text: str) -> Listing:
        first, _, rest = text.partition("\n")
        pid, start, second = parse_identity(self._mark, first)
        return Listing(pid, start, second, self._rows.read(rest if pid else text))

    async def _ask(self, control: ControlClient, commands: Sequence[str]) -> str:
        """Send commands over the connection and return all that they printed."""
        replies = await control.requests(commands, timeout_s=DEADLINE_S)
        refused = next((reply for reply in replies if reply.failed), None)
        if refused is not None:
            raise TmuxError(f"tmux: {clean(' '.join(refused.lines), limit=300)}")
        return "".join(f"{line}\n" for reply in replies for line in reply.lines)

    async def _source(
        self, script: Sequence[str], received: Callable[[bytes], None] | None = None
    ) -> str:
        """Run a script of tmux commands in one process; one that fails spoils no other."""
        data = "".join(f"{line}\n" for line in script).encode()
        client = None
        if received is not None:
            client, self._client = self._client, None
        try:
            if client is not None and received is not None:
                code, out, err = await client.run(data, received)
            else:
                self.forks += 1
                code, out, err = await spawn(
                    self._address, ["source-file", "-"], data, DEADLINE_S, received
                )
        except TmuxTimeout:
            self._answers = False
            raise
        self._answers = True
        if code != 0:
            error = failure(self._address, err)
            if isinstance(error, TmuxGone) or "error connecting" in str(error):
                raise error
            # else it refused some command: a pane that is gone, or there is no session at all
        return out.decode("utf-8", "surrogateescape")

    async def _captures_by_control(
        self,
        control: ControlClient,
        panes: Sequence[tuple[str, bool]],
        taken: Callable[[list[Shot]], None],
    ) -> None:
        for first in range(0, len(panes), CHUNK):
            commands = [
                command
                for pane_id, colour in panes[first : first + CHUNK]
                for command in capture_commands(self._mark, pane_id, colour=colour)
            ]
            replies = await control.requests(commands, timeout_s=DEADLINE_S)
            text = "".join(f"{line}\n" for reply in replies for line in reply.lines)
            reader = ShotReader(self._mark)
            taken([*reader.feed(text.encode("utf-8", "surrogateescape")), *reader.end()])


async def _ends(control: ControlClient) -> bool:
    """Whether the connection is over, too: its end may come a moment after that of the server."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ENDS_WITHIN_S):
            await control.closed.wait()
    return control.closed.is_set()
