"""A workspace in which everything that a pass of the sync does is due, and how it then stands."""

from __future__ import annotations

import os
from typing import Final

from orc_storage import audit, documents
from orc_storage.files import Mirror
from workspaces import Workspace

_DAY_S: Final = 86400.0

FILES: Final = {
    "T-1": {"title": "by the store", "priority": 9},
    "T-2": {"title": "by the file"},
    "T-3": {"title": "by both", "priority": 9},
    "T-5": {"title": "new in the store"},
    "T-6": {"title": "new in a file"},
}
"""What the tasks say once both sides are in step; T-4 was deleted in the store."""


async def prepare(ws: Workspace) -> None:
    """A workspace in which everything that a pass does is due."""
    for title in ("one", "two", "three", "four"):
        await ws.add(title, text="x" * 9000)
    await ws.sync()
    await ws.edit("T-1", title="by the store", priority=9)
    ws.change("T-2", title="by the file")
    ws.change("T-3", title="by both")
    await ws.edit("T-3", priority=9)
    await ws.db.write(
        lambda tx: documents.delete(tx, "task", "T-4", rev=1, actor="a", cause="gone")
    )
    await ws.add("new in the store")
    ws.write({"id": "T-6", "title": "new in a file"}, "T-6")


async def heal(ws: Workspace, when: str) -> None:
    """Sync as often as is ever needed, and check that all is in step; `when` says what was."""
    for _ in range(2):
        report = await ws.sync()
    done = (report.failed, report.faults, report.imported, report.exported)
    assert done == (0, (), 0, 0), when
    check(ws, await tasks(ws), when)
    assert await ws.open_conflicts() == [], when
    found = await ws.db.read(lambda conn: audit.examine(conn, ws.folder))
    assert found.findings == (), when
    check_no_leftovers(ws, when)


async def tasks(ws: Workspace) -> dict[str, documents.Document]:
    found = await ws.db.read(lambda conn: documents.listing(conn, "task"))
    return {one.id: one for one in found}


def check(ws: Workspace, found: dict[str, documents.Document], when: str) -> None:
    files = {path.stem for path in ws.folder.glob("files/tasks/*")}
    assert found.keys() == FILES.keys() == files, when
    for id, fields in FILES.items():
        assert {name: found[id].body[name] for name in fields} == fields, when
        assert ws.file(id) == found[id].body | {"rev": found[id].rev}, when


def check_no_leftovers(ws: Workspace, when: str) -> None:
    """Drafts that could not be removed are, once they are old."""
    long_ago = ws.folder.stat().st_mtime - 30 * _DAY_S
    for path in (ws.folder / "tmp").iterdir():
        os.utime(path, (long_ago, long_ago))
    Mirror(ws.folder / "files").prepare()
    assert list((ws.folder / "tmp").iterdir()) == [], when
