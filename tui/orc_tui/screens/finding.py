"""What `/` finds: rows of the list that is followed, or words in the screen that Live shows.

Invariant: what it is for is decided when the line opens; without `keep` nothing of it is left.
What is wrong in a filter is said while it is typed, and once more when it is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orc_tui import keymap

if TYPE_CHECKING:
    from orc_tui.screens.main import MainScreen

FILTER: Final = "words, field:value, -not"
SEARCH: Final = "words in this screen and above it"


class Finding:
    """Leads the line of `/` of one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._searches = False

    def open(self) -> None:
        """Search where a screen in Live has the focus, else filter the list that is followed."""
        screen = self._screen
        self._searches = screen.pane == keymap.LIVE and screen.live.screen_in_view is not None
        if self._searches:
            screen.live.search("")
        screen.find.placeholder = SEARCH if self._searches else FILTER
        screen.find.open("" if self._searches else screen.lists[screen.source].query_text)
        screen.draw_all()
        screen.set_focus(screen.find)  # at once: what is typed next is no key

    def close(self, *, keep: bool) -> None:
        """Close the line; without `keep` what was found for it goes, too."""
        screen = self._screen
        screen.find.close()
        if self._searches and not (keep and screen.find.value):
            screen.live.end_search()
        elif not self._searches and not keep:
            screen.lists[screen.source].set_filter("")
        told, ink = self.told
        if keep and ink == "error":
            screen.say(told, severity=ink)
        screen.draw_all()

    @property
    def told(self) -> tuple[str, str]:
        """What there is to say of a filter, and its ink."""
        screen = self._screen
        return ("", "dim") if self._searches else screen.lists[screen.source].told

    def type(self, text: str) -> None:
        """Find what was typed so far."""
        screen = self._screen
        if not screen.find.is_open:
            return
        if self._searches:
            screen.live.search(text)
            screen.paint_live()
        else:
            screen.lists[screen.source].set_filter(text)
            screen.draw_all()
