"""The audit view over a long journal: pages as they are needed, bounded, every size whole."""

from __future__ import annotations

import pytest

from dialog_scenes import NOW
from dialog_stage import Stage, until
from orc_core.model.history import Moment, Page, Place, Query
from orc_core.text import cells
from orc_storage.audit import Examination
from orc_storage.records import Check, Entry, Finding
from orc_tui.screens.audit import ROWS_MAX, AuditView

PAGE = 200


def moment(seq: int) -> Moment:
    return Moment(seq, NOW - 60.0, "codex-1", "edit", "task", f"T-{seq % 40}", 3, 3, f"edit {seq}")


class Long:
    """A journal of so many entries that counts what is read of it."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self.pages = 0

    async def page(self, query: Query, *, after: Place | None = None) -> Page:
        self.pages += 1
        assert query.first == 1, "states of agents are no part of the journal"
        top = self.entries if after is None else after.journal - 1
        last = max(top - PAGE, 0)
        rows = tuple(moment(seq) for seq in range(top, last, -1))
        return Page(rows, Place(last + 1, 0) if last else None)

    async def newest(self) -> Place:
        return Place(self.entries, 0)

    async def entry(self, seq: int) -> Entry | None:
        detail = {"cause": "orc task edit", "sha256": "0" * 64, "fields": ["priority", "text"]}
        return Entry(seq, NOW, "codex-1", "edit", "task", "T-1", 3, detail, "1" * 64, "2" * 64)

    async def examine(self) -> Examination:
        wrong = Finding(Check.CHAIN, "journal: entry 7 was changed after it was written", seq=7)
        return Examination((wrong,), self.entries, self.entries, "2" * 64)


def view(entries: int) -> tuple[Stage, AuditView, Long]:
    ledger = Long(entries)
    shown = AuditView(ledger, now=lambda: NOW)
    return Stage(shown), shown, ledger


async def test_pages_are_read_as_the_cursor_comes_to_them_and_rows_are_bounded() -> None:
    stage, shown, ledger = view(1_000_000)
    async with stage.run_test(size=(120, 36)) as pilot:
        await until(lambda: "1 of 200+" in stage.text)
        assert ledger.pages == 1
        await pilot.press("G")
        await until(lambda: "200 of 400+" in stage.text)
        assert ledger.pages == 2
        for _ in range(40):
            before = ledger.pages
            await pilot.press("G")
            await until(lambda before=before: ledger.pages > before or shown._next is None)  # type: ignore[misc]
        await until(lambda: f"of {ROWS_MAX}" in stage.text)
        assert len(shown.roll.keys) == ROWS_MAX
        assert ledger.pages <= ROWS_MAX // PAGE + 1


async def test_new_entries_come_above_and_the_cursor_keeps_its_row() -> None:
    stage, shown, ledger = view(500)
    async with stage.run_test(size=(120, 36)) as pilot:
        await until(lambda: "1 of 200+" in stage.text)
        await pilot.press("j", "j")
        here = shown.roll.cursor
        ledger.entries += 3
        await until(lambda: "6 of 203+" in stage.text)
        assert shown.roll.cursor == here
        await pilot.press("g")
        ledger.entries += 1
        await until(lambda: "edit 504" in stage.text)
        assert shown.roll.index == 0, "on the newest row the cursor follows"


@pytest.mark.parametrize("height", [15, 24, 50])
@pytest.mark.parametrize("width", [60, 80, 99, 100, 119, 140, 220])
async def test_every_size_is_filled_exactly(width: int, height: int) -> None:
    stage, _, _ = view(500)
    async with stage.run_test(size=(width, height)) as pilot:
        await until(lambda: "1 of 200+" in stage.text)
        for keys in (["j"], ["enter"], ["escape"]):
            await pilot.press(*keys)
            lines = stage.text.split("\n")
            assert len(lines) == height
            assert max(map(cells, lines)) <= width
        assert "Esc" in stage.text or width < 100


async def test_the_mouse_chooses_opens_and_scrolls() -> None:
    stage, shown, _ = view(500)
    async with stage.run_test(size=(120, 36)) as pilot:
        await until(lambda: "1 of 200+" in stage.text)
        await pilot.click(offset=(10, 5))
        assert shown.roll.index == 3
        await pilot.click(offset=(10, 6), times=2)
        await until(lambda: "9 Audit" not in stage.text)


async def test_a_journal_that_was_changed_says_so_until_it_is_verified_again() -> None:
    stage, _, _ = view(500)
    async with stage.run_test(size=(80, 24)) as pilot:
        await until(lambda: "not verified yet" in stage.text)
        await pilot.press("V")
        await until(lambda: "The journal is not intact" in stage.text)
        assert "entry 7 was changed after it was written" in stage.text
        await pilot.press("escape")
        await until(lambda: "✗ 1 wrong" in stage.text)
