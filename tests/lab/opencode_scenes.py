"""What opencode is made to do in the lab."""

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
"""It needs its time before the first request, more of it on a busy machine."""

NEWEST: Final = "1.18.33"
NEW_ALONE: Final = frozenset({"errors", "hooks", "exit", "killed", "suspended"})
"""What the older one is not led through: it takes an error from its screen again."""

READY: Final = (Until(shows=r"Ask anything", within_s=SLOW_S), Pause(1.0))
ASKED: Final = Until(shows=r"△ Permission required", within_s=SLOW_S)
BUSY: Final = Until(shows=r"esc (again to )?interrupt")
QUIET: Final = Until(
    shows=r"ctrl\+p commands|^\s*╹▀{8}",
    lacks=r"interrupt$|interrupt |[■⬝]{4}|⇆ select|↑↓ select",
    within_s=SLOW_S,
)


def bash(command: str) -> ToolCall:
    return ToolCall("bash", {"command": command, "description": "Does it"})


def edit(path: str, old: str, new: str) -> ToolCall:
    return ToolCall("edit", {"filePath": path, "oldString": old, "newString": new})


def asks(*questions: tuple[str, tuple[str, ...]]) -> ToolCall:
    told = [
        {
            "question": question,
            "header": question.split()[-1].strip("?").title(),
            "options": [{"label": label, "description": f"takes {label}"} for label in labels],
        }
        for question, labels in questions
    ]
    return ToolCall("question", {"questions": told})


QUOTED: Final = """It draws this when it asks:

```
  ┃  △ Permission required
  ┃    # Shell command
  ┃
  ┃  $ rm -rf build
  ┃
  ┃   Allow once   Allow always   Reject      ⇆ select  enter confirm
```

and a select dialog ends with `↑↓ select  enter submit  esc dismiss`."""

SOURCE: Final = r"""```ts
const FOOT = "esc interrupt"
const ASK = /△ Permission required|enter confirm|esc dismiss/
if (screen.includes("Allow once   Allow always   Reject")) wait()
```"""


QUOTA: Final = "You exceeded your current quota, please check your plan and billing details."
BAD: Final = "Invalid value for 'messages': there are too many of them."


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
    )


def failing(name: str, fail: Fail, shows: str, shot: Shot) -> Scenario:
    return told(
        name,
        model(fail, times=0),
        Send("explain the shop"),
        Until(shows=shows, within_s=SLOW_S),
        Pause(1.0),
        shot,
    )


_ALL: Final[tuple[Scenario, ...]] = (
    told(
        "idle",
        Shot("fresh", IDLE),
        Type("half a thought"),
        Until(shows="half a thought"),
        Shot("draft-fresh", IDLE),
        keys("C-u"),
        Until(shows="Ask anything"),
        Type("/"),
        Until(shows="/models"),
        Shot("command-menu", IDLE),
        keys("Escape"),
        Pause(0.5),
        keys("C-u"),
        Until(shows="Ask anything"),
        Type("one line\nanother line\na third"),
        Until(shows="Pasted|a third"),
        Shot("draft-multi-line", IDLE),
    ),
    told(
        "dialogs",
        Say("/models"),
        Until(shows="Select model"),
        Shot("model-picker", IDLE, hold=True),
        keys("Escape"),
        Until(lacks="Select model"),
        Say("/help"),
        Until(shows="Press ctrl"),
        Shot("help", IDLE, hold=True),
        keys("Escape"),
        Until(lacks="Press ctrl"),
        keys("C-p"),
        Until(shows="Commands"),
        Shot("palette", IDLE, hold=True),
    ),
    scenario(
        "no-key",
        Until(shows="Ask anything", within_s=SLOW_S),
        Until(shows="/connect", within_s=SLOW_S),
        Shot("no-provider", IDLE),
        setup="no-key",
        versions=NEWEST,
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
        Shot("denied", IDLE, live=OVER),
        model(Text("I push it."), bash("git push")),
        model(Text("It is pushed.")),
        Send("push it"),
        ASKED,
        keys("Right"),
        keys("Right"),
        Pause(3.0),
        Shot("permission-cursor-moved", WAITING, Waiting.PERMISSION),
        Answer("yes"),
        Until(shows="It is pushed", within_s=SLOW_S),
        model(bash("git fetch")),
        model(Text("It is fetched.")),
        Send("fetch it"),
        ASKED,
        Pause(1.5),
        keys("C-f"),
        Until(shows="minimize"),
        Shot("permission-fullscreen", WAITING, Waiting.PERMISSION),
        Answer("yes"),
        Until(shows="It is fetched", within_s=SLOW_S),
        QUIET,
    ),
    told(
        "permission-kinds",
        # Older versions edit no file that they have not read.
        model(Text("I read it."), ToolCall("read", {"filePath": "price.py"})),
        *asked("permission-edit", edit("price.py", "1.19", "1.07")),
        *asked("permission-write", ToolCall("write", {"filePath": "new.py", "content": "x = 1\n"})),
        *asked("permission-long", bash("\n".join(f"echo {n}" for n in range(30)))),
        *asked("permission-folder", ToolCall("read", {"filePath": "/etc/hostname"})),
        model(Text("I mark it."), bash("touch sold.txt")),
        model(Text("It is marked.")),
        Send("mark it as sold"),
        ASKED,
        Answer(number=2),
        Until(shows="△ Always allow"),
        Pause(1.0),
        Shot("permission-always", WAITING, Waiting.PERMISSION),
        Answer("yes"),
        Until(shows="It is marked", within_s=SLOW_S),
    ),
    told("permission-narrow", *asked("permission-narrow", bash("git push --force")), size=(60, 24)),
    told("permission-tiny", *asked("permission-tiny", bash("git push --force")), size=(44, 16)),
    told(
        "questions",
        model(Text("First a question."), asks(("Which database?", ("SQLite", "Postgres")))),
        model(Text("It is chosen.")),
        Send("build the store"),
        Until(shows="esc dismiss", within_s=SLOW_S),
        Shot("question", WAITING, Waiting.QUESTION),
        Answer(number=2),
        Until(shows="It is chosen", within_s=SLOW_S),
        model(
            asks(("Which database?", ("SQLite", "Postgres")), ("Which port?", ("80", "8080"))),
        ),
        Send("build it again"),
        Until(shows="esc dismiss", within_s=SLOW_S),
        Shot("question-tabs", WAITING, Waiting.QUESTION),
        keys("Escape"),
        QUIET,
        Shot("question-dismissed", IDLE, live=OVER),
    ),
    told(
        "working",
        model(Hang()),
        Send("explain the shop"),
        BUSY,
        Shot("thinking", WORKING),
        keys("Escape"),
        Until(shows="again to interrupt"),
        Shot("interrupt-once", WORKING),
        Pause(6.0),
        Interrupt(),
        QUIET,
        Shot("interrupted", IDLE, substate="interrupted", live=OVER),
        Forget(),
        model(Text("I look at the shop.\n\nIt has a price."), Hang()),
        Send("explain it again"),
        Until(shows="It has a price", within_s=SLOW_S),
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
        Until(shows="sleep 60", within_s=SLOW_S),
        Pause(2.5),
        Shot("long-tool", WORKING),
        Interrupt(),
        QUIET,
        Shot("interrupted-tool", IDLE, substate="interrupted", live=OVER),
        setup="yolo",
    ),
    failing(
        "rate-limited",
        Fail(429, "Rate limit reached for requests", headers={"retry-after": "30"}),
        r"\[retrying",
        Shot("retrying-429", WORKING, substate="retrying"),
    ),
    failing(
        "server-error",
        Fail(500, "The server had an error while processing your request"),
        r"\[retrying",
        Shot("retrying-500", WORKING, substate="retrying"),
    ),
    failing(
        "overloaded",
        Fail(503, "Overloaded"),
        r"\[retrying",
        Shot("retrying-503", WORKING, substate="retrying"),
    ),
    told(
        "refused",
        ServerDown(),
        Send("explain the shop"),
        Until(shows=r"\[retrying", within_s=SLOW_S),
        Shot("retrying-refused", WORKING, substate="retrying"),
        versions=NEWEST,
    ),
    failing(
        "quota",
        Fail(429, QUOTA, kind="insufficient_quota"),
        "(?i)exceeded your current quota",
        Shot("limited-quota", State.LIMITED, substate="usage-limit"),
    ),
    told(
        "errors",
        model(Fail(401, "Incorrect API key provided: made-up.")),
        Send("explain the shop"),
        Until(shows="Incorrect API key", within_s=SLOW_S),
        QUIET,
        Shot("error-401", ERROR, substate="auth-401"),
        model(Fail(400, BAD)),
        Send("explain it again"),
        Until(shows="too many of them", within_s=SLOW_S),
        QUIET,
        Shot("error-400", ERROR, substate="refused"),
        model(Text("Now it works.")),
        Send("and again please"),
        Until(shows="Now it works", within_s=SLOW_S),
        QUIET,
        Shot("idle-after-an-error", IDLE, live=OVER),
    ),
    told(
        "quotes",
        model(Text(QUOTED)),
        Send("how does it look?"),
        Until(shows=r"a select dialog ends(.|\n)*▣ .*s( +█)?$", within_s=SLOW_S),
        Shot("prose-quotes-prompt", IDLE, live=OVER, decoy=True),
        model(Text(SOURCE)),
        Send("show the source"),
        Until(shows=r"const ASK(.|\n)*▣ .*s( +█)?$", within_s=SLOW_S),
        Shot("source-quotes-prompt", IDLE, live=OVER, decoy=True),
    ),
    told(
        "narrow",
        model(Text("It is a small shop.")),
        Send("explain the shop"),
        Until(shows="small shop", within_s=SLOW_S),
        QUIET,
        Resize(60, 20),
        Pause(2.0),
        Shot("narrow", IDLE, live=OVER),
        Resize(100, 30),
        model(Text("I look."), Hang()),
        Send("explain it again"),
        Until(shows="I look", within_s=SLOW_S),
        Resize(60, 16),
        Pause(2.0),
        Shot("working-narrow", WORKING),
    ),
    told(
        "tiny",
        model(Text("It is a small shop.")),
        Send("explain the shop"),
        Until(shows="small shop", within_s=SLOW_S),
        QUIET,
        Resize(36, 12),
        Pause(2.0),
        Shot("tiny", IDLE, live=OVER),
        Resize(100, 30),
        model(Text("I look."), Hang()),
        Send("explain it again"),
        Until(shows="I look", within_s=SLOW_S),
        Resize(36, 12),
        Pause(2.0),
        Shot("working-tiny", WORKING),
        versions=NEWEST,  # the older one shows no foot there
    ),
    told(
        "compact",
        model(Text("It is a small shop."), used=1500),
        Send("explain the shop"),
        Until(shows="small shop", within_s=SLOW_S),
        QUIET,
        model(Text("## Goal\nSell the shop."), Hang(), when="summar"),
        Say("/compact"),
        Until(shows="Sell the shop", within_s=SLOW_S),
        Shot("compacting", WORKING, substate="compacting"),
        Release(),
        QUIET,
        Shot("compacted", IDLE, live=OVER),
    ),
    told(
        "hooks",
        model(Text("I mark it as sold."), bash("touch sold.txt")),
        model(Text("It is marked.")),
        Send("mark it as sold"),
        Heard("prompt", "mark it as sold", within_s=SLOW_S),
        Heard("permission", "touch sold.txt", within_s=SLOW_S),
        ASKED,
        Shot("hooks-permission", WAITING, Waiting.PERMISSION, save=False),
        Answer("yes"),
        Heard("answered"),
        Heard("stopped", within_s=SLOW_S),
        Shot("hooks-done", State.DONE, live=OVER, save=False),
        model(Fail(401, "Incorrect API key provided: made-up.")),
        Send("and again"),
        Heard("prompt", "and again"),
        Heard("failed", within_s=SLOW_S),
        Until(shows="Incorrect API key"),
        QUIET,
        Shot("hooks-error", ERROR, save=False),
        setup="hooks",
    ),
    told(
        "exit",
        keys("C-c"),
        Until(shows=r"lab\$ ?\Z", within_s=SLOW_S),
        Shot("exited", State.DONE, shell=True, live=OVER),
    ),
    told(
        "killed",
        model(Hang()),
        Send("explain the shop"),
        Until(shows="esc interrupt", within_s=SLOW_S),
        Shot("working-killed", WORKING, save=False),
        Signal(signal.SIGKILL),
        Until(shows=r"Killed"),
        Shot("killed", State.CRASHED, shell=True, save=False),
    ),
    told(
        "suspended",
        keys("C-z"),
        Until(shows=r"Stopped"),
        Shot("suspended", IDLE, shell=True, live=(IDLE, State.DONE, State.UNKNOWN)),
    ),
)


def _with_versions(one: Scenario) -> Scenario:
    return replace(one, versions=frozenset({NEWEST})) if one.name in NEW_ALONE else one


SCENARIOS: Final = tuple(map(_with_versions, _ALL))
