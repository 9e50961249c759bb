"""Between a main screen and how it was left.

Invariant: only what is still there is taken up (a pane, a tab, a column), and nothing once the
operator pressed a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from orc_tui.choices import lasting
from orc_tui.memory import Choice, ListLook, Looks
from orc_tui.view_models import live
from orc_tui.view_models.order import COLUMNS, Order

if TYPE_CHECKING:
    from orc_tui.screens.main import MainScreen


def looks_of(screen: MainScreen, choices: Mapping[str, Choice] = MappingProxyType({})) -> Looks:
    """How the screen is now, with the choices that are not written yet."""
    return Looks(
        pane=screen.pane,
        tab=screen.live.tab,
        is_zoomed=screen.zoomed,
        only_needs=screen.only_needs,
        lists={
            name: ListLook(
                pane.query_text[:1000], pane.order.column, pane.order.is_reversed, pane.is_folded
            )
            for name, pane in screen.lists.items()
        },
        choices=lasting(choices),
    )


def recall(screen: MainScreen, looks: Looks) -> None:
    """Make the screen look as it was left."""
    for name, pane in screen.lists.items():
        look = looks.lists.get(name)
        if look is None:
            continue
        pane.set_filter(look.filter)
        pane.fold(look.is_folded)
        if look.column in {column.id for column in COLUMNS.get(name, ())}:
            pane.set_order(Order(look.column, look.is_reversed))
    screen.only_needs = looks.only_needs
    if looks.tab in live.TABS:
        screen.live.show_tab(looks.tab)
    if looks.pane in {*screen.lists, "live"}:
        screen.zoomed = looks.is_zoomed
        screen.focus_pane(looks.pane)
    screen.draw_all()
