"""`orc watch` in a pipe: it streams, and ends when its reader goes or it is interrupted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from orc_storage import documents
from orc_storage.database import Database

DEADLINE_S = 15.0


def write(folder: Path, ids: list[str]) -> None:
    async def work() -> None:
        async with await Database.open(folder, runtime=folder.parent / "r") as db:
            for id in ids:
                await db.write(
                    partial(
                        documents.put,
                        kind="task",
                        id=id,
                        body={"id": id, "text": "x" * 3000},
                        rev=0,
                        actor="a",
                        cause="c",
                    )
                )

    asyncio.run(work())


@contextmanager
def watching(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "LC_ALL": "C.UTF-8"}
    argv = [sys.executable, "-m", "orc_cli", "watch", "--workspace", str(folder), *options]
    with subprocess.Popen(
        argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write(folder, ["T-1", "T-2"])
    return folder


def test_it_streams_and_ends_at_once_when_its_reader_goes(folder: Path) -> None:
    with watching(folder, "--since", "1", "--json") as process:
        assert process.stdout is not None and process.stderr is not None
        first = json.loads(process.stdout.readline())
        assert (first["seq"], first["id"], first["rev"]) == (2, "T-2", 1)
        assert first["body"]["text"] == "x" * 3000
        write(folder, [f"T-{number}" for number in range(3, 40)])
        lines = [json.loads(process.stdout.readline()) for _ in range(37)]
        assert [line["seq"] for line in lines] == list(range(3, 40))
        # It is idle now: only the hang-up can tell it.
        process.stdout.close()
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr.read() == ""


def test_an_interrupt_ends_it_without_a_trace(folder: Path) -> None:
    with watching(folder, "--since", "0") as process:
        assert process.stdout is not None and process.stderr is not None
        assert "task T-1, revision 1" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 130
        assert process.stderr.read() == ""


def test_a_reader_that_reads_nothing_does_not_keep_it(folder: Path) -> None:
    write(folder, [f"T-{number}" for number in range(3, 60)])
    with watching(folder, "--since", "0", "--json") as process:
        assert process.stdout is not None and process.stderr is not None
        # The first byte is there, and the pipe is too small for the rest.
        os.read(process.stdout.fileno(), 1)
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 130
        assert process.stderr.read() == ""


def test_once_ends_at_the_head_and_a_file_holds_it(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    argv = [sys.executable, "-m", "orc_cli", "watch", "--workspace", str(folder)]
    with target.open("w") as out:
        done = subprocess.run(
            [*argv, "--since", "0", "--once", "--json"],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            stdout=out,
            timeout=DEADLINE_S,
            check=False,
        )
    assert done.returncode == 0
    assert [json.loads(line)["seq"] for line in target.read_text().splitlines()] == [1, 2]
