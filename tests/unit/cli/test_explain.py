"""`orc explain --screen` and `orc rules`: no store, no tmux server, and rules of one's own."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from corpus_screens import CORPUS
from orc_cli.main import DONE, FAILED, NOT_FOUND, USAGE, main

RULES = """
[agent]
id = "mine"
label = "Mine"
marks = ['^mine>']

[[rule]]
id = "busy"
source = "screen"
any = ['^mine> busy']
state = "working"
substate = "compacting"
does = 'busy with (?P<does>.+)'
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    return tmp_path


@pytest.fixture
def own(home: Path) -> Path:
    folder = home / ".config" / "orc-tui" / "rules"
    folder.mkdir(parents=True)
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    out = capsys.readouterr().out
    return dict(json.loads(out))


def screen(name: str) -> str:
    return str(CORPUS / f"{name}.txt")


def test_a_saved_screen_is_classified_without_anything_else(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["explain", "--screen", screen("claude/waiting-permission-bash-measured"), "--json"]
    assert main(argv) == DONE
    said = told(capsys)
    assert said["agent"] == "claude"
    assert (said["state"], said["waiting"]) == ("waiting", "permission")
    assert said["rule"] == "claude/permission"
    assert {"substate", "text", "does", "hold", "resets_at", "faults"} <= set(said)
    assert list(home.iterdir()) == []


def test_the_title_and_the_agent_may_be_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("nothing that a rule knows\n")
    assert main(["explain", "--screen", str(empty), "--json"]) == DONE
    said = told(capsys)
    assert (said["agent"], said["state"], said["rule"]) == ("other", "unknown", "no-rule")
    argv = ["explain", "--screen", str(empty), "--agent", "claude", "--title", "⠐ Shop", "--json"]
    assert main(argv) == DONE
    said = told(capsys)
    assert (said["agent"], said["state"]) == ("claude", "working")
    assert said["rule"] == "claude/title-busy"
    assert main(["explain", "--screen", str(empty), "--agent", "nobody"]) == NOT_FOUND


def test_colours_and_standard_input(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(screen("codex/working-spinner")).read_text()
    painted = "\n".join(f"\x1b[1;32m{line}\x1b[0m\x1b[K" for line in text.split("\n"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(painted.encode())))
    assert main(["explain", "--screen", "-", "--json"]) == DONE
    said = told(capsys)
    assert (said["agent"], said["state"], said["rule"]) == ("codex", "working", "codex/spinner")


def test_a_view_over_the_conversation_tells_no_state(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--screen", screen("claude/hold-transcript"), "--json"]) == DONE
    said = told(capsys)
    assert (said["state"], said["hold"], said["rule"]) == ("unknown", True, "claude/transcript")


def test_rules_of_ones_own_are_used(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "mine.toml").write_text(RULES)
    shown = tmp_path / "screen.txt"
    shown.write_text("mine> busy with the cart\n")
    assert main(["explain", "--screen", str(shown)]) == DONE
    out = capsys.readouterr().out
    assert (
        out
        == "mine: working, compacting\n  rule mine/busy\n  the cart\n  mine> busy with the cart\n"
    )
    assert main(["rules", "list"]) == DONE
    assert "mine" in capsys.readouterr().out


def test_a_broken_file_is_told_and_the_built_in_rules_are_used(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "codex.toml").write_text(RULES.replace('"mine"', '"codex"').replace("compacting", "zz"))
    assert main(["explain", "--screen", screen("codex/working-spinner")]) == DONE
    both = capsys.readouterr()
    assert both.out.startswith("codex: working")
    assert "codex.toml: rule[busy].substate: no substate 'zz'" in both.err
    assert main(["rules", "check"]) == FAILED
    both = capsys.readouterr()
    assert "rule[busy].substate" in both.err
    assert both.out.endswith("1 with faults\n")
    assert main(["rules", "check", str(own / "codex.toml"), "--json"]) == FAILED
    said = told(capsys)
    assert said["good"] == 0


def test_a_built_in_file_is_a_good_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "--json"]) == DONE
    kinds = told(capsys)["kinds"]
    assert isinstance(kinds, list)
    assert all(kind["built_in"] for kind in kinds)
    files = [kind["path"] for kind in kinds]
    assert main(["rules", "check", *files]) == DONE
    assert capsys.readouterr().out == f"{len(files)} good, 0 with faults\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["explain"],
        ["explain", "claude-1", "--screen", "x"],
        ["explain", "claude-1", "--title", "x"],
    ],
)
def test_what_does_not_go_together_is_a_usage_error(home: Path, argv: list[str]) -> None:
    assert main(argv) == USAGE


def test_a_screen_that_is_not_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--screen", "/nowhere/screen.txt"]) == FAILED
    told = capsys.readouterr().err
    assert told == "orc: /nowhere/screen.txt cannot be read: No such file or directory\n"
