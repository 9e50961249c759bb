"""Events: what one payload of one agent says, in words that are the same for all agents.

Invariant: pure. Payloads are untrusted: every text is cleaned and short, whatever has the wrong
type counts as absent, and an event that nobody knows says nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from orc_core.agents.hooks.spool import Runner, Spooled
from orc_core.text import clean

TEXT_MAX: Final = 300
DOES_MAX: Final = 120
PATH_MAX: Final = 1024
_WORDS: Final = (
    "command",
    "cmd",
    "file_path",
    "filePath",
    "path",
    "notebook_path",
    "pattern",
    "query",
    "url",
    "question",
    "description",
    "prompt",
)
_PATHS: Final = ("file_path", "filePath", "notebook_path", "path", "absolute_path")
_PATCHED: Final = re.compile(r"^\*\*\* (?:Update|Add|Delete) File: (.{1,300})$", re.MULTILINE)
_NO_PERSON: Final = ("<task-notification>", "<system-reminder>")
"""What Claude Code tells itself in the form of a prompt."""
_MEMBER: Final = re.compile(r'\s*,?\s*("(?:[^"\\]|\\.)*")\s*:\s*')


class Happening(StrEnum):
    """What happened to an agent, whichever it is."""

    BEGAN = "began"
    ENDED = "ended"
    PROMPT = "prompt"
    TOOL = "tool"
    TOOL_DONE = "tool-done"
    PERMISSION = "permission"
    ANSWERED = "answered"
    QUESTION = "question"
    BUSY = "busy"
    COMPACTING = "compacting"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    IDLE = "idle"
    STATUS_LINE = "status-line"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, from one agent. `at` is in seconds since the epoch.

    `does` says with which tool and on what, or why it failed; `said` is the last thing that the
    agent said, `prompt` what it was told. `nested` marks an agent inside the agent.
    """

    what: Happening
    name: str
    at: float
    agent: str
    socket: str
    pane: str
    pid: int
    runners: tuple[Runner, ...]
    session: str = ""
    tool: str = ""
    tool_id: str = ""
    does: str = ""
    prompt: str = ""
    said: str = ""
    error: str = ""
    reason: str = ""
    file: str = ""
    transcript: str = ""
    background: int = 0
    nested: bool = False
    body: Mapping[str, Any] | None = None


def _text(value: object) -> str:
    return clean(value, limit=TEXT_MAX).strip() if isinstance(value, str) else ""


def _path(value: object) -> str:
    return clean(value, limit=PATH_MAX) if isinstance(value, str) else ""


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, str) and len(value) < TEXT_MAX * 16:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


_Text = Annotated[str, BeforeValidator(_text)]
_Path = Annotated[str, BeforeValidator(_path)]


class Payload(BaseModel):
    """What is read of a payload; agents differ in which of it they send."""

    model_config = ConfigDict(extra="ignore")

    hook_event_name: _Text = ""
    session_id: _Text = Field("", validation_alias=AliasChoices("session_id", "conversation_id"))
    agent_id: _Text = ""
    cwd: _Path = ""
    transcript_path: _Path = ""
    tool_name: _Text = ""
    tool_input: Annotated[dict[str, Any], BeforeValidator(_object)] = {}
    tool_use_id: _Text = ""
    prompt: _Text = ""
    message: _Text = ""
    notification_type: _Text = ""
    details: Annotated[dict[str, Any], BeforeValidator(_object)] = {}
    last_assistant_message: _Text = Field(
        "", validation_alias=AliasChoices("last_assistant_message", "prompt_response")
    )
    background_tasks: Annotated[list[Any], BeforeValidator(_items)] = []
    error: _Text = ""
    source: _Text = ""
    reason: _Text = ""
    status: _Text = ""
    command: _Text = ""
    is_interrupt: Annotated[bool, BeforeValidator(lambda value: value is True)] = False


_KNOWN: Final[Mapping[str, Happening]] = {
    # Claude Code and Codex
    "SessionStart": Happening.BEGAN,
    "SessionEnd": Happening.ENDED,
    "UserPromptSubmit": Happening.PROMPT,
    "PreToolUse": Happening.TOOL,
    "PostToolUse": Happening.TOOL_DONE,
    "PostToolUseFailure": Happening.TOOL_DONE,
    "PermissionRequest": Happening.PERMISSION,
    "PermissionDenied": Happening.ANSWERED,
    "Elicitation": Happening.QUESTION,
    "ElicitationResult": Happening.ANSWERED,
    "PreCompact": Happening.COMPACTING,
    "Stop": Happening.STOPPED,
    "StopFailure": Happening.FAILED,
    "Interrupt": Happening.INTERRUPTED,
    "StatusLine": Happening.STATUS_LINE,
    # Gemini CLI and Antigravity
    "BeforeAgent": Happening.PROMPT,
    "BeforeTool": Happening.TOOL,
    "AfterTool": Happening.TOOL_DONE,
    "AfterAgent": Happening.STOPPED,
    # Cursor
    "sessionStart": Happening.BEGAN,
    "sessionEnd": Happening.ENDED,
    "beforeSubmitPrompt": Happening.PROMPT,
    "preToolUse": Happening.TOOL,
    "postToolUse": Happening.TOOL_DONE,
    "postToolUseFailure": Happening.TOOL_DONE,
    "stop": Happening.STOPPED,
    # opencode
    "chat.message": Happening.PROMPT,
    "tool.execute.before": Happening.TOOL,
    "permission.asked": Happening.PERMISSION,
    "permission.updated": Happening.PERMISSION,
    "permission.replied": Happening.ANSWERED,
    "question.asked": Happening.QUESTION,
    "question.replied": Happening.ANSWERED,
    "question.rejected": Happening.ANSWERED,
    "session.idle": Happening.STOPPED,
    "session.error": Happening.FAILED,
}
_ASKING_TOOLS: Final = frozenset({"AskUserQuestion", "ask_user_question", "request_user_input"})
_NOTIFICATIONS: Final = {
    "permission_prompt": Happening.PERMISSION,
    "ToolPermission": Happening.PERMISSION,
    "elicitation_dialog": Happening.QUESTION,
    "idle_prompt": Happening.IDLE,
}


def event_of(spooled: Spooled) -> Event | None:
    """What a file of the spool says; None where it says nothing that we know."""
    body = _body(spooled.payload) if not spooled.event or spooled.payload else {}
    if body is None:
        return None
    try:
        payload = Payload.model_validate(body)
    except (ValidationError, RecursionError):
        return None
    name = spooled.event or payload.hook_event_name
    what = _happening(spooled.agent, name, payload)
    if what is None:
        return None
    asked = payload.tool_input or payload.details or _asked(payload)
    return Event(
        what=what,
        name=name,
        at=spooled.at,
        agent=spooled.agent,
        socket=spooled.socket,
        pane=spooled.pane,
        pid=spooled.pid,
        runners=spooled.runners,
        session=payload.session_id,
        tool=payload.tool_name,
        tool_id=payload.tool_use_id,
        does=_does(payload, asked),
        prompt=_told(payload.prompt) if what is Happening.PROMPT else "",
        said=payload.last_assistant_message,
        error=payload.error or (payload.status if what is Happening.FAILED else ""),
        reason=payload.reason or payload.source,
        file=_file(asked),
        transcript=payload.transcript_path,
        background=sum(map(_runs, payload.background_tasks)),
        nested=bool(payload.agent_id),
        body=body if what is Happening.STATUS_LINE else None,
    )


def _happening(agent: str, name: str, payload: Payload) -> Happening | None:
    if name == "Notification":
        if agent == "aider":
            return Happening.STOPPED
        return _NOTIFICATIONS.get(payload.notification_type)
    if name == "session.status":
        kinds = {"busy": Happening.BUSY, "retry": Happening.BUSY, "idle": Happening.STOPPED}
        return kinds.get(payload.status)
    what = _KNOWN.get(name)
    if what is Happening.TOOL_DONE and payload.is_interrupt:
        return Happening.INTERRUPTED
    if what in (Happening.TOOL, Happening.PERMISSION) and payload.tool_name in _ASKING_TOOLS:
        return Happening.QUESTION
    if what is Happening.FAILED and payload.error == "MessageAbortedError":
        return Happening.INTERRUPTED
    if what is Happening.STOPPED and payload.status in ("aborted", "error"):
        return Happening.INTERRUPTED if payload.status == "aborted" else Happening.FAILED
    return what


def _asked(payload: Payload) -> dict[str, Any]:
    return {"command": payload.command} if payload.command else {}


def _told(prompt: str) -> str:
    return "" if prompt.startswith(_NO_PERSON) else prompt


def _file(asked: Mapping[str, Any]) -> str:
    """The file that a tool is pointed at, also the first of a patch."""
    named = next((_path(asked.get(key)) for key in _PATHS if asked.get(key)), "")
    return named or _patched(asked)


def _patched(asked: Mapping[str, Any]) -> str:
    command = asked.get("command")
    if isinstance(command, list):
        command = next((one for one in command if isinstance(one, str) and "***" in one), "")
    match = _PATCHED.search(command) if isinstance(command, str) else None
    return _path(match[1]) if match is not None else ""


def _does(payload: Payload, asked: Mapping[str, Any]) -> str:
    """`Bash  npm test`: the tool and the first thing that its input tells."""
    told = ""
    questions = asked.get("questions")
    if isinstance(questions, list) and questions and isinstance(questions[0], dict):
        told = _text(questions[0].get("question"))
    told = told or _patched(asked)
    for key in _WORDS:
        if told:
            break
        value = asked.get(key)
        if isinstance(value, list):
            value = " ".join(word for word in value[:20] if isinstance(word, str))
        told = _text(value)
        if told and key in _PATHS and payload.cwd:
            told = told.removeprefix(payload.cwd.rstrip("/") + "/")
    told = told or payload.message
    words = (payload.tool_name[:40], told)
    return "  ".join(word for word in words if word)[:DOES_MAX].strip()


def _runs(task: object) -> bool:
    """Whether a background task still runs, for all that is said of it."""
    status = task.get("status") if isinstance(task, dict) else None
    return status in (None, "running", "pending", "in_progress")


def _body(payload: bytes) -> dict[str, Any] | None:
    """The members of a payload: of one that was cut off, those that are whole."""
    text = payload.decode("utf-8", "replace")
    try:
        whole = json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        return _members(text)
    return whole if isinstance(whole, dict) else None


def _members(text: str, depth: int = 0) -> dict[str, Any] | None:
    """The members of an object whose end is missing, and of the one inside it that is cut."""
    at = len(text) - len(text.lstrip())
    if text[at : at + 1] != "{":
        return None
    decoder = json.JSONDecoder()
    found: dict[str, Any] = {}
    at += 1
    while (match := _MEMBER.match(text, at)) is not None:
        try:
            name = json.loads(match[1])
            found[name], at = decoder.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            inner = _members(text[match.end() :], depth + 1) if depth == 0 else None
            if inner:
                found[name] = inner
            break
    return found or None
