"""A task goes from the queue into the pane of a real agent, and comes back done."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from clocks import wait_for
from dashboard_desk import seated
from orc_core import settings
from orc_core.model.task import Status, Task
from orc_storage.deliveries import Stage
from private_tmux import PrivateTmux

PROGRAM = Path(__file__).with_name("programs") / "claude"


async def test_an_idle_agent_is_given_its_task(tmux: PrivateTmux, tmp_path: Path) -> None:
    own = settings.own_file({"HOME": str(tmp_path)})
    own.parent.mkdir(parents=True)
    own.write_text('[queue]\nfeed = ["claude-*"]\n')
    tmux.start(f"exec {sys.executable} {PROGRAM} idle", size="100x30")
    async with seated(tmux, tmp_path) as desk:
        task = await desk.core.tasks.add("Invoices as PDF")
        await desk.core.queue.enqueue(task.id)
        await wait_for(lambda: _status(desk.app.snapshot.tasks) is Status.RUNNING, 20.0)
        agent = next(one for one in desk.app.snapshot.agents if one.name == "claude-1")
        await wait_for(lambda: "T-1: Invoices as PDF" in tmux.screen(agent.pane.pane_id), 20.0)
        (held,) = await desk.core.queue.listing()
        assert (held.holder, held.stage) == ("claude-1", Stage.LEASED)
        await desk.core.tasks.set_status("T-1", Status.DONE)
        assert not await desk.core.queue.listing()


def _status(tasks: Sequence[Task]) -> Status | None:
    return next((one.status for one in tasks if one.id == "T-1"), None)
