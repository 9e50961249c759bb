"""The terminals of dashboards: theirs for as long as they live, and not a moment longer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orc_core import dashboards

TTY = "/dev/pts/7"


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "orc-tui" / dashboards.FOLDER


def test_a_dashboard_is_known_while_it_runs(marks: Path) -> None:
    with dashboards.registered(TTY):
        assert dashboards.terminals() == {TTY}
    assert dashboards.terminals() == set()
    assert list(marks.iterdir()) == []


def test_a_number_that_is_used_again_is_no_dashboard(marks: Path) -> None:
    with dashboards.registered("/dev/pts/1"):
        (marks / str(os.getppid())).write_text(f"1 {TTY}")
        assert dashboards.terminals() == {"/dev/pts/1"}


def test_what_a_killed_dashboard_left_is_swept(marks: Path) -> None:
    with dashboards.registered(TTY):
        for name, text in (("4194304999", f"5 {TTY}"), ("1", "\x00"), (str(os.getppid()), "")):
            (marks / name).write_text(text)
        (marks / "2").write_bytes(b"\xff\xfe")
        assert dashboards.terminals() == {TTY}
    with dashboards.registered(TTY):
        assert [mark.name for mark in marks.iterdir()] == [str(os.getpid())]
