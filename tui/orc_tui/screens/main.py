"""The main view: header, lists, Live and footer.

Invariant: a screen is a picture of the last snapshot and of where the operator looks. It knows
no core: keys that act on something leave it as `Act`, everything else it does itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, cast

from textual import events, on
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input

from orc_core.model.agent import Agent, Explanation, State
from orc_core.model.history import Digest
from orc_core.model.snapshot import Delta, Part, Snapshot
from orc_tui import keymap
from orc_tui.gathering import Gathering
from orc_tui.messages import DigestWanted, Told
from orc_tui.screens.absence import Absence
from orc_tui.screens.finding import Finding
from orc_tui.screens.following import Following
from orc_tui.screens.keyed import KeyedScreen
from orc_tui.screens.keys import Keys
from orc_tui.themes import ThemedApp
from orc_tui.view_models import footer as footer_view
from orc_tui.view_models import frames, header, layout
from orc_tui.view_models.ability import Row
from orc_tui.view_models.layout import Place, Shape
from orc_tui.view_models.lines import cut
from orc_tui.view_models.lists import MODELS
from orc_tui.widgets.board import Board
from orc_tui.widgets.canvas import Canvas
from orc_tui.widgets.find_line import FindLine
from orc_tui.widgets.footer import FooterBar
from orc_tui.widgets.list_pane import ListPane
from orc_tui.widgets.live_pane import LivePane

SCREEN_S: Final = 0.1
LISTS_S: Final = 0.25
"""So far apart what an agent writes, and everything else, is painted while it goes on changing; the
rows of agents that change all the time without another state twice as far."""
QUIET_S: Final = 2.0
"""Hands off for so long, and rows are sorted anew; a done agent looked at so long is seen."""
MINUTE_S: Final = 60.0
ALL_PARTS: Final = frozenset(Part)
SCREEN: Final = frozenset({Part.SCREEN})
AGENTS: Final = frozenset({Part.AGENTS})
SETTLE_S: Final = 30.0
"""So long after the first agents came the cursor stays on the first row, or until a key."""


class MainScreen(KeyedScreen[None], inherit_bindings=False):
    """Draws snapshots and turns keys into acts."""

    CSS_PATH = "main.tcss"
    ALLOW_SELECT = False
    AUTO_FOCUS = ""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        home: str = "",
        quiet_s: float = QUIET_S,
    ) -> None:
        super().__init__(id="main")
        self.pane = keymap.AGENTS
        self.source = keymap.AGENTS
        self.zoomed = False
        self.only_needs = False
        self.snapshot = Snapshot(at=0.0)
        self._now = now
        self._quiet_s = quiet_s
        self._last_key_at = 0.0
        self.opened_at = 0.0
        self._absence = Absence()
        self._born = 0.0
        self.touched = False
        self._places: dict[str, Place] = {}
        self._missed: frozenset[Part] = frozenset()
        self._gatherings = (
            Gathering(self, ALL_PARTS - SCREEN, LISTS_S, self._draw),
            Gathering(self, SCREEN, SCREEN_S, self._draw),
        )
        self._sort: Timer | None = None
        self._following = Following(self, quiet_s)
        self.header_bar = Canvas(id="header")
        self.rule_line = Canvas(id="rule")
        self.footer_bar = FooterBar()
        self.find = FindLine()
        self.finding = Finding(self)
        self.live = LivePane(home=home or str(Path.home()))
        self.lists = {model.pane: ListPane(model) for model in MODELS}
        self._keys = Keys(self)

    def compose(self) -> ComposeResult:
        with Board():
            yield self.header_bar
            yield from self.lists.values()
            yield self.live
            yield self.rule_line
            yield self.footer_bar
            yield self.find.sign
            yield self.find.told
            yield self.find

    def on_mount(self) -> None:
        self.bind_keys()
        self.opened_at = self._now()
        self._last_key_at = self.opened_at - self._quiet_s
        self.set_interval(MINUTE_S, self._step)
        self._draw(ALL_PARTS)

    # -- what the core says -------------------------------------------------------------------

    def show(self, delta: Delta) -> None:
        """Take a snapshot: the first change of a part paints at once, later ones are gathered."""
        before, self.snapshot = self.snapshot, delta.snapshot
        if not self.is_active:
            self._missed |= delta.parts
            return
        soon = not delta.parts <= AGENTS | SCREEN or _told(before) != _told(delta.snapshot)
        lists, screen = self._gatherings
        lists.note(delta.parts, soon=soon)
        screen.note(delta.parts)

    def explain(self, explanation: Explanation) -> None:
        """Show what the core says of an agent's state on the tab Why."""
        self.live.explain(explanation)
        self.paint_live()

    def say(self, text: str, *, undoable: bool = False, severity: str = "") -> None:
        """Say one line over the footer."""
        self.footer_bar.say(text, undoable=undoable, severity=severity)
        self.post_message(Told(text, undoable=undoable, severity=severity))

    @property
    def is_resting(self) -> bool:
        """Whether whatever changes next is painted at once."""
        return all(gathering.is_resting for gathering in self._gatherings)

    def on_screen_resume(self) -> None:
        """Catch up after a dialog."""
        missed, self._missed = self._missed, frozenset()
        for gathering in self._gatherings:
            gathering.note(missed)

    def on_screen_suspend(self) -> None:
        """Stand still under a dialog."""
        for gathering in self._gatherings:
            self._missed |= gathering.stop()
        if self._sort is not None:
            self._sort.stop()
            self._sort = None
        self._following.look_away()

    def on_resize(self, event: events.Resize) -> None:
        """Follow the terminal."""
        self._draw(ALL_PARTS)

    def _step(self) -> None:
        """Let the ages step."""
        if self.is_active:
            self._draw(ALL_PARTS)

    # -- drawing ------------------------------------------------------------------------------

    def draw_all(self) -> None:
        """Take the snapshot anew, after a filter or a sort changed."""
        self._draw(ALL_PARTS)

    def _draw(self, parts: frozenset[Part]) -> None:
        """Paint what the parts changed."""
        if not self.is_mounted or not self.size.width:
            return
        now = self._now()
        self.live.take(self.snapshot, now)
        if parts == SCREEN:
            self.paint_live()
            return
        quiet = now - self._last_key_at >= self._quiet_s
        for pane in self.lists.values():
            if parts & pane.model.parts:
                sort = quiet or not pane.roll.keys
                pane.take(self.snapshot, now, sort=sort, only_needs=self.only_needs)
        if self._sort is None and any(pane.is_unsorted for pane in self.lists.values()):
            self._sort = self.set_timer(self._quiet_s, self._sort_again)
        if self.snapshot.agents and not self._born:
            self._born = now
        if now - self._born < SETTLE_S and not self.touched:
            for pane in self.lists.values():
                pane.roll.move(-len(pane.roll.keys))
        places = self._places
        self._settle()
        self.paint(parts if places == self._places else ALL_PARTS)

    def _sort_again(self) -> None:
        self._sort = None
        self._draw(ALL_PARTS)

    def _settle(self) -> None:
        """Put every pane in its place."""
        width, height = self.size
        if layout.too_small(width, height):
            self.query_one(Board).settle({"header": Place(0, 0, width, 1, Shape.LINE)})
            return
        boxed = width >= layout.BOXED_WIDTH
        rows = {name: pane.wanted_height(boxed=boxed) for name, pane in self.lists.items()}
        places = layout.places(width, height, rows, self.pane, zoomed=self.zoomed)
        for name, pane in self.lists.items():
            if name in places:
                pane.settle(places[name])
        if keymap.LIVE in places:
            self.live.place = places[keymap.LIVE]
        self._places = {**places, "header": Place(0, 0, width, 1, Shape.LINE)}
        if self.find.is_open:
            self.find.tell(*self.finding.told)
            self._places |= self.find.places(width, height)
        else:
            self._places["footer"] = Place(0, height - 1, width, 1, Shape.LINE)
        self.query_one(Board).settle(self._places)

    def paint(self, parts: frozenset[Part] = ALL_PARTS) -> None:
        """Draw everything as it is known, but for lists of which no part changed."""
        width, height = self.size
        if layout.too_small(width, height):
            needs = f"{layout.WIDTH_MIN}x{layout.HEIGHT_MIN}"
            text = f"terminal too small: {width}x{height}, orc-tui needs {needs}"
            self.header_bar.draw([cut(((text, "text"),), width)])
            return
        marked = sum(len(pane.marks) for pane in self.lists.values())
        slow = cast("ThemedApp[object]", self.app).pace.is_slow
        self.header_bar.draw([header.line(self.snapshot, width, marked=marked, slow=slow)])
        self.rule_line.draw([frames.rule(width)])
        self.find.paint()
        since = self._absence.told(self.snapshot, self._last_key_at, now := self._now())
        if began := self._absence.to_ask(self._last_key_at, now):
            self.post_message(DigestWanted(began))
        for name, pane in self.lists.items():
            if name in self._places and parts & pane.model.parts:
                marked = name == self.source and self.pane == keymap.LIVE
                told = since if name == keymap.AGENTS else ""
                pane.paint(focused=name == self.pane, marked=marked, since=told)
        before = self.live.subject
        self._following.follow()
        if parts != AGENTS or self.live.subject is not before or before is None:
            self.paint_live()
        keys = footer_view.footer(self.acting, self.row, width, self.keyboard, self.marked)
        self.footer_bar.show_keys(keys, width)

    def paint_live(self) -> None:
        """Draw Live alone."""
        if keymap.LIVE in self._places:
            self.live.paint(focused=self.pane == keymap.LIVE)

    # -- where the operator looks -------------------------------------------------------------

    @property
    def row(self) -> Row:
        """What the cursor of the list that Live follows is on."""
        return self.lists[self.source].row

    @property
    def row_key(self) -> str:
        """The key of that row; "" where the cursor is on none."""
        return self.lists[self.source].roll.cursor if self.row is not None else ""

    @property
    def marked(self) -> dict[str, Row]:
        """What a key acts on together: the marked rows of the focused list, by their keys."""
        return self.lists[self.pane].marked if self.pane in self.lists else {}

    def fold(self) -> None:
        """Fold the agents that do nothing into one line, or unfold them."""
        agents = self.lists[keymap.AGENTS]
        agents.fold(not agents.is_folded)
        self.draw_all()

    def unmark(self, pane: str, keys: Collection[str]) -> None:
        """Take marks away, after what they were for was done."""
        self.lists[pane].marks -= set(keys)
        self.paint()

    @property
    def acting(self) -> str:
        """The pane whose keys act: Live has those of an agent, or of the list it follows."""
        if self.pane != keymap.LIVE:
            return self.pane
        if self.source != keymap.AGENTS:
            return self.source
        return keymap.SEARCH if self.live.is_searching and not self.find.is_open else keymap.LIVE

    def want_why(self) -> None:
        """Ask for the reasons of the selected agent when the tab Why shows them."""
        self._following.want_why()

    def open_agent(self, key: str, *, tab: str = "") -> None:
        """Give an agent's screen, or another tab of it, the whole screen."""
        self.lists[keymap.AGENTS].roll.go(key)
        self.focus_pane(keymap.AGENTS)
        self.live.show_tab(tab or "Screen")
        self.want_why()
        self._keys.do("open")

    def focus_pane(self, pane: str) -> None:
        """Give a pane the focus; Live goes on following the list before."""
        self.pane = pane
        if pane != keymap.LIVE:
            self.source = pane
        self._settle()
        self.paint()

    # -- keys and mouse -----------------------------------------------------------------------

    def action_press(self, key: str) -> None:
        """Run what a key does in the focused pane."""
        self._note_key()
        self.footer_bar.hush()
        self._keys.press(key)

    def _note_key(self) -> None:
        now = self._now()
        self._absence.note_key(self._last_key_at, now)
        self._last_key_at = now
        self.touched = True

    @property
    def away_since(self) -> float:
        """Since when the operator was away, until that was cleared; 0.0 for not at all."""
        return self._absence.began

    def forget_since(self) -> bool:
        """Clear what the rule over Agents tells; False when it told nothing."""
        was_away = self._absence.clear()
        self.paint()
        return was_away

    def take_digest(self, digest: Digest) -> None:
        """Tell over Agents what happened while the operator was away."""
        self._absence.take(digest)
        self.paint()

    @on(Input.Changed)
    def _find_as_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.finding.type(event.value)

    @on(Input.Submitted)
    def _find_this(self, event: Input.Submitted) -> None:
        event.stop()
        self.finding.close(keep=True)

    @on(ListPane.Clicked)
    def _click_list(self, event: ListPane.Clicked) -> None:
        event.stop()
        self._note_key()
        if event.key:
            self.lists[event.pane].roll.go(event.key)
        self.focus_pane(event.pane)
        row = self.row
        if event.key and isinstance(row, Agent) and row.state is State.WAITING:
            self._keys.do("answer")
        elif event.key and event.times == 2:
            self._keys.do("open")

    @on(ListPane.Scrolled)
    def _scroll_list(self, event: ListPane.Scrolled) -> None:
        event.stop()
        self._note_key()
        self.paint()

    @on(LivePane.Clicked)
    def _click_live(self, event: LivePane.Clicked) -> None:
        event.stop()
        self._note_key()
        if event.tab:
            self.live.show_tab(event.tab)
            self.want_why()
        self.focus_pane(keymap.LIVE)

    @on(FooterBar.Pressed)
    def _click_footer(self, event: FooterBar.Pressed) -> None:
        event.stop()
        self.action_press(event.key)


def _told(snapshot: Snapshot) -> list[tuple[str, State, str]]:
    """What of the agents is to be seen soon, however much else of them changes."""
    return [(agent.key, agent.state, agent.task) for agent in snapshot.agents]
