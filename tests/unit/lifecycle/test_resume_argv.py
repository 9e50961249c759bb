"""What resumes an agent: its own program with its own words, never somebody else's."""

from __future__ import annotations

import pytest

from orc_core.agents.rules import load
from orc_core.lifecycle.recovery import resume_argv
from orc_core.model.life import Known, Policy

RULES = load()


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
    "argv", [("sh", "-c", "claude"), ("python", "-m", "shop"), ("env", "A=1", "claude")]
)
def test_a_command_that_only_leads_to_it_is_run_as_it_was(argv: tuple[str, ...]) -> None:
    assert resume_argv(known(*argv), RULES) == (argv, False)


def test_a_kind_without_a_way_back_is_started_as_it_was() -> None:
    assert resume_argv(known("mystery", "--fast", kind=""), RULES) == (("mystery", "--fast"), False)
