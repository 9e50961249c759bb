"""What Codex is made to do in the lab."""

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

READY: Final = Until(shows=r"^›\s", within_s=30.0)
EXEC: Final = ToolCall(
    "exec_command",
    {
        "cmd": "touch sold.txt",
        "sandbox_permissions": "require_escalated",
        "justification": "Mark it as sold?",
    },
)

SCENARIOS: Final[tuple[Scenario, ...]] = (
    scenario("fresh", READY, Shot("fresh", State.IDLE)),
    scenario(
        "thinking",
        READY,
        model(Hang()),
        Send("explain the shop"),
        Until(shows="esc to interrupt"),
        Shot("thinking", State.WORKING),
        keys("Escape"),
        Until(shows="interrupted"),
        Shot("interrupted", State.IDLE),
    ),
    scenario(
        "permission-bash",
        READY,
        model(Text("I mark it as sold."), EXEC),
        model(Text("It is marked.")),
        Send("mark it as sold"),
        Until(shows="Would you like to run"),
        Shot("permission-bash", State.WAITING, Waiting.PERMISSION),
        Answer("yes"),
        Until(shows="It is marked", lacks="esc to interrupt"),
        Shot("turn-ended", State.IDLE, live=(State.DONE,)),
    ),
)
