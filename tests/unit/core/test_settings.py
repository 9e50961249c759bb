"""The settings file: two places, one meaning, and errors that name file, field and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from orc_core import settings
from orc_core.errors import UsageError


def put(folder: Path, text: str) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / settings.FILE_NAME
    path.write_text(text)
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "config" / "orc-tui"


def load(tmp_path: Path) -> settings.Settings:
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return settings.load(environ, tmp_path / "workspace")


def test_without_files_the_defaults_hold(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.backups.at, found.backups.keep_days) == ("02:00", 30)


def test_the_workspace_speaks_over_the_person_field_by_field(tmp_path: Path, own: Path) -> None:
    put(own, '[backups]\nat = "03:30"\nkeep_days = 7\n')
    put(tmp_path / "workspace", "[backups]\nkeep_days = 90\n")
    found = load(tmp_path)
    assert (found.backups.at, found.backups.keep_days) == ("03:30", 90)


def test_who_wins_is_said_by_kind_and_by_field(tmp_path: Path, own: Path) -> None:
    put(own, '[conflicts.strategies]\ntask = "LAST_WRITE"\n"task.due" = "MANUAL"\n')
    put(tmp_path / "workspace", '[conflicts]\nstrategies.task.due = "MERGE"\n')
    told = load(tmp_path).conflicts
    assert told.strategies == {"task": "LAST_WRITE", "task.due": "MERGE"}
    put(own, '[conflicts.owners]\ntask.meta.seen = "tmux"\n')
    assert load(tmp_path).conflicts.owners == {"task.meta.seen": "tmux"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[conflicts.strategies]\ntask = "GUESS"\n', "conflicts.strategies.task"),
        ('[conflicts.strategies]\ntsk = "MERGE"\n', "conflicts.strategies.tsk"),
        ('[conflicts.owners]\n"task.status" = "machine"\n', "conflicts.owners.task.status"),
        ("[conflicts.owners]\ntask = 3\n", "conflicts.owners.task"),
        ("[backups\n", "not TOML"),
        pytest.param("a = " + "[" * 50_000, "nested too deeply", id="deep"),
        pytest.param(
            "[conflicts.strategies]\n" + ".".join("a" * 5_000) + " = 1\n",
            "nested too deeply",
            id="deep keys",
        ),
        pytest.param("#" * settings.FILE_MAX_BYTES + "\nfoo = 1\n", "larger than", id="large"),
        ("[backups]\nkeep = 3\n", "backups.keep: there is no such setting"),
        ('[backups]\nat = "25:00"\n', "backups.at"),
        ("[backups]\nkeep_days = 0\n", "backups.keep_days"),
        ('[backups]\nkeep_days = "3"\n', "backups.keep_days"),
        ("[backup]\n", "backup: there is no such setting"),
        ("backups = 3\n", "backups"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_field(
    tmp_path: Path, own: Path, text: str, said: str
) -> None:
    path = put(own, text)
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_workspace_that_others_can_write_to_says_nothing(tmp_path: Path) -> None:
    put(tmp_path / "workspace", "[backups]\nkeep_days = 90\n")
    (tmp_path / "workspace").chmod(0o777)
    assert load(tmp_path).backups.keep_days == 30


def test_each_file_is_checked_by_itself(tmp_path: Path, own: Path) -> None:
    put(own, '[backups]\nat = "noon"\n')
    put(tmp_path / "workspace", '[backups]\nat = "12:00"\n')
    with pytest.raises(UsageError, match="orc-tui"):
        load(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path, own: Path) -> None:
    put(own, "").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


def test_what_recordings_hide_is_checked_where_it_is_written(tmp_path: Path, own: Path) -> None:
    put(own, '[recordings]\nmax_mb = 5\nshow = ["jwt"]\n[recordings.hide]\npin = "pin [0-9]+"\n')
    told = load(tmp_path).recordings
    assert (told.max_mb, told.show, told.hide) == (5, ["jwt"], {"pin": "pin [0-9]+"})
    put(own, '[recordings.hide]\npin = "("\n')
    with pytest.raises(UsageError, match=r"recordings\.hide\.pin: .*no regular expression"):
        load(tmp_path)


def test_bounds_of_scaling_that_cannot_hold_are_refused(tmp_path: Path, own: Path) -> None:
    put(own, "[scale.planner]\nmax = 4\n")
    wish = load(tmp_path).scale["planner"]
    assert (wish.min, wish.max, wish.automatic) == (1, 4, False)
    put(own, "[scale.planner]\nmin = 5\nmax = 4\n")
    with pytest.raises(UsageError, match=r"scale\.planner: .*min is more than max"):
        load(tmp_path)
    put(own, "[scale.planner]\nbusy_down = 0.9\n")
    with pytest.raises(UsageError, match="busy_down is not less than busy_up"):
        load(tmp_path)
