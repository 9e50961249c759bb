"""Figures of use: Claude Code's status line, and the end of Codex's rollout files."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agents_on_stage import NOW
from clocks import TurnedClock
from orc_core.agents.hooks.rollouts import EVERY_S, FIND_EVERY_S, TAIL_BYTES, Rollouts, usage_of
from orc_core.agents.hooks.statusline import StatusLine, account, status_line
from orc_core.agents.processes import system_processes
from orc_core.agents.rules import load
from orc_core.agents.sources import NOTHING, Subject
from orc_core.model.agent import PaneRef, Usage

LINE: dict[str, Any] = {
    "session_id": "s",
    "transcript_path": "/home/me/.claude/projects/-shop/s.jsonl",
    "model": {"id": "claude-opus-4", "display_name": "Opus 4"},
    "cost": {"total_cost_usd": 1.25},
    "context_window": {
        "used_percentage": 62,
        "total_input_tokens": 900,
        "total_output_tokens": 100,
    },
    "rate_limits": {
        "five_hour": {"used_percentage": 99.5, "resets_at": NOW + 60},
        "seven_day": {"used_percentage": 12, "resets_at": NOW + 9999},
    },
}


def test_a_status_line_tells_context_cost_model_and_limits() -> None:
    usage = Usage(context=0.62, cost_usd=1.25, tokens=1000, model="Opus 4", at=NOW)
    assert status_line(LINE, NOW) == StatusLine(usage, NOW + 60)


def test_the_fullest_limit_is_the_one_that_counts() -> None:
    limits = {
        "five_hour": {"used_percentage": 3, "resets_at": NOW},
        "seven_day": {"used_percentage": 100, "resets_at": "2027-01-15T08:00:00Z"},
    }
    line = status_line(LINE | {"rate_limits": limits}, NOW)
    assert line is not None and line.resets_at == NOW


@pytest.mark.parametrize(
    "broken",
    [
        {"model": "x", "cost": None, "context_window": [1], "rate_limits": {"five_hour": 3}},
        {"model": {"id": 5}, "cost": {"total_cost_usd": "1"}, "context_window": {}},
        {"cost": {"total_cost_usd": True}, "context_window": {"used_percentage": -1}},
        {"cost": {"total_cost_usd": float("nan")}, "rate_limits": {"seven_day": {"resets_at": ""}}},
        {},
    ],
)
def test_a_figure_of_the_wrong_kind_is_not_told(broken: dict[str, object]) -> None:
    assert status_line(broken, NOW) == StatusLine(Usage(at=NOW), 0.0)


def test_an_account_is_told_by_its_settings_folder() -> None:
    assert account("/h/.claude/projects/p/s.jsonl", "projects") == ""
    assert account("/h/.claude-work/projects/p/s.jsonl", "projects") == "claude-work"
    assert account("/h/.codex/sessions/2026/11/20/r.jsonl", "sessions") == ""
    assert account("/h/acme/sessions/2026/11/20/r.jsonl", "sessions") == "acme"
    assert account("", "projects") == account("projects", "projects") == ""


def entry(kind: str, **payload: object) -> bytes:
    return json.dumps({"type": kind, "payload": payload}).encode() + b"\n"


def tokens(total: int, last: int, window: int | None = 258_400) -> bytes:
    info = {
        "total_token_usage": {"total_tokens": total},
        "last_token_usage": {"total_tokens": last},
        "model_context_window": window,
    }
    return entry("event_msg", type="token_count", info=info)


def test_the_last_count_of_a_rollout_is_told() -> None:
    tail = (
        b'cut off"}\n'
        + entry("turn_context", model="gpt-5.4")
        + tokens(1000, 500)
        + tokens(37_128, 129_200)
        + entry("event_msg", type="token_count", info=None)
        + entry("event_msg", type="agent_message", message='"token_count"')
        + b'{"type": "event_msg", "payload": {"type": "token_cou'
    )
    usage = usage_of(tail, NOW)
    assert usage == Usage(context=0.5, tokens=37_128, model="gpt-5.4", at=NOW)
    assert usage_of(tokens(5, 5, None), NOW) == Usage(tokens=5, at=NOW)
    for nothing in (b"", b"\xff\n[]\n", b"null token_count\n", b"[" * 9000 + b"token_count\n"):
        assert usage_of(nothing, NOW) is None
    assert usage_of(tokens(True, -1), NOW) is None  # type: ignore[arg-type]


class Shelf:
    """A home with rollouts, and the reader of it."""

    def __init__(self, folder: Path, clock: TurnedClock) -> None:
        self.folder = folder
        self.clock = clock
        self.clock.jump(time.time() - clock.now())
        self.rollouts = Rollouts(folder / "sessions", system_processes(), clock)

    def write(self, name: str, data: bytes, cwd: str = "/shop") -> Path:
        day = datetime.fromtimestamp(self.clock.now()).strftime("%Y/%m/%d")
        path = self.folder / "sessions" / day / f"rollout-{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry("session_meta", cwd=cwd) + data)
        return path

    def subject(self, kind: str = "codex", cwd: str = "/shop") -> Subject:
        found = load().kind(kind)
        assert found is not None
        pane = PaneRef("/tmp/s", 1, "%1", os.getpid())
        began = self.clock.now() - 60
        return Subject(pane, found, "codex-1", "", cwd, os.getpid(), began)

    def usage(self, subject: Subject) -> Usage | None:
        return self.rollouts.report(subject, self.clock.now()).usage


@pytest.fixture
def shelf(tmp_path: Path, clock: TurnedClock) -> Shelf:
    return Shelf(tmp_path, clock)


def test_the_rollout_of_the_agents_own_folder_is_read(shelf: Shelf) -> None:
    shelf.write("other", tokens(1, 1), cwd="/elsewhere")
    path = shelf.write("mine", tokens(2, 2))
    subject = shelf.subject()
    assert shelf.usage(subject) is None
    assert shelf.rollouts.catch_up() == {"/tmp/s:%1"}
    usage = shelf.usage(subject)
    assert usage is not None and usage.tokens == 2
    assert shelf.rollouts.catch_up() == set()
    with path.open("ab") as file:
        file.write(b"x" * 2 * TAIL_BYTES + b"\n" + tokens(3, 3))
    assert shelf.rollouts.catch_up() == {"/tmp/s:%1"}
    usage = shelf.usage(subject)
    assert usage is not None and usage.tokens == 3


def test_the_file_that_the_agent_has_open_is_the_one(shelf: Shelf) -> None:
    shelf.write("newer", tokens(1, 1))
    path = shelf.write("open", tokens(2, 2), cwd="/moved/since")
    with path.open("rb"):
        shelf.usage(shelf.subject())
        shelf.rollouts.catch_up()
    usage = shelf.usage(shelf.subject())
    assert usage is not None and usage.tokens == 2


def test_a_conversation_is_known_by_the_file_that_is_open_alone(shelf: Shelf) -> None:
    subject, now = shelf.subject(), shelf.clock.now()
    path = shelf.write("2026-11-20T08-00-00-3f9f74a6-6b7c-4a3e-9e1d-2f1f0a9b8c7d", tokens(2, 2))
    shelf.rollouts.report(subject, now)
    shelf.rollouts.catch_up()
    assert shelf.rollouts.report(subject, now).conversation == ""
    with path.open("rb"):
        shelf.clock.turn(FIND_EVERY_S + 1)
        shelf.usage(subject)
        shelf.rollouts.catch_up()
    told = shelf.rollouts.report(subject, now)
    assert told.conversation == "3f9f74a6-6b7c-4a3e-9e1d-2f1f0a9b8c7d"


def test_a_new_conversation_is_a_new_file(shelf: Shelf) -> None:
    shelf.write("first", tokens(1, 1))
    subject = shelf.subject()
    shelf.usage(subject)
    shelf.rollouts.catch_up()
    path = shelf.write("second", tokens(9, 9))
    later = time.time() + 5
    os.utime(path, (later, later))
    shelf.clock.turn(FIND_EVERY_S + 1)
    shelf.usage(subject)
    assert shelf.rollouts.catch_up() == {"/tmp/s:%1"}
    usage = shelf.usage(subject)
    assert usage is not None and usage.tokens == 9


def test_nothing_is_read_of_others_or_of_agents_long_gone(shelf: Shelf) -> None:
    shelf.write("mine", tokens(2, 2))
    assert shelf.rollouts.report(shelf.subject("claude"), NOW) == NOTHING
    shelf.usage(shelf.subject())
    shelf.clock.turn(3600)
    assert shelf.rollouts.catch_up() == set()


def test_a_file_that_goes_away_is_no_trouble(shelf: Shelf) -> None:
    path = shelf.write("mine", tokens(2, 2))
    shelf.usage(shelf.subject())
    shelf.rollouts.catch_up()
    path.unlink()
    assert shelf.rollouts.catch_up() == set()
    assert shelf.usage(shelf.subject()) is not None
    assert EVERY_S < FIND_EVERY_S


def test_a_pipe_in_the_place_of_a_rollout_keeps_nobody_waiting(shelf: Shelf) -> None:
    path = shelf.write("piped", b"")
    path.unlink()
    os.mkfifo(path)
    later = time.time() + 5
    os.utime(path, (later, later))
    subject = shelf.subject()
    shelf.usage(subject)
    assert shelf.rollouts.catch_up() == set()
