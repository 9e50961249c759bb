"""Which workspace is found, and what `orc init` makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orc_core import workspace
from orc_core.errors import OrcError, UsageError
from orc_storage.engine import STORE_FILE


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    _git(root, "init", "-q")
    return root


def _git(root: Path, *argv: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", "-C", str(root), *identity, *argv], check=True, capture_output=True)


async def test_asked_for_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {"ORC_WORKSPACE": str(tmp_path / "other")}
    found = await workspace.find(tmp_path / "mine", environ=environ, cwd=tmp_path)
    assert found.folder == tmp_path / "mine"
    found = await workspace.find(None, environ=environ, cwd=tmp_path)
    assert found.folder == tmp_path / "other"
    assert not found.exists


async def test_a_file_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="not a folder"):
        await workspace.find(tmp_path / "mine", environ={}, cwd=tmp_path)


async def test_finding_makes_nothing_in_a_repository(repository: Path) -> None:
    found = await workspace.find(None, environ={}, cwd=repository)
    assert not found.project
    assert [path.name for path in repository.iterdir()] == [".git"]


async def test_all_work_trees_share_one(repository: Path, tmp_path: Path) -> None:
    (repository / "a").touch()
    _git(repository, "add", "a")
    _git(repository, "commit", "-qm", "one")
    _git(repository, "worktree", "add", "-q", str(tmp_path / "side"))
    made = await workspace.init_project(tmp_path / "side")
    found = await workspace.find(None, environ={}, cwd=repository)
    assert made.folder == found.folder == repository / ".orc"
    status = subprocess.run(
        ["git", "-C", str(repository), "status", "--porcelain"], capture_output=True, check=True
    )
    assert status.stdout == b""


async def test_a_tracked_store_is_refused(repository: Path) -> None:
    made = await workspace.init_project(repository)
    (made.folder / STORE_FILE).touch()
    _git(repository, "add", "-f", ".orc/store.db")
    with pytest.raises(OrcError, match="git rm --cached"):
        await workspace.find(None, environ={}, cwd=repository)


async def test_outside_a_repository_init_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git init"):
        await workspace.init_project(tmp_path)
