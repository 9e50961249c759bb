"""One field of a task, or one value of a conflict, edited and checked before it is taken.

Invariant: what the model would refuse never leaves the screen; the fault is named instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orc_core.text import clean
from orc_storage.records import Conflict, Json
from orc_tui.painted import PaintedModal
from orc_tui.screens.line import LineArea


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that can be edited: how it is called, shown, and read back.

    `read` raises ValueError with a line for people.
    """

    name: str
    hint: str
    read: Callable[[str], Json]
    many: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """The value that was typed and passed the check."""

    value: Json


def _checked(name: str, value: Json) -> Json:
    """Let the task model judge one field."""
    # Imported at need: building its validators would hold up the first frame.
    from pydantic import ValidationError

    from orc_core.model.task_body import TaskBody

    draft = TaskBody(id="T-0", title="-")
    try:
        TaskBody.__pydantic_validator__.validate_assignment(draft, name, value)
    except ValidationError as error:
        raise ValueError(f"{name}: {error.errors()[0]['msg']}") from None
    return value


def _line(name: str) -> Callable[[str], Json]:
    return lambda text: _checked(name, " ".join(text.split()))


def _number(name: str) -> Callable[[str], Json]:
    def read(text: str) -> Json:
        try:
            return _checked(name, int(text.strip()))
        except ValueError as error:
            if str(error).startswith(name):
                raise
            raise ValueError(f"{name} is a whole number, not {text.strip()!r}") from None

    return read


def _words(name: str) -> Callable[[str], Json]:
    def read(text: str) -> Json:
        return _checked(name, [part.strip() for part in text.split(",") if part.strip()])

    return read


FIELDS: Final[dict[str, Field]] = {
    "title": Field("title", "one line", _line("title")),
    "text": Field("text", "ctrl+j breaks the line", lambda t: _checked("text", t), many=True),
    "priority": Field("priority", "0 to 15, higher comes first", _number("priority")),
    "labels": Field("labels", "apart by commas", _words("labels")),
    "needs": Field("needs", "apart by commas", _words("needs")),
    "depends_on": Field("depends_on", "task ids, apart by commas", _words("depends_on")),
    "assignee": Field("assignee", "an agent's name, empty for nobody", _line("assignee")),
    "due": Field("due", "a date", _line("due")),
}
"""The fields of a task that people write; `status` moves by the task machine alone."""


def field_for(path: str) -> Field:
    """The field at a path of a body; what the task model does not know is edited as JSON."""

    def read(text: str) -> Json:
        try:
            value: Json = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
        return value

    return FIELDS.get(path) or Field(path or "value", "JSON", read, many=True)


LINES: Final = "lines"


def field_of(conflict: Conflict) -> Field:
    """What is edited of a conflict: the field, or the lines of a text."""
    if not conflict.line:
        return field_for(conflict.path)
    return Field(LINES, "ctrl+j breaks the line; empty takes them out", str, many=True)


def text_for(field: Field, value: Json) -> str:
    """A value as it is typed into its field."""
    if field.name not in FIELDS and field.name != LINES:
        text = json.dumps(value, ensure_ascii=False)
        # What a screen must not show is spelled out, so that the value goes round all the same.
        return text if clean(text, limit=len(text)) == text else json.dumps(value)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


class FieldEdit(PaintedModal[Edited | None]):
    """Edits one field; gives back the value, or None where nothing is to change."""

    CSS_PATH = "edit.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(self, of: str, field: Field, value: Json) -> None:
        super().__init__()
        self._of = of
        self._field = field
        self._area = LineArea(text_for(field, value), many=field.many)
        self._fault = Static("", classes="fault", markup=False)

    def compose(self) -> ComposeResult:
        frame = Vertical(self._area, self._fault, classes="frame")
        frame.border_title = Content(f"{self._of} · {self._field.name}")
        frame.border_subtitle = Content(f"Enter save  Esc cancel · {self._field.hint}")
        yield frame

    def on_mount(self) -> None:
        self._area.focus()

    def on_line_area_submitted(self) -> None:
        """Give the value back where it passes; say what is wrong with it where it does not."""
        try:
            value = self._field.read(self._area.text)
        except ValueError as error:
            self._fault.update(f"▲ {error}")
        else:
            self.dismiss(Edited(value))

    def action_cancel(self) -> None:
        self.dismiss(None)
