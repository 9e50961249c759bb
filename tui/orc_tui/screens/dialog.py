"""A question over the screen: what would be done, to what, and the choices.

Invariant: the choice that changes nothing has the focus, and Esc and `q` take it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from orc_core.model.history import Plan
from orc_core.text import clean
from orc_tui.painted import PaintedModal
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models import box
from orc_tui.view_models.diff import change_lines
from orc_tui.view_models.lines import Line

WIDTH_MAX: Final = 96
FILES_LINE: Final = "files are not touched"
DIFFS_MAX: Final = 40
"""How many documents of a plan are shown with their differences."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: what it gives back, its word, and in a menu the key that takes it."""

    id: str
    word: str
    key: str = ""


def plan_lines(plan: Plan, width: int) -> list[Line]:
    """A plan for people: what is not touched, the three lists, then the difference."""
    out: list[Line] = [((FILES_LINE, "waiting bold"),), ()]
    for title, items in (
        ("comes back", plan.returns),
        ("stays as it is", [text for text in plan.stays if not text.startswith("files ")]),
        ("cannot be taken back", plan.lost),
    ):
        out.append(((title, "bold"),))
        for item in items or ("nothing",):
            parts = box.wrap(clean(item, limit=400), width - 4)
            out.extend(((f"  {part}", "" if items else "dim"),) for part in parts)
    for step in plan.steps[:DIFFS_MAX]:
        out.append(())
        if len(plan.steps) > 1:
            out.append(((clean(f"{step.kind} {step.id}", limit=120), "accent bold"),))
        out.extend(change_lines(step.diff, width))
    if len(plan.steps) > DIFFS_MAX:
        out += [(), ((f"and {len(plan.steps) - DIFFS_MAX} more documents", "dim"),)]
    return out


class Dialog(PaintedModal[str | None]):
    """Asks; gives back the id of the option, or None for Cancel."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,right,l", "move(1)", show=False),
        Binding("shift+tab,left,h", "move(-1)", show=False),
        Binding("enter", "choose", show=False),
        Binding("escape,q", "cancel", show=False),
        Binding("J,j,down", "scroll(1)", show=False),
        Binding("K,k,up", "scroll(-1)", show=False),
    ]

    def __init__(
        self,
        title: str,
        options: Sequence[Option],
        *,
        lines: Sequence[str] = (),
        plan: Plan | None = None,
        body: Sequence[Line] = (),
        cancel: str = "Cancel",
    ) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._plan = plan
        self._body = tuple(body)
        self._options = (Option("", cancel), *options)
        self._cursor = 0
        self._scroll = 0
        self._sheet = Sheet()

    def compose(self) -> ComposeResult:
        yield self._sheet

    def on_mount(self) -> None:
        for index, _ in enumerate(self._options):
            self._bindings.bind(f"option-{index}", f"pick({index})", show=False)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def action_move(self, step: int) -> None:
        self._cursor = (self._cursor + step) % len(self._options)
        self._draw()

    def action_choose(self) -> None:
        self.dismiss(self._options[self._cursor].id or None)

    def action_pick(self, index: int) -> None:
        self.dismiss(self._options[index].id or None)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_scroll(self, step: int) -> None:
        self._scroll = max(self._scroll + step, 0)
        self._draw()

    def _draw(self) -> None:
        if not self.is_attached or not self.size.width:
            return
        width = min(self.size.width - 4, WIDTH_MAX)
        inner = width - 4
        body: list[Line] = []
        for text in self._lines:
            body.extend(((part, "text"),) for part in box.wrap(clean(text, limit=400), inner))
        body.extend(self._body)
        if self._plan is not None:
            body.extend(plan_lines(self._plan, inner))
        room = max(self.size.height - 6, 1)
        last = max(len(body) - room, 0)
        self._scroll = min(self._scroll, last)
        shown = body[self._scroll : self._scroll + room]
        rows: list[Line] = [(), *((("  ", ""), *line) for line in shown), (), self._choices()]
        end = box.key("J K", "scroll", press="J") if last else ()
        foot = box.keys(
            [
                box.key("Tab", "next", press="tab"),
                box.key("Enter", "choose", press="enter"),
                box.key("Esc", "cancel", press="escape"),
                end,
            ],
            width - 6,
        )
        head: Line = ((clean(self._title, limit=200), "bold"),)
        lines = box.boxed(rows, width, head=head, foot=(foot, ()), style="accent")
        self._sheet.show(lines, width=width)

    def _choices(self) -> Line:
        out: list[tuple[str, str]] = [("  ", "")]
        for index, option in enumerate(self._options):
            looks = "accent reverse bold" if index == self._cursor else "bold"
            out.append((f" {option.word} ", f"{looks} press:option-{index}"))
            out.append(("   ", ""))
        return tuple(out)
