"""Claude Code's session files: believed only while their process lives."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orc_core.agents.registry import Sessions
from orc_core.model.agent import Source, State, Waiting

pytest_plugins = ("agents_on_stage",)

NOW = 1_800_000_000.0


def write(home: Path, name: int, **more: object) -> Path:
    folder = home / ".claude" / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    body = {"pid": name, "procStart": "777", "status": "busy", "sessionId": "s"} | more
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("given", "state", "waiting"),
    [
        ({"status": "busy"}, State.WORKING, Waiting.NONE),
        ({"status": "idle"}, State.IDLE, Waiting.NONE),
        ({"status": "shell"}, State.IDLE, Waiting.NONE),
        (
            {"status": "waiting", "waitingFor": "permission prompt"},
            State.WAITING,
            Waiting.PERMISSION,
        ),
        ({"status": "waiting", "waitingFor": "dialog open"}, State.WAITING, Waiting.QUESTION),
        ({"status": "waiting"}, State.WAITING, Waiting.QUESTION),
        ({"status": "busy", "procStart": 777}, State.WORKING, Waiting.NONE),
    ],
)
def test_the_status_is_the_state(  # type: ignore[no-untyped-def]
    tmp_path: Path, machine, given: dict[str, object], state: State, waiting: Waiting
) -> None:
    machine.put(50, "bash")
    machine.put(51, "claude", parent=50, start="777")
    write(tmp_path, 51, **given)
    told = Sessions(tmp_path, machine).signal(50, NOW)
    assert told is not None
    assert (told.state, told.waiting, told.evidence.source) == (state, waiting, Source.LEVEL)
    assert told.evidence.at == NOW


def test_where_no_folder_is_nothing_changes_until_one_is_made(tmp_path: Path, machine) -> None:  # type: ignore[no-untyped-def]
    machine.put(51, "claude", start="777")
    sessions = Sessions(tmp_path, machine)
    assert sessions.signal(51, NOW) is None
    assert sessions.changed() == set()
    path = write(tmp_path, 51)
    assert sessions.changed() == {51}
    assert sessions.signal(51, NOW + 3) is not None
    path.unlink()
    path.parent.rmdir()
    assert sessions.changed() == {51}, "the folder is gone, and with it the session"
    assert sessions.signal(51, NOW + 6) is None


def test_a_pipe_in_its_place_keeps_nobody_waiting(tmp_path: Path, machine) -> None:  # type: ignore[no-untyped-def]
    machine.put(51, "claude", start="777")
    path = write(tmp_path, 51)
    path.unlink()
    os.mkfifo(path)
    assert Sessions(tmp_path, machine).signal(51, NOW) is None


def test_a_dialog_that_is_open_was_opened_by_a_person(tmp_path: Path, machine) -> None:  # type: ignore[no-untyped-def]
    machine.put(51, "claude", start="777")
    attended = []
    for wants in ("dialog open", "input needed", "permission prompt"):
        write(tmp_path, 51, status="waiting", waitingFor=wants)
        told = Sessions(tmp_path, machine).signal(51, NOW)
        assert told is not None
        attended.append(told.attended)
    assert attended == [True, False, False]


@pytest.mark.parametrize(
    "given",
    [
        {"procStart": "778"},
        {"status": "dreaming"},
        {"status": None},
        {"pid": 52},
        {"procStart": None},
    ],
)
def test_what_cannot_be_believed_is_no_signal(  # type: ignore[no-untyped-def]
    tmp_path: Path, machine, given: dict[str, object]
) -> None:
    machine.put(51, "claude", start="777")
    write(tmp_path, 51, **given)
    assert Sessions(tmp_path, machine).signal(51, NOW) is None


def test_a_file_outlives_its_process_in_vain(tmp_path: Path, machine) -> None:  # type: ignore[no-untyped-def]
    machine.put(50, "bash")
    machine.put(51, "claude", parent=50, start="777")
    write(tmp_path, 51)
    sessions = Sessions(tmp_path, machine)
    assert sessions.signal(50, NOW) is not None
    machine.end(51)
    assert sessions.signal(50, NOW) is None


def test_a_change_is_read_and_a_broken_file_is_no_signal(tmp_path: Path, machine) -> None:  # type: ignore[no-untyped-def]
    machine.put(51, "claude", start="777")
    sessions = Sessions(tmp_path, machine)
    assert sessions.signal(51, NOW) is None
    path = write(tmp_path, 51)
    assert sessions.signal(51, NOW + 1.9) is None
    assert sessions.signal(51, NOW + 2.0) is not None
    path.write_text('{"pid": 51, "st', encoding="utf-8")
    assert sessions.signal(51, NOW + 3) is None
    write(tmp_path, 51, status="idle")
    told = sessions.signal(51, NOW + 3)
    assert told is not None
    assert told.state is State.IDLE
