"""What is wanted in each agent's settings: the events, and the entry that runs the hook.

Invariant: only events that the agent's version knows are named. Before 2.1.101 Claude Code drops
the whole settings file over one event that it does not know.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

Version = tuple[int, ...]

TIMEOUT_S: Final = 5
_OLD: Final[Version] = (2, 0, 45)
"""What an unknown version of Claude Code is taken for: the events of then are known since."""

_CLAUDE: Final[Mapping[str, Version]] = {
    "SessionStart": (1, 0, 62),
    "SessionEnd": (1, 0, 85),
    "UserPromptSubmit": (1, 0, 54),
    "PreToolUse": (1, 0, 38),
    "PostToolUse": (1, 0, 38),
    "Notification": (1, 0, 38),
    "Stop": (1, 0, 38),
    "PreCompact": (1, 0, 48),
    "PermissionRequest": (2, 0, 45),
    "PostToolUseFailure": (2, 1, 101),
    "StopFailure": (2, 1, 78),
    "Elicitation": (2, 1, 76),
    "ElicitationResult": (2, 1, 76),
    "PermissionDenied": (2, 1, 101),
}
_CODEX: Final = (
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PreCompact",
    "Stop",
    "Interrupt",
)
_CURSOR: Final = (
    "sessionStart",
    "sessionEnd",
    "beforeSubmitPrompt",
    "preToolUse",
    "postToolUse",
    "postToolUseFailure",
    "stop",
)
_GEMINI: Final = (
    "SessionStart",
    "SessionEnd",
    "BeforeAgent",
    "AfterAgent",
    "BeforeTool",
    "AfterTool",
    "Notification",
)
_OURS: Final = re.compile(r"(?:^|/)orc-hook(?=['\"\s;]|$)")
_OUR_LINE: Final = re.compile(r"(?:^|/)orc-statusline(?=['\"\s]|$)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The entries for one agent whose settings are JSON, by event.

    `is_nested` is how Claude Code has it: a list of groups, each with a list of hooks. `fresh`
    is what a new file holds besides. `comments` says that its JSON may have those.
    """

    entries: Mapping[str, Mapping[str, Any]]
    is_nested: bool
    comments: bool = False
    fresh: Mapping[str, Any] = field(default_factory=dict)


def wanted(agent: str, hook: Path, version: Version | None = None) -> Wanted:
    """What is to stand in the settings of claude, codex, cursor or gemini."""
    command = hook_command(hook, agent)
    if agent == "claude":
        known = version or _OLD
        entry = {"type": "command", "command": command, "timeout": TIMEOUT_S}
        events = [event for event, since in _CLAUDE.items() if since <= known]
        return Wanted({event: {"hooks": [entry]} for event in events}, is_nested=True)
    if agent == "codex":
        # Interrupt and SessionEnd may take three seconds at most.
        entry = {"type": "command", "command": command, "timeout": 3}
        return Wanted({event: {"hooks": [entry]} for event in _CODEX}, is_nested=True)
    if agent == "gemini":
        entry = {
            "name": "orc-tui",
            "type": "command",
            "command": command,
            "timeout": TIMEOUT_S * 1000,
        }
        groups = {event: {"hooks": [entry]} for event in _GEMINI}
        return Wanted(groups, is_nested=True, comments=True)
    entries = {event: {"command": command} for event in _CURSOR}
    return Wanted(entries, is_nested=False, comments=True, fresh={"version": 1})


def hook_command(hook: Path, agent: str, event: str = "") -> str:
    """The shell command of a hook; it is silent and well even where our script is gone."""
    script = shlex.quote(str(hook))
    words = [script, agent, *([event, "</dev/null"] if event else [])]
    return f"test -x {script} && exec {' '.join(words)}; true"


def is_ours(command: object) -> bool:
    """Whether a command runs our hook, wherever it was installed."""
    return isinstance(command, str) and _OURS.search(command) is not None


def line_command(script: Path, own: str) -> str:
    """The command of a status line that runs a person's own behind our script."""
    words = [shlex.quote(str(script)), *([shlex.quote(own)] if own else [])]
    return " ".join(words)


def own_line(command: object) -> str | None:
    """The person's own status line inside ours, "" for none; None where it is not ours."""
    if not isinstance(command, str) or _OUR_LINE.search(command) is None:
        return None
    try:
        words: Sequence[str] = shlex.split(command)
    except ValueError:
        return None
    return words[1] if len(words) > 1 else ""
