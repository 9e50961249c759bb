"""What the keys of the main view do to where the operator looks.

Invariant: every key either moves something here, leaves as `Act`, or says why it cannot act.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from orc_core.model.agent import Agent
from orc_tui import keymap
from orc_tui.messages import Act
from orc_tui.screens.dialog import Option
from orc_tui.screens.help import HelpScreen
from orc_tui.screens.menu import Menu
from orc_tui.view_models.ability import elsewhere, reason
from orc_tui.view_models.layout import LISTS
from orc_tui.view_models.lists import FOLD
from orc_tui.view_models.order import COLUMNS, OWN, arrow

if TYPE_CHECKING:
    from orc_tui.screens.main import MainScreen

_FAR: Final = 1_000_000
_MOVES: Final = {"down": 1, "up": -1, "first": -_FAR, "last": _FAR}
_PAGES: Final = {"half-down": 0.5, "half-up": -0.5, "page-down": 1.0, "page-up": -1.0}
_FOCUS: Final = {
    "pane-1": keymap.AGENTS,
    "pane-2": keymap.TASKS,
    "pane-3": keymap.CONFLICTS,
    "pane-4": keymap.SYNC,
    "pane-0": keymap.LIVE,
}
_RING: Final = (*LISTS, keymap.LIVE)


class Keys:
    """Dispatches action ids of the registry for one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._opened_from = ""
        self._local: dict[str, Callable[[], None]] = {
            "next-pane": lambda: self._turn(1),
            "previous-pane": lambda: self._turn(-1),
            "next-attention": lambda: self._attention(1),
            "previous-attention": lambda: self._attention(-1),
            "only-attention": self._only_attention,
            "filter": screen.finding.open,
            "sort": self._sort_menu,
            "fold": screen.fold,
            "mark": self._mark,
            "mark-range": self._mark_range,
            "mark-all": self._mark_all,
            "back": self.back,
            "quit": self._quit,
            "zoom": lambda: self._zoom(True),
            "unzoom": lambda: self._zoom(False),
            "next-tab": lambda: self._tab(1),
            "previous-tab": lambda: self._tab(-1),
            "live-down": lambda: self._scroll_live(1),
            "live-up": lambda: self._scroll_live(-1),
            "live-left": lambda: self._shift_live(-1),
            "live-right": lambda: self._shift_live(1),
            "follow": self._follow,
            "older-match": lambda: self._turn_match(-1),
            "newer-match": lambda: self._turn_match(1),
            "help": lambda: self._help(),
        }

    def press(self, key: str) -> None:
        """Do what a key does in the focused pane."""
        screen = self._screen
        action = screen.keyboard.action_for(key, screen.acting)
        if action is None:
            screen.say(elsewhere(key, screen.acting, screen.keyboard))
            return
        self.do(action.id)

    def do(self, action_id: str) -> None:
        """Do an action here, or hand it on."""
        screen = self._screen
        if action_id in _MOVES:
            self._move(_MOVES[action_id])
        elif action_id in _PAGES:
            self._move(int(_PAGES[action_id] * self._page()) or 1)
        elif action_id in _FOCUS:
            screen.focus_pane(_FOCUS[action_id])
        elif action_id in self._local:
            self._local[action_id]()
        elif action_id == "why" and isinstance(screen.row, Agent):
            self._why()
        elif action_id == "open" and screen.acting != keymap.CONFLICTS:
            self._open()
        else:
            self._hand_on(action_id)

    def _hand_on(self, action_id: str) -> None:
        screen = self._screen
        marked = screen.marked if action_id in {*keymap.BULK, "command"} else {}
        reasons = [reason(action_id, row) for row in marked.values() or (screen.row,)]
        if all(reasons):
            screen.say(reasons[0])
        else:
            screen.post_message(Act(action_id, screen.acting, screen.row_key, tuple(marked)))

    def _page(self) -> int:
        screen = self._screen
        if screen.pane == keymap.LIVE:
            return screen.live.page()
        return max(screen.lists[screen.pane].roll.height - 1, 1)

    def _move(self, by: int) -> None:
        screen = self._screen
        if screen.pane == keymap.LIVE:
            self._scroll_live(by)
            return
        screen.lists[screen.pane].roll.move(by)
        screen.paint()

    def _turn(self, by: int) -> None:
        ring = _RING
        screen = self._screen
        screen.focus_pane(ring[(ring.index(screen.pane) + by) % len(ring)])

    def _attention(self, by: int) -> None:
        """Go to the next row that needs the operator: in this list first, then in the others."""
        screen = self._screen
        here = screen.source
        start = LISTS.index(here)
        for step in range(len(LISTS)):
            name = LISTS[(start + step) % len(LISTS)]
            pane = screen.lists[name]
            keys = pane.needing()
            if not keys:
                continue
            if name != here:
                pane.roll.go(keys[0])
            else:
                pane.roll.go(_beyond(keys, pane.roll.keys, pane.roll.cursor, by))
            if screen.pane == keymap.LIVE and name == here:
                screen.paint()
            else:
                screen.focus_pane(name)
            return
        screen.say("nothing needs you")

    def _only_attention(self) -> None:
        screen = self._screen
        screen.only_needs = not screen.only_needs
        screen.draw_all()
        screen.say("only what needs you: ! shows all" if screen.only_needs else "all rows")

    def _sort_menu(self) -> None:
        """Choose the column to sort by; its arrow says which way it is now."""
        pane = self._screen.pane
        order = self._screen.lists[pane].order
        options = [Option(OWN, "needs you", "n")]
        notes = ["the list's own order" + ("" if order.column else ", now")]
        for one in COLUMNS[pane]:
            is_now = one.id == order.column
            options.append(Option(one.id, one.id, one.key))
            notes.append(
                f"{one.told}; now {arrow(one, order)}, again turns it" if is_now else one.told
            )
        menu = Menu(f"Sort {keymap.PANE_NAMES[pane]} by", options, notes)

        def chosen(column: str | None) -> None:
            if column is not None:
                self._screen.lists[pane].set_order(order.chosen(column))
                self._screen.draw_all()

        self._screen.app.push_screen(menu, chosen)

    def _mark(self) -> None:
        self._screen.lists[self._screen.pane].mark()
        self._screen.paint()

    def _mark_range(self) -> None:
        if self._screen.lists[self._screen.pane].mark_range():
            self._screen.paint()
        else:
            self._screen.say("mark one end first: space marks")

    def _mark_all(self) -> None:
        self._screen.lists[self._screen.pane].mark_all()
        self._screen.paint()

    def back(self) -> None:
        """Undo exactly one layer."""
        screen = self._screen
        if not self._close_layer():
            screen.say("nothing to go back from: q quits")

    def _close_layer(self) -> bool:
        screen = self._screen
        shown = screen.lists[screen.source]
        if screen.find.is_open:
            screen.finding.close(keep=False)
        elif screen.zoomed:
            self._zoom(False)
        elif shown.query_text:
            shown.set_filter("")
            screen.draw_all()
        elif screen.only_needs:
            self._only_attention()
        elif shown.marks:
            screen.unmark(screen.source, shown.marks)
        elif screen.pane == keymap.LIVE:
            self._leave_live()
        elif not screen.forget_since():
            return False
        return True

    def _leave_live(self) -> None:
        """End a search first, then follow the end of the screen, then go back to the list."""
        screen = self._screen
        if screen.live.is_searching:
            screen.live.end_search()
        elif screen.live.screen_in_view is None or not screen.live.follow():
            screen.focus_pane(screen.source)
            return
        screen.paint()

    def _turn_match(self, by: int) -> None:
        self._screen.live.turn_match(by)
        self._screen.paint_live()

    def _quit(self) -> None:
        if not self._close_layer():
            self._screen.post_message(Act("quit", self._screen.acting, ""))

    def _zoom(self, on: bool) -> None:
        screen = self._screen
        screen.zoomed = on
        back_to, self._opened_from = self._opened_from, ""
        screen.focus_pane(back_to if back_to and not on else screen.pane)

    def _open(self) -> None:
        """Give what is under the cursor the whole screen."""
        screen = self._screen
        if screen.pane == keymap.AGENTS and screen.lists[screen.pane].roll.cursor == FOLD:
            screen.fold()
            return
        if screen.row is None:
            screen.say("there is nothing to open")
            return
        source = screen.pane
        screen.zoomed = True
        screen.focus_pane(keymap.LIVE)
        self._opened_from = source

    def _why(self) -> None:
        screen = self._screen
        screen.live.show_tab("Screen" if screen.live.tab == "Why" else "Why")
        screen.want_why()
        screen.paint()

    def _tab(self, by: int) -> None:
        screen = self._screen
        if not isinstance(screen.row, Agent):
            screen.say("only an agent has tabs")
            return
        screen.live.turn_tab(by)
        screen.want_why()
        screen.paint()

    def _scroll_live(self, by: int) -> None:
        self._screen.live.scroll(by)
        self._screen.paint_live()

    def _shift_live(self, by: int) -> None:
        self._screen.live.shift(by)
        self._screen.paint_live()

    def _follow(self) -> None:
        screen = self._screen
        if not isinstance(screen.row, Agent):
            screen.say("only an agent's screen is followed")
            return
        held = screen.live.toggle_hold()
        screen.paint_live()
        screen.say("holding: f follows again" if held else "following")

    def _help(self) -> None:
        screen = self._screen
        screen.app.push_screen(HelpScreen(screen.acting, screen.keyboard))


def _beyond(keys: list[str], order: list[str], cursor: str, by: int) -> str:
    """The next of `keys` after the cursor in the order of the list, round and round."""
    rank = {key: index for index, key in enumerate(order)}
    here = rank.get(cursor, -1)
    if by > 0:
        return next((key for key in keys if rank[key] > here), keys[0])
    return next((key for key in reversed(keys) if rank[key] < here), keys[-1])
