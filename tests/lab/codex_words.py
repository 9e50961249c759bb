"""What is said in the scenes of Codex, and how they are put together."""

from __future__ import annotations

import re
import time
from typing import Final

from tests.lab.script import (
    Act,
    Fail,
    Pause,
    Send,
    Text,
    ToolCall,
    Until,
    model,
)

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
