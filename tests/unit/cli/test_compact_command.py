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


def test_wishes_that_mean_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compact", "--keep-days", "-1"]) == USAGE
    assert main(["compact", "--keep-days", "nan"]) == USAGE
    assert main(["compact", "--read-only"]) == FAILED
    assert not (workspace / "archive").exists()
