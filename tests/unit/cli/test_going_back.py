"""`orc timeline`, `revert`, `take-out`, `checkpoint`, `undo`: on a store, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orc_cli.main import DONE, NOT_FOUND, USAGE, main

Orc = Callable[..., str]


@pytest.fixture
def orc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Orc:
    """Runs `orc` in an empty world of the test's own and returns what it printed."""
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMUX_TMPDIR", "HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("ORC_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.delenv("ORC_ACTOR", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*argv: str, code: int = DONE, actor: str = "") -> str:
        if actor:
            monkeypatch.setenv("ORC_ACTOR", actor)
        else:
            monkeypatch.delenv("ORC_ACTOR", raising=False)
        capsys.readouterr()
        assert main(list(argv)) == code, capsys.readouterr().err
        told = capsys.readouterr()
        return told.out if code == DONE else told.err

    return run


def title(orc: Orc, id: str = "T-1") -> str:
    task: dict[str, Any] = json.loads(orc("task", "show", id, "--json"))
    return str(task["title"])


def story(orc: Orc) -> None:
    orc("task", "add", "Cart")
    orc("task", "edit", "T-1", "--title", "Basket", "--priority", "9", actor="codex-1")
    orc("task", "edit", "T-1", "--text", "later")


def test_one_change_is_taken_out(orc: Orc) -> None:
    story(orc)
    shown = orc("take-out", "task", "T-1", "2", "--dry-run")
    assert shown.splitlines()[:2] == ["files are not touched", "task T-1: from revision 3"]
    assert "    - Basket\n    + Cart\n" in shown
    assert title(orc) == "Basket"
    assert "nobody to ask here" in orc("take-out", "task", "T-1", "2", code=USAGE)
    done = orc("take-out", "task", "T-1", "2", "--yes").splitlines()[-1]
    assert done == "done: take out T-1 2, as revision 4; `orc undo` takes it back"
    assert title(orc) == "Cart"
    plan = json.loads(orc("take-out", "task", "T-1", "1", "--dry-run", "--json"))
    (document,) = plan["documents"]
    assert (document["id"], document["from_rev"], document["to_rev"]) == ("T-1", 4, None)
    assert [one["by"] for one in document["undecided"]] == ["you"]


def test_a_range_goes_back_together(orc: Orc) -> None:
    story(orc)
    orc("task", "add", "Search", actor="codex-1")
    plan = json.loads(orc("revert", "--from", "2", "--to", "3", "--dry-run", "--json"))
    assert [document["id"] for document in plan["documents"]] == ["T-1"]
    orc("revert", "--since", "1h", "--actor", "codex-1", "--yes")
    assert title(orc) == "Cart"
    tasks = json.loads(orc("tasks", "--json"))
    assert [task["id"] for task in tasks] == ["T-1"]
    (saved,) = json.loads(orc("checkpoint", "list", "--json"))
    assert (saved["automatic"], saved["note"]) == (True, "before: revert since 1h by codex-1")
    listed = orc("undo", "--list").splitlines()
    assert listed[0].split("Z  ")[1] == "revert since 1h by codex-1"
    orc("undo")
    assert title(orc) == "Basket"
    assert orc("undo", "--list").startswith("redo")
    acts = json.loads(orc("redo", "--list", "--json"))
    assert [act["undone"] for act in acts] == [True, False, False]


@pytest.mark.parametrize(
    "argv",
    [
        ["revert"],
        ["revert", "task", "T-1"],
        ["revert", "task", "T-1", "1", "--since", "1h"],
        ["revert", "task", "--since", "1h"],
        ["revert", "--since", "noon"],
        ["timeline", "task"],
        ["timeline", "--limit", "0"],
    ],
)
def test_what_cannot_be_understood_is_a_usage_error(orc: Orc, argv: list[str]) -> None:
    story(orc)
    assert orc(*argv, code=USAGE).startswith("orc: ")


def test_the_timeline_is_told_and_filtered(orc: Orc) -> None:
    story(orc)
    orc("checkpoint", "create", "calm", "--note", "before lunch")
    lines = orc("timeline").splitlines()
    assert [line.split()[0] for line in lines] == ["4", "3", "2", "1"]
    assert lines[0].endswith("operator  checkpoint  checkpoint calm  before lunch")
    assert lines[2].split()[2:] == ["codex-1", "edit", "task", "T-1@2", "orc", "task", "edit"]
    (entry,) = json.loads(orc("timeline", "task", "t-1", "--actor", "codex-1", "--json"))
    assert (entry["seq"], entry["rev"], entry["action"], entry["state"]) == (2, 2, "edit", None)
    assert len(json.loads(orc("timeline", "--actor", "you", "--kind", "task", "--json"))) == 2
    assert json.loads(orc("timeline", "--agent", "codex-1", "--json"))[0]["seq"] == 2
    assert json.loads(orc("timeline", "--find", "LUNCH", "--json"))[0]["id"] == "calm"
    short = orc("timeline", "--limit", "2").splitlines()
    assert short[2] == "and more: --limit shows more than 2"
    assert orc("timeline", "--until", "1h") == "nothing happened there\n"


def test_a_checkpoint_is_restored(orc: Orc) -> None:
    story(orc)
    made = orc("checkpoint", "create", "calm", "--note", "all well")
    assert made == "checkpoint calm is made\n"
    orc("task", "edit", "T-1", "--title", "Broken")
    orc("task", "add", "Search")
    shown = orc("checkpoint", "show", "calm").splitlines()
    assert shown[0].endswith("operator  all well")
    assert [line.split() for line in shown[1:]] == [
        ["task", "T-1", "3", "now", "4"],
        ["task", "T-2", "-", "made", "later"],
    ]
    preview = orc("checkpoint", "restore", "calm", "--dry-run")
    assert "  stays as it is: made later: task T-2\n" in preview
    orc("checkpoint", "restore", "calm", "--exact", "--yes")
    assert title(orc) == "Basket"
    assert orc("task", "show", "T-2", code=NOT_FOUND)
    orc("undo")
    assert (title(orc), title(orc, "T-2")) == ("Broken", "Search")
    assert orc("checkpoint", "rename", "auto-1", "mess", "--note", "n").endswith("called mess\n")
    assert orc("checkpoint", "delete", "calm") == "checkpoint calm is forgotten\n"
    (left,) = json.loads(orc("checkpoint", "list", "--json"))
    assert (left["name"], left["automatic"], left["note"]) == ("mess", False, "n")
    held = json.loads(orc("checkpoint", "show", "mess", "--json"))["held"]
    assert [one["differs"] for one in held] == [False, False]
    assert "orc checkpoint list" in orc("checkpoint", "show", "calm", code=NOT_FOUND)
    assert "already" in orc("checkpoint", "create", "MESS", code=USAGE)


def test_an_undo_over_newer_work_asks(orc: Orc) -> None:
    orc("task", "add", "Cart")
    orc("task", "edit", "T-1", "--title", "Basket", "--priority", "9")
    orc("task", "edit", "T-1", "--title", "Trolley", actor="codex-1")
    assert "nobody to ask here" in orc("undo", code=USAGE)
    shown = orc("undo", "--dry-run")
    assert "title was changed to Trolley by codex-1 at revision 3 since" in shown
    done = orc("undo", "--yes").splitlines()[-1]
    assert done.startswith("undone: edit T-1 title, priority; to be decided: C-1; `orc redo`")
    (conflict,) = json.loads(orc("conflicts", "--json"))
    assert [side["layer"] for side in conflict["sides"]] == ["history", "store"]
    orc("redo")
    assert title(orc) == "Trolley"


def test_two_revisions_are_compared(orc: Orc) -> None:
    story(orc)
    told = orc("diff", "task", "T-1", "3", "--against", "1")
    assert "what revision 3 changed against 1" in told
    paths = {
        change["path"]
        for change in json.loads(orc("diff", "task", "T-1", "3", "--against", "1", "--json"))
    }
    assert paths == {"priority", "text", "title"}


def test_a_preview_says_each_thing_once_and_shows_the_lines_that_differ(orc: Orc) -> None:
    orc("task", "add", "Cart", "--text", "one\ntwo\n-- three\nfour\nfive")
    orc("task", "edit", "T-1", "--text", "one\ntwo\n3\nfour\nfive")
    preview = orc("revert", "task", "T-1", "1", "--dry-run")
    assert preview.count("files") == 1
    assert "  text\n      two\n    - 3\n    + -- three\n      four\n  stays" in preview
    assert "cannot be taken back: messages already sent to agents\n" in preview


def test_a_preview_says_that_nothing_would_change(orc: Orc) -> None:
    story(orc)
    orc("take-out", "task", "T-1", "2", "--yes")
    again = orc("take-out", "task", "T-1", "2", "--dry-run")
    assert again == "files are not touched\nnothing would change: it is so already\n"


def test_what_would_be_deleted_is_told_field_by_field(orc: Orc) -> None:
    orc("task", "add", "Cart", "--priority", "9")
    preview = orc("take-out", "task", "T-1", "1", "--dry-run")
    assert "task T-1: deleted, it was at revision 1\n  the whole document\n" in preview
    assert "    - priority: 9\n" in preview
    assert "labels" not in preview
