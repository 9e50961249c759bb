"""The bulletin of a leader: read as what it is, a file that anyone of this user may write."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from orc_core import leader
from orc_core.model.health import Fault, Layer, LayerState, Overall, overall
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


def _line(name: str, state: LayerState, trouble: str = "", at: float = 0.0) -> Layer:
    return Layer(name, state, "realtime", 0.0, 0, 0, trouble, at)


@pytest.mark.parametrize(
    ("server", "layer", "shown"),
    [
        (LayerState.OK, LayerState.OK, LayerState.OK),
        (LayerState.OK, LayerState.OFF, LayerState.OFF),
        (LayerState.OK, LayerState.DEGRADED, LayerState.DEGRADED),
        (LayerState.OK, LayerState.UNKNOWN, LayerState.OK),
        (LayerState.OK, LayerState.STARTING, LayerState.OK),
        (LayerState.OFFLINE, LayerState.OFF, LayerState.OFFLINE),
        (LayerState.UNKNOWN, LayerState.OK, LayerState.UNKNOWN),
    ],
)
def test_watching_and_publishing_are_one_line(
    server: LayerState, layer: LayerState, shown: LayerState
) -> None:
    work = _line("tmux work", LayerState.OK)
    file, store = _line("file", LayerState.OK), _line("store", LayerState.OK)
    first = _line("tmux", server, "old", 1.0)
    told = replace(_line("tmux", layer, "new", 2.0), queued=3)
    lines = leader.with_publishing((first, work), (file, told, store))
    assert [line.name for line in lines] == ["tmux", "tmux work", "file", "store"]
    assert (lines[0].state, lines[0].queued, lines[0].trouble) == (shown, 3, "new")


def test_without_a_leader_what_is_off_stays_off_and_the_rest_is_unknown(tmp_path: Path) -> None:
    layers = (
        _line("file", LayerState.OK),
        _line("tmux", LayerState.OFF),
        replace(_line("store", LayerState.OK), strategy=""),
    )
    leader.post(tmp_path, layers)
    read = leader.read(tmp_path, led=False)
    states = [(one.name, one.state) for one in read]
    assert states == [("file", LayerState.UNKNOWN), ("tmux", LayerState.OFF)]


OK, BAD, OFF = LayerState.OK, LayerState.OFFLINE, LayerState.OFF


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((), Overall.UNKNOWN),
        ((_line("file", OK), _line("store", OK)), Overall.HEALTHY),
        ((_line("file", OFF), _line("store", OK)), Overall.HEALTHY),
        ((_line("file", OFF),), Overall.UNKNOWN),
        ((_line("file", BAD), _line("store", OK)), Overall.WARNING),
        ((_line("file", LayerState.DEGRADED), _line("store", OK)), Overall.WARNING),
        ((replace(_line("file", OK), failed=1), _line("store", OK)), Overall.WARNING),
        ((_line("file", LayerState.STARTING), _line("store", OK)), Overall.STARTING),
        ((_line("file", LayerState.UNKNOWN), _line("store", OK)), Overall.UNKNOWN),
        ((_line("file", OK), _line("store", BAD)), Overall.CRITICAL),
    ],
)
def test_all_layers_together_are_always_something(layers: tuple[Layer, ...], said: Overall) -> None:
    assert overall(layers) is said
