"""Folders: ours, private, and where the person expects them."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from orc_storage import paths
from orc_storage.errors import UnsafePath


def test_the_folders_follow_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert paths.state_dir() == tmp_path / ".local/state/orc-tui"
    assert paths.config_dir() == tmp_path / ".config/orc-tui"
    assert paths.runtime_dir() == Path(tempfile.gettempdir()) / f"orc-tui-{os.geteuid()}"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert paths.state_dir() == tmp_path / "state/orc-tui"
    assert paths.config_dir() == tmp_path / "config/orc-tui"


def test_a_runtime_folder_is_used_only_if_it_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    assert paths.runtime_dir() == tmp_path / "orc-tui"
    tmp_path.chmod(0o755)
    assert paths.runtime_dir() != tmp_path / "orc-tui"
    for wrong in ("relative", str(tmp_path / "missing")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", wrong)
        assert paths.runtime_dir().parent == Path(tempfile.gettempdir())
    # Looking for a folder makes none.
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_made_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    before = os.umask(0)
    try:
        paths.ensure_private(folder)
        paths.ensure_private(folder)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o711, 0o702])
def test_an_open_folder_is_refused_unless_it_is_empty(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "ws"
    folder.mkdir()
    folder.chmod(mode)
    (folder / "x").touch()
    with pytest.raises(UnsafePath, match=r"is open to others: run `chmod go-rwx .*/ws`"):
        paths.ensure_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == mode
    (folder / "x").unlink()
    paths.ensure_private(folder)
    assert paths.is_private(folder)


def test_what_is_not_a_folder_of_ours_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch(mode=0o600)
    with pytest.raises(UnsafePath, match="link is a symlink: name another workspace"):
        paths.ensure_private(tmp_path / "link")
    with pytest.raises(UnsafePath, match="file is not a folder"):
        paths.ensure_private(tmp_path / "file")
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(UnsafePath, match="real belongs to user"):
        paths.ensure_private(tmp_path / "real")
    assert not paths.is_private(tmp_path / "missing")
