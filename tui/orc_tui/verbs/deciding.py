"""Deciding conflicts, on the main view and in the conflict view.

Invariant: only what a person chose is written, what was chosen together as one act, each with a
way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orc_core.model.history import Chosen, Report
from orc_storage.records import WAITING, Conflict
from orc_tui.choices import counting, lasting
from orc_tui.messages import Act
from orc_tui.screens.conflict import ConflictView, Verdict
from orc_tui.screens.edit import FieldEdit, field_of
from orc_tui.verbs.encounters import EncounterVerbs, tomorrow
from orc_tui.verbs.verb import Verb
from orc_tui.view_models.conflict_view import Take, Taken

if TYPE_CHECKING:
    from orc_tui.app import OrcApp


class Deciding(Verb):
    """The verbs of conflicts; choices not written yet are kept by the app for the next visit."""

    def __init__(self, app: OrcApp) -> None:
        super().__init__(app)
        self._encounters = EncounterVerbs(app)

    async def take(self, act: Act, take: Take) -> None:
        """Resolve a single value at once; of several parts of a document open the view."""
        conflict = self.conflict(act)
        beside = [one for one in self._waiting() if one.doc == conflict.doc]
        if len(beside) > 1:
            self.tell(f"{conflict.doc} has {len(beside)} parts to decide")
            await self.view(act)
        else:
            await self._resolve(conflict, Taken(take))

    async def edit(self, act: Act) -> None:
        """Type the value that is to be written."""
        conflict = self.conflict(act)
        if not conflict.path:
            self.tell("a whole document cannot be edited here: o, t or B take a side")
            return
        of = f"{conflict.id} · {conflict.doc}"
        edited = await self.ask(FieldEdit(of, field_of(conflict), conflict.left.value))
        if edited is not None:
            await self._resolve(conflict, Taken("value", edited.value))

    async def later(self, act: Act) -> None:
        conflict = self.conflict(act)
        if conflict.of_code:
            await self._encounters.later(conflict)
        else:
            await self._defer((conflict,))

    async def view(self, act: Act) -> None:
        """Open the conflict view on a conflict and do what it was left with."""
        conflict = self.conflict(act)
        if conflict.of_code:
            await self._encounters.choose(conflict)
            return
        waiting = self._waiting()
        view = ConflictView(
            waiting,
            at=conflict.id,
            titles={task.id: task.title for task in self.snapshot.tasks},
            taken=counting(self.app.choices, waiting),
            now=self.snapshot.at,
            texts={task.id: task.text for task in self.snapshot.tasks},
        )
        await self.app.push_screen(view, self._left)

    def _left(self, verdict: Verdict | None) -> None:
        """Keep what was chosen, and do what the view was left for.

        The view is not awaited, so that `z` and `H` work while it is open.
        """
        if verdict is not None:
            self.app.run_worker(self.safely(self._conclude(verdict)), group="act")

    async def _conclude(self, verdict: Verdict) -> None:
        taken = verdict.taken
        if verdict.action == "later":
            await self._defer(verdict.conflicts)
        elif verdict.action == "write" and len(verdict.conflicts) == 1:
            (decided,) = verdict.conflicts
            await self._resolve(decided, taken[decided.id])
        elif verdict.action == "write":
            choices = [
                Chosen(one.id, taken[one.id].take, taken[one.id].value) for one in verdict.conflicts
            ]
            report = await self.core.conflicts.resolve_chosen(choices)
            self.told(Report(report.text, undoable=bool(report.done)))
        elif taken:
            self.tell(f"nothing written: {len(taken)} chosen, kept for next time{self._lost()}")
        if verdict.action == "write":
            written = {one.id for one in verdict.conflicts}
            kept = {id: one for id, one in self.app.choices.items() if id not in written}
            self.app.choices = kept

    def _lost(self) -> str:
        """What of the choices does not outlive this run, in words."""
        lost = len(self.app.choices) - len(lasting(self.app.choices))
        return f"; {lost} are too long to outlive this run" if lost else ""

    def _waiting(self) -> list[Conflict]:
        return [one for one in self.snapshot.conflicts if one.state in WAITING and not one.of_code]

    async def _resolve(self, conflict: Conflict, taken: Taken) -> None:
        value = taken.value if taken.take == "value" else None
        self.told(await self.core.conflicts.resolve(conflict.id, taken.take, value))

    async def _defer(self, conflicts: Sequence[Conflict]) -> None:
        until = tomorrow(self.snapshot.at)
        for conflict in conflicts:
            self.told(await self.core.conflicts.defer(conflict.id, until))
