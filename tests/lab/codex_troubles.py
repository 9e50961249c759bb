"""What goes wrong, what is looked at, what deceives and how it ends: scenes of Codex."""

from __future__ import annotations

import signal
from typing import Final

from tests.lab.claude_words import QUOTED_PROMPT as CLAUDE_PROMPT
from tests.lab.codex_words import (
    ASKED,
    BUSY,
    OVER,
    QUOTED_PROMPT,
    QUOTED_STATES,
    READY,
    SOURCE,
    SPINS,
    TOUCH,
    answered,
    failing,
    limit,
)
from tests.lab.common_scenes import (
    draft_of_a_prompt,
    heard_to_its_end,
    lines_not_sent,
    prose,
    suspended,
)
from tests.lab.labels import asks, failed, menu, quiet, working
from tests.lab.script import (
    Answer,
    Disconnect,
    Fail,
    Hang,
    Heard,
    Pause,
    Send,
    ServerDown,
    Shot,
    Signal,
    Text,
    Type,
    Until,
    keys,
    model,
    scenario,
)

from orc_core.model.agent import State, Waiting

TROUBLE: Final = (
    scenario(
        "server-error",
        *failing(Fail(500, "Internal server error")),
        Until(shows="(?i)reconnecting|retry"),
        working("retrying-500", substate="retrying"),
    ),
    scenario(
        "overloaded",
        *failing(Fail(503, "Overloaded")),
        Until(shows="(?i)reconnecting|retry"),
        working("retrying-503", substate="retrying"),
    ),
    scenario(
        "refused",
        *READY,
        ServerDown(),
        Send("go on with the shop"),
        Until(shows="(?i)reconnecting|retry"),
        working("retrying-refused", substate="retrying"),
    ),
    scenario(
        "cut",
        *READY,
        model(Text("I look at"), Disconnect(), times=0),
        Send("go on with the shop"),
        Until(shows="■"),
        OVER,
        failed("stream-cut", substate="network"),
    ),
    scenario(
        "gave-up",
        *failing(Fail(500, "Internal server error")),
        Until(shows="■"),
        OVER,
        failed("error-500"),
        setup="impatient",
    ),
    scenario(
        "bad-request",
        *failing(Fail(400, "Unsupported parameter: store")),
        Until(shows="■"),
        OVER,
        failed("error-400"),
    ),
    scenario(
        "unauthorized",
        *failing(Fail(401, "Incorrect API key provided")),
        Until(shows="■"),
        OVER,
        failed("error-401", substate="auth-401"),
    ),
    scenario(
        "forbidden",
        *failing(Fail(403, "Request not allowed")),
        Until(shows="■"),
        OVER,
        failed("error-403"),
    ),
    scenario(
        "rate-limited",
        *failing(Fail(429, "Rate limit reached, try again in 20 s", "rate_limit_exceeded")),
        Until(shows="■|(?i:reconnecting)", within_s=30.0),
        Pause(0.2),
        Shot("error-429", State.ERROR, substate="rate-limit"),
        setup="impatient",
    ),
    scenario(
        "usage-limit",
        *failing(limit()),
        Until(shows="(?i)usage limit"),
        OVER,
        Shot("limited-usage-lab", State.LIMITED, substate="usage-limit"),
    ),
    scenario(
        "too-long",
        *failing(
            Fail(
                400,
                "Your input exceeds the context window of this model.",
                body={
                    "error": {
                        "type": "invalid_request_error",
                        "code": "context_length_exceeded",
                        "message": "Your input exceeds the context window of this model.",
                    }
                },
            )
        ),
        Until(shows="■"),
        OVER,
        failed("context-full", substate="context-full"),
    ),
)

VIEWS: Final = (
    scenario(
        "transcript",
        *answered("The shop is small."),
        keys("C-t"),
        Pause(1.0),
        menu("transcript"),
        keys("q"),
        Pause(0.5),
        quiet("after-transcript", save=False),
        versions="0.151.0",
    ),
    scenario(
        "expanded",
        *answered("The shop is small."),
        keys("C-t"),
        Until(shows="bubblewrap"),
        quiet("expanded"),
        versions="0.169.0",
    ),
    scenario(
        "transcript-busy",
        *READY,
        model(Text("I look.\n\n"), Hang()),
        Send("explain the shop"),
        SPINS,
        keys("C-t"),
        Pause(1.0),
        working("transcript-busy", hold=True),
        versions="0.151.0",
    ),
    scenario(
        "expanded-busy",
        *READY,
        model(Text("I look.\n\n"), Hang()),
        Send("explain the shop"),
        SPINS,
        keys("C-t"),
        Until(shows="bubblewrap"),
        working("expanded-busy"),
        versions="0.169.0",
    ),
    scenario("models", *READY, Send("/model"), Pause(4.0), menu("model-picker")),
    scenario("status", *READY, Send("/status"), Pause(1.5), quiet("status")),
    scenario("permissions", *READY, Send("/permissions"), Pause(1.5), menu("permissions-lab")),
    scenario("slash", *READY, Type("/co"), Pause(1.0), quiet("slash-menu")),
    *lines_not_sent(*READY),
    scenario(
        "rewind",
        *answered("The shop is small."),
        Pause(2.0),
        keys("Escape"),
        Pause(0.5),
        keys("Escape"),
        Pause(1.0),
        menu("rewind"),
        versions="0.151.0",
    ),
)

DECOYS: Final = (
    *prose(
        prompt=answered(QUOTED_PROMPT),
        claude=answered(CLAUDE_PROMPT),
        states=answered(QUOTED_STATES),
        source=answered(SOURCE),
    ),
    scenario(
        "prose-busy",
        *READY,
        model(Text(QUOTED_PROMPT + "\n\n"), Hang()),
        Send("explain it"),
        Until(shows="choose with a letter"),
        working("prose-prompt-busy", decoy=True),
    ),
    draft_of_a_prompt(
        "Would you like to run it?\n› 1. Yes, proceed (y)\n  2. No\nesc to interrupt", *READY
    ),
)

ENDS: Final = (
    scenario(
        "exit",
        *READY,
        Send("/quit"),
        Until(shows=r"^lab\$\s*$"),
        Shot("ended", State.DONE, shell=True, live=(State.DONE, State.IDLE)),
    ),
    scenario(
        "killed",
        *READY,
        model(Hang()),
        Send("explain the shop"),
        BUSY,
        working("working-before-the-kill", save=False),
        Signal(signal.SIGKILL),
        Until(shows="Killed"),
        Shot("killed", State.CRASHED, shell=True),
    ),
    scenario(
        "terminated",
        *READY,
        Signal(signal.SIGTERM),
        Until(shows=r"lab\$\s*$"),
        Shot(
            "terminated",
            State.DONE,
            shell=True,
            live=(State.DONE, State.IDLE, State.CRASHED),
            save=False,
        ),
    ),
    suspended(r"^›\s", *READY),
)

HOOKS: Final = (
    scenario(
        "hooks",
        *READY,
        *heard_to_its_end(TOUCH, ASKED),
        model(Hang()),
        Send("explain it"),
        BUSY,
        keys("Escape"),
        Heard("interrupted"),
        quiet("hooks-interrupted", save=False, within_s=12.0),
        setup="hooks",
        argv=("--dangerously-bypass-hook-trust",),
        versions="0.169.0",
    ),
    scenario(
        "hooks-untrusted",
        Until(shows="(?i)hooks? .{0,40}(review|trust)"),
        asks("hooks-trust", Waiting.TRUST, substate="trust"),
        Answer("no"),
        *READY,
        quiet("hooks-skipped", save=False),
        setup="hooks",
        versions="0.169.0",
    ),
)
