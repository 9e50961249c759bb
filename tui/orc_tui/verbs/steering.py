"""Workflows steered: a gate answered, paused, taken up again, cancelled, rolled back.

Invariant: nothing is cancelled, undone or done again before a dialog that names it was answered.
"""

from __future__ import annotations

from orc_core.errors import OrcError
from orc_core.saga import machine
from orc_core.saga.standing import standing
from orc_storage.sagas import Saga, State, Wish
from orc_tui.messages import Act
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.verbs.verb import Verb
from orc_tui.view_models.workflows import preview


class Steering(Verb):
    """The verbs of a workflow."""

    async def approve(self, act: Act) -> None:
        """Say yes to the gate at which it waits."""
        saga = await self._saga(act)
        await self.core.workflows.answer(saga.id, "approve")
        self.tell(f"{saga.id} {saga.name}: approved")

    async def refuse(self, act: Act) -> None:
        """Say no to the gate at which it waits: it is rolled back."""
        saga = await self._saga(act)
        await self.core.workflows.answer(saga.id, "refuse")
        self.tell(f"{saga.id} {saga.name}: refused, it is rolled back")

    async def pause(self, act: Act) -> None:
        """Stop after the step that is under way, or go on with one that is paused."""
        saga = await self._saga(act)
        if saga.state is State.PAUSED:
            self._now_is(await self.core.workflows.resume(saga.id))
        else:
            self._now_is(await self.core.workflows.ask(saga.id, Wish.PAUSE))

    async def retry(self, act: Act) -> None:
        """Do one again that was undone or cancelled, after asking."""
        saga = await self._saga(act)
        machine.retry(saga)  # refuses before anything is asked
        if await self._agreed(saga, "retry", "Do again"):
            self._now_is(await self.core.workflows.retry(saga.id))

    async def cancel(self, act: Act) -> None:
        """Stop it at once and leave what was done, after asking."""
        await self._wish(act, Wish.CANCEL, "Cancel it")

    async def roll_back(self, act: Act) -> None:
        """Stop it at once and undo what was done, after asking."""
        await self._wish(act, Wish.ROLLBACK, "Roll back")

    async def _wish(self, act: Act, wish: Wish, word: str) -> None:
        saga = await self._saga(act)
        machine.ask(saga, wish)  # refuses before anything is asked
        if await self._agreed(saga, wish.value, word):
            self._now_is(await self.core.workflows.ask(saga.id, wish))

    async def _agreed(self, saga: Saga, wish: str, word: str) -> bool:
        lines = [standing(saga), "", *preview(saga, wish)]
        title = f"{word}: {saga.id} {saga.name}"
        dialog = Dialog(title, [Option(wish, word)], lines=lines, cancel="Leave it")
        return await self.ask(dialog) == wish

    def _now_is(self, saga: Saga) -> None:
        self.tell(f"{saga.id} {saga.name}: {standing(saga)}")

    async def _saga(self, act: Act) -> Saga:
        if not act.row_key:
            raise OrcError("there is no workflow here: `orc workflow start` starts one")
        return await self.core.workflows.get(act.row_key)
