"""A list with what its row holds beside it: the frame of the views that only tell.

Invariant: the lines are as many and as wide as was asked for, at every size; each width offers
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orc_core.text import clean
from orc_tui.keyboard import Keyboard, binding_key, label
from orc_tui.view_models import box, frames
from orc_tui.view_models.frames import Frame
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import BLANK, Line, cut, width_of
from orc_tui.view_models.timeline import TWO_COLUMNS, list_width

_GAP: Final[Line] = ((" ", "text"),)


@dataclass(frozen=True, slots=True)
class Browse:
    """What such a view shows.

    `rows` are those in view, `detail` is whole and shown from line `scroll` on; with `is_whole`
    it has the view for itself.
    """

    title: Line
    right: Line
    name: str
    beside: Line
    count: str
    rows: Sequence[Line]
    detail_name: str
    detail: Sequence[Line]
    foot: Line
    scroll: int = 0
    is_whole: bool = False


def places(width: int, height: int, *, is_whole: bool) -> tuple[Place | None, Place]:
    """Where the list stands, and what is beside or under it."""
    room = max(height - 2, 4)
    shape = Shape.BOXED if width >= TWO_COLUMNS else Shape.RULED
    if is_whole:
        return None, Place(0, 1, width, room, shape)
    if width >= TWO_COLUMNS:
        left = list_width(width)
        beside = Place(left + 1, 1, width - left - 1, room, shape)
        return Place(0, 1, left, room, shape), beside
    upper = max(room * 3 // 5, 2)
    return Place(0, 1, width, upper, shape), Place(0, 1 + upper, width, room - upper, shape)


def list_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the room for rows."""
    place, _ = places(width, height, is_whole=False)
    return frames.inside(place) if place is not None else (0, 0)


def detail_size(width: int, height: int, *, is_whole: bool) -> tuple[int, int]:
    """Width and height of the room for the detail, without the blank at its sides."""
    inner, rows = frames.inside(places(width, height, is_whole=is_whole)[1])
    return inner - 2, rows


def lines(view: Browse, width: int, height: int) -> list[Line]:
    """The whole view, `width` by `height`."""
    listed, beside = places(width, height, is_whole=view.is_whole)
    detail = [((" ", "text"), *line) for line in view.detail[view.scroll :]]
    right = frames.draw(_detail_frame(view, beside), detail, beside)
    if listed is None:
        body = right
    else:
        frame = Frame(view.name, True, view.beside, _dim(view.count))
        left = frames.draw(frame, view.rows, listed)
        if beside.x:
            body = [(*one, *_GAP, *other) for one, other in zip(left, right, strict=True)]
        else:
            body = [*left, *right]
    head = box.spread(((" orc ", "text bold"), ("  ", ""), *view.title), view.right, width)
    return [head, *body, cut(view.foot, width)]


def _detail_frame(view: Browse, place: Place) -> Frame:
    rows = frames.inside(place)[1]
    more = len(view.detail) - view.scroll - rows
    told = _dim(f"{more} more lines: J scrolls") if more > 0 else BLANK
    return Frame(view.detail_name, view.is_whole, BLANK, told)


def _dim(text: str) -> Line:
    return ((text, "dim"),) if text else BLANK


def row(line: Line, width: int, *, here: bool) -> Line:
    """A row of the list with the sign and the ground of the cursor."""
    if not here:
        return cut(((" ", "text"), *line), width)
    whole = cut((("›", "accent bold"), *line), width)
    return tuple((text, f"{ink} @") for text, ink in whole)


def footer(
    keyboard: Keyboard, ids: Sequence[str], width: int, note: str = "", note_ink: str = "text"
) -> Line:
    """The keys of some actions and the way back, or what was just said in their place."""
    if note:
        return ((f" {clean(note, limit=400)}", f"{note_ink} bold"),)
    end = box.keys([_key(keyboard, "back", "back"), _key(keyboard, "help", "keys")], width)
    pairs = [_key(keyboard, id, keyboard.action(id).word) for id in ids]
    shown = box.keys(pairs, width - width_of(end) - 4)
    return box.spread(((" ", ""), *shown), (*end, (" ", "")), width)


def _key(keyboard: Keyboard, id: str, word: str) -> Line:
    key = keyboard.key_of(id)
    return box.key(label(key), word, press=binding_key(key)) if key else ()
