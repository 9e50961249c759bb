"""The container that puts every pane where the layout says.

Invariant: a pane without a place is not on the screen; places come from `view_models.layout`
alone, so that what a test computes is what a terminal shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from orc_tui.view_models.layout import Place

if TYPE_CHECKING:
    from textual.app import RenderResult


class BoardLayout(Layout):
    """Arranges children by their ids."""

    name = "board"

    def __init__(self) -> None:
        self.places: Mapping[str, Place] = {}

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Give each child that has a place its region."""
        placements: ArrangeResult = []
        for child in children:
            place = self.places.get(child.id or "")
            if place is not None:
                region = Region(place.x, place.y, place.width, place.height)
                placements.append(WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child))
        return placements


class Board(Widget):
    """Holds the panes of the main view."""

    DEFAULT_CSS = """
    Board { width: 100%; height: 100%; background: transparent; }
    """

    def __init__(self) -> None:
        super().__init__(id="board")
        self._board = BoardLayout()

    @property
    def layout(self) -> Layout:
        """The layout by places."""
        return self._board

    def settle(self, places: Mapping[str, Place]) -> bool:
        """Take new places; True when they differ from those of before."""
        if places == self._board.places:
            return False
        self._board.places = dict(places)
        # Textual keeps an arrangement as long as size and children stay the same.
        self._clear_arrangement_cache()
        self.refresh(layout=True)
        return True

    def render(self) -> RenderResult:
        """Nothing of its own."""
        return ""
