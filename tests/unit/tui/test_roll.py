"""Cursor and scroll stay on the key of a row."""

import random

from orc_tui.view_models.roll import Roll, hold


def roll_of(count: int, height: int) -> Roll:
    roll = Roll()
    roll.settle([f"k{number}" for number in range(count)], height)
    return roll


def test_the_cursor_starts_on_the_first_row() -> None:
    assert roll_of(3, 5).cursor == "k0"
    assert roll_of(0, 5).cursor == ""


def test_the_cursor_stays_on_its_key_when_rows_change_places() -> None:
    roll = roll_of(20, 5)
    roll.move(9)
    line = roll.index - roll.top
    roll.settle(list(reversed(roll.keys)), 5)
    assert roll.cursor == "k9"
    assert roll.index - roll.top == line


def test_a_row_that_comes_above_does_not_push_the_cursor_down_the_screen() -> None:
    roll = roll_of(20, 5)
    roll.move(9)
    top, line = roll.top, roll.index - roll.top
    roll.settle(["new", *roll.keys], 5)
    assert (roll.cursor, roll.top, roll.index - roll.top) == ("k9", top + 1, line)


def test_a_list_at_its_top_stays_there_so_that_what_needs_you_is_seen() -> None:
    roll = roll_of(20, 5)
    roll.move(2)
    roll.settle(["new", *roll.keys], 5)
    assert roll.cursor == "k2"
    assert roll.visible[0] == "new"


def test_when_the_row_goes_its_neighbour_takes_the_cursor() -> None:
    roll = roll_of(5, 5)
    roll.move(2)
    roll.settle(["k0", "k1", "k3", "k4"], 5)
    assert roll.cursor == "k3"
    roll.settle([], 5)
    assert roll.cursor == ""


def test_the_view_never_scrolls_past_its_ends() -> None:
    roll = roll_of(7, 3)
    roll.scroll(100)
    assert roll.visible == ["k4", "k5", "k6"]
    assert roll.cursor == "k4"
    roll.scroll(-100)
    assert roll.visible == ["k0", "k1", "k2"]
    assert roll.cursor == "k2"


def test_whatever_happens_the_cursor_is_in_view() -> None:
    chance = random.Random(7)
    roll = roll_of(10, 4)
    for _ in range(2000):
        match chance.randrange(4):
            case 0:
                roll.move(chance.randrange(-12, 13))
            case 1:
                roll.scroll(chance.randrange(-12, 13))
            case 2:
                keys = [f"k{number}" for number in range(chance.randrange(0, 14))]
                chance.shuffle(keys)
                roll.settle(keys, chance.randrange(1, 8))
            case _:
                roll.go(f"k{chance.randrange(20)}")
        assert roll.cursor in roll.visible or not roll.keys
        assert 0 <= roll.top <= max(len(roll.keys) - roll.height, 0)


def test_hold_keeps_the_old_order_and_puts_new_rows_last() -> None:
    assert hold(["b", "a", "c"], ["a", "b", "d"]) == ["b", "a", "d"]
