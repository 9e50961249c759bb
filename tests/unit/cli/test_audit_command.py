"""`orc audit`: the trail in pages, and exit codes that a script can go by."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import damage
from orc_cli.main import DONE, FAILED, USAGE, main
from orc_storage import anchors, documents, journal
from orc_storage.database import Database, Transaction

NOW = 1_790_000_000.0


def put(tx: Transaction) -> None:
    for number in range(1, 5):
        body: documents.Body = {"id": f"T-{number}", "title": "Cart"}
        actor = "codex-1" if number == 2 else "operator"
        documents.put(tx, "task", f"T-{number}", body, rev=0, actor=actor, cause="orc task add")
    journal.append(tx, actor="x\x1b[31m", action="sync asked", detail={"accept": True})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"

    async def fill() -> None:
        async with await Database.open(folder, now=lambda: NOW) as db:
            await db.write(put)

    asyncio.run(fill())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ORC_WORKSPACE", str(folder))
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_trail_is_listed_newest_first(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "list", "--limit", "2"]) == DONE
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["5", "4"]
    assert "\x1b" not in out and "task T-4, revision 1  orc task add" in out
    assert "--before 4" in err
    assert main(["audit", "list", "--json", "--before", "4", "--limit", "2"]) == DONE
    page = told(capsys)
    assert [entry["seq"] for entry in page["entries"]] == [3, 2]
    assert page["before"] == 2
    assert page["entries"][1] | {"hash": "", "prev_hash": "", "detail": {}} == {
        "seq": 2,
        "at": "2026-09-21T14:13:20.000Z",
        "actor": "codex-1",
        "action": "edit",
        "kind": "task",
        "id": "T-2",
        "rev": 1,
        "detail": {},
        "prev_hash": "",
        "hash": "",
    }


def test_the_trail_is_filtered(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for filters, expected in (
        (["--actor", "codex-1"], [2]),
        (["--actor", "you"], [4, 3, 1]),
        (["--kind", "task", "--id", "t-3"], [3]),
        (["--since", "2026-09-22"], []),
        (["--since", "2026-09-21T14:00"], [5, 4, 3, 2, 1]),
    ):
        assert main(["audit", "list", "--json", *filters]) == DONE
        page = told(capsys)
        assert ([entry["seq"] for entry in page["entries"]], page["before"]) == (expected, None)


def test_a_moment_that_means_nothing_is_a_usage_error(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "list", "--since", "yesterday"]) == USAGE
    assert "'yesterday' is no time: give one such as" in capsys.readouterr().err
    assert main(["audit", "verify", "--head", "4"]) == USAGE


def test_a_sound_store_verifies(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify"]) == DONE
    out = capsys.readouterr().out
    assert "intact  5 entries" in out and "anchor  entry 5" in out
    head = next(line.split()[1] for line in out.splitlines() if line.startswith("head"))
    assert main(["audit", "verify", "--json", "--head", head]) == DONE
    verdict = told(capsys)
    assert verdict["intact"] and verdict["head"]["seq"] == verdict["anchor"]["seq"] == 5


def test_a_store_that_was_cut_fails_to_verify(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anchors.note(workspace, 9, "e" * 64, at=NOW)
    assert main(["audit", "verify"]) == FAILED
    assert "wrong   journal: it ends at entry 5" in capsys.readouterr().out
    assert main(["audit", "verify", "--json"]) == FAILED
    verdict = told(capsys)
    assert not verdict["intact"]
    assert verdict["findings"][0]["check"] == "anchor"


def test_what_is_wrong_beside_the_store_is_no_reason_to_replace_it(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (workspace / anchors.FILE).open("ab") as noted:
        noted.write(b"junk\n")
    assert main(["audit", "verify"]) == FAILED
    out = capsys.readouterr().out
    assert "is no anchor" in out and "1 wrong beside the store" in out
    assert "--replace" not in out


def test_what_was_mended_is_told_with_its_day_and_is_no_fault(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def again() -> None:
        async with await Database.open(workspace, now=lambda: NOW) as db:
            body: documents.Body = {"id": "T-1", "title": "Carts"}
            more = {"actor": "operator", "cause": "orc task edit"}
            await db.write(lambda tx: documents.put(tx, "task", "T-1", body, rev=1, **more))

    asyncio.run(again())
    damage.break_both(workspace, "T-1")
    assert main(["audit", "verify"]) == FAILED
    assert main(["audit", "mend", "task", "T-1"]) == DONE
    capsys.readouterr()
    assert main(["audit", "verify"]) == DONE
    out = capsys.readouterr().out
    assert "mended  task T-1 on 20" in out and "(1 revision)" in out and "intact  " in out
    assert main(["audit", "verify", "--json"]) == DONE
    verdict = told(capsys)
    (mended,) = verdict["mended"]
    assert (verdict["intact"], verdict["findings"]) == (True, [])
    assert (mended["kind"], mended["id"], mended["revs"]) == ("task", "T-1", [2])


def test_without_a_store_there_is_nothing_to_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "verify", "--workspace", str(tmp_path / "none")]) == FAILED
    assert "there is no store" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_damaged_document_is_named_and_mended(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage.flip_a_byte(workspace, "T-2")
    assert main(["audit", "verify"]) == FAILED
    assert "`orc audit mend task T-2`" in capsys.readouterr().out
    assert main(["task", "show", "T-2"]) == FAILED
    assert "orc: task T-2 is damaged in the store" in capsys.readouterr().err
    assert main(["tasks"]) == DONE
    assert "fault: is damaged in the store" in capsys.readouterr().out
    assert main(["audit", "mend", "task", "T-2", "--dry-run", "--json"]) == DONE
    seen = told(capsys)
    assert (seen["dry_run"], seen["rev"], seen["is_whole"]) == (True, 0, True)
    assert main(["audit", "mend", "task", "t-2"]) == DONE
    said = "task T-2 is back, as revision 2, from revision 1"
    assert capsys.readouterr().out.strip() == said
    assert main(["audit", "verify"]) == DONE
    capsys.readouterr()
    assert main(["audit", "mend", "task", "T-2"]) == USAGE
    assert "is sound" in capsys.readouterr().err
