"""A checkpoint's name, and what it is for.

Invariant: a name that could not be typed to `orc checkpoint` is never given back.
"""

from __future__ import annotations

from dataclasses import dataclass

from orc_storage.documents import check_id
from orc_storage.errors import InvalidId
from orc_tui.screens.form import Form
from orc_tui.screens.line import LineArea


@dataclass(frozen=True, slots=True)
class Called:
    """What a checkpoint is to be called."""

    name: str
    note: str


class CheckpointForm(Form[Called]):
    """Asks for a name and a note; gives back both, or None."""

    def __init__(self, title: str, enter: str, name: str = "", note: str = "") -> None:
        self._name_line = LineArea(name, many=False, id="name")
        self._note_line = LineArea(note, many=False, id="note")
        asked = "name: letters, digits and hyphens"
        lines = ((asked, self._name_line), ("note, what it is for", self._note_line))
        super().__init__(title, enter, lines)

    def filled(self) -> Called | None:
        try:
            name = check_id(self._name_line.text.strip())
        except InvalidId as error:
            self.complain(self._name_line, error)
            return None
        return Called(name, self._note_line.text.strip())
