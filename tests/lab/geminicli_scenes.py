"""What Gemini CLI is made to do in the lab."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Final

from tests.lab.script import (
    Act,
    Answer,
    Fail,
    Forget,
    Hang,
    Heard,
    Interrupt,
    Pause,
    Release,
    Resize,
    Say,
    Scenario,
    Send,
    ServerDown,
    Shot,
    Signal,
    Text,
    ToolCall,
    Type,
    Until,
    keys,
    model,
    scenario,
)

from orc_core.model.agent import State, Waiting

IDLE, WORKING, WAITING, ERROR = State.IDLE, State.WORKING, State.WAITING, State.ERROR
OVER: Final = (State.IDLE, State.DONE)
SLOW_S: Final = 60.0
"""It needs its time to start, more of it on a busy machine."""

NEWEST, NEWER, OLD = "0.61.0", "0.40.1", "0.20.2"
TRIED_OLD: Final = frozenset(
    {"idle", "permission", "permission-narrow", "working", "long-tool", "errors"}
)
"""What the oldest is led through, whose screens are others, beside what is its own."""

READY: Final = Until(shows=r"Type your message", within_s=SLOW_S)
ASKED: Final = Until(shows=r"● 1\. ", within_s=SLOW_S)
BUSY: Final = Until(shows=r"esc to cancel", within_s=SLOW_S)
QUIET: Final = Until(
    shows=r"^[ │] ?[>*!] +\S[^\n]*\n[▀\s╰─╯]*\n? ?(workspace|~/shop)",
    lacks=r"esc to cancel|● 1\. ",
    title="Ready|^Gemini - shop",
    within_s=SLOW_S,
)


def bash(command: str) -> ToolCall:
    return ToolCall("run_shell_command", {"command": command, "description": "Does it"})


def edit(path: str, old: str, new: str) -> ToolCall:
    args = {"file_path": path, "old_string": old, "new_string": new, "instruction": "change it"}
    return ToolCall("replace", args)


QUESTION: Final = ToolCall(
    "ask_user",
    {
        "questions": [
            {
                "question": "Which database?",
                "header": "Database",
                "type": "choice",
                "options": [
                    {"label": "SQLite", "description": "one file"},
                    {"label": "Postgres", "description": "a server"},
                ],
            }
        ]
    },
)

QUOTED: Final = """It draws this when it asks:

```
│ Allow execution of [Shell]?
│
│ ● 1. Allow once
│   2. Allow for this session
│   3. No, suggest changes (esc)
╰────────────────────────────╯
```

and says `Waiting for user confirmation...` below it."""

SOURCE: Final = r"""```ts
const BUSY = "(esc to cancel, 3s)"
const ASK = /Waiting for user confirmation|● 1\. Allow once/
if (text === "Apply this change?") wait()
```"""


QUOTA: Final = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
            }
        ],
    }
}


def told(name: str, *acts: Act, **more: object) -> Scenario:
    return scenario(name, READY, *acts, **more)  # type: ignore[arg-type]


def asked(name: str, call: ToolCall) -> tuple[Act, ...]:
    """It asks, and is refused through orc."""
    return (
        model(Text("I do it."), call),
        Send(f"do the {name}"),
        ASKED,
        Shot(name, WAITING, Waiting.PERMISSION),
        Answer("no"),
        QUIET,
        Pause(3.0),
    )


def failing(name: str, fail: Fail, shot: Shot, wait_s: float) -> Scenario:
    return told(name, model(fail, times=0), Send("explain the shop"), BUSY, Pause(wait_s), shot)


def closed(command: str, shows: str, shot: Shot) -> tuple[Act, ...]:
    """A menu that a command opens and Escape closes."""
    return (
        Say(command),
        Until(shows=shows, within_s=SLOW_S),
        Pause(1.0),
        shot,
        keys("Escape"),
        Until(lacks=shows, within_s=SLOW_S),
        Pause(2.0),
    )


_ALL: Final[tuple[Scenario, ...]] = (
    told(
        "idle",
        Shot("fresh", IDLE),
        Type("half a thought"),
        Until(shows="half a thought"),
        Shot("draft-fresh", IDLE),
        keys("C-u"),
        Until(shows="Type your message"),
        Type("/"),
        Until(shows="about"),
        Shot("command-menu", IDLE),
        keys("BSpace"),
        Until(shows="Type your message"),
        Type("!"),
        Pause(1.5),
        Shot("shell-mode", IDLE),
        keys("BSpace"),
        Until(shows="Type your message"),
        Pause(1.0),
        Type("one line\nanother line\na third"),
        Until(shows="a third|Pasted"),
        Shot("draft-multi-line", IDLE),
    ),
    told(
        "menus",
        *closed("/model", "Select Model", Shot("model-picker", IDLE, hold=True)),
        *closed("/theme", "Select Theme", Shot("theme-picker", IDLE, hold=True)),
        *closed("/settings", "Apply To", Shot("settings", IDLE, hold=True)),
        Say("/help"),
        Until(shows="Keyboard Shortcuts"),
        Pause(1.0),
        Shot("help", IDLE),
    ),
    scenario(
        "trust",
        Until(shows="Do you trust", within_s=SLOW_S),
        Shot("trust", WAITING, Waiting.TRUST),
        Answer("yes"),
        READY,
        setup="untrusted",
        versions=f"{NEWEST} {NEWER}",
    ),
    # Its box is wider than the screen: it is read, and not answered from here.
    scenario(
        "trust-wide",
        Until(shows="Do you trust", within_s=SLOW_S),
        Shot("trust-wide", WAITING, Waiting.TRUST),
        keys("Enter"),
        READY,
        setup="untrusted",
        versions=OLD,
    ),
    scenario(
        "auth",
        Until(shows="How would you like to authenticate", within_s=SLOW_S),
        Shot("auth", WAITING, Waiting.AUTH, substate="auth-login"),
        keys("2"),
        Pause(2.0),
        Shot("auth-key", WAITING, Waiting.AUTH, substate="auth-login"),
        setup="no-key",
    ),
    told(
        "permission",
        model(Text("I mark it as sold."), bash("touch sold.txt")),
        model(Text("It is marked.")),
        Send("mark it as sold"),
        ASKED,
        Shot("permission-bash", WAITING, Waiting.PERMISSION),
        Answer("yes"),
        Until(shows="It is marked", within_s=SLOW_S),
        QUIET,
        Shot("turn-ended", IDLE, live=OVER),
        model(Text("I remove it."), bash("rm -rf build")),
        Send("remove the build"),
        ASKED,
        Shot("permission-rm", WAITING, Waiting.PERMISSION),
        Answer("no"),
        QUIET,
        Shot("denied", IDLE, substate="interrupted", live=OVER),
        model(Text("I push it."), bash("git push")),
        model(Text("It is pushed.")),
        Send("push it"),
        ASKED,
        keys("Down"),
        Until(shows=r"● 2\. "),
        Shot("permission-cursor-moved", WAITING, Waiting.PERMISSION),
        Answer("yes"),
        Until(shows="It is pushed", within_s=SLOW_S),
    ),
    told(
        "permission-kinds",
        *asked("permission-edit", edit("price.py", "1.19", "1.07")),
        *asked("permission-write", ToolCall("write_file", {"file_path": "n.py", "content": "x\n"})),
        *asked("permission-long", bash("\n".join(f"echo {n}" for n in range(40)))),
        *asked("permission-fetch", ToolCall("web_fetch", {"prompt": "read http://127.0.0.1:1/a"})),
    ),
    told("permission-narrow", *asked("permission-narrow", bash("git push --force")), size=(60, 24)),
    told("permission-tiny", *asked("permission-tiny", bash("git push --force")), size=(44, 16)),
    told(
        "question",
        model(Text("First a question."), QUESTION),
        model(Text("It is chosen.")),
        Send("build the store"),
        Until(shows="Which database", within_s=SLOW_S),
        Pause(1.0),
        Shot("question", WAITING, Waiting.QUESTION),
        Answer(number=2),
        Until(shows="It is chosen", within_s=SLOW_S),
        model(Text("Again."), QUESTION),
        Send("build it again"),
        Until(shows=r"● 1\.", within_s=SLOW_S),
        Pause(1.0),
        keys("Escape"),
        QUIET,
        Shot("question-dismissed", IDLE, substate="interrupted", live=OVER),
    ),
    told(
        "working",
        model(Hang()),
        Send("explain the shop"),
        BUSY,
        Pause(1.0),
        Shot("thinking", WORKING),
        Interrupt(),
        QUIET,
        Shot("interrupted", IDLE, substate="interrupted", live=OVER),
        Forget(),
        model(Text("I look at the shop.\n\nIt has a price."), Hang()),
        Send("explain it again"),
        Until(shows="I look", within_s=SLOW_S),
        Shot("streaming", WORKING),
        Type("and then"),
        Until(shows="and then"),
        Shot("working-draft", WORKING),
        Release(),
        QUIET,
        Shot("draft", IDLE, live=OVER),
    ),
    told(
        "long-tool",
        model(Text("I wait."), bash("sleep 60")),
        Send("wait a little"),
        Until(shows="Shell", within_s=SLOW_S),
        Pause(3.0),
        Shot("long-tool", WORKING),
        Interrupt(),
        QUIET,
        Shot("interrupted-tool", IDLE, live=OVER),
        setup="yolo",
    ),
    failing(
        "rate-limited",
        Fail(429, "Resource has been exhausted"),
        Shot("retrying-429", WORKING),
        12.0,
    ),
    failing("server-error", Fail(500, "Internal error"), Shot("retrying-500", WORKING), 6.0),
    failing(
        "overloaded", Fail(503, "The model is overloaded."), Shot("retrying-503", WORKING), 6.0
    ),
    told(
        "refused",
        ServerDown(),
        Send("explain the shop"),
        BUSY,
        Pause(6.0),
        Shot("retrying-refused", WORKING),
    ),
    told(
        "quota",
        model(Fail(429, body=QUOTA), times=0),
        Send("explain the shop"),
        Until(shows="Keep trying", within_s=SLOW_S),
        Pause(1.0),
        Shot("question-quota", WAITING, Waiting.QUESTION),
        Answer(number=2),
        QUIET,
        Shot("limited-quota", State.LIMITED, substate="usage-limit"),
    ),
    told(
        "errors",
        model(Fail(401, "API key not valid. Please pass a valid API key.")),
        Send("explain the shop"),
        Until(shows="API key not valid", within_s=SLOW_S),
        QUIET,
        Shot("error-401", ERROR, substate="auth-401"),
        model(Fail(400, "The input token count exceeds the maximum number of tokens allowed")),
        Send("explain it again"),
        Until(shows="input token count", within_s=SLOW_S),
        QUIET,
        Shot("error-400", ERROR),
        model(Text("Now it works.")),
        Send("and again please"),
        Until(shows="Now it works", within_s=SLOW_S),
        QUIET,
        Shot("idle-after-an-error", IDLE, live=OVER),
    ),
    told(
        "quotes",
        model(Text(QUOTED)),
        Send("how does it look"),
        Until(shows=r"below it(.|\n)*Type your message", within_s=SLOW_S),
        Pause(2.0),
        Shot("prose-quotes-prompt", IDLE, live=OVER, decoy=True),
        model(Text(SOURCE)),
        Send("show the source"),
        Until(shows=r"const ASK(.|\n)*Type your message", within_s=SLOW_S),
        Pause(2.0),
        Shot("source-quotes-prompt", IDLE, live=OVER, decoy=True),
    ),
    told(
        "narrow",
        model(Text("It is a small shop.")),
        Send("explain the shop"),
        Until(shows="small shop", within_s=SLOW_S),
        QUIET,
        Resize(60, 20),
        Pause(3.0),
        Shot("narrow", IDLE, live=OVER),
        Resize(36, 12),
        Pause(3.0),
        Shot("tiny", IDLE, live=OVER),
        Resize(100, 30),
        Pause(3.0),
        model(Text("I look."), Hang()),
        Send("explain it again"),
        Until(shows="I look", within_s=SLOW_S),
        Resize(60, 16),
        Pause(3.0),
        Shot("working-narrow", WORKING),
        Resize(36, 12),
        Pause(3.0),
        Shot("working-tiny", WORKING),
    ),
    told(
        "compress",
        model(Text("It is a small shop.")),
        Send("explain the shop"),
        Until(shows="small shop", within_s=SLOW_S),
        QUIET,
        model(Hang(), when="state_snapshot"),
        Say("/compress"),
        Until(shows="(?i)compress", within_s=SLOW_S),
        Pause(2.0),
        Shot("compacting", WORKING, substate="compacting"),
    ),
    told(
        "hooks",
        model(Text("I mark it as sold."), bash("touch sold.txt")),
        model(Text("It is marked.")),
        Send("mark it as sold"),
        Heard("prompt", "mark it as sold", within_s=SLOW_S),
        Heard("tool", "touch sold.txt", within_s=SLOW_S),
        Heard("permission", "touch sold.txt", within_s=SLOW_S),
        ASKED,
        Shot("hooks-permission", WAITING, Waiting.PERMISSION, save=False),
        Answer("yes"),
        Heard("tool-done", "touch sold.txt", within_s=SLOW_S),
        Heard("stopped", "It is marked", within_s=SLOW_S),
        QUIET,
        Shot("hooks-done", State.DONE, live=OVER, save=False),
        setup="hooks",
    ),
    told(
        "ctrl-c",
        keys("C-c"),
        Until(shows="(?i)again to exit"),
        Shot("ctrl-c-once", IDLE),
    ),
    told(
        "killed",
        model(Hang()),
        Send("explain the shop"),
        Until(shows="esc to cancel", within_s=SLOW_S),
        Shot("working-killed", WORKING, save=False),
        Signal(signal.SIGKILL),
        Until(shows=r"Killed", within_s=SLOW_S),
        Shot("killed", State.CRASHED, shell=True, save=False),
        setup="single",
    ),
)


def _with_versions(one: Scenario) -> Scenario:
    if one.versions or one.name in TRIED_OLD:
        return one
    return replace(one, versions=frozenset({NEWEST, NEWER}))


SCENARIOS: Final = tuple(map(_with_versions, _ALL))
