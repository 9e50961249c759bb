"""`orc export` and `orc import`: files, streams, and exit codes."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from functools import partial
from pathlib import Path

import pytest

from orc_cli.main import DONE, FAILED, main
from orc_storage import documents
from orc_storage.database import Database, Transaction


def put(tx: Transaction, title: str, rev: int) -> None:
    body: documents.Body = {
        "id": "T-1",
        "title": title,
        "text": "",
        "status": "ready",
        "priority": 5,
        "needs": [],
        "labels": [],
        "depends_on": [],
        "assignee": "",
        "due": "",
    }
    documents.put(tx, "task", "T-1", body, rev=rev, actor="codex-1", cause="c")


def write(folder: Path, title: str, rev: int = 0) -> None:
    async def work() -> None:
        async with await Database.open(folder) as db:
            await db.write(partial(put, title=title, rev=rev))

    asyncio.run(work())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "here", "Cart")
    return tmp_path / "here"


def test_a_store_goes_to_another_place(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, there = tmp_path / "all.ndjson", tmp_path / "there"
    assert main(["export", "--workspace", str(here), "--output", str(file)]) == DONE
    assert "1 revision" in capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob(".*.part")] == []
    assert main(["import", str(file), "--workspace", str(there)]) == DONE
    assert "task T-1  added\n1 added; `orc undo` takes it back" in capsys.readouterr().out
    assert main(["import", str(file), "--workspace", str(there), "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told["done"] and told["documents"] == [] and told["counts"]["same"] == 1
    write(here, "Cart here", rev=1)
    write(there, "Cart there", rev=1)
    assert main(["export", "--workspace", str(here), "--output", str(file), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["counts"]["revision"] == 2
    assert main(["import", str(file), "--workspace", str(there), "--dry-run"]) == FAILED
    assert main(["import", str(file), "--workspace", str(there)]) == FAILED
    out = capsys.readouterr().out
    assert "task T-1  conflict: title" in out and "nothing was written" in out
    argv = ["import", str(file), "--workspace", str(there), "--take", "import"]
    assert main([*argv, "--dry-run"]) == DONE
    assert "would be: 1 changed" in capsys.readouterr().out
    assert main(argv) == DONE
    assert main(["undo", "--workspace", str(there), "--json"]) == DONE


def test_a_stream_is_the_same_as_a_file(
    here: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["export", "--workspace", str(here)]) == DONE
    data = capsysbinary.readouterr().out
    assert json.loads(data.splitlines()[0])["type"] == "header"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["import", "-", "--workspace", str(tmp_path / "there")]) == DONE
    assert b"1 added" in capsysbinary.readouterr().out


def test_what_is_no_export_is_named(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_text("{}\n")
    assert main(["import", "x", "--workspace", str(here)]) == FAILED
    assert "x: it is no export of orc-tui" in capsys.readouterr().err
    assert main(["import", "missing", "--workspace", str(here)]) == FAILED
    assert capsys.readouterr().err == "orc: missing cannot be read: No such file or directory\n"
    assert main(["import", "x", "--workspace", str(tmp_path / "none"), "--dry-run"]) == FAILED
    assert not (tmp_path / "none").exists()


def test_an_export_that_fails_leaves_the_file_that_was_there(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "all").write_text("old")
    none = str(tmp_path / "none")
    assert main(["export", "--workspace", none, "--output", str(tmp_path / "all")]) == FAILED
    assert (tmp_path / "all").read_text() == "old"
    assert [path.name for path in tmp_path.glob(".*.part")] == []
