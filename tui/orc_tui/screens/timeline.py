"""A document's timeline: every revision, and what each one changed.

Invariant: looking changes nothing; going back is asked for by an act and previewed first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from orc_core.errors import OrcError
from orc_core.model.history import FieldChange
from orc_storage.errors import StorageError
from orc_storage.records import Revision
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models import timeline as views
from orc_tui.view_models.timeline import Timeline

DiffOf: TypeAlias = Callable[[int], Awaitable[tuple[FieldChange, ...]]]
"""Reads what one revision changed against the one before it."""
KNOWN_MAX = 256
"""Differences kept; the cursor seldom comes back to more."""


def row_key(kind: str, id: str, rev: int) -> str:
    """How an act of the timeline names a revision."""
    return f"{kind}/{id}@{rev}"


def parse_row_key(key: str) -> tuple[str, str, int]:
    """Kind, id and revision of a row of the timeline."""
    document, _, rev = key.rpartition("@")
    kind, _, id = document.partition("/")
    return kind, id, int(rev)


class TimelineView(Screen[None]):
    """Shows a document's revisions, newest first, and the difference under the cursor."""

    CSS_PATH = "timeline.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("ctrl+d,pagedown", "move(10)", show=False),
        Binding("ctrl+u,pageup", "move(-10)", show=False),
        Binding("g,home", "move(-1000000)", show=False),
        Binding("G,end", "move(1000000)", show=False),
        Binding("J", "scroll(1)", show=False),
        Binding("K", "scroll(-1)", show=False),
        Binding("R", "act('rollback')", show=False),
        Binding("z", "act('undo')", show=False),
        Binding("Z", "act('redo')", show=False),
        Binding("c", "act('copy')", show=False),
        Binding("escape,q", "back", show=False),
    ]

    def __init__(
        self,
        kind: str,
        id: str,
        revisions: Sequence[Revision],
        *,
        diff_of: DiffOf,
        now: float,
        title: str = "",
        at_rev: int = 0,
    ) -> None:
        """Open on revision `at_rev`, or on the newest; `revisions` in any order, never empty."""
        super().__init__()
        ordered = tuple(sorted(revisions, key=lambda revision: -revision.rev))
        cursor = next((i for i, revision in enumerate(ordered) if revision.rev == at_rev), 0)
        self._view = Timeline(kind, id, title, ordered, now, cursor)
        self._diff_of = diff_of
        self._known: dict[int, tuple[FieldChange, ...]] = {}
        self._sheet = Sheet()

    @property
    def document(self) -> tuple[str, str]:
        """Kind and id of what is shown."""
        return self._view.kind, self._view.id

    def compose(self) -> ComposeResult:
        yield self._sheet

    def on_mount(self) -> None:
        for index, _ in enumerate(self._view.revisions):
            self._bindings.bind(f"row-{index}", f"row({index})", show=False)
        self._go(self._view.cursor)

    def on_resize(self) -> None:
        self._draw()

    def show(self, revisions: Sequence[Revision], *, now: float) -> None:
        """Show what the document's history is by now; the cursor stays on its revision."""
        rev = self._view.current.rev
        ordered = tuple(sorted(revisions, key=lambda revision: -revision.rev))
        cursor = next((i for i, revision in enumerate(ordered) if revision.rev == rev), 0)
        self._view = replace(self._view, revisions=ordered, now=now)
        self._go(cursor)

    def note(self, text: str) -> None:
        """Show one line about something that was just done."""
        self._view = replace(self._view, note=text)
        self._draw()

    def action_move(self, step: int) -> None:
        self._go(min(max(self._view.cursor + step, 0), len(self._view.revisions) - 1))

    def action_row(self, index: int) -> None:
        self._go(min(index, len(self._view.revisions) - 1))

    def action_scroll(self, step: int) -> None:
        last = views.last_scroll(self._view, self.size.width, self.size.height)
        self._view = replace(self._view, scroll=min(max(self._view.scroll + step, 0), last))
        self._draw()

    def action_act(self, action_id: str) -> None:
        """Hand a verb to the app, with the revision under the cursor."""
        view = self._view
        key = row_key(view.kind, view.id, view.current.rev)
        self.post_message(Act(action_id, keymap.TIMELINE, key))

    def action_back(self) -> None:
        self.dismiss(None)

    def _go(self, cursor: int) -> None:
        rev = self._view.revisions[cursor].rev
        self._view = replace(self._view, cursor=cursor, scroll=0, changes=self._known.get(rev))
        self._draw()
        if self._view.changes is None:
            self.run_worker(self._read(rev), exclusive=True, group="diff")

    async def _read(self, rev: int) -> None:
        """Read the difference of one revision; a newer cursor cancels this."""
        try:
            changes = await self._diff_of(rev)
        except (TimeoutError, OrcError, StorageError) as error:
            self._view = replace(self._view, changes=(), note=str(error), note_style="error")
        else:
            while len(self._known) >= KNOWN_MAX:
                self._known.pop(next(iter(self._known)))
            self._known[rev] = changes
            if self._view.current.rev == rev:
                self._view = replace(self._view, changes=changes)
        self._draw()

    def _draw(self) -> None:
        if self.is_attached and self.size.width:
            self._sheet.show(views.lines(self._view, self.size.width, self.size.height))
