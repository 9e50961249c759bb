"""`orc conflicts` on a workspace in which file and store disagree."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orc_cli.main import FAILED, USAGE, main
from orc_core.errors import UsageError
from orc_core.later.times import coming
from orc_core.sync.synchronizer import SyncReport
from stores import Turned
from workspaces import Workspace, open_workspace

Orc = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, clock: Turned, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A title, a due date and two runs of lines of T-1 are in conflict."""
    monkeypatch.delenv("TMUX", raising=False)
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMUX_TMPDIR", "HOME"):
        place = tmp_path / name.lower()
        place.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(place))
    folder = tmp_path / "ws"
    monkeypatch.setenv("ORC_WORKSPACE", str(folder))

    async def seed(ws: Workspace) -> None:
        await ws.add(text="a\nb\nc\nd\ne")
        await ws.sync()
        ws.change(title="Basket", due="soon", text="a\nfile\nc\nd\nfile too", labels=["x"])
        await ws.edit(title="Trolley", due="late", text="a\nstore\nc\nd\nstore too")
        await ws.sync()

    run(folder, clock, seed)
    return folder


def run(folder: Path, clock: Turned, work: Callable[[Workspace], Any]) -> Any:
    async def opened() -> Any:
        async with open_workspace(folder, clock) as ws:
            return await work(ws)

    return asyncio.run(opened())


@pytest.fixture
def orc(capsys: pytest.CaptureFixture[str]) -> Orc:
    """Run a command; with `--json` its document, else its lines."""

    def call(*argv: str, code: int = 0) -> Any:
        assert main(argv) == code, capsys.readouterr().err
        told = capsys.readouterr()
        if code:
            return told.err or told.out
        return json.loads(told.out) if "--json" in argv else told.out

    return call


def test_parts_are_listed_shown_and_decided_one_by_one(
    folder: Path, clock: Turned, orc: Orc
) -> None:
    found = {one["path"]: one for one in orc("conflicts", "--json")}
    assert sorted(found) == ["due", "text#1", "text#2", "title"]
    first = found["text#1"]
    assert (first["line"], first["base"], first["state"]) == (2, "b", "open")
    assert "file: file" in orc("conflicts")
    shown = orc("conflicts", "show", first["id"])
    assert "text#1, line 2  edit/edit, open" in shown
    decided = orc("conflicts", "resolve", first["id"], "--take", "both", "--json")
    assert (decided["state"], decided["decision"]) == ("resolved", "both")
    second = found["text#2"]["id"]
    told = orc("conflict", "resolve", second, "--value", '"typed"')
    assert "`orc undo` takes it back" in told
    assert orc("conflicts", "undo", second, "--json")["state"] == "open"
    assert "not JSON" in orc("conflicts", "resolve", second, "--value", "typed", code=USAGE)

    async def text(ws: Workspace) -> str:
        await ws.sync()
        return (await ws.tasks.get("T-1")).text

    assert run(folder, clock, text) == "a\nfile\nstore\nc\nd\nstore too"


def test_all_are_decided_at_once_and_taken_back_by_one_undo(
    folder: Path, clock: Turned, orc: Orc
) -> None:
    assert "name conflicts" in orc("conflicts", "resolve", "--take", "left", code=USAGE)
    left = orc("conflicts", "resolve", "--all", "--take", "both", code=FAILED)
    assert "2 left" in left and "is one value" in left
    orc("undo")
    done = orc("conflicts", "resolve", "--all", "--take", "left", "--json")
    assert (len(done["resolved"]), done["left"], done["synced"]) == (4, [], False)
    assert orc("conflicts", "--json") == []
    assert len(orc("conflicts", "--all", "--json")) == 4
    orc("undo")
    assert len(orc("conflicts", "--json")) == 4
    orc("redo")

    async def sync(ws: Workspace) -> SyncReport:
        await ws.sync()
        return await ws.sync()

    assert run(folder, clock, sync) == SyncReport()


def test_figures_count_what_decided(folder: Path, orc: Orc) -> None:
    ids = [one["id"] for one in orc("conflicts", "--json")]
    orc("conflicts", "resolve", *ids[:3], "--take", "left")
    found = orc("conflicts", "stats", "--json")
    assert (found["detected"], found["open"], found["merged"], found["resolved"]) == (5, 1, 1, 3)
    assert found["by_strategy"] == {"MANUAL": 3, "MERGE": 1}
    assert found["by_whom"] == {"you": 3}
    assert (found["automatic"], found["oldest"]) == (0.2, ids[3])
    assert found["oldest_s"] >= 0
    assert "20.0% decided without a person" in orc("conflicts", "stats")


def test_strategies_are_told_set_and_taken_back(folder: Path, orc: Orc) -> None:
    table = {rule["subject"]: rule for rule in orc("conflicts", "strategy", "--json")}
    assert table["task.status"]["owner"] == "machine"
    assert table["task.title"]["strategy"] == "MANUAL"
    told = orc("conflicts", "strategy", "task.title", "last_write")
    assert told == "task.title: LAST_WRITE, by command; `orc undo` takes it back\n"
    found = orc("conflicts", "strategy", "task.title", "--json")
    assert found == [
        {
            "subject": "task.title",
            "strategy": "LAST_WRITE",
            "owner": "people",
            "source": "command",
        }
    ]
    orc("conflicts", "strategy", "task.title", "default")
    assert "by default" in orc("conflicts", "strategy", "task.title")
    assert "no strategy" in orc("conflicts", "strategy", "task", "guess", code=USAGE)


def test_settings_say_who_wins_and_are_refused_with_name_and_field(folder: Path, orc: Orc) -> None:
    config = folder / "config.toml"
    config.write_text('[conflicts.strategies]\ntask.due = "LAST_WRITE"\n')
    assert "by config" in orc("conflicts", "strategy", "task.due")
    config.write_text('[conflicts.strategies]\ntask.due = "LAST"\n')
    told = orc("conflicts", code=USAGE)
    assert str(config) in told and "conflicts.strategies.task.due" in told


def test_a_conflict_is_put_off_until_a_time(folder: Path, orc: Orc) -> None:
    id = orc("conflicts", "--json")[0]["id"]
    found = orc("conflicts", "defer", id, "--until", "2100-01-01T09:00", "--json")
    assert found["deferred_until"].startswith(("2099-12-31", "2100-01-01"))
    figures = orc("conflicts", "stats", "--json")
    assert (figures["deferred"], figures["open"], figures["detected"]) == (1, 3, 5)
    assert "is no time" in orc("conflicts", "defer", id, "--until", "soon", code=USAGE)


def test_a_time_of_day_is_the_next_one() -> None:
    now = coming("2026-11-20T14:30", 0.0)
    assert coming("15:00", now) - now == 1800
    assert coming("14:30", now) - now == 86_400
    with pytest.raises(UsageError):
        coming("25:00", now)


def test_without_a_store_there_is_nothing(tmp_path: Path, orc: Orc, folder: Path) -> None:
    empty = str(tmp_path / "none")
    assert orc("--workspace", empty, "conflicts", "stats", "--json")["detected"] == 0
    assert orc("--workspace", empty, "conflicts") == "no conflicts\n"
    assert "task.title" in orc("--workspace", empty, "conflicts", "strategy")
