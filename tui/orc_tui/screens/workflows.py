"""Workflows: what runs, what waits for a yes, and what going back would undo.

Invariant: it is read again only after something was committed or said; the cursor keeps its row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Protocol

from textual.worker import WorkType

from orc_core.errors import OrcError
from orc_storage.errors import StorageError
from orc_storage.sagas import Saga
from orc_tui import keymap
from orc_tui.screens.browse import BrowseView
from orc_tui.view_models import browse, workflows
from orc_tui.view_models.browse import Browse
from orc_tui.view_models.lines import BLANK

LOOK_S: Final = 1.0
"""How often it is looked whether something was committed."""


class Sagas(Protocol):
    """What the view reads; the core gives one."""

    async def version(self) -> int: ...

    async def listing(self) -> Sequence[Saga]: ...


class WorkflowsView(BrowseView, inherit_bindings=False):
    """Shows workflows, newest first."""

    pane: ClassVar[str] = keymap.WORKFLOWS
    shown: ClassVar[tuple[str, ...]] = (
        "approve",
        "refuse-gate",
        "pause",
        "retry",
        "cancel",
        "rollback-workflow",
        "filter",
        "command",
    )

    def __init__(self, sagas: Sagas, *, now: Callable[[], float]) -> None:
        super().__init__()
        self._sagas = sagas
        self._now = now
        self._all: Sequence[Saga] = ()
        self._rows: dict[str, Saga] = {}
        self._version: int | None = None
        self._is_read = False

    def begin(self) -> None:
        self.set_interval(LOOK_S, self._look)
        self._read_anew()

    def actions(self) -> dict[str, Callable[[], None]]:
        return {"workflows": lambda: self.filter_by("")}

    def note(self, text: str, ink: str = "text") -> None:
        """Show one line; what it tells of is read at once."""
        super().note(text, ink)
        self._read_anew()

    def filter_by(self, text: str) -> None:
        super().filter_by(text)
        self._take()
        self.draw()

    def _read_anew(self) -> None:
        work: WorkType[None] = self._read
        self.run_worker(work, exclusive=True, group="rows")

    async def _look(self) -> None:
        """See whether something was committed, and read it then."""
        if not (self.is_current and self._is_read):
            return
        try:
            version = await self._sagas.version()
        except (TimeoutError, OrcError, StorageError):
            return  # the header of the main view tells of a store in trouble
        if version != self._version:
            self._read_anew()

    async def _read(self) -> None:
        try:
            self._version = await self._sagas.version()
            self._all = await self._sagas.listing()
        except (TimeoutError, OrcError, StorageError) as error:
            self._is_read = True
            super().note(str(error), "error")
            return
        self._is_read = True
        self._take()
        self.draw()

    def _take(self) -> None:
        self._rows = {one.id: one for one in workflows.found(self._all, self.query_text)}
        self.roll.settle(list(self._rows), self.roll.height)

    def picture(self, width: int, height: int) -> Browse:
        inner = browse.list_size(width, height)[0]
        room = browse.detail_size(width, height, is_whole=self._is_whole)[0]
        here = self._rows.get(self.roll.cursor)
        now = self._now()
        rows = [
            browse.row(
                workflows.row(self._rows[key], now, inner - 1), inner, here=key == self.roll.cursor
            )
            for key in self.roll.visible
        ]
        return Browse(
            title=(("Workflows", "bold"),),
            right=BLANK,
            name="6 Workflows",
            beside=((f" /{self.query_text}", "limited"),) if self.query_text else BLANK,
            count=f"{self.roll.index + 1} of {len(self.roll.keys)}" if rows else "",
            rows=rows or [((f"  {self._nothing()}", "dim"),)],
            detail_name=f"{here.id} {here.name}" if here is not None else "Steps",
            detail=workflows.detail(here, room) if here is not None else [],
            foot=self.foot(width),
            scroll=self._scroll,
            is_whole=self._is_whole,
        )

    def _nothing(self) -> str:
        if not self._is_read:
            return "reading…"
        if self.query_text:
            return "no workflow passes the filter: Esc shows all"
        return "no workflows: orc workflow start FILE|TEMPLATE"
