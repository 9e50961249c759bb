"""Reading what a timeline shows: its rows, page by page, and what stands beside them.

Invariant: bounded. So many rows and differences are kept and no more, and what is read again
comes before what was read already, never twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Final, Protocol, TypeAlias

from orc_core.model.history import FieldChange, Held, Moment, Page, Place, Query, Saved
from orc_tui.view_models import story
from orc_tui.view_models.story import Against, Detail, Row, Tab, Timeline

KNOWN_MAX: Final = 256
"""Differences kept; the cursor seldom comes back to more."""
ROWS_MAX: Final = 5_000
"""Rows kept; a filter finds what lies further back."""

Key: TypeAlias = "tuple[object, ...]"


class Story(Protocol):
    """What the view reads; the history wing of the core is one."""

    async def page(self, query: Query, *, after: Place | None = None) -> Page: ...

    async def newest(self) -> Place: ...

    async def checkpoints(self) -> list[Saved]: ...

    async def checkpoint(self, name: str) -> tuple[Saved, tuple[Held, ...]]: ...

    async def diff(
        self, kind: str, id: str, rev: int, *, against: int | None = None
    ) -> tuple[FieldChange, ...]: ...


class Reading:
    """What was read for one view. `of` is what the tab This tells of, `filter` what was typed."""

    def __init__(self, story: Story, of: Query) -> None:
        self.of = of
        self.filter = Query()
        self._story = story
        self._next: Place | None = None
        self._seen: Place | None = None
        self._known: dict[Key, Detail] = {}

    @property
    def has_more(self) -> bool:
        """Whether older rows can be read."""
        return self._next is not None

    async def is_newer(self) -> bool:
        """Whether something happened since the rows were read."""
        return await self._story.newest() != self._seen

    async def rows(self, view: Timeline, *, keep: bool) -> tuple[Row, ...]:
        """Read the newest rows; with `keep` those that the view has follow them."""
        self._seen = await self._story.newest()
        if view.tab is Tab.CHECKPOINTS:
            self._next = None
            return self._saved(await self._story.checkpoints())
        if view.tab is Tab.THIS and not view.subject:
            self._next = None
            return ()
        page = await self._story.page(self._query(view))
        return self._woven(page, view.rows if keep else ())

    async def more(self, view: Timeline) -> tuple[Row, ...]:
        """The rows of the view and the page after them."""
        if self._next is None:
            return view.rows
        page = await self._story.page(self._query(view), after=self._next)
        rows = (*view.rows, *page.moments)
        self._next = page.next if len(rows) < ROWS_MAX else None
        return rows

    def known(self, view: Timeline) -> Detail | None:
        """What stands beside the row under the cursor, where it was read before."""
        return self._known.get(self._key(view))

    async def detail(self, view: Timeline) -> Detail:
        """Read what stands beside the row under the cursor."""
        key = self._key(view)
        found = await self._read(key, view.current)
        while len(self._known) >= KNOWN_MAX:
            self._known.pop(next(iter(self._known)))
        self._known[key] = found
        return found

    def _query(self, view: Timeline) -> Query:
        """What the tab asks for, narrowed by the filter."""
        base = Query()
        if view.tab is Tab.THIS:
            base = self.of
        elif view.tab is Tab.SINCE:
            base = Query(since=max(view.since, self.filter.since))
        names = (field.name for field in fields(Query))
        asked = {
            name: value
            for name in names
            if (value := getattr(self.filter, name)) and not getattr(base, name)
        }
        return replace(base, **asked)

    def _saved(self, found: Sequence[Saved]) -> tuple[Row, ...]:
        words = self.filter.words
        return tuple(
            one for one in found if all(w in f"{one.name} {one.note}".casefold() for w in words)
        )

    def _woven(self, page: Page, kept: Sequence[Row]) -> tuple[Row, ...]:
        """The newest page before the rows that were read already."""
        known = {story.key_of(row): index for index, row in enumerate(kept)}
        at = known.get(page.moments[-1].key) if page.moments else None
        if at is None or page.next is None:
            self._next = page.next
            return tuple(page.moments)
        newest = {(row.kind, row.id): row.now_rev for row in page.moments}
        older = tuple(
            replace(row, now_rev=newest.get((row.kind, row.id), row.now_rev))
            for row in kept[at + 1 :]
            if isinstance(row, Moment)
        )
        return (*page.moments, *older)

    def _key(self, view: Timeline) -> Key:
        """What the detail is a function of."""
        row = view.current
        if row is None:
            return ()
        if name := story.checkpoint_of(row):
            return ("checkpoint", name, self._seen)
        if not isinstance(row, Moment) or not row.rev:
            return (story.key_of(row),)
        if view.against is Against.NOW:
            return ("diff", row.kind, row.id, row.now_rev, row.rev)
        other = story.other_mark(view) if view.against is Against.MARKED else None
        if other is not None:
            first, last = sorted((row.rev, other.rev))
            return ("diff", row.kind, row.id, last, first)
        return ("diff", row.kind, row.id, row.rev, None)

    async def _read(self, key: Key, row: Row | None) -> Detail:
        match key:
            case ("checkpoint", str(name), _):
                saved, held = await self._story.checkpoint(name)
                return Detail(held=held, text=saved.note)
            case ("diff", str(kind), str(id), int(rev), against):
                other = against if isinstance(against, int) else None
                changes = await self._story.diff(kind, id, rev, against=other)
                return Detail(changes=changes)
        return Detail(text=row.text or row.action) if isinstance(row, Moment) else Detail()
