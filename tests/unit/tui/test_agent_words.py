"""What an agent's row says it asks or does."""

from __future__ import annotations

from dataclasses import replace

import scene
from orc_core.model.agent import State
from orc_tui.view_models.agents import READY, STOPPED, does


def test_an_idle_agent_is_ready_only_without_a_task() -> None:
    agent = replace(scene.agents()[0], state=State.IDLE, does=READY, task="")
    assert does(agent, scene.AT) == READY
    assert does(replace(agent, task="T-5"), scene.AT) == STOPPED
