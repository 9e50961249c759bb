"""What is said in the scenes of Claude Code, and how they are put together."""

from __future__ import annotations

import time
from typing import Final

from tests.lab.script import (
    Act,
    Fail,
    Send,
    Text,
    ToolCall,
    Until,
    model,
)

READY: Final = Until(shows=r"^\s*[❯>](\s|$)", level="idle")
ASKED: Final = Until(shows=r"(Do you want|Would you like|wants to|needs) ", level="waiting")
IDLE: Final = Until(level="idle")

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
