"""The dashboard: opens the core, draws its snapshots, hands keys to the commands.

Invariant: the app holds no truth of its own. What it shows is the last snapshot of the core.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from rich.console import RenderableType
from rich.text import Text
from rich.traceback import Traceback
from textual import events, on
from textual.screen import Screen
from textual.worker import WorkType

from orc_core.errors import OrcError
from orc_core.model.snapshot import Part, Snapshot
from orc_core.settings import ScreenSettings
from orc_core.text import clean
from orc_storage.errors import StorageError
from orc_tui import keymap
from orc_tui.attention import Attention, Outcomes, OwnTerminal
from orc_tui.first_frame import FirstFrame
from orc_tui.hangup import Hangup
from orc_tui.key_settings import keyboard_of
from orc_tui.look import Look, find_look
from orc_tui.messages import (
    Act,
    ActivityWanted,
    ChoicesMade,
    DigestWanted,
    ScrollbackWanted,
    Seen,
    Selected,
    SnapshotChanged,
    Told,
    Watched,
    WhyWanted,
)
from orc_tui.screens.fleet import FleetView
from orc_tui.screens.main import MainScreen
from orc_tui.terminal import complete
from orc_tui.themes import ThemedApp
from orc_tui.typeahead import KEYS_MAX, Work
from orc_tui.view_models.messages import Said, lost

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_tui.memory import Choice

TOLD_MAX: Final = 200
"""How many one-line messages are kept."""

ACTS_MAX: Final = 8
"""How many acts may be under way at once; the same one is never run twice at a time."""

CLOSE_S: Final = 1.5
"""How long the core may take to close; what it acknowledged is safe anyway."""

LEAVE_S: Final = 2.0
"""A second ctrl+c within this time quits."""


class Runner(Protocol):
    """What the app hands keys to; `commands.Commands` is the one there is."""

    async def run(self, act: Act) -> None:
        """Do what the act asks, and tell how it went."""


class OrcApp(ThemedApp[int]):
    """One terminal, one core, one main screen; dialogs come up over it."""

    def __init__(
        self,
        open: Callable[[], AbstractAsyncContextManager[Core]],
        *,
        now: Callable[[], float] = time.time,
        look: Look | None = None,
        remembers: bool = True,
    ) -> None:
        self.look = look or find_look(os.environ, ScreenSettings())
        more = tuple(self.look.shelf.themes.values())
        super().__init__(theme=self.look.theme, ascii_only=self.look.ascii_only, more=more)
        self.error_console.soft_wrap = True
        self.now = now
        self._open = open
        self._remembers = remembers
        self.core: Core | None = None
        self.commands: Runner | None = None
        self.snapshot = Snapshot(at=0.0)
        self.main = MainScreen(now=now)
        self.said: deque[Said] = deque(maxlen=TOLD_MAX)
        self._said_count = 0
        self.choices: dict[str, Choice] = {}
        """What was chosen for conflicts and is not written yet, by conflict id."""
        self.heard = asyncio.Event()
        """Set whenever a new snapshot came; whoever waits for one clears it first."""
        self._outcomes = Outcomes(lambda text, severity: self.tell(text, severity=severity))
        self._attention: Attention | None = None
        self._hangup = Hangup(lambda: self.exit(0))
        self._leave_at = 0.0
        self._following: asyncio.Task[None] | None = None
        self._under_way: set[tuple[str, str]] = set()
        self._first_frame = FirstFrame()

    def on_mount(self) -> None:
        """Show the empty screen at once; the core opens behind it."""
        self.push_screen(self.main)
        complete(sys.stdout, sys.stderr)
        if not self.is_headless:
            self._hangup.start()
        self._following = asyncio.create_task(self._follow(), name="core")
        self._following.add_done_callback(self._core_ended)

    async def on_unmount(self) -> None:
        """Close the core before the program ends, and let go of the signals."""
        if self._attention is not None:
            self._attention.close()
        if self.core is not None and self._remembers and not self.core.options.read_only:
            from orc_tui.remembering import remember

            await remember(self, self.core)
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following], timeout=CLOSE_S)
        if not self.is_headless:
            self._hangup.stop()

    async def _follow(self) -> None:
        await self._first_frame.wait(self.main)
        async with self._open() as core:
            self.core = core
            await self._take_keys(core)
            if self._remembers:
                # Imported behind the first frame, as the core is.
                from orc_tui.remembering import look_as_left

                await look_as_left(self, core)
            await self._attend(core)
            self.main.live.home = str(core.options.home)
            gc.freeze()  # what was loaded by now stays: a collection need not walk through it
            async for delta in core.subscribe():
                self.post_message(SnapshotChanged(delta))

    async def _take_keys(self, core: Core) -> None:
        """Bind what the person's settings say of keys; raises UsageError where they are wrong."""
        # Read behind the first frame, as the core is: settings take as long to load as the screen.
        from orc_core.settings import load_keys

        told = await asyncio.to_thread(load_keys, core.options.environ, core.workspace.folder)
        self.keyboard = keyboard_of(told)
        self.main.bind_keys()
        self.main.paint()

    async def _attend(self, core: Core) -> None:
        """Keep the terminal's title and give notices, as the person's settings say."""
        from orc_core.settings import load_own

        told = await asyncio.to_thread(load_own, core.options.environ)
        terminal = OwnTerminal(
            self, self._write_beside, lambda fault: self.tell(fault, severity="error")
        )
        in_tmux = bool(os.environ.get("TMUX"))
        self._attention = Attention(terminal, told.notify, in_tmux=in_tmux)
        lend = self._attention.lend
        self.app_suspend_signal.subscribe(self, lambda _: lend(True))
        self.app_resume_signal.subscribe(self, lambda _: lend(False))

    def on_app_focus(self) -> None:
        """The terminal says that it has the focus."""
        if self._attention is not None:
            self._attention.focus(True)

    def on_app_blur(self) -> None:
        """The terminal says that it lost the focus."""
        if self._attention is not None:
            self._attention.focus(False)

    async def on_event(self, event: events.Event) -> None:
        """Take down that somebody is here, whatever their key does."""
        if self._attention is not None and isinstance(event, events.Key | events.MouseDown):
            self._attention.key()
        await super().on_event(event)

    def _write_beside(self, text: str) -> None:
        """Write a sequence that draws nothing to the terminal."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        if renderable is not None:
            self._first_frame.drawn()

    def _core_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._give_up(task.exception())

    def _give_up(self, error: BaseException | None) -> None:
        """End with one line where the trouble is known, with a traceback where it is not."""
        if error is None:
            return
        known = list(_leaves(error))
        if all(isinstance(one, OrcError | StorageError | OSError) for one in known):
            self.exit(return_code=1, message=Text(f"orc-tui: {known[0]}"))
        else:
            trace = Traceback.from_exception(type(error), error, error.__traceback__)
            self.exit(return_code=1, message=trace)

    @on(SnapshotChanged)
    def _show(self, message: SnapshotChanged) -> None:
        self.snapshot = message.delta.snapshot
        self.heard.set()
        if self._attention is not None and Part.AGENTS in message.delta.parts:
            self._attention.look(self.snapshot)
        if Part.LATERS in message.delta.parts and self.core is not None:
            self._outcomes.look(self.snapshot.laters, self.now())
        self.main.show(message.delta)
        for view in self.screen_stack:
            if isinstance(view, FleetView):
                view.show(message.delta)

    @on(Selected)
    def _select(self, message: Selected) -> None:
        if self.core is not None and message.pane == keymap.AGENTS:
            self.core.agents.select(message.row_key or None)

    @on(Watched)
    def _watch(self, message: Watched) -> None:
        if self.core is not None:
            self.core.agents.show(message.agent_keys)

    @on(Seen)
    def _seen(self, message: Seen) -> None:
        if self.core is not None:
            self.core.agents.seen(message.agent_key)

    @on(WhyWanted)
    def _explain(self, message: WhyWanted) -> None:
        # Called when its turn comes: what is replaced before that never begins.
        ask: WorkType[None] = partial(self._ask_why, message.agent_key)
        self.run_worker(ask, group="why", exclusive=True)

    async def _ask_why(self, agent_key: str) -> None:
        if self.core is None:
            return
        try:
            # It reads the process table, which is no work for the loop.
            explanation = await asyncio.to_thread(self.core.agents.explain, agent_key)
        except OrcError as error:
            self.tell(str(error), severity="error")
        else:
            self.main.explain(explanation)

    @on(DigestWanted)
    def _recall(self, message: DigestWanted) -> None:
        ask: WorkType[None] = partial(self._ask_digest, message.since)
        self.run_worker(ask, group="digest", exclusive=True)

    async def _ask_digest(self, since: float) -> None:
        if self.core is None or not self.core.has_store:
            return
        try:
            self.main.take_digest(await self.core.history.digest(since))
        except (OrcError, StorageError) as error:
            self.log.error("no digest", error)  # the store's own line says what is wrong

    @on(ActivityWanted)
    def _recount(self, message: ActivityWanted) -> None:
        ask: WorkType[None] = partial(self._ask_activity, message.agent_key)
        self.run_worker(ask, group="activity", exclusive=True)

    async def _ask_activity(self, agent_key: str) -> None:
        if self.core is None:
            return
        try:
            self.main.live.recount(await self.core.activity(agent_key))
        except (OrcError, StorageError) as error:
            self.tell(str(error), severity="error")

    @on(ScrollbackWanted)
    def _lift(self, message: ScrollbackWanted) -> None:
        ask: WorkType[None] = partial(self._ask_lines, message.agent_key, message.lines)
        self.run_worker(ask, group="scrollback", exclusive=True)

    async def _ask_lines(self, agent_key: str, lines: int) -> None:
        if self.core is None:
            return
        try:
            self.main.live.lift(await self.core.agents.scrollback(agent_key, lines), lines)
        except OrcError as error:
            self.tell(str(error), severity="error")

    @on(Act)
    def _act(self, act: Act) -> None:
        if act.action_id == "quit":
            self._quit()
        elif act.action_id == "refresh":
            self.refresh(repaint=True, layout=True)
        if self.commands is None or act.action_id == "quit":
            return
        asked = (act.action_id, act.row_key)
        if asked in self._under_way:
            return
        if len(self._under_way) >= ACTS_MAX:
            self.tell("one moment: too much is under way already")
            return
        self._under_way.add(asked)
        running = self._run(self.commands, act, Work(self.typeahead))
        self.run_worker(running, name=act.action_id, group="act")

    async def _run(self, commands: Runner, act: Act, work: Work) -> None:
        try:
            with work.under_way():
                await commands.run(act)
        finally:
            self._under_way.discard((act.action_id, act.row_key))

    @on(ChoicesMade)
    def _take_choices(self, message: ChoicesMade) -> None:
        self.choices = dict(message.choices)

    @on(Told)
    def _keep(self, message: Told) -> None:
        self._said_count += 1
        kept = Said(self._said_count, self.now(), message.text, message.undoable, message.severity)
        self.said.append(kept)

    @property
    def told(self) -> list[str]:
        """The texts of the lines that are kept, oldest first."""
        back = "  z takes it back"
        return [f"{one.text}{back if one.undoable else ''}" for one in self.said]

    def tell(self, text: str, *, undoable: bool = False, severity: str = "") -> None:
        """Say one line over the footer for some seconds; `severity` is "", waiting or error."""
        self.main.say(text, undoable=undoable, severity=severity)

    def link_changed(self) -> None:
        """Say in the header whether the link is slow."""
        if self.main.is_mounted:
            self.main.paint()

    def keys_dropped(self) -> None:
        """Say that more was typed than is kept."""
        self.tell(
            f"too many keys at once: what came after {KEYS_MAX} was dropped", severity="error"
        )

    def _quit(self) -> None:
        """Quit; while changes wait for the store, at the second time."""
        if self.snapshot.link.pending and not self._asked_twice():
            self.tell(f"{lost(self.snapshot.link.pending)}: q again quits", severity="waiting")
        else:
            self._leave()

    def action_leave(self) -> None:
        """Quit at the second ctrl+c."""
        if self._asked_twice():
            self._leave()
        elif self.snapshot.link.pending:
            self.tell(f"{lost(self.snapshot.link.pending)}: ctrl+c again", severity="waiting")
        else:
            self.tell("ctrl+c again quits")

    def _asked_twice(self) -> bool:
        now = time.monotonic()
        is_second = now - self._leave_at <= LEAVE_S
        self._leave_at = now
        return is_second

    def _leave(self) -> None:
        """End; what was not written is named on the terminal that is left."""
        labels = self.core.pending if self.core is not None else ()
        if not labels:
            self.exit(0)
            return
        lines = "\n".join(f"  {clean(label, limit=160)}" for label in labels)
        self.exit(1, return_code=1, message=f"not written, the store was away:\n{lines}")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What went wrong, without the groups around it."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
