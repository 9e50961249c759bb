"""What tests of faults share: processes that are cheap to kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from zygote import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sockets, short enough for their 107 bytes."""
    return tmp_path_factory.mktemp("run")
