"""Places: they fill the body exactly at every size, and everything is reachable."""

import pytest

from orc_tui import keymap
from orc_tui.view_models.layout import LISTS, Place, Shape, left_width, places, too_small

ROWS = {"agents": 17, "tasks": 19, "conflicts": 5, "sync": 4}
PANES = (*LISTS, keymap.LIVE)


def cells_of(found: dict[str, Place]) -> list[tuple[int, int]]:
    return [
        (x, y)
        for place in found.values()
        for x in range(place.x, place.x + place.width)
        for y in range(place.y, place.y + place.height)
    ]


@pytest.mark.parametrize("zoomed", [False, True])
@pytest.mark.parametrize("focus", PANES)
def test_places_fill_the_body_without_overlap(focus: str, zoomed: bool) -> None:
    for width in (60, 80, 100, 119, 120, 159, 160, 200, 240):
        for height in (15, 16, 20, 24, 36, 48, 70):
            found = places(width, height, ROWS, focus, zoomed=zoomed)
            taken = cells_of(found)
            assert len(taken) == len(set(taken))
            gap = 0 if width < 120 or zoomed else height - 2
            assert len(taken) == width * (height - 2) - gap
            assert {y for _, y in taken} == set(range(1, height - 1))
            assert focus in found
            assert zoomed or set(PANES) <= set(found)


@pytest.mark.parametrize("rows", [dict.fromkeys(LISTS, 1), dict.fromkeys(LISTS, 500)])
def test_places_fill_the_body_with_few_rows_and_with_many(rows: dict[str, int]) -> None:
    for focus in PANES:
        for height in (15, 24, 48):
            found = places(160, height, rows, focus, zoomed=False)
            assert sum(found[name].height for name in LISTS) == height - 2
            assert min(found[name].height for name in LISTS) >= 3


def test_heights_at_160x48_are_those_of_the_sketch() -> None:
    found = places(160, 48, {**ROWS, "agents": 18}, "agents", zoomed=False)
    assert [found[name].height for name in LISTS] == [20, 13, 7, 6]
    assert found["live"] == Place(80, 1, 80, 46, Shape.BOXED)


def test_a_focused_list_gets_the_rows_of_live_at_80_columns() -> None:
    for name in ("tasks", "conflicts", "sync"):
        found = places(80, 24, ROWS, name, zoomed=False)
        assert found[name] == Place(0, 11, 80, 8, Shape.RULED)
        assert found["live"].shape is Shape.LINE


def test_a_focused_list_takes_from_agents_and_leaves_them_a_third() -> None:
    found = places(120, 36, ROWS, "tasks", zoomed=False)
    assert found["agents"].height == 34 // 3
    assert found["conflicts"].height == 6


def test_the_left_column_grows_in_steps() -> None:
    assert [left_width(width) for width in (120, 159, 160, 199, 200, 300)] == [
        66,
        66,
        79,
        79,
        100,
        100,
    ]


def test_too_small_is_below_60x15() -> None:
    assert not too_small(60, 15)
    assert too_small(59, 15)
    assert too_small(60, 14)
