"""`orc backup restore --replace`: a damaged store, its copies, and what is asked before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orc_cli.main import DONE, FAILED, USAGE, main
from orc_storage.engine import STORE_FILE


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a workspace whose store has one copy and is overwritten."""
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMUX_TMPDIR", "HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    workspace = tmp_path / "ws"
    monkeypatch.setenv("ORC_WORKSPACE", str(workspace))
    monkeypatch.chdir(tmp_path)
    assert main(["task", "add", "Cart"]) == DONE
    assert main(["backup", "create"]) == DONE
    (workspace / STORE_FILE).write_bytes(b"no store at all" * 1000)
    return workspace


def test_the_copies_of_a_damaged_store_are_listed_and_verified(
    damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tasks"]) == FAILED
    assert "`orc backup restore latest --replace`" in capsys.readouterr().err
    assert main(["backup", "list", "--json"]) == DONE
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert main(["backup", "verify"]) == DONE
    assert capsys.readouterr().out.startswith("good  store-")


def test_nothing_is_replaced_by_a_look_or_without_a_yes(
    damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (damaged / STORE_FILE).read_bytes()
    argv = ["backup", "restore", "latest", "--replace"]
    capsys.readouterr()
    assert main([*argv, "--dry-run"]) == DONE
    assert "1 document" in capsys.readouterr().out
    assert main([*argv, "--dry-run", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["quarantine"] is None
    assert main(argv) == USAGE
    assert "give --yes" in capsys.readouterr().err
    assert (damaged / STORE_FILE).read_bytes() == before
    assert not (damaged / "quarantine").exists()
    assert main([*argv, "--yes"]) == DONE
    assert main(["tasks"]) == DONE
    assert "Cart" in capsys.readouterr().out
