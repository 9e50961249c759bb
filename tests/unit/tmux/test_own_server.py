"""The tmux server that a program of ours runs in, as `$TMUX` tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orc_core.tmux.attach import here
from orc_core.tmux.server import resolve


def test_a_relative_socket_in_the_environment_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"TMUX": "s/own,17126,0", "TMUX_PANE": "%3"}
    own = here(environ)
    assert own is not None
    assert own.address.socket_path == str(tmp_path / "s" / "own")
    assert resolve(environ=environ) == own.address
