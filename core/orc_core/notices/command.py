"""A person's own command that is told of a notice.

Invariant: it is run as the words that were set, never by a shell; what agents say reaches it as
JSON on its standard input alone. It has a deadline, and a terminal of nobody's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Sequence
from typing import Final

from orc_core.notices.bulletin import Notice

DEADLINE_S: Final = 5.0
FAULT_MAX: Final = 200


async def run(argv: Sequence[str], notice: Notice, *, deadline_s: float = DEADLINE_S) -> str:
    """Run the command; returns what went wrong, "" for nothing."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"{argv[0]} cannot be run: {error}"[:FAULT_MAX]
    try:
        await asyncio.wait_for(process.communicate(as_json(notice)), deadline_s)
    except TimeoutError:
        return f"{argv[0]} was ended: it took longer than {deadline_s:g} s"[:FAULT_MAX]
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the session that it leads is its own
            await process.wait()
    return f"{argv[0]} ended with {process.returncode}"[:FAULT_MAX] if process.returncode else ""


def as_json(notice: Notice) -> bytes:
    """What the command reads: head, text, and of each agent what is known."""
    agents = [
        {
            "name": one.name,
            "kind": one.kind,
            "state": one.state.value,
            "waiting": one.waiting.value or None,
            "task": one.task or None,
            "does": one.does,
            "pane": one.pane.key,
            "since": one.since,
        }
        for one in notice.agents
    ]
    return json.dumps({"head": notice.head, "text": notice.text, "agents": agents}).encode()
