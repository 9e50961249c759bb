"""The least that can follow a workspace: it waits for news, reads one title and prints it.

This is the floor of what a dashboard does with a file that was saved or a commit that was made:
no merge, no store that is written, no screen.
"""

from __future__ import annotations

import json
import os
import select
import sys
from pathlib import Path

from orc_core.tmux.inotify import ENTRIES, TerminalMarks
from orc_storage import documents, engine
from orc_storage.doorbell import Doorbell
from orc_storage.engine import STORE_FILE
from orc_storage.paths import runtime_dir


def follow_file(path: Path) -> None:
    """Print the title in a file whenever its folder changes."""
    marks = TerminalMarks(ENTRIES)
    marks.open()
    marks.watch([str(path.parent)])
    _say("ready")
    while True:
        select.select([marks.fd], [], [])
        if marks.drain():
            _say(json.loads(path.read_bytes())["title"])


def follow_store(store: Path, id: str) -> None:
    """Print the title in a store whenever somebody rings."""
    facts = store.stat()
    ear = Doorbell(runtime_dir(), (facts.st_dev, facts.st_ino)).listen()
    conn = engine.pick().connect(store, mode="ro")
    _say("ready")
    while True:
        select.select([ear], [], [])
        ear.recv(1)
        found = documents.get(conn, "task", id)
        if found is not None:
            _say(str(found.body["title"]))


def _say(text: str) -> None:
    os.write(1, f"{text}\r\n".encode())


if __name__ == "__main__":
    workspace, id, what = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if what == "file":
        follow_file(workspace / "files" / "tasks" / f"{id}.json")
    else:
        follow_store(workspace / STORE_FILE, id)
