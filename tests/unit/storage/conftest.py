"""A real store in a private folder, with a clock that the test turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orc_storage.database import Database


class Now:
    """The time of transactions, in seconds since the epoch."""

    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sockets, short enough for their 107 bytes."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


@pytest_asyncio.fixture
async def db(folder: Path, runtime: Path, now: Now) -> AsyncIterator[Database]:
    async with await Database.open(folder, now=now, runtime=runtime) as opened:
        yield opened
