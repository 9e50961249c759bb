"""Choices not written yet: kept over a restart, bounded, and never for another conflict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dialog_scenes import CONFLICTS, PRIORITY, TITLE
from orc_tui import memory
from orc_tui.choices import BYTES_MAX, CHOICES_MAX, counting, lasting, made
from orc_tui.memory import Choice, Looks
from orc_tui.view_models.conflict_parts import Taken

TAKEN = {TITLE.id: Taken("value", "another title"), PRIORITY.id: Taken("left")}


def test_choices_come_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / memory.FILE_NAME
    memory.save(path, "/w", Looks(choices=lasting(made(TAKEN, CONFLICTS))))
    kept, fault = memory.load(path)
    assert fault == ""
    assert counting(kept.workspaces["/w"].choices, CONFLICTS) == TAKEN


def test_a_choice_counts_for_its_conflict_alone() -> None:
    choices = made(TAKEN | {"C-999": Taken("left")}, CONFLICTS)
    assert set(choices) == {TITLE.id, PRIORITY.id}, "of no conflict, no choice"
    for other in (
        replace(TITLE, left=replace(TITLE.left, value="moved on")),
        replace(TITLE, right=replace(TITLE.right, present=False)),
        replace(TITLE, base="another base"),
        replace(TITLE, path="text"),
        replace(TITLE, doc="T-99"),
    ):
        assert counting(choices, [other, PRIORITY]) == {PRIORITY.id: Taken("left")}
    later = replace(TITLE, left=replace(TITLE.left, at=1.0), deferred_until=2.0)
    assert TITLE.id in counting(choices, [later]), "what it is about is the same"


def test_what_outlives_a_run_is_bounded_and_the_newest() -> None:
    many = {f"C-{number}": Choice("left", None, "") for number in range(CHOICES_MAX + 5)}
    assert list(lasting(many)) == list(many)[5:]
    long = Choice("value", "é" * (BYTES_MAX // 2 - 1), "")
    short = Choice("value", "short", "")
    assert lasting({"C-1": short, "C-2": long, "C-3": many["C-3"]}) == {
        "C-2": long,
        "C-3": many["C-3"],
    }


def test_the_oldest_workspace_goes_where_the_file_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "BYTES_MAX", 4_000)
    path = tmp_path / memory.FILE_NAME
    typed = {"C-1": Choice("value", ["a"] * 100, "")}
    for number in range(6):
        memory.save(path, f"/w{number}", Looks(choices=lasting(typed)))
        assert path.stat().st_size <= 4_000
    kept, fault = memory.load(path)
    assert fault == "" and list(kept.workspaces)[-1] == "/w5"
    assert 1 <= len(kept.workspaces) < 6
