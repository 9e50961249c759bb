"""What Codex is made to do in the lab."""

from __future__ import annotations

import re
import signal
import time
from typing import Final

from tests.lab.claude_scenes import QUOTED_PROMPT as CLAUDE_PROMPT
from tests.lab.script import (
    Act,
    Answer,
    Disconnect,
    Fail,
    Hang,
    Heard,
    Interrupt,
    Pause,
    Resize,
    Say,
    Scenario,
    Send,
    ServerDown,
    Shell,
    Shot,
    Signal,
    Text,
    Think,
    ToolCall,
    Type,
    Until,
    keys,
    model,
    scenario,
)

from orc_core.model.agent import State, Waiting

READY: Final = (
    Until(shows=r"^›\s", within_s=30.0),
    Until(shows=r"^\s+gpt-5-codex .*~", within_s=30.0),
    Pause(1.0),
)
BUSY: Final = Until(shows="esc to interrupt")
SPINS: Final = Until(title="[\u2801-\u28ff]")
OVER: Final = Until(title=r"^[^\u2801-\u28FF]*$")
"""The title spins no more: it tells what prose cannot quote."""
ASKED: Final = Until(shows="Would you like to")
FINISHED: Final = (State.DONE,)

PATCH: Final = """apply_patch <<'EOF'
*** Begin Patch
*** Update File: price.py
@@
-    return net * 1.19
+    return round(net * 1.19, 2)
*** End Patch
EOF"""


def command(text: str, reason: str = "") -> ToolCall:
    """A command; with a reason it asks to leave the sandbox."""
    asks = {"sandbox_permissions": "require_escalated", "justification": reason}
    return ToolCall("exec_command", {"cmd": text, **(asks if reason else {})})


TOUCH: Final = command("touch sold.txt", "Mark it as sold?")
SLEEP: Final = command("sleep 300", "Run the slow tests?")
QUESTION: Final = ToolCall(
    "request_user_input",
    {
        "questions": [
            {
                "id": "currency",
                "header": "Currency",
                "question": "Which currency should prices be kept in?",
                "options": [
                    {"label": "Euro (Recommended)", "description": "Cents as integers."},
                    {"label": "Dollar", "description": "Cents as integers."},
                ],
            }
        ]
    },
)
QUOTED_PROMPT: Final = """The dialog of an approval looks like this:

```
  Would you like to run the following command?
  $ rm -rf build
› 1. Yes, proceed (y)
  2. No, and tell Codex what to do differently (esc)

  Press enter to confirm or esc to cancel
```

You choose with a letter."""
QUOTED_STATES: Final = """Three lines that you may see:

- `• Working (12s • esc to interrupt)` while it works
- `■ You've hit your usage limit. Try again at 4:00 PM.` at a limit
- `■ unexpected status 401 Unauthorized` without a key

None of them is true now."""
SOURCE: Final = """```python
def ask(name):
    print("Would you like to run the following command?")
    print("› 1. Yes, proceed (y)")
    return input("Press enter to confirm or esc to cancel")
```"""


def working(name: str, **more: object) -> Shot:
    return Shot(name, State.WORKING, **more)  # type: ignore[arg-type]


def asks(name: str, waiting: Waiting = Waiting.PERMISSION, **more: object) -> Shot:
    return Shot(name, State.WAITING, waiting, **more)  # type: ignore[arg-type]


def quiet(name: str, **more: object) -> Shot:
    return Shot(name, State.IDLE, **more)  # type: ignore[arg-type]


def menu(name: str, **more: object) -> Shot:
    """A view that the operator opened over an idle conversation."""
    return Shot(name, State.IDLE, hold=True, **more)  # type: ignore[arg-type]


def failed(name: str, **more: object) -> Shot:
    return Shot(name, State.ERROR, **more)  # type: ignore[arg-type]


def answered(text: str, *after: Act) -> tuple[Act, ...]:
    """A turn that only says something, to its end."""
    lines = [line.strip("` ") for line in text.splitlines() if line.strip("` ")]
    said = Until(shows=re.escape(lines[-1][:20]))
    return (*READY, model(Text(text)), Send("tell me"), said, OVER, Pause(1.0), *after)


def prompted(*calls: ToolCall) -> tuple[Act, ...]:
    """A turn that comes to an approval."""
    turn = model(Text("I do that."), *calls)
    return (*READY, turn, model(Text("It is done.")), Send("go on with the shop"), ASKED)


def failing(*parts: Fail) -> tuple[Act, ...]:
    return (*READY, *(model(part, times=0) for part in parts), Send("go on with the shop"))


def limit() -> Fail:
    """The refusal of a plan whose limit is reached."""
    error = {
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "plan_type": "plus",
        "resets_at": int(time.time()) + 7_000,
    }
    return Fail(429, body={"error": error})


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
        BUSY,
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
        *prompted(TOUCH),
        Resize(72, 20),
        Pause(1.0),
        asks("permission-resized"),
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
        BUSY,
        keys("C-t"),
        Until(shows="bubblewrap"),
        working("expanded-busy"),
        versions="0.169.0",
    ),
    scenario("models", *READY, Send("/model"), Pause(4.0), menu("model-picker")),
    scenario("status", *READY, Send("/status"), Pause(1.5), quiet("status")),
    scenario("permissions", *READY, Send("/permissions"), Pause(1.5), menu("permissions-lab")),
    scenario("slash", *READY, Type("/co"), Pause(1.0), quiet("slash-menu")),
    scenario("files", *READY, Type("look at @pri"), Pause(1.5), quiet("file-menu")),
    scenario("shortcuts", *READY, Type("?"), Pause(1.0), quiet("shortcuts")),
    scenario("draft", *READY, Type("please look at the"), Pause(0.5), quiet("draft")),
    scenario(
        "draft-lines",
        *READY,
        Type("please look at\nthe prices\nand at the taxes"),
        Pause(0.5),
        quiet("draft-lines"),
    ),
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
    scenario("prose-prompt", *answered(QUOTED_PROMPT), quiet("prose-prompt", decoy=True)),
    scenario("prose-claude", *answered(CLAUDE_PROMPT), quiet("prose-claude", decoy=True)),
    scenario("prose-states", *answered(QUOTED_STATES), quiet("prose-states", decoy=True)),
    scenario("prose-source", *answered(SOURCE), quiet("prose-source", decoy=True)),
    scenario(
        "prose-busy",
        *READY,
        model(Text(QUOTED_PROMPT + "\n\n"), Hang()),
        Send("explain it"),
        Until(shows="choose with a letter"),
        working("prose-prompt-busy", decoy=True),
    ),
    scenario(
        "prose-draft",
        *READY,
        Type("Would you like to run it?\n› 1. Yes, proceed (y)\n  2. No\nesc to interrupt"),
        Pause(0.5),
        quiet("draft-quotes-prompt", decoy=True),
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
    scenario(
        "suspended",
        *READY,
        keys("C-z"),
        Until(shows="(?i)stopped|suspended"),
        Shot("suspended", State.IDLE, shell=True, live=(State.IDLE,)),
        Shell("fg"),
        Until(shows=r"^›\s"),
        quiet("resumed", save=False),
    ),
)

HOOKS: Final = (
    scenario(
        "hooks",
        *READY,
        model(Text("I mark it as sold."), TOUCH),
        model(Text("It is marked.")),
        Send("mark it as sold"),
        Heard("prompt", "mark it as sold"),
        Heard("permission", "touch sold.txt"),
        ASKED,
        asks("hooks-permission", save=False),
        Answer("yes"),
        Heard("tool-done"),
        Heard("stopped", "It is marked"),
        quiet("hooks-done", live=FINISHED, save=False),
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
