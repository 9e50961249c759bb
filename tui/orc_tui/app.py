"""The dashboard: opens the core, draws its snapshots, hands keys to the commands.

Invariant: the app holds no truth of its own. What it shows is the last snapshot of the core.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType

from orc_core.model.snapshot import Snapshot
from orc_tui.messages import Act, ForCommands, SnapshotChanged
from orc_tui.screens.main import MainScreen

if TYPE_CHECKING:
    from textual.message import Message

    from orc_core.hub import Core

TOLD_MAX = 200
"""How many one-line messages are kept."""


class Runner(Protocol):
    """What the app hands keys to; `commands.Commands` is the one there is."""

    async def run(self, act: Act) -> None:
        """Do what the act asks, and tell how it went."""

    async def handle(self, message: Message) -> None:
        """Take a message that a dialog posted."""


class OrcApp(App[int], inherit_bindings=False):
    """One terminal, one core, one main screen; dialogs come up over it."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "leave", show=False, priority=True)]

    def __init__(self, open: Callable[[], AbstractAsyncContextManager[Core]]) -> None:
        super().__init__()
        self._open = open
        self.core: Core | None = None
        self.commands: Runner | None = None
        self.snapshot = Snapshot(at=0.0)
        self.main = MainScreen()
        self.told: deque[str] = deque(maxlen=TOLD_MAX)

    def on_mount(self) -> None:
        self.push_screen(self.main)
        self.run_worker(self._follow(), name="core", exit_on_error=True)

    async def _follow(self) -> None:
        async with self._open() as core:
            self.core = core
            async for delta in core.subscribe():
                self.post_message(SnapshotChanged(delta))

    @on(SnapshotChanged)
    def _show(self, message: SnapshotChanged) -> None:
        self.snapshot = message.delta.snapshot
        self.main.show(message.delta)

    @on(Act)
    async def _act(self, act: Act) -> None:
        if self.commands is not None:
            self.run_worker(self.commands.run(act), name=act.action_id, group="act")

    @on(ForCommands)
    async def _hand_over(self, message: ForCommands) -> None:
        if self.commands is not None:
            await self.commands.handle(message)

    def tell(self, text: str, *, undoable: bool = False, severity: str = "") -> None:
        """Say one line over the footer for some seconds; `severity` is "", waiting or error."""
        self.told.append(f"{text}  z takes it back" if undoable else text)

    def action_leave(self) -> None:
        """Quit at the second ctrl+c."""
        self.exit(0)
