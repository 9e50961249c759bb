"""A person's own command, run on the files that a merge comes to.

Invariant: it is run as the words that were given, never by a shell, in a folder of ours that is
no agent's, and not longer than its deadline; nothing it starts lives on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from orc_core.model.merging import CheckResult
from orc_core.text import clean

CHECK_TIMEOUT_S: Final = 900.0
SAID_MAX_BYTES: Final = 16 * 1024


async def run(
    argv: Sequence[str],
    folder: Path,
    tree: str,
    environ: Mapping[str, str],
    *,
    timeout_s: float = CHECK_TIMEOUT_S,
) -> CheckResult:
    """Run the command in `folder`, which has the files of `tree`; what it came to."""
    name = clean(" ".join(argv), limit=200)
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    # No repository above our own folders is taken for that of the files.
    kept["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    try:
        child = await asyncio.create_subprocess_exec(
            *argv,
            cwd=folder,
            env=kept,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return CheckResult(tree, False, f"{name} cannot be run: {clean(str(error), limit=200)}")
    said = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            assert child.stdout is not None  # noqa: S101
            while chunk := await child.stdout.read(65536):
                said += chunk
                del said[:-SAID_MAX_BYTES]
            code = await child.wait()
        text = f"{name} passed" if code == 0 else f"{name} ended with code {code}"
    except TimeoutError:
        code, text = -1, f"{name} was ended: it took longer than {timeout_s:g} s"
    finally:
        # Also when it has ended: what it left in the background is of the group that it led.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        if child.returncode is None:
            await child.wait()
        child._transport.close()  # type: ignore[attr-defined] # noqa: SLF001
    shown = clean(bytes(said), limit=SAID_MAX_BYTES, newlines=True)
    return CheckResult(tree, code == 0, text, shown.strip())
