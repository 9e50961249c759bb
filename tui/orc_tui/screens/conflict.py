"""The conflict view: the sides of a document, decided part by part.

Invariant: choosing writes nothing; Enter does, and only when nothing is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from orc_storage.records import Conflict
from orc_tui import keymap
from orc_tui.choices import made
from orc_tui.messages import Act, ChoicesMade
from orc_tui.painted import PaintedScreen
from orc_tui.screens.edit import Edited, FieldEdit, field_of
from orc_tui.screens.sheet import Sheet
from orc_tui.view_models import conflict_view as views
from orc_tui.view_models.conflict_view import SIDES, Decision, SideName, Taken

WHEEL_LINES: Final = 3
BOTH_IS_OFF: Final = "both is off: one side is taken whole, and e writes a mix of them"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do on leaving: write the choices, keep them, or defer one conflict.

    A merge can be handed to an agent or aborted, too.

    `taken` has every choice made so far, by conflict id.
    """

    action: Literal["write", "keep", "later", "hand", "abort"]
    taken: Mapping[str, Taken]
    conflicts: tuple[Conflict, ...] = ()


class ConflictView(PaintedScreen[Verdict]):
    """Shows the conflicts of one document after the other and collects what is chosen."""

    CSS_PATH = "conflict.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "take('left')", show=False),
        Binding("t", "take('right')", show=False),
        Binding("B", "take('base')", show=False),
        Binding("O", "take_rest('left')", show=False),
        Binding("T", "take_rest('right')", show=False),
        Binding("b", "both", show=False),
        Binding("e", "edit", show=False),
        Binding("u", "clear", show=False),
        Binding("full_stop", "open(1)", show=False),
        Binding("comma", "open(-1)", show=False),
        Binding("j,down", "part(1)", show=False),
        Binding("k,up", "part(-1)", show=False),
        Binding("right_square_bracket", "document(1)", show=False),
        Binding("left_square_bracket", "document(-1)", show=False),
        Binding("right,l", "side(1)", show=False),
        Binding("left,h", "side(-1)", show=False),
        Binding("space", "take_side", show=False),
        Binding("p", "base", show=False),
        Binding("J,pagedown", "scroll(1)", show=False),
        Binding("K,pageup", "scroll(-1)", show=False),
        Binding("w", "why", show=False),
        Binding("L", "later", show=False),
        Binding("H", "act('history')", show=False),
        Binding("z", "act('undo')", show=False),
        Binding("Z", "act('redo')", show=False),
        Binding("enter", "write", show=False),
        Binding("escape,q", "keep", show=False),
    ]

    def __init__(
        self,
        conflicts: Sequence[Conflict],
        *,
        at: str,
        titles: Mapping[str, str],
        taken: Mapping[str, Taken],
        now: float,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Open on the conflict `at`; `titles` name documents by id, `taken` is kept choices.

        `texts` are those that the store has, by document.
        """
        super().__init__()
        self._groups = views.groups(conflicts)
        self._titles = titles
        self._texts = texts or {}
        self._taken = dict(taken)
        self._now = now
        self._sheet = Sheet()
        group = next((g for g in self._groups if any(c.id == at for c in g)), self._groups[0])
        cursor = next((i for i, c in enumerate(group) if c.id == at), 0)
        self._view = self._of(self._groups.index(group), cursor)

    def compose(self) -> ComposeResult:
        yield self._sheet

    def on_mount(self) -> None:
        for index in range(max(map(len, self._groups))):
            self._bindings.bind(views.part_key(index), f"part_at({index})", show=False)
            for name in SIDES:
                key = views.take_key(index, name)
                self._bindings.bind(key, f"take_at({index}, {name!r})", show=False)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def note(self, text: str) -> None:
        """Show one line about something that was just done."""
        self._change(note=text)

    def action_take(self, take: SideName) -> None:
        """Choose a side for the part under the cursor and go to the next one that is open."""
        self._taken[self._view.current.id] = Taken(take)
        self._decided()

    def action_part_at(self, index: int) -> None:
        """Go to a part that was clicked on."""
        self._change(cursor=index, scroll=0, note="")

    def action_take_at(self, index: int, take: SideName) -> None:
        """Choose a side for a part that was clicked on."""
        self._change(cursor=index)
        self.action_take(take)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go through the parts, or scroll sides and result, whichever is under the wheel."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go through the parts, or scroll sides and result, whichever is under the wheel."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, step: int) -> None:
        event.stop()
        if event.screen_y < views.parts_height(self._view, self.size.width):
            self.action_part(step)
        else:
            self.action_scroll(step * WHEEL_LINES)

    def action_take_rest(self, take: SideName) -> None:
        """Choose one side for every part that is not decided yet."""
        rest = [one for one in self._view.conflicts if one.id not in self._taken]
        for one in rest:
            self._taken[one.id] = Taken(take)
        side = views.brief_name(self._view.current, take)
        told = f"{len(rest)} parts: {side}" if rest else "nothing is left to decide: Enter writes"
        self._change(taken=dict(self._taken), note=told)

    def action_take_side(self) -> None:
        self.action_take(self._view.side)

    def action_both(self) -> None:
        """Take the lines of both sides, the left ones first."""
        if self._view.current.line:
            self._taken[self._view.current.id] = Taken("both")
            self._decided()
        else:
            self._change(note=BOTH_IS_OFF)

    def action_clear(self) -> None:
        self._taken.pop(self._view.current.id, None)
        self._change(taken=dict(self._taken), note="")

    def action_edit(self) -> None:
        """Edit the value that will be written, beginning with what is chosen or the left one."""
        conflict = self._view.current
        if not conflict.path:
            self._change(note="a whole document cannot be edited here: take a side")
            return
        chosen = self._taken.get(conflict.id)
        value = conflict.right.value if chosen and chosen.take == "right" else conflict.left.value
        if chosen and chosen.take in ("base", "value"):
            value = conflict.base if chosen.take == "base" else chosen.value
        elif chosen and chosen.take == "both":
            value = views.result_text(conflict, chosen)
        of = f"{conflict.id} · {conflict.doc}"
        self.app.push_screen(FieldEdit(of, field_of(conflict), value), self._edited)

    def action_open(self, step: int) -> None:
        """Go to the next or previous part that is not decided."""
        total = len(self._view.conflicts)
        for away in range(1, total + 1):
            index = (self._view.cursor + step * away) % total
            if self._view.conflicts[index].id not in self._taken:
                self._change(cursor=index, scroll=0, note="")
                return
        self._change(note="nothing is left to decide: Enter writes")

    def action_part(self, step: int) -> None:
        cursor = min(max(self._view.cursor + step, 0), len(self._view.conflicts) - 1)
        self._change(cursor=cursor, scroll=0, note="")

    def action_document(self, step: int) -> None:
        """Go to the document in conflict before or after; choices are kept."""
        index = (self._view.number - 1 + step) % len(self._groups)
        self._view = self._of(index, 0)
        self._draw()

    def action_side(self, step: int) -> None:
        sides = [s for s in SIDES if s != "base" or self._base_visible()]
        at = sides.index(self._view.side) if self._view.side in sides else 0
        self._change(side=sides[min(max(at + step, 0), len(sides) - 1)])

    def action_base(self) -> None:
        """Show or hide the base where there is no column for it."""
        if views.TWO_COLUMNS <= self.size.width < views.THREE_COLUMNS:
            self._change(base_shown=not self._view.base_shown, note="")
        else:
            self._change(note="the base is on the screen already")

    def action_scroll(self, step: int) -> None:
        last = views.last_scroll(self._view, self.size.width, self.size.height)
        self._change(scroll=min(max(self._view.scroll + step, 0), last))

    def action_why(self) -> None:
        conflict = self._view.current
        why = conflict.why or f"both changed it since revision {conflict.base_rev}"
        self._change(note=f"{conflict.kind.value}: {why}")

    def action_act(self, action_id: str) -> None:
        """Hand a verb that is the same everywhere to the app."""
        self.post_message(Act(action_id, keymap.CONFLICTS, self._view.current.id))

    def action_later(self) -> None:
        self.dismiss(Verdict("later", dict(self._taken), (self._view.current,)))

    def action_write(self) -> None:
        """Write what is chosen for this document, when nothing is left."""
        view = self._view
        if view.left_over:
            left = [c for c in view.conflicts if c.id not in self._taken]
            names = ", ".join(views.part_name(c, view.conflicts) if c.path else c.id for c in left)
            self._change(note=f"not decided yet: {names}")
        else:
            self.dismiss(Verdict("write", dict(self._taken), view.conflicts))

    def action_keep(self) -> None:
        self.dismiss(Verdict("keep", dict(self._taken)))

    def _edited(self, edited: Edited | None) -> None:
        if edited is not None:
            self._taken[self._view.current.id] = Taken("value", edited.value)
            self._decided()

    def _decided(self) -> None:
        """Show the choice; the cursor goes on to what is still open, if anything is."""
        self._change(taken=dict(self._taken), note="")
        if self._view.left_over:
            self.action_open(1)

    def _base_visible(self) -> bool:
        narrow = views.TWO_COLUMNS <= self.size.width < views.THREE_COLUMNS
        return self._view.base_shown or not narrow

    def _of(self, index: int, cursor: int) -> Decision:
        group = self._groups[index]
        document = group[0].doc
        return Decision(
            conflicts=group,
            title=f"{group[0].doc_kind} {document} {self._titles.get(document, '')}".strip(),
            number=index + 1,
            total=len(self._groups),
            now=self._now,
            taken=dict(self._taken),
            cursor=cursor,
            text=self._texts.get(document, ""),
        )

    def _change(self, **changes: object) -> None:
        if "taken" in changes:
            every = [conflict for group in self._groups for conflict in group]
            self.post_message(ChoicesMade(made(self._taken, every)))
        self._view = replace(self._view, **changes)  # type: ignore[arg-type]
        self._draw()

    def _draw(self) -> None:
        if self.is_attached and self.size.width:
            self._sheet.show(views.lines(self._view, self.size.width, self.size.height))
