"""The checkpoints of a work tree, and the preview of going back to one.

Invariant: looking keeps nothing and changes nothing; what goes back is what the preview shows
with a cross, and it is asked about before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from textual.worker import WorkType

from orc_core.errors import OrcError
from orc_core.model.code import RestorePlan, TreeCheckpoint
from orc_core.text import clean
from orc_storage.errors import StorageError
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.browse import BrowseView
from orc_tui.view_models import browse, rollback
from orc_tui.view_models.browse import Browse
from orc_tui.view_models.lines import BLANK

PLANS_MAX: Final = 32
"""How many previews are kept; what else is asked for is made again."""


class Shelf(Protocol):
    """What the list reads of one work tree, at `top`, as that of the agent `of`."""

    of: str
    top: str

    async def listing(self) -> list[TreeCheckpoint]: ...

    async def plan(self, id: str) -> RestorePlan: ...


class CheckpointsView(BrowseView, inherit_bindings=False):
    """Shows the checkpoints of a work tree, newest first."""

    pane: ClassVar[str] = keymap.TREE
    shown: ClassVar[tuple[str, ...]] = ("restore", "keep", "undo", "filter", "command")

    def __init__(self, shelf: Shelf, *, now: Callable[[], float]) -> None:
        super().__init__()
        self.shelf = shelf
        self._now = now
        self._all: list[TreeCheckpoint] = []
        self._rows: dict[str, TreeCheckpoint] = {}
        self._plans: dict[str, RestorePlan] = {}
        self._trouble: dict[str, str] = {}
        self._is_read = False

    def begin(self) -> None:
        self.look_again()

    def actions(self) -> dict[str, Callable[[], None]]:
        return {"open": self._restore}

    def look_again(self) -> None:
        """Read the list anew, as something was done in the tree."""
        self._plans.clear()
        self._trouble.clear()
        self._work(self._read, "checkpoints")

    def filter_by(self, text: str) -> None:
        super().filter_by(text)
        self._take()

    def moved(self) -> None:
        here = self.roll.cursor
        if here and here not in self._plans and here not in self._trouble:
            self._work(self._compare, "plan")

    def _work(self, work: WorkType[None], group: str) -> None:
        self.run_worker(work, exclusive=True, group=group)

    def _restore(self) -> None:
        self.post_message(Act("restore", self.pane, self.roll.cursor))

    async def _read(self) -> None:
        try:
            self._all = await self.shelf.listing()
        except (OrcError, OSError) as error:
            self.note(str(error), "error")
        self._is_read = True
        self._take()
        self.moved()
        self.draw()

    async def _compare(self) -> None:
        id = self.roll.cursor
        try:
            found = await self.shelf.plan(id)
        except (OrcError, StorageError, OSError, TimeoutError) as error:
            self._trouble[id] = clean(str(error), limit=400)
        else:
            while len(self._plans) >= PLANS_MAX:
                self._plans.pop(next(iter(self._plans)))
            self._plans[id] = found
        self.draw()

    def _take(self) -> None:
        words = self.query_text.casefold().split()
        self._rows = {
            one.id: one
            for one in self._all
            if all(word in f"{one.id} {one.note} {one.actor}".casefold() for word in words)
        }
        self.roll.settle(list(self._rows), self.roll.height)

    def picture(self, width: int, height: int) -> Browse:
        inner = browse.list_size(width, height)[0]
        room = browse.detail_size(width, height, is_whole=self._is_whole)[0]
        here = self._rows.get(self.roll.cursor)
        rows = [
            browse.row(
                rollback.checkpoint_row(self._rows[key], self._now()),
                inner,
                here=key == self.roll.cursor,
            )
            for key in self.roll.visible
        ]
        nothing = "none yet: N makes one" if self._is_read else "reading…"
        plan = self._plans.get(self.roll.cursor)
        told = self._trouble.get(self.roll.cursor, "")
        return Browse(
            title=((f"Checkpoints  {clean(self.shelf.of, limit=60)}", "bold"),),
            right=((f"{clean(self.shelf.top, limit=200)} ", "dim"),),
            name="Files",
            beside=((f" /{self.query_text}", "limited"),) if self.query_text else BLANK,
            count=f"{self.roll.index + 1} of {len(self.roll.keys)}" if rows else "",
            rows=rows or [((f"  {nothing}", "dim"),)],
            detail_name=f"Back to {here.id}" if here is not None else "",
            detail=rollback.checkpoint_lines(here, plan, room, told) if here is not None else [],
            foot=self.foot(width),
            scroll=self._scroll,
            is_whole=self._is_whole,
        )


class RestoreView(BrowseView, inherit_bindings=False):
    """Shows what going back would do, file by file and hunk by hunk, to be chosen from."""

    pane: ClassVar[str] = keymap.RESTORE
    shown: ClassVar[tuple[str, ...]] = ("choose", "choose-all", "restore")

    def __init__(self, shelf: Shelf, plan: RestorePlan, *, now: Callable[[], float]) -> None:
        super().__init__()
        self.shelf = shelf
        self.choice = rollback.chosen(plan)
        self._now = now

    def begin(self) -> None:
        self.roll.settle(self.choice.keys, self.roll.height)
        self.draw()

    def actions(self) -> dict[str, Callable[[], None]]:
        return {"choose": self._choose, "choose-all": self._choose_all, "open": self._restore}

    def _choose(self) -> None:
        if self.roll.cursor:
            self.choice = self.choice.turned(self.roll.cursor)
        self.draw()

    def _choose_all(self) -> None:
        self.choice = self.choice.all_turned()
        self.draw()

    def _restore(self) -> None:
        self.post_message(Act("restore", self.pane, ""))

    def picture(self, width: int, height: int) -> Browse:
        inner = browse.list_size(width, height)[0]
        room = browse.detail_size(width, height, is_whole=self._is_whole)[0]
        choice, plan = self.choice, self.choice.plan
        rows = [
            browse.row(rollback.choice_row(choice, key), inner, here=key == self.roll.cursor)
            for key in self.roll.visible
        ]
        here = self.roll.cursor
        return Browse(
            title=((f"Back to {plan.checkpoint.id}  {clean(self.shelf.of, limit=60)}", "bold"),),
            right=((f"{clean(plan.top, limit=200)} ", "dim"),),
            name="Goes back",
            beside=BLANK,
            count=f"{choice.count} of {len(plan.steps)} files",
            rows=rows,
            detail_name=f"- now  + {plan.checkpoint.id}",
            detail=rollback.choice_lines(choice, here, self._now(), room) if here else [],
            foot=self.foot(width),
            scroll=self._scroll,
            is_whole=self._is_whole,
        )
