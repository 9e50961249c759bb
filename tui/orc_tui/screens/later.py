"""What is to be typed to an agent later, and when.

Invariant: nothing is planned for a time that cannot be read or is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orc_core.errors import UsageError
from orc_core.later.times import coming
from orc_tui.screens.form import Form
from orc_tui.screens.line import LineArea


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line and the time for it, or a time alone; `at` is in seconds since the epoch."""

    text: str
    at: float


class LaterForm(Form[Wanted]):
    """Asks for a line, unless `with_text` is False, and for a time, unless `at` says it."""

    def __init__(
        self,
        title: str,
        now: Callable[[], float],
        *,
        with_text: bool = True,
        text: str = "",
        at: float = 0.0,
    ) -> None:
        self._now = now
        self._at = at
        self._with_text = with_text
        self._text = LineArea(text, id="text")
        self._time = LineArea(many=False, id="time")
        lines = [("what is to be typed", self._text)] if with_text else []
        if not at:
            lines.append(("when: 16:30, 2h, tomorrow 9:00, 2026-11-21T09:00", self._time))
        super().__init__(title, "plan it", lines)

    def filled(self) -> Wanted | None:
        text = self._text.text.strip()
        if self._with_text and not text:
            self.complain(self._text, "type the line that the agent is to be told")
            return None
        if self._at:
            return Wanted(text, self._at)
        try:
            return Wanted(text, coming(self._time.text, self._now()))
        except UsageError as error:
            self.complain(self._time, error)
            return None
