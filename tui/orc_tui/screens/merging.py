"""The conflict view on a merge of two branches: hunk by hunk, file by file.

Invariant: choosing moves no branch; what is chosen is kept at once, Enter asks for the commit,
and only when nothing is left in any file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from orc_core.model.merging import Merge, Part
from orc_tui.screens.conflict import ConflictView, Verdict
from orc_tui.view_models import merging as models
from orc_tui.view_models.conflict_view import Decision, SideName, Taken

ACTS: Final = (("]", "next file"), ("i", "hand to an agent"), ("x", "abort"))


class MergeView(ConflictView):
    """Collects what is chosen for each part of a merge; `keep` hears of every change."""

    CSS_PATH = "conflict.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "hand", show=False),
        Binding("x", "abort", show=False),
    ]

    def __init__(
        self, merge: Merge, *, now: float, keep: Callable[[Mapping[str, Taken]], None]
    ) -> None:
        """Open on the first part that is not decided."""
        self._merge = merge
        self._keep = keep
        first = merge.open[0] if merge.open else merge.parts[0]
        super().__init__(
            models.conflicts(merge),
            at=models.conflict_id(merge, first.number),
            titles={},
            taken=models.taken(merge),
            now=now,
            texts=models.texts(merge),
        )

    def action_take(self, take: SideName) -> None:
        if why := models.why_not(self._part, take):
            self._change(note=why)
        else:
            super().action_take(take)

    def action_both(self) -> None:
        """Take both sides, the left ones first; once more, the right ones first."""
        chosen = self._taken.get(self._view.current.id)
        take = "swapped" if chosen is not None and chosen.take == "both" else "both"
        if why := models.why_not(self._part, take):
            self._change(note=why)
        else:
            self._taken[self._view.current.id] = Taken("swapped" if take == "swapped" else "both")
            self._keep(dict(self._taken))
            note = "b once more: the other way round · . next open" if take == "both" else ""
            self._change(taken=dict(self._taken), note=note)

    def action_clear(self) -> None:
        super().action_clear()
        self._keep(dict(self._taken))

    def action_take_rest(self, take: SideName) -> None:
        super().action_take_rest(take)
        self._keep(dict(self._taken))

    def action_edit(self) -> None:
        if why := models.why_not_edited(self._part):
            self._change(note=why)
        else:
            super().action_edit()

    def action_why(self) -> None:
        part = self._part
        told = "; ".join((*self._merge.moved, *self._merge.notes))
        self._change(note=f"{part.why}: {told}" if told else f"{part.why}: both sides changed it")

    def action_later(self) -> None:
        self._change(note="Esc keeps what is chosen for another day")

    def action_act(self, action_id: str) -> None:
        self._change(note="u takes back what is chosen for this part")

    def action_write(self) -> None:
        """Ask for the commit, when nothing is left in any file."""
        left = [one for group in self._groups for one in group if one.id not in self._taken]
        if left:
            names = ", ".join(dict.fromkeys(one.doc for one in left))
            self._change(note=f"{len(left)} not decided yet, in {names}")
        else:
            every = tuple(one for group in self._groups for one in group)
            self.dismiss(Verdict("write", dict(self._taken), every))

    def action_hand(self) -> None:
        self.dismiss(Verdict("hand", dict(self._taken)))

    def action_abort(self) -> None:
        self.dismiss(Verdict("abort", dict(self._taken)))

    @property
    def _part(self) -> Part:
        number = int(self._view.current.id.rpartition(".")[2])
        return self._merge.parts[number - 1]

    def _decided(self) -> None:
        """Keep the choice; the cursor goes on to what is open, in the next file at last."""
        self._keep(dict(self._taken))
        super()._decided()
        if self._view.left_over:
            return
        here = self._view.number - 1
        for away in range(1, len(self._groups)):
            group = self._groups[(here + away) % len(self._groups)]
            for cursor, one in enumerate(group):
                if one.id not in self._taken:
                    self._view = self._of((here + away) % len(self._groups), cursor)
                    self._draw()
                    return
        self._change(note="all is decided: Enter asks for the commit")

    def _of(self, index: int, cursor: int) -> Decision:
        return replace(super()._of(index, cursor), acts=ACTS)
