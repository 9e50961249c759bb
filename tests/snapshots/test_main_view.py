"""Pictures of the main view at the sizes people have, in every theme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

import scene
from orc_core.model.agent import State
from orc_core.model.snapshot import Snapshot
from orc_tui.screens.fleet import FleetView
from stage import Stage

Compare = Callable[..., bool]
SIZES = [(60, 15), (80, 24), (120, 36), (160, 48), (200, 50)]


def show(snapshot: Snapshot, *keys: str) -> Callable[[Pilot[int]], object]:
    """Give the stage a snapshot, press keys, wait for rest."""

    async def act(pilot: Pilot[int]) -> None:
        stage = pilot.app
        assert isinstance(stage, Stage)
        stage.show(snapshot)
        await pilot.press(*keys)
        await stage.settled(pilot)

    return act


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_main_view(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(Stage(), terminal_size=size, run_before=show(scene.snapshot()))


@pytest.mark.parametrize("theme", ["light", "contrast", "ansi-dark", "ansi-light"])
@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_themes(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    stage = Stage(theme=theme)
    assert snap_compare(stage, terminal_size=size, run_before=show(scene.snapshot()))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_color(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Stage(), terminal_size=size, run_before=show(scene.snapshot()))


@pytest.mark.parametrize("pane", ["tasks", "conflicts", "sync", "live"])
def test_a_focused_pane_at_80_columns(snap_compare: Compare, pane: str) -> None:
    key = {"tasks": "2", "conflicts": "3", "sync": "4", "live": "0"}[pane]
    whole = replace(scene.snapshot(), layers=scene.broken_layers())
    assert snap_compare(Stage(), terminal_size=(80, 24), run_before=show(whole, key))


def test_a_conflict_at_160_columns(snap_compare: Compare) -> None:
    assert snap_compare(Stage(), terminal_size=(160, 48), run_before=show(scene.snapshot(), "3"))


def test_the_reasons_at_160_columns(snap_compare: Compare) -> None:
    assert snap_compare(Stage(), terminal_size=(160, 48), run_before=show(scene.snapshot(), "w"))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("tab", ["History", "Figures"])
def test_what_an_agent_did(snap_compare: Compare, tab: str, size: tuple[int, int]) -> None:
    keys = ["0", "right_square_bracket", "right_square_bracket"]
    keys += ["right_square_bracket"] if tab == "Figures" else []
    assert snap_compare(Stage(), terminal_size=size, run_before=show(scene.snapshot(), *keys))


def test_the_help(snap_compare: Compare) -> None:
    keys = show(scene.snapshot(), "question_mark")
    assert snap_compare(Stage(), terminal_size=(80, 24), run_before=keys)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_fleet(snap_compare: Compare, size: tuple[int, int]) -> None:
    whole = scene.snapshot()
    assert whole.screen is not None
    others = [one.key for one in whole.agents if one.state is State.WORKING]
    whole = replace(
        whole,
        previews=(whole.screen, *(replace(whole.screen, key=key) for key in others[::2])),
    )
    view = FleetView(whole, now=lambda: scene.AT, at=scene.key_of("claude-2"))

    async def act(pilot: Pilot[int]) -> None:
        await pilot.app.push_screen(view)
        await pilot.pause()

    assert snap_compare(Stage(), terminal_size=size, run_before=act)


def test_an_empty_fleet(snap_compare: Compare) -> None:
    assert snap_compare(Stage(), terminal_size=(80, 24), run_before=show(scene.empty()))


def test_ascii(snap_compare: Compare) -> None:
    stage = Stage(ascii_only=True)
    assert snap_compare(stage, terminal_size=(80, 24), run_before=show(scene.snapshot()))
