"""What resumes an agent: its own program with its own words, never somebody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orc_core.agents.rules import load
from orc_core.lifecycle.places import Places
from orc_core.lifecycle.recovery import lost, resume_argv
from orc_core.model.agent import PaneRef
from orc_core.model.life import Known, Policy

RULES = load()
TALK = "3f9f74a6-6b7c-4a3e-9e1d-2f1f0a9b8c7d"


def known(*argv: str, kind: str = "claude") -> Known:
    lists: tuple[str, ...] = ()
    return Known(
        "sky", 1, "spawned", kind, argv, "/", lists, "/s", "orc", lists, lists, "", "running",
        Policy(), None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "resumed"),
    [
        (("claude",), ("claude", "--continue")),
        (("/opt/bin/claude", "--model", "opus"), ("/opt/bin/claude", "--continue")),
        (("node", "/opt/claude", "-p"), ("node", "/opt/claude", "--continue")),
    ],
)
def test_the_program_takes_up_its_last_conversation(
    argv: tuple[str, ...], resumed: tuple[str, ...]
) -> None:
    assert resume_argv(known(*argv), RULES) == (resumed, True)


@pytest.mark.parametrize(
    ("argv", "kind", "resumed"),
    [
        (("claude", "-p"), "claude", ("claude", "--resume", TALK)),
        (("codex",), "codex", ("codex", "resume", TALK)),
        (("opencode", "."), "opencode", ("opencode", "--session", TALK)),
    ],
)
def test_its_own_conversation_is_taken_up_where_that_is_known(
    argv: tuple[str, ...], kind: str, resumed: tuple[str, ...]
) -> None:
    pane = PaneRef("/s", 1, "%1", 7)
    one = replace(known(*argv, kind=kind), conversation=TALK, pane=pane)
    assert resume_argv(one, RULES) == (resumed, True)
    away = Places({"/s": {}})
    assert [found.is_guess for found in lost(away, [one], RULES, "")] == [False]
    unsaid = replace(one, conversation="")
    assert [found.is_guess for found in lost(away, [unsaid], RULES, "")] == [True]


@pytest.mark.parametrize(
    "argv", [("sh", "-c", "claude"), ("python", "-m", "shop"), ("env", "A=1", "claude")]
)
def test_a_command_that_only_leads_to_it_is_run_as_it_was(argv: tuple[str, ...]) -> None:
    assert resume_argv(known(*argv), RULES) == (argv, False)


def test_a_kind_without_a_way_back_is_started_as_it_was() -> None:
    assert resume_argv(known("mystery", "--fast", kind=""), RULES) == (("mystery", "--fast"), False)
