"""Which version of an agent is installed, asked of the agent itself."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Mapping
from typing import Final

from orc_core.agents.hooks.wanted import Version

TIMEOUT_S: Final = 10.0
_NUMBER: Final = re.compile(rb"\b(\d{1,4})\.(\d{1,4})\.(\d{1,6})\b")


async def installed_version(program: str, environ: Mapping[str, str]) -> Version | None:
    """What `PROGRAM --version` says; None where it is not there or does not say it in time."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            told, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    match = _NUMBER.search(told[:4096])
    return tuple(int(part) for part in match.groups()) if match is not None else None
