"""The guide to detection: its example works, and its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from observed import Stage
from orc_core.agents.classify import classify
from orc_core.agents.rules import check, load
from orc_core.model.agent import State
from orc_core.model.substates import SUBSTATES

pytest_plugins = ("agents_on_stage",)

GUIDE = (Path(__file__).parents[3] / "docs" / "detection.md").read_text(encoding="utf-8")
NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("screen", "state"),
    [
        ("ready> mend the fence\n\nmending… 12s", State.WORKING),
        ("mending… 12s\nfence.py +2 -1\napply? (y/n)", State.WAITING),
        ("mended 1 file\nready>", State.IDLE),
    ],
)
def test_the_example_of_an_agent_of_ones_own_works(
    tmp_path: Path, screen: str, state: State
) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "mender.toml").write_text(example)
    assert check(tmp_path / "mender.toml").id == "mender"
    rules = load([tmp_path])
    told = classify(rules, screen.split("\n"), NOW, agent="mender")
    assert told.state is state
    assert classify(rules, screen.split("\n"), NOW).agent == "mender"


def test_a_question_without_a_prompt_to_read_stands_in_the_row(
    stage: Stage, tmp_path: Path
) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "mender.toml").write_text(example)
    stage.rules = load([tmp_path])
    stage.open()
    stage.put("%1", ("ready> mend the fence", "apply? (y/n)"), command="mender")
    stage.tick()
    assert (stage.agent().state, stage.agent().does) == (State.WAITING, "apply? (y/n)")


def test_every_substate_is_explained() -> None:
    told = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", GUIDE, re.MULTILINE))
    assert {name: told.get(name) for name in SUBSTATES} == dict(SUBSTATES)
