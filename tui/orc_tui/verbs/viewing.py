"""Opening the views that only tell, and saying plainly which are not there yet.

Invariant: one view is open at a time; opening another closes it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orc_core.model.history import Page, Place, Query
from orc_storage.audit import Examination
from orc_storage.records import Entry
from orc_tui.messages import Act
from orc_tui.screens.audit import AuditView
from orc_tui.screens.browse import BrowseView
from orc_tui.screens.fleet import FleetView, Left
from orc_tui.screens.keyed import KeyedScreen
from orc_tui.screens.messages import MessagesView
from orc_tui.screens.workflows import WorkflowsView
from orc_tui.verbs.verb import Verb

if TYPE_CHECKING:
    from orc_core.hub import Core

ABSENT: Final = {"alerts": "Alerts", "performance": "Performance"}


class CoreLedger:
    """The journal of a core, as the audit view reads it."""

    def __init__(self, core: Core) -> None:
        self._history = core.history
        self._chronicle = core.chronicle

    async def page(self, query: Query, *, after: Place | None = None) -> Page:
        return await self._history.page(query, after=after)

    async def newest(self) -> Place:
        return await self._history.newest()

    async def entry(self, seq: int) -> Entry | None:
        found = await self._chronicle.page(before=seq + 1, limit=1)
        return found[0] if found and found[0].seq == seq else None

    async def examine(self) -> Examination:
        return await self._chronicle.examine()


class Viewing(Verb):
    """The verbs that open a view."""

    async def audit(self, act: Act) -> None:
        """Open the journal."""
        self._open(AuditView(CoreLedger(self.core), now=self.app.now))

    async def messages(self, act: Act) -> None:
        """Open what was said in this run."""
        self._open(MessagesView(self.app.said))

    async def workflows(self, act: Act) -> None:
        """Open the workflows."""
        self._open(WorkflowsView(self.core.workflows, now=self.app.now))

    async def fleet(self, act: Act) -> None:
        """Open the screens of all agents, with the cursor where it was."""
        self.close()
        view = FleetView(self.snapshot, now=self.app.now, at=self.app.main.row_key)
        self.app.push_screen(view, self._left_fleet)

    def _left_fleet(self, left: Left | str | None) -> None:
        if not isinstance(left, Left):
            return
        if left.agent_key:
            self.app.main.open_agent(left.agent_key, tab=left.tab)
        elif left.pane:
            self.app.main.focus_pane(left.pane)

    async def absent(self, act: Act) -> None:
        """Say that a view is not there yet."""
        self.tell(f"there is no {ABSENT[act.action_id]} view in this version")

    def close(self) -> None:
        """Close the view that covers the main one, as another is about to open."""
        if isinstance(view := self.app.screen, KeyedScreen) and view is not self.app.main:
            view.dismiss("")

    def _open(self, view: BrowseView) -> None:
        self.close()
        self.app.push_screen(view, self._left)

    def _left(self, pane: str | None) -> None:
        if pane:
            self.app.main.focus_pane(pane)
