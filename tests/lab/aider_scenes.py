"""What aider is made to do in the lab."""

from __future__ import annotations

import signal
from typing import Final

from tests.lab.script import (
    Act,
    Answer,
    Fail,
    Forget,
    Hang,
    Heard,
    Interrupt,
    Model,
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
    Turn,
    Type,
    Until,
    keys,
    model,
    scenario,
)

from orc_core.model.agent import State, Waiting

IDLE, WORKING, WAITING, ERROR = State.IDLE, State.WORKING, State.WAITING, State.ERROR
OVER: Final = (State.IDLE, State.DONE)

COMMITS: Final = Model((Turn((Text("Change the price"),), when="generates concise", times=0),))
"""What it asks beside the conversation, to name a commit."""
PROMPT: Final = r"^[a-z ]{0,20}> ?$"
SLOW_S: Final = 60.0
"""It needs its time to start, more of it on a busy machine."""
READY: Final = (COMMITS, Until(shows=PROMPT, within_s=SLOW_S))
ASKED: Final = Until(shows=r"\[(Yes|No)\]: ?\Z", within_s=SLOW_S)
NOT_ADDED: Final = Until(shows=r"not been added to the chat\? .*\]: ?\Z", within_s=SLOW_S)
QUIET: Final = Until(shows=r"^[a-z ]{0,20}> ?\s*\Z", within_s=SLOW_S)

EDIT: Final = """I lower the tax.

price.py
```python
<<<<<<< SEARCH
    return net * 1.19
=======
    return net * 1.07
>>>>>>> REPLACE
```
"""
NEW: Final = """A new file.

tax.py
```python
<<<<<<< SEARCH
=======
TAX = 1.19
>>>>>>> REPLACE
```
"""


def shell(command: str) -> Text:
    return Text(f"Run this:\n\n```bash\n{command}\n```\n")


QUOTED: Final = """It asks like this:

```
tax.py
Add file to the chat? (Y)es/(N)o/(D)on't ask again [Yes]:
```

and an error is `litellm.RateLimitError: rate limit reached`; then it says `Waiting for model`."""

SOURCE: Final = r"""```python
PROMPTS = ["Run shell command? (Y)es/(N)o [Yes]: ", "> "]
ERROR = "litellm.APIError: the api provider is overloaded"
```"""


RETRYING: Final = "retrying"
QUOTA: Final = "You exceeded your current quota, please check your plan and billing details."


def told(name: str, *acts: Act, **more: object) -> Scenario:
    return scenario(name, READY, *acts, **more)  # type: ignore[arg-type]


def failing(name: str, fail: Fail, shows: str, substate: str) -> Scenario:
    return told(
        name,
        model(fail, times=0),
        Send("explain the shop"),
        Until(shows=shows, within_s=SLOW_S),
        Pause(1.0),
        Shot(name, WORKING, substate=substate),
    )


SCENARIOS: Final[tuple[Scenario, ...]] = (
    told(
        "idle",
        Shot("fresh", IDLE),
        Type("half a thought"),
        Until(shows="half a thought"),
        Shot("draft-fresh", IDLE),
        keys("C-u"),
        QUIET,
        Type("/"),
        Until(shows="/add"),
        Shot("command-menu", IDLE),
        keys("Escape"),
        keys("C-u"),
        QUIET,
        Say("/tokens"),
        Until(shows="tokens total|remaining", within_s=SLOW_S),
        QUIET,
        Shot("tokens", IDLE, live=OVER),
        Say("/help"),
        Pause(2.0),
        QUIET,
        Shot("help", IDLE, live=OVER),
        Say("/ask"),
        Until(shows=r"^ask>"),
        Shot("ask-mode", IDLE, live=OVER),
        Say("/multiline-mode"),
        Until(shows=r"^ask multi>"),
        Shot("multi-mode", IDLE, live=OVER),
    ),
    scenario(
        "release-notes",
        Until(shows="what's new", within_s=SLOW_S),
        Shot("release-notes", WAITING, Waiting.QUESTION),
        Answer("no"),
        Until(shows=PROMPT, within_s=SLOW_S),
        setup="new",
    ),
    told(
        "add-file",
        model(Text("It returns the net price with tax.")),
        Send("look at price.py"),
        ASKED,
        Shot("permission-add-file", WAITING, Waiting.PERMISSION),
        Answer("yes"),
        Until(shows="net price with tax", within_s=SLOW_S),
        QUIET,
        Shot("turn-ended", IDLE, live=OVER),
        Send("look at README.md"),
        ASKED,
        Type("no, do"),
        Until(shows="no, do"),
        Shot("permission-draft", WAITING, Waiting.PERMISSION),
    ),
    told(
        "edit",
        model(Text(EDIT)),
        Send("lower the tax"),
        ASKED,
        Shot("permission-add-mentioned", WAITING, Waiting.PERMISSION),
        Answer("no"),
        NOT_ADDED,
        Pause(2.0),
        Shot("permission-edit-not-added", WAITING, Waiting.PERMISSION),
        Answer("no"),
        QUIET,
        Shot("edit-denied", IDLE, live=OVER),
        model(Text(EDIT)),
        Send("lower it all the same"),
        NOT_ADDED,
        Pause(2.0),
        Answer("yes"),
        QUIET,
        Shot("edited", IDLE, live=OVER),
        model(Text(NEW)),
        Send("make a tax module"),
        ASKED,
        Shot("permission-new-file", WAITING, Waiting.PERMISSION),
        Answer("no"),
        QUIET,
    ),
    told(
        "shell",
        model(shell("seq 5")),
        Send("count"),
        ASKED,
        Shot("permission-shell", WAITING, Waiting.PERMISSION),
        Answer("yes"),
        Until(shows="output to the chat"),
        Shot("permission-add-output", WAITING, Waiting.PERMISSION),
        Answer("no"),
        QUIET,
        model(shell("echo one\n\necho two")),
        Send("run them"),
        Until(shows=r"commands\? .*\[Yes\]: ?\Z", within_s=SLOW_S),
        Shot("permission-shell-blank-line", WAITING, Waiting.PERMISSION),
        Answer("no"),
        QUIET,
        Shot("shell-denied", IDLE, live=OVER),
    ),
    told(
        "shell-narrow",
        model(shell("git push --force")),
        Send("push it"),
        Until(shows=r"\]: ?\Z", within_s=SLOW_S),
        Shot("permission-shell-narrow", WAITING, Waiting.PERMISSION),
        Answer("no"),
        QUIET,
        size=(40, 24),
    ),
    told(
        "long-tool",
        model(shell("sleep 60")),
        Send("wait a little"),
        ASKED,
        Shot("permission-sleep", WAITING, Waiting.PERMISSION, save=False),
        Answer("yes"),
        Until(shows="Running sleep"),
        Pause(2.0),
        Shot("long-tool", WORKING),
    ),
    told(
        "working",
        model(Hang()),
        Send("explain the shop"),
        Until(shows="Waiting for", within_s=SLOW_S),
        Shot("thinking", WORKING),
        Interrupt(),
        QUIET,
        Shot("interrupted", IDLE, substate="interrupted", live=OVER),
        Forget(),
        model(Text("I look at the shop. " * 8 + "\n\n" + "It has a price. " * 6), Hang()),
        Send("explain it again"),
        Until(shows="I look", within_s=SLOW_S),
        Pause(1.0),
        Shot("streaming", WORKING),
        Release(),
        QUIET,
    ),
    failing(
        "retrying-429", Fail(429, "Rate limit reached for requests"), "(?i)retrying in", RETRYING
    ),
    failing("retrying-500", Fail(500, "internal error"), "(?i)retrying in", RETRYING),
    failing("retrying-503", Fail(503, "The engine is overloaded"), "(?i)retrying in", RETRYING),
    told(
        "refused",
        ServerDown(),
        Send("explain the shop"),
        Until(shows="(?i)retrying in", within_s=SLOW_S),
        Shot("retrying-refused", WORKING, substate="retrying"),
    ),
    told(
        "quota",
        model(Fail(429, QUOTA, kind="insufficient_quota"), times=0),
        Send("explain the shop"),
        Until(shows="(?i)quota", within_s=SLOW_S),
        Pause(1.0),
        Shot("limited-quota", State.LIMITED, substate="usage-limit"),
    ),
    told(
        "errors",
        model(Fail(401, "Incorrect API key provided: made-up.")),
        Send("explain the shop"),
        Until(shows="Incorrect API key", within_s=SLOW_S),
        QUIET,
        Shot("error-401", ERROR, substate="auth-401"),
        model(Fail(400, "Invalid 'messages': too many of them")),
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
        Send("what does it print?"),
        Until(shows="Waiting for model", within_s=SLOW_S),
        QUIET,
        Shot("prose-quotes-prompt", IDLE, live=OVER, decoy=True),
        model(Text(SOURCE)),
        Send("show the source"),
        Until(shows="PROMPTS", within_s=SLOW_S),
        QUIET,
        Shot("source-quotes-prompt", IDLE, live=OVER, decoy=True),
    ),
    told(
        "narrow",
        model(Text("It is a small shop.")),
        Send("explain the shop"),
        Until(shows="small shop", within_s=SLOW_S),
        QUIET,
        Resize(60, 20),
        Pause(1.5),
        Shot("narrow", IDLE, live=OVER),
        Resize(36, 12),
        Pause(1.5),
        Shot("tiny", IDLE, live=OVER),
    ),
    told(
        "hooks",
        model(Text("It is a small shop.")),
        Send("explain the shop"),
        Until(shows="small shop", within_s=SLOW_S),
        Heard("stopped"),
        Shot("hooks-done", State.DONE, live=OVER, save=False),
        setup="hooks",
    ),
    told(
        "ctrl-c",
        keys("C-c"),
        Until(shows="again to exit"),
        Shot("ctrl-c-once", IDLE, substate="interrupted"),
        Send("/exit"),
        Until(shows=r"lab\$ ?\Z", within_s=SLOW_S),
        Shot("exited", State.DONE, shell=True, live=OVER),
    ),
    told(
        "killed",
        model(Hang()),
        Send("explain the shop"),
        Until(shows="Waiting for", within_s=SLOW_S),
        Shot("working-killed", WORKING, save=False),
        Signal(signal.SIGKILL),
        Until(shows=r"Killed"),
        Shot("killed-working", State.CRASHED, shell=True),
    ),
    told(
        "suspended",
        keys("C-z"),
        Until(shows=r"Stopped"),
        Shot("suspended", IDLE, shell=True, live=(IDLE, State.DONE, State.UNKNOWN)),
    ),
)
