"""What Claude Code is made to do in the lab."""

from __future__ import annotations

import signal
import time
from typing import Final

from tests.lab.script import (
    Act,
    Answer,
    Fail,
    Hang,
    Heard,
    Interrupt,
    Measured,
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

READY: Final = Until(shows=r"^\s*[❯>](\s|$)", level="idle")
ASKED: Final = Until(shows=r"(Do you want|Would you like|wants to|needs) ", level="waiting")
IDLE: Final = Until(level="idle")
FINISHED: Final = (State.DONE,)

TOUCH: Final = ToolCall("Bash", {"command": "touch sold.txt", "description": "Mark as sold"})
SLEEP: Final = ToolCall("Bash", {"command": "touch a; sleep 300", "description": "Run the tests"})
BEHIND: Final = ToolCall(
    "Bash",
    {"command": "touch a; sleep 300", "description": "Serve the shop", "run_in_background": True},
)
EDIT: Final = ToolCall(
    "Edit",
    {"file_path": "price.py", "old_string": "net * 1.19", "new_string": "round(net * 1.19, 2)"},
)
WRITE: Final = ToolCall("Write", {"file_path": "tax.py", "content": "RATE = 0.19\nLOW = 0.07\n"})
FETCH: Final = ToolCall("WebFetch", {"url": "https://example.com/tax", "prompt": "The rates"})
ASK: Final = ToolCall(
    "AskUserQuestion",
    {
        "questions": [
            {
                "question": "Which currency should prices be kept in?",
                "header": "Currency",
                "multiSelect": False,
                "options": [
                    {"label": "Euro", "description": "Cents as integers"},
                    {"label": "Dollar", "description": "Cents as integers"},
                ],
            }
        ]
    },
)
ASK_TWO: Final = ToolCall(
    "AskUserQuestion",
    {
        "questions": [
            {
                "question": "Which pages need the new price?",
                "header": "Pages",
                "multiSelect": True,
                "options": [
                    {"label": "Cart", "description": "Before paying"},
                    {"label": "Invoice", "description": "After paying"},
                ],
            },
            {
                "question": "When should it go live?",
                "header": "When",
                "multiSelect": False,
                "options": [
                    {"label": "Now", "description": "At once"},
                    {"label": "Tonight", "description": "At midnight"},
                ],
            },
        ]
    },
)
AGENT_CALL: Final = ToolCall(
    "Agent",
    {
        "description": "Search the tests",
        "prompt": "Find all tests of prices.",
        "subagent_type": "general-purpose",
        "run_in_background": False,
    },
)
PLAN: Final = "# Round prices\n\n1. Round in price.py\n2. Add a test\n"

QUOTED_PROMPT: Final = """The dialog of a permission looks like this:

```
 Bash command
   rm -rf build
 Do you want to proceed?
 ❯ 1. Yes
   2. Yes, and don't ask again
   3. No
 Esc to cancel · Tab to amend
```

You choose with a digit."""
QUOTED_STATES: Final = """Three sentences that you may see:

- `✻ Thinking… (12s · esc to interrupt)` while it works
- `You've hit your session limit · resets 4pm` at a limit
- `API Error: 401 · Please run /login` without a key

None of them is true now."""
QUOTED_LIMIT: Final = "It says:\n\nYou've hit your session limit · resets 4pm\n\nNothing else."
# A message that begins with these words is taken for the limit itself by Claude Code.
SOURCE: Final = """```python
def ask(name):
    print("Do you want to proceed?")
    print("❯ 1. Yes")
    print("  2. No, and tell Claude what to do differently (esc)")
    return input("Esc to cancel")
```"""


def limit(claim: str) -> Fail:
    """The refusal of a plan whose limit is reached: the headers name the limit and its end."""
    reset = str(int(time.time()) + 7_000)
    headers = {
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": reset,
        "anthropic-ratelimit-unified-representative-claim": claim,
        "anthropic-ratelimit-unified-overage-status": "rejected",
        "anthropic-ratelimit-unified-overage-disabled-reason": "org_level_disabled",
        "x-should-retry": "false",
    }
    return Fail(429, "This request would exceed your account's rate limit.", headers=headers)


def working(name: str, **more: object) -> Shot:
    return Shot(name, State.WORKING, **more)  # type: ignore[arg-type]


def asks(name: str, waiting: Waiting = Waiting.PERMISSION, **more: object) -> Shot:
    return Shot(name, State.WAITING, waiting, **more)  # type: ignore[arg-type]


def quiet(name: str, **more: object) -> Shot:
    return Shot(name, State.IDLE, **more)  # type: ignore[arg-type]


def menu(name: str, **more: object) -> Shot:
    """A view that the operator opened over an idle conversation."""
    return Shot(name, State.IDLE, hold=True, **more)  # type: ignore[arg-type]


def answered(text: str, *after: Act) -> tuple[Act, ...]:
    """A turn that only says something, to its end."""
    ended = Until(shows=r"^\S \S+ for ", level="idle")
    return (READY, model(Text(text)), Send("tell me"), ended, *after)


def prompted(*calls: ToolCall, text: str = "I do that.") -> tuple[Act, ...]:
    """A turn that comes to a permission."""
    turn = model(Text(text), *calls)
    return (READY, turn, model(Text("It is done.")), Send("go on with the shop"), ASKED)


def failing(*parts: Fail, times: int = 0) -> tuple[Act, ...]:
    return (READY, *(model(part, times=times) for part in parts), Send("go on with the shop"))


START: Final = (
    scenario("fresh", READY, quiet("fresh")),
    scenario("narrow", READY, quiet("fresh-narrow"), size=(60, 24)),
    scenario("short", READY, quiet("fresh-short"), size=(100, 12)),
    scenario(
        "trust",
        Until(shows="trust"),
        asks("trust", Waiting.TRUST),
        Answer("yes"),
        READY,
        quiet("trusted", save=False),
        setup="untrusted",
        versions="2.1.197",
    ),
    scenario(
        "trust-list",
        Until(shows="trust this folder"),
        asks("trust-list", Waiting.TRUST, substate="trust"),
        setup="untrusted",
        versions="2.1.329",
    ),
    scenario(
        "no-key",
        Until(shows=r"(?i)^\s*[❯>](\s|$)|login"),
        Pause(1.0),
        Send("explain the shop"),
        Until(shows="(?i)run /login"),
        asks("login-needed", Waiting.AUTH),
        setup="no-key",
    ),
    scenario(
        "auto-offer",
        READY,
        model(Text("I do that."), TOUCH),
        Send("mark it"),
        Pause(3.0),
        quiet("auto-mode", live=(State.DONE, State.IDLE)),
        setup="auto",
        versions="2.1.329",
    ),
)

WORK: Final = (
    scenario(
        "thinking",
        READY,
        model(Hang()),
        Send("explain the shop"),
        Until(shows="…", level="busy"),
        Pause(1.5),
        working("thinking"),
        keys("Escape"),
        IDLE,
        quiet("taken-back"),
    ),
    scenario(
        "streaming",
        READY,
        model(Think("I should look at the price."), Text("The shop has one price.\n\n"), Hang()),
        Send("explain the shop"),
        Until(shows="one price", level="busy"),
        Pause(1.5),
        working("streaming"),
        Interrupt(),
        IDLE,
        quiet("interrupted", substate="interrupted"),
    ),
    scenario(
        "queued",
        READY,
        model(Text("I look. "), Hang()),
        Send("explain the shop"),
        Until(shows="I look", level="busy"),
        Send("and the taxes"),
        Pause(1.0),
        working("queued-message"),
        Type("half a thou"),
        working("working-with-draft"),
    ),
    scenario(
        "tool",
        *prompted(SLEEP),
        Answer("yes"),
        Until(shows="Running|sleep", lacks="Do you want", level="busy"),
        Pause(3.0),
        working("tool-silent"),
        keys("Escape"),
        IDLE,
        quiet("tool-interrupted", substate="interrupted"),
    ),
    scenario(
        "background",
        READY,
        model(BEHIND),
        model(Text("It serves.")),
        Send("serve the shop"),
        ASKED,
        Answer("yes"),
        Until(shows="It serves"),
        Pause(1.0),
        quiet("background-shell", live=(State.DONE, State.IDLE)),
    ),
    scenario(
        "subagent",
        READY,
        model(AGENT_CALL),
        model(Text("I search."), Hang()),
        Send("find the tests"),
        Until(shows="Search the tests", level="busy"),
        Pause(2.0),
        working("subagent"),
    ),
    scenario(
        "subagent-asks",
        READY,
        model(AGENT_CALL),
        model(TOUCH),
        Send("find the tests"),
        ASKED,
        asks("permission-subagent"),
    ),
    scenario(
        "tasks",
        READY,
        model(
            ToolCall("TaskCreate", {"subject": "Round prices", "description": "In price.py"}),
            ToolCall("TaskCreate", {"subject": "Test them", "description": "In test_price.py"}),
        ),
        model(Text("I start."), Hang()),
        Send("plan it"),
        Until(shows="Round prices", level="busy"),
        Pause(1.5),
        working("task-list"),
        versions="2.1.197",
    ),
    scenario(
        "compact",
        *answered("The shop is small."),
        model(Text("And old.")),
        Send("and how old?"),
        Until(shows="And old", level="idle"),
        model(Hang(), when="summary"),
        Send("/compact"),
        Until(shows="Compacting"),
        working("compacting", substate="compacting"),
        keys("Escape"),
        Pause(1.0),
        IDLE,
        quiet("compacting-interrupted", live=(State.IDLE, State.DONE)),
    ),
    scenario(
        "long-answer",
        *answered("\n".join(f"{n}. Item {n} of the shop costs {n} euro." for n in range(1, 60))),
        quiet("long-answer"),
    ),
)

ASKING: Final = (
    scenario(
        "bash",
        *prompted(TOUCH),
        asks("permission-bash"),
        Answer("yes"),
        IDLE,
        quiet("turn-ended", live=FINISHED),
        Say("and now explain it"),
        Until(shows="All done"),
        IDLE,
        quiet("said-through-orc", live=FINISHED, save=False),
    ),
    scenario(
        "bash-narrow",
        *prompted(TOUCH),
        asks("permission-bash-narrow"),
        Answer(number=3),
        IDLE,
        quiet("denied", substate="interrupted"),
        size=(60, 24),
    ),
    scenario("bash-wide", *prompted(TOUCH), asks("permission-bash-wide"), size=(200, 50)),
    scenario("bash-short", *prompted(TOUCH), asks("permission-bash-short"), size=(100, 12)),
    scenario(
        "bash-resized",
        *prompted(TOUCH),
        Resize(72, 20),
        Pause(1.0),
        asks("permission-resized"),
        Resize(140, 40),
        Pause(1.0),
        asks("permission-resized-back", save=False),
    ),
    scenario(
        "edit",
        READY,
        model(ToolCall("Read", {"file_path": "price.py"})),
        model(EDIT),
        model(Text("It rounds.")),
        Send("round prices"),
        ASKED,
        asks("permission-edit"),
        keys("Down"),
        Pause(0.5),
        asks("permission-edit-cursor-down"),
        Answer("yes"),
        IDLE,
        quiet("edited", live=FINISHED),
    ),
    scenario("write", *prompted(WRITE), asks("permission-write")),
    scenario("fetch", *prompted(FETCH), asks("permission-fetch")),
    scenario(
        "question",
        READY,
        model(ASK),
        model(Text("Euro it is.")),
        Send("keep prices"),
        Until(shows="Which currency", level="waiting"),
        asks("question", Waiting.QUESTION),
        Answer(number=1),
        IDLE,
        quiet("question-answered", live=FINISHED),
    ),
    scenario(
        "questions",
        READY,
        model(ASK_TWO),
        Send("new prices"),
        Until(shows="Which pages", level="waiting"),
        asks("question-several", Waiting.QUESTION),
        keys("1"),
        keys("Tab"),
        Until(shows="When should it"),
        asks("question-second", Waiting.QUESTION),
        keys("1"),
        Pause(1.0),
        asks("question-submit", Waiting.QUESTION),
        Resize(60, 24),
        Pause(1.0),
        asks("question-submit-narrow", Waiting.QUESTION),
    ),
    scenario(
        "plan",
        READY,
        keys("BTab"),
        Until(shows="accept edits on"),
        quiet("accept-edits-mode"),
        keys("BTab"),
        Until(shows="plan mode on"),
        quiet("plan-mode"),
        model(
            Text("Here is what I would do."),
            ToolCall("ExitPlanMode", {"plan": PLAN}),
        ),
        Send("round prices"),
        Until(shows="(?i)would you like to proceed|exit plan mode", level="waiting"),
        asks("plan-approval", Waiting.PERMISSION),
        keys("Escape"),
        IDLE,
        quiet("plan-denied", substate="interrupted"),
        versions="2.1.197",
    ),
    scenario(
        "deny-reason",
        *prompted(TOUCH),
        keys("Down", "Down", "Tab"),
        Pause(0.5),
        Type("use another name"),
        asks("permission-amending"),
        keys("Enter"),
        IDLE,
        quiet("denied-with-reason", substate="interrupted", live=(State.IDLE, State.DONE)),
        versions="2.1.197",
    ),
    scenario(
        "prompt-escaped",
        *prompted(TOUCH),
        keys("Escape"),
        IDLE,
        quiet("prompt-escaped", substate="interrupted"),
    ),
)

TROUBLE: Final = (
    scenario(
        "overloaded",
        *failing(Fail(529, "Overloaded")),
        Until(shows="(?i)retrying", level="busy"),
        working("retrying-529", substate="retrying"),
        Interrupt(),
        IDLE,
        quiet("retrying-interrupted"),
    ),
    scenario(
        "server-error",
        *failing(Fail(500, "Internal server error")),
        Until(shows="(?i)retrying", level="busy"),
        working("retrying-500", substate="retrying"),
    ),
    scenario(
        "refused",
        READY,
        ServerDown(),
        Send("go on with the shop"),
        Until(shows="(?i)retrying", level="busy"),
        working("retrying-refused", substate="retrying"),
    ),
    scenario(
        "bad-request",
        *failing(Fail(400, "messages: text content blocks must be non-empty")),
        Until(shows="API Error", level="idle"),
        Shot("error-400-lab", State.ERROR),
    ),
    scenario(
        "unauthorized",
        *failing(Fail(401, "invalid x-api-key")),
        Until(shows=r"401|login|API key", level="idle", within_s=40.0),
        Shot("error-401", State.ERROR, substate="auth-401"),
        setup="impatient",
    ),
    scenario(
        "session-limit",
        *failing(limit("five_hour")),
        Until(shows="(?i)limit", level="idle"),
        Pause(1.0),
        Shot("limited-session-menu", State.LIMITED, substate="usage-limit"),
        setup="account",
    ),
    scenario(
        "weekly-limit",
        *failing(limit("seven_day")),
        Until(shows="(?i)limit", level="idle"),
        Pause(1.0),
        Shot("limited-week-menu", State.LIMITED, substate="usage-limit"),
        setup="account",
    ),
    scenario(
        "gave-up",
        *failing(Fail(529, "Overloaded")),
        Until(shows="(?i)529", level="idle", within_s=40.0),
        Shot("error-529", State.ERROR),
        setup="impatient",
    ),
    scenario(
        "forbidden",
        *failing(Fail(403, "Request not allowed")),
        Until(shows="403|login|API Error", level="idle"),
        Shot("error-403", State.WAITING, Waiting.AUTH),
    ),
    scenario(
        "no-model",
        *failing(Fail(404, "model: lab-model")),
        Until(shows="(?i)model", level="idle"),
        Pause(1.0),
        Shot("error-404", State.ERROR, substate="model-unavailable"),
    ),
    scenario(
        "too-long",
        *failing(Fail(400, "prompt is too long: 210000 tokens > 200000 maximum")),
        Until(shows="(?i)too long|context", level="idle", within_s=30.0),
        Shot("context-full", State.ERROR, substate="context-full"),
    ),
    scenario(
        "no-credit",
        *failing(Fail(400, "Your credit balance is too low to access the Anthropic API.")),
        Until(shows="(?i)credit balance", level="idle"),
        Shot("no-credit", State.ERROR, substate="billing"),
    ),
    scenario(
        "rate-limited",
        *failing(Fail(429, "This request would exceed your rate limit.", "rate_limit_error")),
        Until(shows="(?i)retrying|limit"),
        working("retrying-429", substate="retrying"),
    ),
)

VIEWS: Final = (
    scenario(
        "transcript",
        *answered("The shop is small."),
        keys("C-o"),
        Until(shows="(?i)transcript"),
        menu("transcript"),
        keys("C-o"),
        Pause(0.5),
        quiet("after-transcript", save=False),
    ),
    scenario(
        "transcript-busy",
        READY,
        model(Text("I look. "), Hang()),
        Send("explain the shop"),
        Until(shows="I look", level="busy"),
        keys("C-o"),
        Until(shows="(?i)transcript"),
        working("transcript-busy", hold=True),
    ),
    scenario(
        "models",
        READY,
        Send("/model"),
        Until(shows="(?i)select model"),
        menu("model-picker"),
        keys("Escape"),
        Until(lacks="(?i)select model", level="idle"),
        quiet("model-kept", save=False),
    ),
    scenario("help", READY, Send("/help"), Until(shows="(?i)general +commands"), menu("help")),
    scenario("status", READY, Send("/status"), Until(shows="Session ID"), menu("status")),
    scenario("config", READY, Send("/config"), Until(shows="(?i)auto-compact"), menu("config")),
    scenario(
        "permissions",
        READY,
        Send("/permissions"),
        Until(shows="(?i)allow +ask +deny"),
        menu("permission-rules"),
    ),
    scenario("slash", READY, Type("/co"), Until(shows="/compact"), quiet("slash-menu")),
    scenario("files", READY, Type("look at @pri"), Pause(1.5), quiet("file-menu")),
    scenario(
        "history",
        *answered("The shop is small."),
        keys("C-r"),
        Until(shows="(?i)search"),
        Pause(0.5),
        quiet("history-search"),
    ),
    scenario("shortcuts", READY, Type("?"), Pause(1.0), quiet("shortcuts")),
    scenario("draft", READY, Type("please look at the"), Pause(0.5), quiet("draft")),
    scenario(
        "draft-lines",
        READY,
        Type("please look at\nthe prices\nand at the taxes"),
        Pause(0.5),
        quiet("draft-lines"),
    ),
    scenario("shell-mode", READY, Type("!ls -l"), Pause(0.5), quiet("shell-mode")),
    scenario(
        "quit-asked",
        READY,
        keys("C-c"),
        Until(shows="(?i)again to exit"),
        quiet("quit-asked"),
    ),
    scenario(
        "rewind",
        *answered("The shop is small."),
        keys("Escape", "Escape"),
        Pause(1.5),
        Shot("rewind", State.IDLE, hold=True),
        versions="2.1.197",
    ),
)

DECOYS: Final = (
    scenario("prose-prompt", *answered(QUOTED_PROMPT), quiet("prose-prompt", decoy=True)),
    scenario("prose-states", *answered(QUOTED_STATES), quiet("prose-states", decoy=True)),
    scenario("prose-limit", *answered(QUOTED_LIMIT), quiet("prose-limit", decoy=True)),
    scenario("prose-source", *answered(SOURCE), quiet("prose-source", decoy=True)),
    scenario(
        "prose-busy",
        READY,
        model(Text(QUOTED_PROMPT), Hang()),
        Send("explain it"),
        Until(shows="choose with a digit|Tab to amend", level="busy"),
        working("prose-prompt-busy", decoy=True),
    ),
    scenario(
        "prose-draft",
        READY,
        Type("Do you want to proceed?\n❯ 1. Yes\n  2. No\nEsc to cancel"),
        Pause(0.5),
        quiet("draft-quotes-prompt", decoy=True),
    ),
    scenario(
        "file-decoy",
        READY,
        model(ToolCall("Bash", {"command": "cat ask.py", "description": "Read it"})),
        model(Text(SOURCE)),
        Send("show ask.py"),
        Pause(3.0),
        quiet("tool-shows-prompt", decoy=True, live=FINISHED),
        versions="2.1.197",
    ),
)

ENDS: Final = (
    scenario(
        "exit",
        READY,
        Send("/exit"),
        Until(shows=r"^lab\$ $|^lab\$$"),
        Shot("ended", State.DONE, shell=True, live=(State.DONE, State.IDLE)),
    ),
    scenario(
        "exit-busy",
        READY,
        model(Text("I look."), Hang()),
        Send("explain the shop"),
        Until(shows="I look", level="busy"),
        keys("C-c"),
        Pause(0.3),
        keys("C-c"),
        Pause(0.3),
        keys("C-c"),
        Until(shows=r"^lab\$\s*$"),
        Shot("ended-busy", State.DONE, shell=True, live=(State.DONE, State.IDLE), save=False),
    ),
    scenario(
        "killed",
        READY,
        model(Text("I look."), Hang()),
        Send("explain the shop"),
        Until(shows="I look", level="busy"),
        working("working-before-the-kill", save=False),
        Signal(signal.SIGKILL),
        Until(shows="Killed"),
        Shot("killed", State.CRASHED, shell=True),
        keys("Enter"),
        Shell("ls"),
        Pause(1.0),
        Shot("killed-went-on", State.CRASHED, shell=True, save=False),
    ),
    scenario(
        "terminated",
        READY,
        Signal(signal.SIGTERM),
        Until(shows=r"^lab\$\s*$"),
        Shot("terminated", State.DONE, shell=True, live=(State.DONE, State.IDLE), save=False),
    ),
    scenario(
        "suspended",
        READY,
        keys("C-z"),
        Until(shows="(?i)stopped|suspended"),
        Shot("suspended", State.IDLE, shell=True, live=(State.IDLE,)),
        Shell("fg"),
        Until(shows=r"^\s*[❯>](\s|$)"),
        quiet("resumed", save=False),
    ),
)

HOOKS: Final = (
    scenario(
        "hooks",
        READY,
        Heard("began"),
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
        Measured(),
        model(Text("I look."), Hang()),
        Send("explain it"),
        Until(shows="I look", level="busy"),
        keys("Escape"),
        quiet("hooks-interrupted", save=False, within_s=12.0),
        Send("/exit"),
        Heard("ended"),
        setup="hooks",
    ),
    scenario(
        "hooks-limit",
        *failing(limit("five_hour")),
        Heard("failed", "rate_limit"),
        Shot("hooks-limited", State.LIMITED, save=False),
        setup="hooks account",
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
