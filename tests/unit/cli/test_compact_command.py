"""`orc compact`: told before, told after."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest

from orc_cli.main import DONE, FAILED, USAGE, main
from orc_storage import compaction, documents
from orc_storage.database import Database, Transaction


def put(tx: Transaction, count: int) -> None:
    for rev in range(count):
        body: documents.Body = {"id": "T-1", "n": rev}
        documents.put(tx, "task", "T-1", body, rev=rev, actor="a", cause="c")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"

    async def fill() -> None:
        async with await Database.open(folder, now=lambda: 1_700_000_000.0) as db:
            await db.write(partial(put, count=30))

    asyncio.run(fill())
    monkeypatch.setattr(compaction, "ENTRIES_KEPT", 10)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ORC_WORKSPACE", str(folder))
    return folder


def test_it_is_foreseen_and_done(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compact", "--dry-run"]) == DONE
    assert "20 entries and 20 revisions would be archived" in capsys.readouterr().out
    assert not (workspace / "archive").exists()
    assert main(["compact", "--json"]) == DONE
    done = json.loads(capsys.readouterr().out)
    assert (done["entries"], done["revisions"], done["over"]) == (20, 20, False)
    assert done["archives"] == ["archive/journal-1-20.ndjson.gz"]
    assert (workspace / done["archives"][0]).exists()
    assert main(["audit", "verify"]) == DONE
    assert main(["history", "task", "T-1"]) == DONE
    capsys.readouterr()
    assert main(["diff", "task", "T-1", "3"]) == FAILED
    assert "archive/journal-1-20.ndjson.gz" in capsys.readouterr().err
    assert main(["audit", "list", "--limit", "100"]) == DONE
    assert "entries 1 to 20 are in archive/journal-1-20.ndjson.gz" in capsys.readouterr().err


def test_how_long_entries_stay_is_told_by_the_settings_unless_the_command_does(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "config.toml").write_text("[store]\nkeep_days = 3650\n")
    assert main(["compact", "--dry-run"]) == DONE
    assert capsys.readouterr().out.startswith("0 entries")
    assert main(["compact", "--dry-run", "--keep-days", "30"]) == DONE
    assert capsys.readouterr().out.startswith("20 entries")


def test_wishes_that_mean_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compact", "--keep-days", "-1"]) == USAGE
    assert main(["compact", "--keep-days", "nan"]) == USAGE
    assert main(["compact", "--read-only"]) == FAILED
    assert not (workspace / "archive").exists()


def test_the_doctor_tells_a_store_over_its_limit(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def size() -> tuple[str, str]:
        main(["doctor", "--json", "--socket-path", str(workspace / "none")])
        found = json.loads(capsys.readouterr().out)
        (one,) = [finding for finding in found if finding["check"] == "size"]
        return one["verdict"], one["found"]

    verdict, text = size()
    assert verdict == "ok" and text.endswith("of 100 MB")
    monkeypatch.setenv("ORC_STATE_MAX_MB", "none")
    assert size()[0] == "fail"
    monkeypatch.setenv("ORC_STATE_MAX_MB", "1")
    monkeypatch.setattr(compaction, "bytes_used", lambda conn: 3 * 2**20)
    assert size() == ("warn", "3.0 MB of 1 MB")


def test_an_archive_that_cannot_be_written_cuts_nothing(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "archive").write_text("in the way")
    assert main(["compact"]) == FAILED
    assert "archive is not a folder" in capsys.readouterr().err
    assert main(["audit", "list", "--json", "--limit", "100"]) == DONE
    assert len(json.loads(capsys.readouterr().out)["entries"]) == 30
