"""Lines: cut and padded to the cell, wide characters included."""

import pytest

from orc_core.model.snapshot import Style
from orc_core.text import cells
from orc_tui.view_models.frames import Frame, draw
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import Line, cut, ends, shift, spread, text_of, width_of, wrap

WIDE: Line = (("a漢字b", "text"), ("[/red]é", "dim"), ("日本", Style(fg=1)))


@pytest.mark.parametrize("width", range(22))
def test_cut_is_exact_at_every_width(width: int) -> None:
    assert width_of(cut(WIDE, width)) == width
    assert width_of(cut(WIDE, width, ellipsis="")) == width


@pytest.mark.parametrize("columns", range(20))
def test_shift_leaves_the_rest_in_its_cells(columns: int) -> None:
    assert width_of(shift(WIDE, columns)) == max(width_of(WIDE) - columns, 0)


def test_ends_cuts_the_left_one_first() -> None:
    line = ends((("a long beginning", "text"),), (("end", "dim"),), 12)
    assert text_of(line) == "a long…  end"
    assert text_of(ends((("abc", "text"),), (), 5)) == "abc  "


def test_spread_shares_the_gaps_from_the_left() -> None:
    words: list[Line] = [((word, "text"),) for word in ("aa", "bb", "cc", "dd")]
    assert text_of(spread(words, 16)) == "aa   bb   cc  dd"
    assert text_of(spread(words, 10)) == "aa  bb  cc"[:10]


def test_wrap_loses_no_word_and_keeps_to_the_width() -> None:
    text = "Backfill total_cents in batches of 5,000 rows\n\n漢字漢字漢字漢字 end"
    rows = wrap(text, 9)
    assert max(cells(row) for row in rows) <= 9
    assert "".join(rows).replace(" ", "") == text.replace(" ", "").replace("\n", "")


@pytest.mark.parametrize("shape", [Shape.BOXED, Shape.RULED])
@pytest.mark.parametrize("size", [(4, 3), (10, 4), (30, 5), (80, 24)])
def test_a_frame_is_exactly_its_place(shape: Shape, size: tuple[int, int]) -> None:
    width, height = size
    frame = Frame("1 Agents", True, ((" 9 of 17", "dim"),), (("17 · all of them", "dim"),))
    lines = draw(frame, [WIDE] * 40, Place(0, 0, width, height, shape))
    assert [width_of(line) for line in lines] == [width] * height
