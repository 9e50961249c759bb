"""Payloads of each agent, of each kind and of none, as the events that they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.agents.hooks.events import DOES_MAX, Event, Happening, event_of
from orc_core.agents.hooks.spool import Spooled
from orc_core.text import clean

H = Happening


def event(payload: object, agent: str = "claude", name: str = "") -> Event | None:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return event_of(Spooled("n", 1.0, agent, name, "/s", "%1", 0, (), data))


def happened(agent: str = "claude", **payload: Any) -> Event:
    found = event(payload, agent)
    assert found is not None, payload
    return found


@pytest.mark.parametrize(
    ("agent", "payload", "what"),
    [
        ("claude", {"hook_event_name": "SessionStart", "source": "startup"}, H.BEGAN),
        ("claude", {"hook_event_name": "UserPromptSubmit"}, H.PROMPT),
        ("claude", {"hook_event_name": "PreToolUse", "tool_name": "Bash"}, H.TOOL),
        ("claude", {"hook_event_name": "PreToolUse", "tool_name": "AskUserQuestion"}, H.QUESTION),
        ("claude", {"hook_event_name": "PostToolUseFailure"}, H.TOOL_DONE),
        ("claude", {"hook_event_name": "PermissionRequest", "tool_name": "Bash"}, H.PERMISSION),
        (
            "claude",
            {"hook_event_name": "PermissionRequest", "tool_name": "AskUserQuestion"},
            H.QUESTION,
        ),
        ("claude", {"hook_event_name": "Elicitation"}, H.QUESTION),
        ("claude", {"hook_event_name": "Stop"}, H.STOPPED),
        ("claude", {"hook_event_name": "StopFailure", "error": "rate_limit"}, H.FAILED),
        (
            "claude",
            {"hook_event_name": "Notification", "notification_type": "permission_prompt"},
            H.PERMISSION,
        ),
        ("claude", {"hook_event_name": "Notification", "notification_type": "idle_prompt"}, H.IDLE),
        (
            "claude",
            {"hook_event_name": "PostToolUseFailure", "is_interrupt": True, "error": "x"},
            H.INTERRUPTED,
        ),
        ("codex", {"hook_event_name": "Interrupt"}, H.INTERRUPTED),
        ("codex", {"hook_event_name": "PermissionRequest"}, H.PERMISSION),
        ("gemini", {"hook_event_name": "BeforeAgent"}, H.PROMPT),
        ("gemini", {"hook_event_name": "AfterTool"}, H.TOOL_DONE),
        ("gemini", {"hook_event_name": "AfterAgent"}, H.STOPPED),
        (
            "gemini",
            {"hook_event_name": "Notification", "notification_type": "ToolPermission"},
            H.PERMISSION,
        ),
        ("cursor", {"hook_event_name": "beforeSubmitPrompt"}, H.PROMPT),
        ("cursor", {"hook_event_name": "stop", "status": "completed"}, H.STOPPED),
        ("cursor", {"hook_event_name": "stop", "status": "aborted"}, H.INTERRUPTED),
        ("cursor", {"hook_event_name": "stop", "status": "error"}, H.FAILED),
        ("opencode", {"hook_event_name": "session.status", "status": "busy"}, H.BUSY),
        ("opencode", {"hook_event_name": "session.status", "status": "idle"}, H.STOPPED),
        ("opencode", {"hook_event_name": "permission.asked"}, H.PERMISSION),
        ("opencode", {"hook_event_name": "question.asked"}, H.QUESTION),
        ("opencode", {"hook_event_name": "permission.replied"}, H.ANSWERED),
        ("opencode", {"hook_event_name": "session.error", "error": "APIError"}, H.FAILED),
        (
            "opencode",
            {"hook_event_name": "session.error", "error": "MessageAbortedError"},
            H.INTERRUPTED,
        ),
    ],
)
def test_each_agent_says_it_in_its_own_words(
    agent: str, payload: dict[str, object], what: Happening
) -> None:
    assert happened(agent, **payload).what is what


def test_aider_says_only_that_it_waits() -> None:
    found = event(b"", "aider", "Notification")
    assert found is not None and found.what is Happening.STOPPED


@pytest.mark.parametrize(
    ("payload", "does"),
    [
        ({"tool_name": "Bash", "tool_input": {"command": "npm test"}}, "Bash  npm test"),
        ({"tool_name": "shell", "tool_input": {"command": ["sh", "-c", "ls"]}}, "shell  sh -c ls"),
        (
            {"tool_name": "Edit", "cwd": "/p", "tool_input": {"file_path": "/p/a/b.py"}},
            "Edit  a/b.py",
        ),
        ({"tool_name": "Edit", "tool_input": {"filePath": "/q/b.py"}}, "Edit  /q/b.py"),
        (
            {"tool_name": "AskUserQuestion", "tool_input": {"questions": [{"question": "v1?"}]}},
            "AskUserQuestion  v1?",
        ),
        (
            {
                "tool_name": "apply_patch",
                "tool_input": {"command": "*** Begin Patch\n*** Update File: a/price.py\n@@\n-1"},
            },
            "apply_patch  a/price.py",
        ),
        ({"tool_name": "mcp__x"}, "mcp__x"),
        ({"message": "Claude needs your permission"}, "Claude needs your permission"),
        ({"tool_input": '{"command": "ls"}'}, "ls"),
        ({"command": "npm i"}, "npm i"),
        ({}, ""),
    ],
)
def test_what_it_does_in_a_few_words(payload: dict[str, object], does: str) -> None:
    assert happened(hook_event_name="PermissionRequest", **payload).does == does


def test_what_is_worth_keeping_is_kept() -> None:
    found = happened(
        hook_event_name="Stop",
        last_assistant_message="\x1b[31mAll\x1b[0m done.\nReally\u202e.",
        background_tasks=[{"id": 1}, {"status": "completed"}, {"status": "running"}, "x"],
        transcript_path="/h/.claude/projects/p/s.jsonl",
        session_id="s-1",
    )
    assert found.said == "All done. Really."
    assert (found.background, found.session) == (3, "s-1")
    assert found.transcript == "/h/.claude/projects/p/s.jsonl"
    assert happened(hook_event_name="Stop", agent_id="a").nested
    assert happened(hook_event_name="UserPromptSubmit", prompt=" do it \n").prompt == "do it"
    told = "<task-notification> <task-id>b</task-id>"
    assert happened(hook_event_name="UserPromptSubmit", prompt=told).prompt == ""
    patch = ["apply_patch", "*** Begin Patch\n*** Add File: new.py\n+1"]
    assert happened(hook_event_name="PreToolUse", tool_input={"command": patch}).file == "new.py"
    edit = happened(hook_event_name="PostToolUse", tool_input={"notebook_path": "/x.ipynb"})
    assert edit.file == "/x.ipynb"


HOSTILE: list[object] = [
    b"",
    b"not json",
    b"[]",
    b"null",
    b"\xff\xfe{}",
    b"{" * 100_000,
    b'{"a":' * 50_000,
    {"hook_event_name": ["Stop"]},
    {"hook_event_name": {"a": 1}},
    {"hook_event_name": "NoSuchEvent"},
    {"hook_event_name": "__init__"},
]


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_event_says_nothing(payload: object) -> None:
    assert event(payload) is None


def test_fields_of_the_wrong_kind_count_as_absent() -> None:
    found = happened(
        hook_event_name="PermissionRequest",
        session_id=7,
        tool_name={"x": 1},
        tool_input=[1, 2],
        background_tasks="many",
        prompt=None,
        agent_id=0,
    )
    assert (found.tool, found.does, found.session, found.nested) == ("", "", "", False)


def test_texts_are_cut() -> None:
    found = happened(
        hook_event_name="PermissionRequest",
        tool_name="T" * 9999,
        tool_input={"command": "\u0301" * 9999 + "x" * 99999},
    )
    assert len(found.does) <= DOES_MAX


@given(st.integers(0, 400))
def test_a_payload_cut_anywhere_tells_what_is_whole(cut: int) -> None:
    payload = {
        "session_id": "s",
        "hook_event_name": "PreToolUse",
        "tool_name": "Write",
        "tool_input": {"file_path": "/p/x.py", "content": 'é"\\ ' * 60},
    }
    data = json.dumps(payload, ensure_ascii=False).encode()
    found = event(data[:cut])
    named = data.index(b'"PreToolUse"') + len(b'"PreToolUse"')
    assert (found is not None) == (cut >= named)
    if cut > data.index(b'"content"'):
        assert found is not None and found.file == "/p/x.py"


@given(
    st.dictionaries(
        st.sampled_from(
            ["hook_event_name", "tool_input", "tool_name", "prompt", "background_tasks", "error"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["command", "questions", "status"]), inner)
            ),
            max_leaves=6,
        ),
    )
)
def test_whatever_comes_is_an_event_or_nothing(payload: dict[str, object]) -> None:
    payload.setdefault("hook_event_name", "PreToolUse")
    found = event(payload)
    assert found is None or found.does == clean(found.does)
