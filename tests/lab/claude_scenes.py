"""What Claude Code is made to do in the lab."""

from __future__ import annotations

from typing import Final

from tests.lab.script import (
    Answer,
    Hang,
    Scenario,
    Send,
    Shot,
    Text,
    ToolCall,
    Until,
    keys,
    model,
    scenario,
)

from orc_core.model.agent import State, Waiting

READY: Final = Until(shows=r"^\s*[❯>](\s|$)", level="idle")
BASH: Final = ToolCall("Bash", {"command": "touch sold.txt", "description": "Mark as sold"})
ASKED: Final = Until(shows=r"Do you want to", level="waiting")
DONE: Final = Until(level="idle")

SCENARIOS: Final[tuple[Scenario, ...]] = (
    scenario("fresh", READY, Shot("fresh", State.IDLE)),
    scenario(
        "permission-bash",
        READY,
        model(Text("I mark it as sold."), BASH),
        model(Text("It is marked.")),
        Send("mark it as sold"),
        ASKED,
        Shot("permission-bash", State.WAITING, Waiting.PERMISSION),
        Answer("yes"),
        DONE,
        Shot("turn-ended", State.IDLE, live=(State.DONE,)),
    ),
    scenario(
        "thinking",
        READY,
        model(Text("I look at it."), Hang()),
        Send("explain the shop"),
        Until(shows="esc to interrupt|…", level="busy"),
        Shot("thinking", State.WORKING),
        keys("Escape"),
        Until(shows="Interrupted", level="idle"),
        Shot("interrupted", State.IDLE),
    ),
)
