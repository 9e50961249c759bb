"""How the dashboard was left: kept small, private and whole, and never in the way."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scene
from orc_tui import memory
from orc_tui.memory import Kept, ListLook, Looks
from orc_tui.screens.recalling import looks_of, recall
from stage import Stage

LOOKS = Looks(
    pane="tasks",
    tab="Why",
    is_zoomed=True,
    only_needs=True,
    lists={"agents": ListLook("state:waiting", "agent", True), "tasks": ListLook()},
)


def test_what_was_kept_is_read_and_other_workspaces_stay(tmp_path: Path) -> None:
    path = memory.place({"HOME": str(tmp_path)})
    assert memory.load(path) == (Kept(), "")
    memory.save(path, "/one", LOOKS, theme="light")
    memory.save(path, "/two", Looks())
    kept, fault = memory.load(path)
    assert (dict(kept.workspaces), kept.theme, fault) == (
        {"/one": LOOKS, "/two": Looks()},
        "light",
        "",
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.stat().st_mtime_ns
    memory.save(path, "/two", Looks())
    assert path.stat().st_mtime_ns == before, "what is kept already is not written again"
    for number in range(memory.WORKSPACES_MAX):
        memory.save(path, f"/w{number}", Looks(pane="live"))
    kept, _ = memory.load(path)
    assert next(iter(kept.workspaces)) == "/w0" and len(kept.workspaces) == memory.WORKSPACES_MAX
    assert [one.name for one in path.parent.iterdir()] == [memory.FILE_NAME]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Invalid JSON"),
        ('{"workspaces": {"/w": {"pane": 3}}}', "workspaces./w.pane: Input should be a valid"),
        ('{"workspaces": 3}', "workspaces: "),
        ("x" * (memory.BYTES_MAX + 1), "is larger than"),
    ],
)
def test_a_file_that_cannot_be_read_is_put_aside(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / memory.FILE_NAME
    path.write_text(text)
    path.chmod(0o600)
    kept, fault = memory.load(path)
    assert kept == Kept() and str(path) in fault and said in fault
    assert memory.put_aside(path) == "put aside as screen.json.aside"
    assert not path.exists() and (tmp_path / memory.ASIDE).read_text() == text
    assert memory.put_aside(path).startswith("it stays there")


@given(st.binary(max_size=300))
def test_no_bytes_stop_the_dashboard(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    path = tmp_path_factory.mktemp("memory") / memory.FILE_NAME
    path.write_bytes(text)
    path.chmod(0o600)
    kept, fault = memory.load(path)
    assert fault or kept == Kept()


async def test_the_screen_looks_as_it_was_left() -> None:
    first, second = Stage(), Stage()
    async with first.run_test(size=(120, 36)) as pilot:
        first.show(scene.snapshot())
        await pilot.press("slash", *"agent:claude", "enter", "s", "a", "s", "a", "w", "2", "plus")
        await first.settled(pilot)
        looks = looks_of(first.main)
        shown = first.lines()
    assert looks.lists["agents"] == ListLook("agent:claude", "agent", True)
    assert (looks.pane, looks.tab, looks.is_zoomed) == ("tasks", "Why", True)
    async with second.run_test(size=(120, 36)) as pilot:
        second.show(scene.snapshot())
        recall(second.main, looks)
        await second.settled(pilot)
        assert second.lines() == shown
        # What is not there any more is left away, and nothing else with it.
        odd = Looks(
            "gone", "Gone", True, False, {"agents": ListLook("x:1", "gone"), "no": ListLook()}
        )
        recall(second.main, odd)
        await second.settled(pilot)
        assert second.main.pane == "tasks" and second.main.live.tab == "Why"
        assert second.main.lists["agents"].query_text == "x:1"
