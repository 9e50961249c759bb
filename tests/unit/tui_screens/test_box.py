"""Lines, boxes and wrapping: always the width that was asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orc_core.text import cells
from orc_tui.view_models import box
from orc_tui.view_models.lines import text_of

TEXTS = st.text(alphabet="ab 漢é—\t", max_size=60)


@given(st.lists(st.tuples(TEXTS, st.just("dim")), max_size=5), st.integers(0, 60))
def test_cut_is_exact(parts: list[tuple[str, str]], width: int) -> None:
    line = tuple((text.replace("\t", " "), style) for text, style in parts)
    assert box.width_of(box.cut(line, width)) == width


@given(TEXTS, TEXTS, st.integers(8, 60))
def test_edges_are_exact(left: str, right: str, width: int) -> None:
    head = ((left.replace("\t", " "), ""),)
    tail = ((right.replace("\t", " "), ""),)
    for edge in (box.top, box.bottom, box.rule):
        assert box.width_of(edge(head, tail, width)) == width
        assert box.width_of(edge(head, (), width)) == width


@given(st.text(alphabet="ab 漢\n", max_size=80), st.integers(2, 30))
def test_wrap_fits_and_keeps_every_word(text: str, width: int) -> None:
    lines = box.wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_keys_that_do_not_fit_are_left_away() -> None:
    pairs = [box.key("y", "yes"), (), box.key("n", "no"), box.key("q", "a long word")]
    assert text_of(box.keys(pairs, 12)) == "y yes  n no"
