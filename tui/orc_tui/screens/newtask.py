"""A new task: its title and how urgent it is.

Invariant: a task without a title is never made.
"""

from __future__ import annotations

from dataclasses import dataclass

from orc_tui.screens.edit import FIELDS
from orc_tui.screens.form import Form
from orc_tui.screens.line import LineArea


@dataclass(frozen=True, slots=True)
class Wanted:
    """The task that is wanted."""

    title: str
    priority: int


class NewTask(Form[Wanted]):
    """Asks for a title and a priority; gives back both, or None."""

    def __init__(self, priority: int = 5) -> None:
        self._title = LineArea(many=False, id="title")
        self._priority = LineArea(str(priority), many=False, id="priority")
        asked = "priority, 0 to 15, higher comes first"
        super().__init__("New task", "make it", (("title", self._title), (asked, self._priority)))

    def filled(self) -> Wanted | None:
        read: list[object] = []
        for name, line in (("title", self._title), ("priority", self._priority)):
            try:
                read.append(FIELDS[name].read(line.text))
            except ValueError as error:
                self.complain(line, error)
                return None
        title, priority = read
        if isinstance(title, str) and isinstance(priority, int):
            return Wanted(title, priority)
        return None
