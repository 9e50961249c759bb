"""Fleet: the screens of all agents side by side, as they change.

Invariant: only agents in view are captured for it, and nobody is once it is closed; the keys are
those of Agents, for the tile under the cursor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.timer import Timer

from orc_core.model.agent import Agent
from orc_core.model.snapshot import Delta, Snapshot
from orc_tui import keymap
from orc_tui.messages import Act, Watched
from orc_tui.screens.help import HelpScreen
from orc_tui.screens.keyed import KeyedScreen
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models import agents, box, browse, fleet
from orc_tui.view_models.ability import elsewhere, reason
from orc_tui.view_models.fleet import Grid
from orc_tui.view_models.lines import Line, cut
from orc_tui.view_models.roll import Roll, hold

GATHER_S: Final = 0.25
"""Changes of screens are gathered for so long."""
MINUTE_S: Final = 60.0
_FAR: Final = 1_000_000
_PANES: Final = (keymap.LIVE, keymap.AGENTS, keymap.TASKS, keymap.CONFLICTS, keymap.SYNC)
_SHOWN: Final = ("answer", "attach", "type", "interrupt", "why", "end-agent", "command")
_HERE: Final = frozenset({*_SHOWN, "refuse", "restart", "history", "spawn", "undo", "redo", "copy"})
_HERE_TOO: Final = frozenset({*keymap.VIEWS, "refresh", "theme", "adopt", "supervise", "listen"})


@dataclass(frozen=True, slots=True)
class Left:
    """How the view was left: to a pane, or to a tab of an agent on the whole screen."""

    pane: str = ""
    agent_key: str = ""
    tab: str = ""


class FleetView(KeyedScreen[Left | str], inherit_bindings=False):
    """Shows a tile for every agent; they keep their places as long as the view is open."""

    CSS = "FleetView { background: $orc-ground; overflow: hidden; }"
    AUTO_FOCUS = ""

    def __init__(self, snapshot: Snapshot, *, now: Callable[[], float], at: str = "") -> None:
        """Begin on the agent `at`, else on the first."""
        super().__init__()
        self._snapshot = snapshot
        self._now = now
        self._note = ""
        self._watched: tuple[str, ...] = ()
        self._gather: Timer | None = None
        self._is_stale = False
        self._first_row = 0
        self._sheet = Sheet()
        self.roll = Roll()
        self._take()
        self.roll.go(at)
        self._local = self._actions()

    def compose(self) -> ComposeResult:
        yield self._sheet

    def on_mount(self) -> None:
        self.bind_keys()
        self.set_interval(MINUTE_S, self.draw)
        self.draw()

    def on_unmount(self) -> None:
        self.app.post_message(Watched(()))

    def on_resize(self) -> None:
        self.draw()

    def show(self, delta: Delta) -> None:
        """Take a snapshot; the first change paints at once, later ones are gathered."""
        self._snapshot = delta.snapshot
        self._is_stale = True
        if self._gather is None and self.is_attached:
            self._flush()

    def _flush(self) -> None:
        self._gather = None
        if self._is_stale and self.is_current:
            self._gather = self.set_timer(GATHER_S, self._flush)
            self.draw()

    def on_screen_resume(self) -> None:
        """Catch up after a dialog."""
        self._flush()

    def note(self, text: str) -> None:
        """Show one line about something that was just done."""
        self._note = text
        self.draw()

    # -- drawing --------------------------------------------------------------------------------

    def _take(self) -> None:
        known = agents.ordered(self._snapshot.agents, self._now())
        keys = [one.key for one in known]
        self.roll.settle(hold(self.roll.keys, keys), self.roll.height)

    @property
    def _grid(self) -> Grid:
        return fleet.grid(len(self.roll.keys), self.size.width, self.size.height - 2)

    @property
    def _here(self) -> Agent | None:
        return next((one for one in self._snapshot.agents if one.key == self.roll.cursor), None)

    def draw(self) -> None:
        """Draw the tiles in view, and ask for the screens of others if they came into view."""
        if not self.is_attached or not self.size.width:
            return
        self._is_stale = False
        self._take()
        grid = self._grid
        top = self._top(grid)
        keys = self.roll.keys[top : top + grid.size]
        by_key = {one.key: one for one in self._snapshot.agents}
        self._watch(tuple(keys))
        width, height = self.size
        body = fleet.lines(
            [by_key[key] for key in keys],
            {one.key: one for one in self._snapshot.previews},
            grid,
            width,
            height - 2,
            self._now(),
            cursor=self.roll.cursor,
        )
        self._sheet.show([self._header(width, top, len(keys)), *body, self._footer(width)])

    def _top(self, grid: Grid) -> int:
        """The first agent in view: whole rows, with the cursor among them."""
        row = self.roll.index // grid.columns
        last = max(-(-len(self.roll.keys) // grid.columns) - grid.rows, 0)
        self._first_row = min(max(self._first_row, row - grid.rows + 1), row, last)
        return self._first_row * grid.columns

    def _watch(self, keys: tuple[str, ...]) -> None:
        if keys != self._watched:
            self._watched = keys
            self.app.post_message(Watched(keys))

    def _header(self, width: int, top: int, count: int) -> Line:
        total = len(self.roll.keys)
        told = f"{top + 1} to {top + count} of {total} " if count < total else f"{total} "
        left: Line = ((" orc ", "text bold"), ("  Fleet", "bold"))
        return box.spread(left, ((told, "dim"),), width)

    def _footer(self, width: int) -> Line:
        here = self._here
        ids = [id for id in _SHOWN if not reason(id, here)]
        return cut(browse.footer(self.keyboard, ids, width, self._note), width)

    # -- keys and mouse -------------------------------------------------------------------------

    def _actions(self) -> dict[str, Callable[[], None]]:
        return {
            "down": lambda: self._move(self._grid.columns),
            "up": lambda: self._move(-self._grid.columns),
            "next-pane": partial(self._move, 1),
            "previous-pane": partial(self._move, -1),
            "first": partial(self._move, -_FAR),
            "last": partial(self._move, _FAR),
            "page-down": lambda: self._move(self._grid.size),
            "page-up": lambda: self._move(-self._grid.size),
            "half-down": lambda: self._move(self._grid.size),
            "half-up": lambda: self._move(-self._grid.size),
            "next-attention": partial(self._attention, 1),
            "previous-attention": partial(self._attention, -1),
            "open": self._open,
            "zoom": self._open,
            "why": lambda: self._open("Why"),
            "help": lambda: self._help(),
            "fleet": self._close,
            "back": self._close,
            "quit": self._close,
            "view-before": self._close,
            **{f"pane-{at}": partial(self._leave, name) for at, name in enumerate(_PANES)},
        }

    def action_press(self, key: str) -> None:
        """Do what a key does to an agent."""
        self._note = ""
        action = self.keyboard.action_for(key, keymap.AGENTS)
        if action is None:
            self.note(elsewhere(key, keymap.AGENTS, self.keyboard))
        elif (local := self._local.get(action.id)) is not None:
            local()
        elif why_not := reason(action.id, self._here):
            self.note(why_not)
        elif action.id in _HERE | _HERE_TOO:
            self.draw()
            self.post_message(Act(action.id, keymap.AGENTS, self.roll.cursor))
        else:
            self.note(f"{action.help}: in the list of agents, 1 goes there")

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the tile that was clicked; a double click opens it."""
        grid = self._grid
        width, height = self.size.width, self.size.height - 2
        for at, place in enumerate(fleet.places(grid, width, height)):
            inside = place.x <= event.x < place.x + place.width
            if inside and place.y <= event.y - 1 < place.y + place.height:
                keys = self.roll.keys[self._top(grid) :]
                if at < len(keys):
                    self.roll.cursor = keys[at]
                    self._move(0)
                    if event.chain == 2:
                        self._open()
                return

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go on by a row of tiles."""
        event.stop()
        self._move(self._grid.columns)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go back by a row of tiles."""
        event.stop()
        self._move(-self._grid.columns)

    def _move(self, by: int) -> None:
        self.roll.move(by)
        self.draw()

    def _attention(self, by: int) -> None:
        known = {one.key: one for one in self._snapshot.agents}
        order = self.roll.keys
        here = self.roll.index
        for step in range(1, len(order) + 1):
            at = (here + by * step) % len(order)
            if agents.needs_you(known[order[at]]):
                self._move(at - here)
                return
        self.note("nothing needs you")

    def _open(self, tab: str = "") -> None:
        if self.roll.cursor:
            self.dismiss(Left(agent_key=self.roll.cursor, tab=tab))

    def _leave(self, pane: str) -> None:
        self.dismiss(Left(pane=pane))

    def _close(self) -> None:
        self.dismiss("")

    def _help(self) -> None:
        self.app.push_screen(HelpScreen(keymap.AGENTS, self.keyboard))
