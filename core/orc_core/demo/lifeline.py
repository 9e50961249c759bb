"""The pipe between a dashboard and the reaper of its demo.

Invariant: the write end is in this process alone and closes on exec, so that the reaper sees
its end whenever this process dies, whatever it dies of.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orc_core
from orc_core.demo.process import Mark, mark_of
from orc_core.demo.reaper import reap

_REAPER_TIMEOUT_S: Final = 6.0


class Lifeline:
    """A running reaper, and the end of the pipe that holds it back."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Start the reaper of a folder, in a session of its own."""
        self._folder = folder
        read_end, self._write_end = os.pipe()
        try:
            # `-S` and the path: the reaper starts in a few ms and needs no installed package.
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-m", "orc_core.demo.reaper", str(folder)],
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={**environ, "PYTHONPATH": str(package_root())},
                start_new_session=True,
            )
        except OSError:
            os.close(self._write_end)
            raise
        finally:
            os.close(read_end)

    @property
    def reaper(self) -> Mark | None:
        """The reaper's process."""
        return mark_of(self._process.pid)

    async def let_go(self) -> bool:
        """End the demo: wait for the reaper, and do its work if it could not.

        Return whether nothing is left.
        """
        os.close(self._write_end)
        await asyncio.to_thread(self._wait)
        return await asyncio.to_thread(reap, self._folder)

    def _wait(self) -> None:
        try:
            self._process.wait(_REAPER_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def package_root() -> Path:
    """Return the folder that holds the package `orc_core`."""
    return Path(orc_core.__path__[0]).parent
