"""The grammar and the exit codes of `orc`, without a store or a server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orc_cli.main import DONE, FAILED, NOT_FOUND, USAGE, build_parser, exit_code, main
from orc_cli.output import spoken
from orc_core.config import sockets
from orc_core.errors import OrcError, TmuxError, UnknownName, UsageError
from orc_core.model.history import Report
from orc_storage.errors import InvalidId, NotFound, StaleRevision


@pytest.fixture
def lonely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No tmux server, no repository, and state folders of the test's own."""
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("ORC_WORKSPACE", raising=False)
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMUX_TMPDIR", "HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), USAGE),
        (InvalidId("x"), USAGE),
        (UnknownName("x"), NOT_FOUND),
        (NotFound("x"), NOT_FOUND),
        (OrcError("x"), FAILED),
        (StaleRevision("task", "T-1", 1, 2), FAILED),
        (ZeroDivisionError(), None),
    ],
)
def test_each_error_has_its_code(error: Exception, code: int | None) -> None:
    assert exit_code(error) == code


def test_a_usage_error_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["task", "edit"])
    assert stop.value.code == USAGE
    assert "ID" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["chekpoint"], "no command 'chekpoint': did you mean checkpoint?"),
        (["checkpoint", "sow"], "no action 'sow': did you mean show?"),
        (["zzz"], "no command 'zzz': `orc --help` lists them"),
        (["audit", "zzz"], "no verb 'zzz': there are list, verify, mend"),
        (["task", "add", "a", "--needs", "b"], "no option '--needs': did you mean --need?"),
        (["task", "add", "a", "--lable=b"], "no option '--lable': did you mean --label?"),
        (["task", "add", "two", "words"], "'words' is one argument too many"),
        (["--read-onl", "tasks", "--treee"], "no option '--treee': did you mean --tree?"),
    ],
)
def test_what_it_does_not_know_is_answered_by_what_was_meant(
    capsys: pytest.CaptureFixture[str], typed: list[str], answer: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(typed)
    assert stop.value.code == USAGE
    assert capsys.readouterr().err.endswith(f"error: {answer}\n")


def test_what_one_option_may_be_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["conflict", "resolve", "C-1", "--take", "lefty"])
    assert "argument --take: invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["agent", "task", "conflict", "workflow"])
def test_each_kind_of_thing_can_be_listed_by_its_verb(
    lonely: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    assert main([kind, "list", "--json"]) == DONE
    by_verb = capsys.readouterr().out
    if kind != "workflow":
        assert main([f"{kind}s", "--json"]) == DONE
        assert capsys.readouterr().out == by_verb
    assert json.loads(by_verb) == []


def test_a_report_names_commands_for_keys() -> None:
    undone = Report("undone: edit T-1", undoable=False, redoable=True)
    assert spoken(undone) == "undone: edit T-1; `orc redo` does it again"
    back = Report("T-1 is back", undoable=True)
    assert spoken(back) == "T-1 is back; `orc undo` takes it back"


def test_an_agent_that_is_not_there(lonely: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "claude-9"]) == NOT_FOUND
    assert "no pane is seen there" in capsys.readouterr().err


def test_agents_without_tmux_is_no_empty_list(
    lonely: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> str:
        raise TmuxError("tmux is not installed")

    monkeypatch.setattr("orc_core.fleet.tmux_binary", missing)
    assert main(["agents", "--json"]) == FAILED
    told = capsys.readouterr()
    assert told.out == "" and "tmux is not installed" in told.err


def test_the_status_without_a_dashboard_names_no_time(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status"]) == DONE
    assert "None" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv", [["task", "show", "T-\udcff"], ["tasks", "--workspace", "/tmp/\udcff"]]
)
def test_an_argument_that_is_no_text_is_a_usage_error(
    argv: list[str], lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == USAGE
    assert "is not UTF-8 text" in capsys.readouterr().err


def test_a_path_that_no_system_takes_is_one_line(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["task", "add", "x", "--workspace", "a" * 5000]) == FAILED
    said = capsys.readouterr().err
    assert "File name too long" in said
    assert len(said.splitlines()) == 1


def test_a_message_carries_no_escapes_of_what_it_quotes(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["task", "add", "x"]) == DONE
    assert main(["history", "task", "\x1b]0;owned\x07"]) == NOT_FOUND
    assert "\x1b" not in capsys.readouterr().err


def test_a_revision_beyond_all_numbers_is_not_found(lonely: Path) -> None:
    assert main(["task", "add", "x"]) == DONE
    for command in ("diff", "revert"):
        assert main([command, "task", "T-1", "9" * 30]) == NOT_FOUND


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_global_option_counts_before_and_after_the_command(place: str) -> None:
    option = ["--socket-path", "/tmp/x"]
    argv = [*option, "agents"] if place == "before" else ["agents", *option]
    assert sockets(build_parser().parse_args(argv), "paths") == ("/tmp/x",)


def test_servers_named_before_and_after_the_command_are_all_watched() -> None:
    after = ["agents", "--socket-path", "/tmp/b", "--socket-name", "w"]
    args = build_parser().parse_args(["--socket-path", "/tmp/a", *after])
    assert sockets(args, "paths") == ("/tmp/a", "/tmp/b")
    assert sockets(args, "names") == ("w",)


def test_reading_creates_nothing(lonely: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(lonely.rglob("*"))
    for argv in (["status"], ["agents"], ["tasks"], ["conflicts"], ["tasks", "--json"]):
        assert main(argv) == 0
    assert sorted(lonely.rglob("*")) == before
    assert capsys.readouterr().err == ""


def test_reading_a_task_without_a_store_names_the_remedy(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["task", "show", "T-1"]) == FAILED
    assert "orc task add" in capsys.readouterr().err


def test_the_command_imports_no_screen() -> None:
    program = "import sys, orc_cli.main; print([m for m in sys.modules if m in sys.argv[1:]])"
    heavy = ["textual", "rich", "libtmux", "pydantic", "aiosqlite", "watchfiles"]
    shown = subprocess.run(
        [sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_a_saved_screen_is_read_without_what_watches_tmux(tmp_path: Path) -> None:
    (tmp_path / "screen").write_text("● Working…\n")
    program = (
        "import sys, orc_cli.main; code = orc_cli.main.main(['explain', '--screen', sys.argv[1]]);"
        "print(code, [m for m in sys.modules if m in sys.argv[2:]])"
    )
    heavy = ["orc_core.tmux.watcher", "orc_core.hub", "orc_storage.database", "libtmux"]
    shown = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "screen"), *heavy],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines()[-1] == "0 []"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"orc \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_a_whole_round(lonely: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def orc(*argv: str, code: int = 0) -> object:
        assert main([*argv, "--json", "--workspace", str(lonely / "w")]) == code, argv
        return json.loads(capsys.readouterr().out)

    added = orc("task", "add", "Write it", "--priority", "9", "--label", "docs")
    assert isinstance(added, dict)
    assert (added["id"], added["rev"], added["synced"]) == ("T-1", 1, False)
    edited = orc("task", "edit", "T-1", "--title", "Write it well")
    assert isinstance(edited, dict)
    assert edited["rev"] == 2
    revisions = orc("history", "task", "T-1")
    assert isinstance(revisions, list)
    assert [revision["rev"] for revision in revisions] == [1, 2]
    assert revisions[1]["cause"] == "orc task edit"
    diff = orc("diff", "task", "T-1", "2")
    assert isinstance(diff, list)
    assert [(change["path"], change["after"]) for change in diff] == [("title", "Write it well")]
    orc("revert", "task", "T-1", "1", "--yes")
    shown = orc("task", "show", "T-1")
    assert isinstance(shown, dict)
    assert (shown["title"], shown["rev"]) == ("Write it", 3)
    orc("undo")
    shown = orc("task", "show", "T-1")
    assert isinstance(shown, dict)
    assert (shown["title"], shown["rev"]) == ("Write it well", 4)


def test_several_tasks_are_changed_at_once(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def orc(*argv: str, code: int = 0) -> str:
        assert main([*argv, "--workspace", str(lonely / "w")]) == code, argv
        return capsys.readouterr().out

    for title in ("one", "two", "three"):
        orc("task", "add", title)
    assert orc("task", "edit", "T-1", "T-2", "--priority", "9").startswith("2 set to priority 9 (")
    orc("task", "edit", "T-1", "T-2", "--title", "both", code=2)
    orc("task", "done", "T-3")
    told = orc("task", "fail", "T-1", "T-3", "T-4", code=1).splitlines()
    assert told[0].startswith("1 set to failed, 2 refused: T-3 is done and cannot become failed")
    assert told[1].startswith("  no task goes by 'T-4'")
    deleted = json.loads(orc("task", "delete", "T-1", "T-2", "--json"))
    assert deleted == {"done": ["T-1", "T-2"], "refused": [], "synced": False}
    assert [task["id"] for task in json.loads(orc("tasks", "--json"))] == ["T-3"]
    orc("undo")
    assert [task["id"] for task in json.loads(orc("tasks", "--json"))] == ["T-1", "T-2", "T-3"]


def test_tasks_are_filtered_as_in_the_dashboard(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def orc(*argv: str, code: int = 0) -> str:
        assert main([*argv, "--workspace", str(lonely / "w")]) == code, argv
        return "".join(capsys.readouterr())

    orc("task", "add", "one", "--priority", "9", "--label", "shop")
    orc("task", "add", "two words")
    told = orc("tasks", "--json", "--filter", "prio:>=8 label:shop")
    assert [task["id"] for task in json.loads(told)] == ["T-1"]
    told = orc("tasks", "--json", "--filter", '-"two words" since:1h')
    assert [task["id"] for task in json.loads(told)] == ["T-1"]
    assert "--filter: no field colour here: status," in orc("tasks", "--filter", "colour:1", code=2)


def test_a_revert_that_nobody_can_confirm_exits_with_2(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--workspace", str(lonely / "w")]
    assert main(["task", "add", "One", *where]) == 0
    assert main(["task", "edit", "T-1", "--title", "Two", *where]) == 0
    assert main(["revert", "task", "T-1", "1", *where]) == USAGE
    told = capsys.readouterr()
    assert "--yes" in told.err
    assert "- Two" in told.out
    assert main(["task", "show", "T-1", *where]) == 0
    assert "Two" in capsys.readouterr().out


def test_a_conflict_is_decided_and_taken_back(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lonely / "w"

    def orc(*argv: str, code: int = 0) -> object:
        assert main([*argv, "--json", "--workspace", str(folder)]) == code, argv
        return json.loads(capsys.readouterr().out)

    def title() -> object:
        shown = orc("task", "show", "T-1")
        assert isinstance(shown, dict)
        return shown["title"]

    orc("task", "add", "Old")
    orc("sync", "--once")
    mirror = folder / "files" / "tasks" / "T-1.json"
    mirror.write_text(mirror.read_text().replace('"Old"', '"From the file"'))
    orc("task", "edit", "T-1", "--title", "From the store")
    orc("sync", "--once")
    found = orc("conflicts")
    assert isinstance(found, list)
    (conflict,) = found
    assert (conflict["doc"], conflict["path"], conflict["base"]) == ("T-1", "title", "Old")
    assert {side["layer"]: side["value"] for side in conflict["sides"]} == {
        "file": "From the file",
        "store": "From the store",
    }
    orc("conflict", "resolve", conflict["id"], "--take", "file")
    assert title() == "From the file"
    assert orc("conflicts") == []
    orc("conflict", "undo", conflict["id"])
    assert title() == "From the store"
    reopened = orc("conflicts")
    assert isinstance(reopened, list)
    assert [again["id"] for again in reopened] == [conflict["id"]]
    assert orc("conflict", "defer", conflict["id"], "--until", "2099-01-01")
    assert main(["conflicts", "--workspace", str(folder)]) == 0
    assert "  until 20" in capsys.readouterr().out
    orc("conflict", "resolve", conflict["id"], "--value", '"Both"')
    assert main(["conflicts", "--all", "--workspace", str(folder)]) == 0
    assert "  took another value, by operator\n" in capsys.readouterr().out
    orc("sync", "--once")
    assert title() == "Both"
    assert json.loads(mirror.read_text())["title"] == "Both"


def test_a_file_that_was_removed_is_told_without_json_and_without_a_time(
    lonely: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--workspace", str(lonely / "w"))
    assert main(["task", "add", "Cart", *where]) == 0
    assert main(["sync", "--once", *where]) == 0
    (lonely / "w" / "files" / "tasks" / "T-1.json").unlink()
    assert main(["task", "edit", "T-1", "--title", "Basket", *where]) == 0
    assert main(["sync", "--once", *where]) == 0
    assert "1 new conflict\n" in capsys.readouterr().out
    assert main(["conflicts", *where]) == 0
    assert "T-1  file: (absent)  store: Basket\n" in capsys.readouterr().out
    assert main(["conflicts", "show", "C-1", *where]) == 0
    shown = capsys.readouterr().out
    assert "         writer unknown, file T-1.json\n" in shown
    assert "         title: Basket\n" in shown
    assert "  the file removed revision 1, the store changed it in revision 2\n" in shown
    assert main(["conflicts", "resolve", "C-1", "--take", "base", *where]) == 0
    assert "C-1: T-1 is Cart, from the base;" in capsys.readouterr().out
