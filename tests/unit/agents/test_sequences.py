"""What escape sequences tell of an agent, and what they are not believed."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from clocks import TurnedClock
from orc_core.agents.detect import fold
from orc_core.agents.rules import load
from orc_core.agents.sequences import Sequences, ending, parse, signals
from orc_core.agents.sources import NOTHING, Subject
from orc_core.model.agent import PaneRef, Source, State, Waiting
from orc_core.tmux.listening import record_path

T = 1_800_000_000.0


def told(now: float = T, **records: bytes):  # type: ignore[no-untyped-def]
    names = {"status": "status/"}
    return list(signals({names.get(key, key): (T, body) for key, body in records.items()}, now))


@pytest.mark.parametrize(
    ("body", "state", "waiting"),
    [
        (b"7501;state=working", State.WORKING, Waiting.NONE),
        (b"7501;state=idle", State.IDLE, Waiting.NONE),
        (b"7501;state=done:app=codex", State.DONE, Waiting.NONE),
        (b"7501;state=error", State.ERROR, Waiting.NONE),
        (b"7501;state=blocked", State.WAITING, Waiting.QUESTION),
        (b"7501;state=blocked:kind=permission", State.WAITING, Waiting.PERMISSION),
        (b"7501;state=blocked:kind=auth", State.WAITING, Waiting.AUTH),
    ],
)
def test_a_status_is_a_level(body: bytes, state: State, waiting: Waiting) -> None:
    (signal,) = told(status=body)
    assert (signal.state, signal.waiting) == (state, waiting)
    assert signal.evidence.source is Source.LEVEL
    assert fold(None, [signal], T).state is state


@pytest.mark.parametrize(
    "body",
    [
        b"7501;state=clear",
        b"7501;",
        b"7501;state",
        b"7501;state=dancing",
        b"7501;state=blocked:kind=dance",
        b"7501;state=working:state=idle",
        b"7501;state=working:msg=not base64",
        b"7501;state=working:title=\xff\xfe",
    ],
)
def test_what_is_malformed_or_cleared_says_nothing(body: bytes) -> None:
    assert told(status=body) == []


def test_its_text_is_cleaned() -> None:
    message = base64.b64encode("\x1b[31mrun \u202e`rm`\x07".encode())
    (signal,) = told(status=b"7501;state=blocked:kind=permission:msg=" + message)
    assert signal.does == "run `rm`"


def test_progress_tells_of_work_until_it_is_cleared_or_old() -> None:
    (busy,) = told(progress=b"9;4;1;40")
    assert (busy.state, busy.evidence.text, busy.expired) == (State.WORKING, "40 %", False)
    assert told(progress=b"9;4;2;")[0].state is State.ERROR
    assert told(progress=b"9;4;0;") == []
    assert told(progress=b"9;4") == []
    assert told(T + 601, progress=b"9;4;3")[0].expired


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"9;Build is done", "Build is done"),
        (b"777;notify;Claude;needs you", "Claude needs you"),
        (b"99;i=1:d=0;Approve?", "Approve?"),
        (b"99;broken", ""),
    ],
)
def test_a_notice_is_told_and_decides_nothing(body: bytes, text: str) -> None:
    (signal,) = told(notice=body)
    assert signal.evidence.text == text
    assert fold(None, [signal], T).evidence.rule == "nothing-fresh"


def test_a_bell_decides_nothing() -> None:
    (signal,) = told(bell=b"")
    assert signal.evidence.rule == "bell"
    assert fold(None, [signal], T).state is State.UNKNOWN


def test_the_shell_tells_how_a_program_ended() -> None:
    assert ending({"ended": (T, b"133;D;137")}, T - 1) == 137
    assert ending({"ended": (T, b"133;D;137")}, T + 1) is None
    assert ending({"ended": (T, b"133;D")}, T) is None
    assert ending({"ended": (T, b"133;D;9999")}, T) is None


def test_lines_that_are_no_records_are_left_out() -> None:
    text = "listener 7\nbell 5.0 \nbell x 00\nnotice 5.5 393b61\nprogress 1.0 zz\n\n"
    assert parse(text) == {"notice": (5.5, b"9;a"), "bell": (5.0, b"")}


def test_a_pipe_in_the_place_of_a_record_keeps_nobody_waiting(
    tmp_path: Path, clock: TurnedClock
) -> None:
    kind = load().kind("claude")
    assert kind is not None
    pane = PaneRef("/tmp/s", 1, "%1", os.getpid())
    os.mkfifo(record_path(pane, tmp_path))
    subject = Subject(pane, kind, "claude-1", "", "/", os.getpid(), 0.0)
    assert Sequences(tmp_path, clock).report(subject, T) == NOTHING
