"""The bulletin of a leader: read as what it is, a file that anyone of this user may write."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from orc_core import leader
from orc_core.model.health import Fault, Layer, LayerState
from orc_core.text import clean

HOSTILE = "x\x1b]52;c;QQ==\x07\x9b31m\u202e"


def layer(text: str) -> Layer:
    fault = Fault("file", "task", "T-1", text, 1.0)
    return Layer("file", LayerState.DEGRADED, "realtime", 0.0, 0, 0, text, 1.0, (fault,))


@pytest.mark.parametrize("led", [True, False])
def test_what_it_quotes_is_cleaned(tmp_path: Path, led: bool) -> None:
    (tmp_path / leader.BULLETIN_NAME).write_text(json.dumps([asdict(layer(HOSTILE))]))
    (read,) = leader.read(tmp_path, led=led)
    assert read.trouble == read.faults[0].text == clean(HOSTILE) == "x"


def test_a_pipe_in_its_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / leader.BULLETIN_NAME)
    assert leader.read(tmp_path, led=True) == ()
