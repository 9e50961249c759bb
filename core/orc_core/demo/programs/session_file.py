"""The file in which Claude Code says what it does: `~/.claude/sessions/<pid>.json`.

Invariant: a reader sees a whole file. It is removed at a clean end and survives a kill, as the
real one does.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from pathlib import Path

from orc_core.demo.process import started
from orc_core.demo.programs.claude import VERSION
from orc_core.demo.programs.play import Phase, Play
from orc_core.demo.programs.steps import Question


class SessionFile:
    """This process's entry; `home` is the folder that holds `.claude`."""

    def __init__(self, home: Path, pid: int, cwd: str) -> None:
        self._path = home / ".claude" / "sessions" / f"{pid}.json"
        self._said = ("", "")
        self._body: dict[str, object] = {
            "pid": pid,
            "sessionId": str(uuid.uuid4()),
            "cwd": cwd,
            "startedAt": _milliseconds(),
            "procStart": started(pid) or "",
            "version": VERSION,
            "kind": "interactive",
            "entrypoint": "cli",
        }

    def tell(self, play: Play) -> None:
        """Write what the play does now, if that is not what the file says already."""
        said = _status(play)
        if said == self._said or play.phase is Phase.ENDED:
            return
        self._said = said
        status, waiting_for = said
        body = {**self._body, "status": status, "statusUpdatedAt": _milliseconds()}
        if waiting_for:
            body["waitingFor"] = waiting_for
        fresh = self._path.with_suffix(".tmp")
        # The folder may be gone already while the demo is taken down.
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(body))
            fresh.replace(self._path)

    def remove(self) -> None:
        """Take the entry away, at a clean end."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _status(play: Play) -> tuple[str, str]:
    if play.phase is Phase.WORKING:
        return "busy", ""
    if play.asked is not None:
        asks = "input needed" if isinstance(play.asked, Question) else "permission prompt"
        return "waiting", asks
    return "idle", ""


def _milliseconds() -> int:
    return int(time.time() * 1000)
