"""A process that has a workspace open, as `orc` has, and writes whenever it is told to.

It reads `ID TITLE` lines and answers each with the times at which it began to write and at which
the write was acknowledged, by the clock that all processes of this machine share.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

from orc_core.config import CoreOptions
from orc_core.hub import open_core


class Writer:
    """The process, told what to write."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._answer()

    def retitle(self, id: str, title: str) -> tuple[float, float]:
        """Write a title; return when that began and when it was acknowledged (perf_counter)."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{id} {title}\n")
        self._process.stdin.flush()
        began, acknowledged = map(float, self._answer().split())
        return began, acknowledged

    def kill(self, id: str, *, after: int) -> None:
        """Have it write without a rest, and kill it once `after` writes were acknowledged."""
        assert self._process.stdin is not None
        many = "".join(f"{id} written by who dies, {number}\n" for number in range(after * 2))
        self._process.stdin.write(many)
        self._process.stdin.flush()
        for _ in range(after):
            self._answer()
        self._process.kill()
        self._process.stdin = None  # whoever closes it would wait for a reader that is gone
        self._process.wait()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the writer has ended: see what it printed")
        return line


@contextmanager
def writer(workspace: Path, environ: Mapping[str, str]) -> Iterator[Writer]:
    """Run one on `workspace` until the block ends."""
    argv = [sys.executable, "-m", "tests.bench.writer", str(workspace)]
    with subprocess.Popen(argv, env=dict(environ), stdin=PIPE, stdout=PIPE, text=True) as process:
        yield Writer(process)


async def _serve(workspace: Path) -> None:
    options = CoreOptions(workspace=workspace, socket_paths=(str(workspace / "none"),), cause="orc")
    async with open_core(options, watch=False) as core:
        print("open", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            id, _, title = line.rstrip("\n").partition(" ")
            began = time.perf_counter()
            await core.tasks.edit(id, {"title": title})
            print(began, time.perf_counter(), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
