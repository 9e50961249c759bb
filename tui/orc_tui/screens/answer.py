"""The answer card: one prompt after the other, answered with one key each.

Invariant: a key pressed before the prompt was on the screen for a moment answers nothing, and
neither does one that is held down. While the card is there no key reaches what is below it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Final, TypeAlias, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from orc_core.model.agent import Agent, Choice, Prompt
from orc_tui.painted import PaintedModal
from orc_tui.screens.sheet import Sheet
from orc_tui.themes import ThemedApp
from orc_tui.typeahead import resting
from orc_tui.view_models import card
from orc_tui.view_models.card import Card, Said

GUARD_S: Final = 0.3
"""How long a prompt has to be on the screen before a key counts."""
GUARD_SLOW_S: Final = 1.0
"""The same where the link is slow, so that it is painted later than it was sent."""
HELD_S: Final = 0.15
"""Keys closer together than this come from one that is held down: none of them answers."""
HEIGHT_MIN: Final = 14
LEFT_FREE: Final = 2
"""How many lines of the list a long prompt leaves in view."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the prompt; `because` wants a line to the agent after it."""

    choice: Choice
    because: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """Show another prompt: the next one (1) or the one before (-1)."""

    step: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Close the card, for `attach` or `why`, or for nothing."""

    to: str = ""


Move: TypeAlias = Answer | Skip | Leave


class AnswerCard(PaintedModal[None]):
    """Shows prompts over the lower part of the screen and says what the operator wants."""

    CSS_PATH = "answer.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"answer('{key}')", show=False) for key in "yn123456789"),
        Binding("i", "because", show=False),
        Binding("full_stop", "skip(1)", show=False),
        Binding("comma", "skip(-1)", show=False),
        Binding("a", "leave('attach')", show=False),
        Binding("w", "leave('why')", show=False),
        Binding("escape,q", "leave('')", show=False),
        Binding("J,down", "scroll(1)", show=False),
        Binding("K,up", "scroll(-1)", show=False),
    ]

    def __init__(
        self,
        *,
        home: str = "",
        monotonic: Callable[[], float] = time.monotonic,
        guard_s: float = GUARD_S,
    ) -> None:
        super().__init__()
        self._home = home
        self._monotonic = monotonic
        self._guard_s = guard_s
        self._sheet = Sheet()
        self._card: Card | None = None
        self._reports: tuple[Said, ...] = ()
        self._answered = 0
        self._read_to = 0
        self._seen_at: float | None = None
        self._key_at = float("-inf")
        self._pressed: Timer | None = None
        self._wanted: asyncio.Future[Move] | None = None
        self._left: Leave | None = None

    def compose(self) -> ComposeResult:
        yield self._sheet

    @property
    def open(self) -> bool:
        """Whether the operator still has the card before them."""
        return self._left is None

    def show(
        self,
        prompt: Prompt,
        agent: Agent,
        *,
        position: int,
        total: int,
        now: float,
        task_title: str = "",
        others: Sequence[Agent] = (),
    ) -> None:
        """Show a prompt; what was reported of the one before stays readable above it."""
        self._card = Card(
            prompt=prompt,
            agent=agent,
            position=position,
            total=total,
            now=now,
            task_title=task_title,
            home=self._home,
            reports=self._reports,
            others=tuple(others),
        )
        self._seen_at = None
        self._read_to = 0
        self._drop_pressed()
        self._draw()
        self.call_after_refresh(self._seen)

    def rest(self, answered: int) -> None:
        """Stay without a prompt: what became of the last answer is told until another comes."""
        self._card, self._answered, self._seen_at = None, answered, None
        self._drop_pressed()
        self._draw()

    def report(self, text: str, *, style: str = "dim") -> None:
        """Say on the card what became of an answer, or what is going on."""
        self.tell((Said(text, style),))

    def tell(self, reports: Sequence[Said]) -> None:
        """Say several things, such as what became of the answers to several agents."""
        self._reports = tuple(reports)
        if self._card is not None:
            self._card = replace(self._card, reports=self._reports, asked=None)
        self._draw()

    async def move(self) -> Move:
        """Wait for what the operator wants next; keys count only while this waits."""
        if self._left is not None:
            return self._left
        wanted: asyncio.Future[Move] = asyncio.get_running_loop().create_future()
        self._wanted = wanted
        try:
            with resting():
                return await wanted
        finally:
            if self._wanted is wanted:
                self._wanted = None

    def close(self) -> None:
        """Take the card away when nothing is left to show."""
        if self._left is None:
            self.action_leave("")

    def on_resize(self) -> None:
        self._draw()

    def action_answer(self, key: str) -> None:
        self._press(key, because=False)

    def action_because(self) -> None:
        """Choose no; the line to say why opens before anything is sent."""
        self._press("n", because=True)

    def action_skip(self, step: int) -> None:
        """Show another prompt: that answers nothing, so it needs no guard."""
        if self._card is not None:
            self._do(Skip(step))

    def action_leave(self, to: str) -> None:
        """Close at once: closing answers nothing, so it needs no guard.

        While an answer is on its way there is no prompt to attach to or to explain.
        """
        if self._left is None and not (to and self._wanted is None):
            self._left = Leave(to)
            self._drop_pressed()
            self._do(self._left)
            self.dismiss()

    def action_scroll(self, step: int) -> None:
        if self._card is not None:
            last = card.last_scroll(self._card, self.size.width, self._height())
            scroll = min(max(self._card.scroll + step, 0), last)
            self._card = replace(self._card, scroll=scroll)
            self._read_to = max(self._read_to, scroll)
            self._draw()

    def _press(self, key: str, *, because: bool) -> None:
        """Take a key as an answer once it is sure that it was pressed, and not held down."""
        app = cast("ThemedApp[object]", self.app)
        now, before = self._monotonic() - app.late_s, self._key_at
        self._key_at = now
        if self._pressed is not None:
            self._drop_pressed()
            self.report("a key that is held answers nothing: press it once", style="waiting")
        elif self._awake(now) and now - before >= HELD_S:
            self._pressed = self.set_timer(HELD_S, partial(self._choose, key, because=because))

    def _drop_pressed(self) -> None:
        if self._pressed is not None:
            self._pressed.stop()
            self._pressed = None

    def _choose(self, key: str, *, because: bool) -> None:
        self._pressed = None
        shown = self._card
        if shown is None or self._wanted is None:
            return
        if not cast("ThemedApp[object]", self.app).typeahead.is_idle:
            # Another key is on its way, which may tell that this one is held.
            self._pressed = self.set_timer(HELD_S, partial(self._choose, key, because=because))
            return
        choice = card.choice_for(shown.prompt, key)
        if choice is None:
            self.report(f"this prompt has no answer for {key}")
        elif why := card.refusal(shown, choice):
            self.report(why, style="error")
        elif card.wants_twice(shown.prompt, choice) and shown.asked is not choice:
            self._card = replace(shown, asked=choice)
            self._draw()
        else:
            self._do(Answer(choice, because))

    def _do(self, move: Move) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(move)

    def _awake(self, now: float) -> bool:
        """Whether a key counts: the prompt was painted, and long enough ago to be read."""
        if self._seen_at is None or self._wanted is None:
            return False
        return now - self._seen_at >= self._guard_s

    def _seen(self) -> None:
        self._seen_at = self._monotonic()

    def _height(self) -> int:
        return min(max(self.size.height - LEFT_FREE, HEIGHT_MIN), self.size.height)

    def _draw(self) -> None:
        width = self.size.width
        if not self.is_attached or not width:
            return
        if self._card is None:
            if self._reports or self._answered:
                self._sheet.show(card.resting(self._reports, self._answered, width), width=width)
            return
        last = card.last_scroll(self._card, width, self._height())
        self._card = replace(self._card, unread=self._read_to < last)
        self._sheet.show(card.lines(self._card, width, self._height()), width=width)
