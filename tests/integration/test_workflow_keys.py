"""Workflows steered from the dashboard, over a real store and real programs."""

from __future__ import annotations

from pathlib import Path

from test_view_keys import sees

from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_core.saga.definition import Action, Definition, Step
from orc_storage.sagas import State
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.workflows import WorkflowsView
from private_tmux import PrivateTmux


async def ends(desk: Desk, id: str, state: State) -> None:
    assert (await desk.core.workflows.wait(id)).state is state


async def test_a_gate_is_approved_and_what_was_done_is_rolled_back(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    undo = Action(run=["rm", "made"])
    make = Step(name="make", run=["touch", "made"], undo=undo, retries=0)
    definition = Definition(name="ship", step=[make, Step(name="ask", gate="Put it there?")])
    async with seated(tmux, tmp_path) as desk:
        begun = await desk.core.workflows.begin(definition, tmp_path)
        await desk.press("6")
        await desk.screen(WorkflowsView)
        await sees(desk, begun.id, "RUNNING ask", "asks: Put it there?")
        await desk.press("r")
        await desk.says("cannot be tried again")
        await desk.press("y")
        await desk.says(f"{begun.id} ship: approved")
        await ends(desk, begun.id, State.COMPLETED)
        await sees(desk, "COMPLETED")
        await desk.press("y")
        await desk.says("waits for nobody's approval")

        await desk.press("R")
        await desk.screen(Dialog)
        await sees(desk, "rolling back undoes, in this order: make")
        await desk.press("escape")
        await desk.screen(WorkflowsView)
        assert (tmp_path / "made").exists()
        await desk.idle()
        await desk.press("R")
        await desk.screen(Dialog)
        await desk.press("tab", "enter")
        await wait_for(lambda: not (tmp_path / "made").exists(), 10)
        await ends(desk, begun.id, State.ROLLED_BACK)
        await sees(desk, "ROLLED_BACK")
