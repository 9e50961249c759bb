"""A whole store as lines: what is in it, and every way in which such a file is refused."""

from __future__ import annotations

import hashlib
import io
import json
from functools import partial
from typing import Any

import pytest

from orc_storage import checkpoints, counters, documents, exports, journal
from orc_storage.database import Database, Transaction
from orc_storage.errors import BadExport


def fill(tx: Transaction) -> None:
    put = partial(documents.put, tx, "task", actor="a", cause="c")
    put("T-1", {"id": "T-1", "n": 1}, rev=0)
    put("T-1", {"id": "T-1", "n": 2, "text": "über\u2028\n"}, rev=1)
    put("T-2", {"id": "T-2"}, rev=0)
    documents.delete(tx, "task", "T-2", rev=1, actor="b", cause="c")
    documents.allocate(tx, "T")
    counters.bump(tx, "merged", "2026-11-20")
    checkpoints.create(tx, "start", note="", actor="a")


async def exported(db: Database) -> bytes:
    out = io.BytesIO()
    await db.read(lambda conn: exports.write(conn, out, at=7.0))
    return out.getvalue()


async def test_everything_is_in_it(db: Database) -> None:
    await db.write(fill)
    header, *records = map(json.loads, (await exported(db)).splitlines())
    assert header["format"] == exports.FORMAT and header["version"] == exports.VERSION
    assert header["counts"] == {
        "revision": 4,
        "entry": 5,
        "checkpoint": 1,
        "pin": 1,
        "serial": 1,
        "counter": 1,
    }
    assert header["made_at"] == 7.0 and header["schema"] >= 7
    bodies = [(r["id"], r["rev"], r["body"]) for r in records if r["type"] == "revision"]
    assert bodies[1] == ("T-1", 2, {"id": "T-1", "n": 2, "text": "über\u2028\n"})
    entries = [r for r in records if r["type"] == "entry"]
    assert [e["hash"] for e in entries] == [
        e.hash for e in await db.read(lambda conn: journal.since(conn, 0))
    ]
    assert await exported(db) == await exported(db), "the same store gives the same file"


async def test_an_empty_store_is_one_line(db: Database) -> None:
    data = await exported(db)
    assert len(data.splitlines()) == 1
    assert exports.read(io.BytesIO(data))[1] == []


async def test_it_reads_back_as_documents(db: Database) -> None:
    await db.write(fill)
    header, carried = exports.read(io.BytesIO(await exported(db)))
    assert header.counts["revision"] == 4
    one, two = carried
    assert (one.id, one.rev, one.deleted, one.actor) == ("T-1", 2, False, "a")
    assert (two.id, two.rev, two.deleted, two.actor) == ("T-2", 2, True, "b")
    assert one.past == {
        exports.state({"id": "T-1", "n": 1}, deleted=False),
        exports.state(one.body, deleted=False),
    }
    assert two.state == "" and two.past == {"", exports.state({"id": "T-2"}, deleted=False)}


def packed(*records: dict[str, Any], **header: Any) -> bytes:
    """An export of these lines, its first line right but for what `header` says."""
    rest = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    counts: dict[str, int] = {}
    for record in records:
        counts[record["type"]] = counts.get(record["type"], 0) + 1
    first = {
        "type": "header",
        "format": exports.FORMAT,
        "version": exports.VERSION,
        "schema": 7,
        "made_at": 1,
        "counts": counts,
        "sha256": hashlib.sha256(rest).hexdigest(),
    }
    return json.dumps(first | header).encode() + b"\n" + rest


REVISION = {
    "type": "revision",
    "kind": "task",
    "id": "T-1",
    "rev": 1,
    "deleted": 0,
    "actor": "a",
    "at": 1.0,
    "body": {"id": "T-1"},
}


def test_what_these_tests_pack_is_sound() -> None:
    assert exports.read(io.BytesIO(packed(REVISION)))[1][0].id == "T-1"
    # A kind of line that this make does not know is no fault: it is counted and hashed.
    assert exports.read(io.BytesIO(packed(REVISION, {"type": "later"})))[1] != []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "it is empty"),
        (b"\n", "line 1 is no JSON"),
        (b"[1]\n", "line 1 is no JSON object"),
        (b"{}\n", "no export of orc-tui"),
        (b'{"format": 1', "line 1 has no end"),
        (packed(version=2), "its format is 2, this orc-tui knows 1: upgrade"),
        (packed(version="1"), "not the first line"),
        (packed(counts=None), "not the first line"),
        (packed(made_at="now"), "not the first line"),
        (packed(REVISION, counts={"revision": 2}), "was cut or changed"),
        (packed(REVISION, sha256="0" * 64), "was cut or changed"),
        (packed(REVISION)[:-1], "line 2 has no end"),
        (packed(REVISION, REVISION)[: -len(json.dumps(REVISION)) - 1], "was cut or changed"),
        (packed(REVISION) + b"\xff\n", "line 3 is no JSON"),
        (packed(REVISION) + b"[" * 100_000 + b"\n", "line 3 is no JSON"),
        (packed(REVISION | {"kind": "Task"}), "line 2: kind"),
        (packed(REVISION | {"kind": 3}), "line 2: kind"),
        (packed(REVISION | {"rev": 0}), "line 2: rev"),
        (packed(REVISION | {"rev": True}), "line 2: rev"),
        (packed(REVISION | {"rev": 2**63}), "line 2: rev"),
        (packed(REVISION | {"deleted": "no"}), "line 2: rev or deleted"),
        (packed(REVISION | {"id": "T-2"}), "line 2: body"),
        (packed(REVISION | {"body": None}), "line 2: body"),
        (packed(REVISION | {"id": "../x", "body": {"id": "../x"}}), "line 2: '../x' is no id"),
        (packed(REVISION | {"body": {"id": "T-1", "n": float("nan")}}), "line 2: not storable"),
        (packed(REVISION | {"actor": None}), "line 2: actor"),
    ],
)
def test_a_file_that_is_no_whole_export_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(BadExport, match=told.replace("'", ".")):
        exports.read(io.BytesIO(data))
