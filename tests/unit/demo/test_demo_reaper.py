"""The clean-up removes what is ours and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orc_core.demo.process import Mark, is_alive, kill, mark_of, sessions_of
from orc_core.demo.reaper import PREFIX, Marker, read_marker, reap, remove_stale, write_marker

DEAD = Mark(2**22 + 1, "0")


@pytest.fixture
def ours() -> Mark:
    mark = mark_of(os.getpid())
    assert mark is not None
    return mark


@pytest.fixture
def sleeper() -> Iterator[Mark]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    mark = mark_of(process.pid)
    assert mark is not None
    yield mark
    process.kill()
    process.wait()


def demo_folder(parent: Path, marker: Marker, name: str = PREFIX + "test") -> Path:
    folder = parent / name
    (folder / "home" / "src").mkdir(parents=True)
    write_marker(folder, marker)
    return folder


def test_a_marker_is_read_as_it_was_written(tmp_path: Path, ours: Mark) -> None:
    marker = Marker(ours, ours, (ours, DEAD))
    assert read_marker(demo_folder(tmp_path, marker)) == marker


def test_a_folder_goes_with_the_processes_it_names(tmp_path: Path, sleeper: Mark) -> None:
    folder = demo_folder(tmp_path, Marker(DEAD, processes=(sleeper,)))
    assert reap(folder)
    assert list(tmp_path.iterdir()) == []
    assert not is_alive(sleeper)


def test_a_number_that_was_used_again_is_left_alone(tmp_path: Path, sleeper: Mark) -> None:
    other = Mark(sleeper.pid, sleeper.start + "1")
    assert reap(demo_folder(tmp_path, Marker(DEAD, processes=(other,))))
    kill([other])
    assert is_alive(sleeper)


@pytest.mark.parametrize("marker", [None, "", "{}", "[]", '{"owner": [1], "reaper": null}'])
def test_a_folder_without_our_marker_stays(tmp_path: Path, marker: str | None) -> None:
    folder = tmp_path / (PREFIX + "x")
    folder.mkdir()
    if marker is not None:
        (folder / "demo.json").write_text(marker)
    assert not reap(folder)
    assert folder.is_dir()


def test_a_folder_of_another_name_stays(tmp_path: Path) -> None:
    folder = demo_folder(tmp_path, Marker(DEAD), name="precious")
    assert not reap(folder)
    assert (folder / "home" / "src").is_dir()


def test_no_symlink_is_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    link = tmp_path / (PREFIX + "link")
    target = demo_folder(tmp_path, Marker(DEAD), name="elsewhere")
    link.symlink_to(target)
    assert not reap(link)
    assert link.is_symlink()
    folder = demo_folder(tmp_path, Marker(DEAD))
    (folder / "home" / "way-out").symlink_to(precious)
    assert reap(folder)
    assert target.is_dir()
    assert (precious / "file").exists()


def test_a_linked_marker_is_no_marker(tmp_path: Path) -> None:
    folder = tmp_path / (PREFIX + "x")
    folder.mkdir()
    (folder / "demo.json").symlink_to(demo_folder(tmp_path, Marker(DEAD), "real") / "demo.json")
    assert read_marker(folder) is None


def test_reaping_twice_is_reaping_once(tmp_path: Path) -> None:
    folder = demo_folder(tmp_path, Marker(DEAD))
    assert reap(folder)
    assert reap(folder)


def test_stale_demos_go_and_live_ones_stay(tmp_path: Path, ours: Mark) -> None:
    live = demo_folder(tmp_path, Marker(ours, DEAD), PREFIX + "live")
    watched = demo_folder(tmp_path, Marker(DEAD, ours), PREFIX + "watched")
    demo_folder(tmp_path, Marker(DEAD, DEAD), PREFIX + "stale")
    demo_folder(tmp_path, Marker(DEAD), PREFIX + "half.gone")
    remove_stale(tmp_path)
    assert sorted(tmp_path.iterdir()) == [live, watched]


def test_the_processes_of_a_session_are_found(sleeper: Mark) -> None:
    assert sessions_of([sleeper.pid]) == {sleeper}
    assert sessions_of([0, 1, DEAD.pid]) == set()
