"""What Codex is made to do in the lab: it starts, works and asks."""

from __future__ import annotations

from typing import Final

from tests.lab.codex_troubles import DECOYS, ENDS, HOOKS, TROUBLE, VIEWS
from tests.lab.codex_words import (
    ASKED,
    BUSY,
    OVER,
    PATCH,
    QUESTION,
    READY,
    SLEEP,
    SPINS,
    TOUCH,
    answered,
    command,
    prompted,
)
from tests.lab.common_scenes import resized
from tests.lab.labels import FINISHED, asks, quiet, working
from tests.lab.script import (
    Answer,
    Hang,
    Interrupt,
    Pause,
    Say,
    Scenario,
    Send,
    Text,
    Think,
    ToolCall,
    Type,
    Until,
    keys,
    model,
    scenario,
)

from orc_core.model.agent import Waiting

START: Final = (
    scenario("fresh", *READY, quiet("fresh-lab")),
    scenario("narrow", *READY, quiet("fresh-narrow"), size=(60, 24)),
    scenario("short", *READY, quiet("fresh-short"), size=(100, 12)),
    scenario(
        "trust",
        Until(shows="(?i)trust"),
        asks("trust", Waiting.TRUST),
        Answer("yes"),
        *READY,
        quiet("trusted", save=False),
        setup="untrusted",
    ),
    scenario(
        "sign-in",
        Until(shows="(?i)sign in with chatgpt"),
        asks("sign-in", Waiting.AUTH),
        setup="no-key",
    ),
)

WORK: Final = (
    scenario(
        "thinking",
        *READY,
        model(Hang()),
        Send("explain the shop"),
        BUSY,
        working("thinking"),
        Interrupt(),
        OVER,
        quiet("interrupted-lab", substate="interrupted"),
    ),
    scenario(
        "streaming",
        *READY,
        model(Think("**Looking at prices**"), Text("The shop has one price.\n\n"), Hang()),
        Send("explain the shop"),
        SPINS,
        Pause(2.0),
        working("streaming"),
    ),
    scenario(
        "queued",
        *READY,
        model(Hang()),
        Send("explain the shop"),
        BUSY,
        Type("and the taxes"),
        Pause(0.5),
        working("working-with-draft"),
        keys("Tab"),
        Pause(1.0),
        working("queued-message"),
    ),
    scenario(
        "tool",
        *prompted(SLEEP),
        Answer("yes"),
        Until(shows="Running sleep|Waiting for", lacks="Would you like"),
        Pause(3.0),
        working("tool-silent"),
        keys("Escape"),
        OVER,
        quiet("tool-interrupted", substate="interrupted"),
    ),
    scenario(
        "background",
        *READY,
        model(
            ToolCall(
                "exec_command",
                {
                    "cmd": "sleep 300",
                    "yield_time_ms": 300,
                    "sandbox_permissions": "require_escalated",
                    "justification": "Serve the shop?",
                },
            )
        ),
        model(Text("It serves.")),
        Send("serve the shop"),
        ASKED,
        Answer("yes"),
        Until(shows="It serves"),
        OVER,
        quiet("background-terminal"),
    ),
    scenario(
        "compact",
        *answered("The shop is small."),
        model(Hang(), when="CONTEXT CHECKPOINT"),
        Send("/compact"),
        Pause(3.0),
        working("compacting", substate="compacting"),
        versions="0.169.0",
    ),
    scenario(
        "long-answer",
        *answered("\n".join(f"{n}. Item {n} of the shop costs {n} euro." for n in range(1, 60))),
        quiet("long-answer"),
    ),
)

ASKING: Final = (
    scenario(
        "exec",
        *prompted(TOUCH),
        asks("permission-exec-lab"),
        Answer("yes"),
        Until(shows="It is done"),
        OVER,
        quiet("turn-ended-lab", live=FINISHED),
        Say("and now explain it"),
        Until(shows="All done"),
        OVER,
        quiet("said-through-orc", save=False),
    ),
    scenario(
        "exec-narrow",
        *prompted(TOUCH),
        asks("permission-exec-narrow"),
        Answer("no"),
        OVER,
        quiet("denied-lab", substate="interrupted"),
        size=(60, 24),
    ),
    scenario("exec-wide", *prompted(TOUCH), asks("permission-exec-wide"), size=(200, 50)),
    scenario("exec-short", *prompted(TOUCH), asks("permission-exec-short"), size=(100, 14)),
    scenario(
        "exec-resized",
        *resized(*prompted(TOUCH)),
        keys("Down"),
        Pause(0.5),
        asks("permission-cursor-down"),
    ),
    scenario(
        "exec-lines",
        *prompted(command("cat <<'X' > tax.py\nRATE = 0.19\nLOW = 0.07\nX", "Write the rates?")),
        asks("permission-exec-lines"),
    ),
    scenario(
        "patch",
        *prompted(command(PATCH)),
        asks("permission-patch"),
        Answer("yes"),
        Until(shows="It is done"),
        OVER,
        quiet("patched", live=FINISHED),
        setup="read-only",
    ),
    scenario(
        "escaped",
        *prompted(TOUCH),
        keys("Escape"),
        Until(lacks="Would you like to"),
        OVER,
        quiet("prompt-escaped", substate="interrupted"),
    ),
    scenario(
        "question",
        *READY,
        keys("BTab"),
        Until(shows="(?i)plan mode|plan ·|· plan"),
        quiet("plan-mode"),
        model(QUESTION),
        model(Text("Euro it is.")),
        Send("keep prices"),
        Until(shows="Which currency"),
        asks("question", Waiting.QUESTION),
        versions="0.169.0",
    ),
    scenario(
        "plan",
        *READY,
        keys("BTab"),
        Until(shows="(?i)plan mode|plan ·|· plan"),
        model(Text("<proposed_plan>\n# Round prices\n\n1. Round\n2. Test\n</proposed_plan>")),
        Send("round prices"),
        Until(shows="(?i)implement this plan"),
        asks("plan-approval", Waiting.QUESTION, substate="plan"),
        versions="0.169.0",
    ),
)

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *START,
    *WORK,
    *ASKING,
    *TROUBLE,
    *VIEWS,
    *DECOYS,
    *ENDS,
    *HOOKS,
)
