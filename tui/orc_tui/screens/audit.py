"""The audit: the journal of the workspace, entry by entry, and whether its chain holds.

Invariant: bounded. Pages are read as the cursor comes to them, so many rows are kept and no
more, and a journal is never read whole to be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from typing import ClassVar, Final, Protocol

from textual.worker import WorkType

from orc_core.errors import OrcError
from orc_core.history.query import parse
from orc_core.model.history import Moment, Page, Place, Query
from orc_storage.audit import Examination
from orc_storage.errors import StorageError
from orc_storage.records import Entry
from orc_tui import keymap
from orc_tui.screens.browse import BrowseView
from orc_tui.screens.dialog import Dialog
from orc_tui.view_models import audit, browse
from orc_tui.view_models.browse import Browse
from orc_tui.view_models.lines import BLANK, Line

ROWS_MAX: Final = 5_000
"""Rows kept; a filter finds what lies further back."""
MORE_AT: Final = 20
"""So many rows before the end the next page is read."""
ENTRIES_MAX: Final = 256
LOOK_S: Final = 1.0
"""How often it is looked whether something was done."""


class Ledger(Protocol):
    """What the view reads; the core gives one."""

    async def page(self, query: Query, *, after: Place | None = None) -> Page: ...

    async def newest(self) -> Place: ...

    async def entry(self, seq: int) -> Entry | None: ...

    async def examine(self) -> Examination: ...


class AuditView(BrowseView, inherit_bindings=False):
    """Shows entries, newest first."""

    pane: ClassVar[str] = keymap.AUDIT
    shown: ClassVar[tuple[str, ...]] = ("verify", "hold-audit", "filter", "command")
    hint: ClassVar[str] = "words, since:2h actor: kind: task:"

    def __init__(self, ledger: Ledger, *, now: Callable[[], float]) -> None:
        super().__init__()
        self._ledger = ledger
        self._now = now
        self._query = Query(first=1)
        self._rows: dict[str, Moment] = {}
        self._entries: dict[int, Entry] = {}
        self._next: Place | None = None
        self._seen: Place | None = None
        self._is_read = False
        self._is_held = False
        self._newer = 0
        self._is_busy = False
        self._found: Examination | None = None

    def begin(self) -> None:
        self.set_interval(LOOK_S, self._look)
        self._read_anew()

    def actions(self) -> dict[str, Callable[[], None]]:
        return {
            "audit": lambda: self._change_filter(""),
            "verify": lambda: self._work(self._verify, "verify"),
            "hold-audit": self._hold,
        }

    def filter_by(self, text: str) -> None:
        self._change_filter(text)

    def moved(self) -> None:
        here = self._here
        if here is not None and here.seq not in self._entries:
            self._work(self._read_entry, "entry")
        if self._next is not None and self.roll.index >= len(self.roll.keys) - MORE_AT:
            self._work(self._read_more, "rows")

    @property
    def _here(self) -> Moment | None:
        return self._rows.get(self.roll.cursor)

    def _work(self, work: WorkType[None], group: str) -> None:
        self.run_worker(work, exclusive=True, group=group)

    # -- reading --------------------------------------------------------------------------------

    def _change_filter(self, text: str) -> None:
        try:
            asked = parse(text, self._now())
        except OrcError as error:
            self.note(str(error), "error")
            return
        # From the first entry on: what was only seen of agents is no part of the journal.
        self._query = replace(asked, first=max(asked.first, 1))
        self.query_text = text
        self._read_anew()

    def _read_anew(self) -> None:
        self._is_read, self._newer = False, 0
        self.draw()
        self._work(self._read, "rows")

    def _hold(self) -> None:
        """Let new entries come, or keep the list as it is."""
        self._is_held = not self._is_held
        if self._is_held:
            self.note("holding: f follows again")
        else:
            self._read_anew()
            self.note("following")

    async def _look(self) -> None:
        """See whether something was done, and read it unless the list is held."""
        if not (self.is_current and self._is_read):
            return
        try:
            newest = await self._ledger.newest()
        except (TimeoutError, OrcError, StorageError):
            return  # the header of the main view tells of a store in trouble
        if self._seen is None or newest.journal == self._seen.journal:
            return
        if self._is_held:
            self._newer = newest.journal - self._seen.journal
            self.draw()
        else:
            self._work(self._read, "rows")

    async def _read(self) -> None:
        """Read the newest page; what was read before follows it, the cursor keeps its row."""
        try:
            self._seen = await self._ledger.newest()
            page = await self._ledger.page(self._query)
        except (TimeoutError, OrcError, StorageError) as error:
            self._is_read = True
            self.note(str(error), "error")
            return
        known = {one.key: one for one in page.moments}
        was_first = not self._is_read or self.roll.index == 0
        last = page.moments[-1].key if page.moments else ""
        if self._is_read and last in self._rows:
            kept = list(self._rows.values())
            at = next(i for i, one in enumerate(kept) if one.key == last)
            known |= {one.key: one for one in kept[at + 1 :]}
        else:
            self._next = page.next
        self._take(known.values())
        self._is_read = True
        if was_first and self.roll.keys:
            self.roll.go(self.roll.keys[0])
        self.moved()
        self.draw()

    async def _read_more(self) -> None:
        """Read the page after the last row."""
        if self._next is None:
            return
        try:
            page = await self._ledger.page(self._query, after=self._next)
        except (TimeoutError, OrcError, StorageError) as error:
            self.note(str(error), "error")
            return
        self._next = page.next
        self._take((*self._rows.values(), *page.moments))
        self.draw()

    def _take(self, rows: Iterable[Moment]) -> None:
        self._rows = {one.key: one for one in islice(rows, ROWS_MAX)}
        if len(self._rows) >= ROWS_MAX:
            self._next = None
        self.roll.settle(list(self._rows), self.roll.height)

    async def _read_entry(self) -> None:
        """Read the entry under the cursor; a newer cursor cancels this."""
        here = self._here
        if here is None:
            return
        try:
            found = await self._ledger.entry(here.seq)
        except (TimeoutError, OrcError, StorageError) as error:
            self.note(str(error), "error")
            return
        if found is not None:
            while len(self._entries) >= ENTRIES_MAX:
                self._entries.pop(next(iter(self._entries)))
            self._entries[found.seq] = found
            self.draw()

    async def _verify(self) -> None:
        """Examine the whole chain, and say what was found."""
        self._is_busy = True
        self.draw()
        try:
            self._found = await self._ledger.examine()
        except (TimeoutError, OrcError, StorageError) as error:
            self.note(str(error), "error")
            return
        finally:
            self._is_busy = False
        self.draw()
        title = "The journal is not intact" if self._found.findings else "The journal is intact"
        self.app.push_screen(Dialog(title, (), lines=audit.told(self._found), cancel="Close"))

    # -- drawing --------------------------------------------------------------------------------

    def picture(self, width: int, height: int) -> Browse:
        inner = browse.list_size(width, height)[0]
        room = browse.detail_size(width, height, is_whole=self._is_whole)[0]
        now = self._now()
        rows = [
            browse.row(audit.row(self._rows[key], now), inner, here=key == self.roll.cursor)
            for key in self.roll.visible
        ]
        here = self._here
        return Browse(
            title=(("Audit", "bold"),),
            right=audit.standing(self._found, is_busy=self._is_busy),
            name="9 Audit",
            beside=self._beside(),
            count=self._count(),
            rows=rows or [((f"  {self._nothing()}", "dim"),)],
            detail_name=f"Entry {here.seq}" if here is not None else "Entry",
            detail=self._detail(here, room),
            foot=self.foot(width),
            scroll=self._scroll,
            is_whole=self._is_whole,
        )

    def _beside(self) -> Line:
        if self._is_held:
            newer = f", {self._newer} newer" if self._newer else ""
            return ((f" holding{newer}", "limited"),)
        return ((f" /{self.query_text}", "limited"),) if self.query_text else BLANK

    def _count(self) -> str:
        count = len(self.roll.keys)
        more = "+" if self._next is not None else ""
        return f"{self.roll.index + 1} of {count}{more}" if count else ""

    def _nothing(self) -> str:
        if not self._is_read:
            return "reading…"
        return (
            "no entry passes the filter: Esc shows all" if self.query_text else "nothing was done"
        )

    def _detail(self, here: Moment | None, width: int) -> list[Line]:
        if here is None:
            return []
        entry = self._entries.get(here.seq)
        return audit.entry_lines(entry, width) if entry is not None else [(("reading…", "dim"),)]
