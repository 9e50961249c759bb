"""Pictures are the same everywhere: one zone, no colour but what the test asks for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def still_life(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """UTC, and none of the settings of whoever runs the tests."""
    for name in ("NO_COLOR", "ORC_THEME", "ORC_ASCII", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()
