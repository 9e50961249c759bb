"""The labelled screens of tests/corpus: one folder for each agent, `shell` for no agent.

A screen is `AGENT/NAME.txt`, plain text as tmux captures it; `AGENT/labels.toml` has a table for
each, named NAME. docs/detection.md tells what the keys mean.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orc_core.model.agent import State, Waiting

CORPUS: Final = Path(__file__).with_name("corpus")
SHELL: Final = "shell"
"""The folder of panes in which no agent runs, or runs no more."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a person, or the script of the lab, says of one screen.

    `state` of a screen that does not tell is unknown; `hold` is a view over the conversation.
    `decoy` shows words of a state or a prompt that is not its own. `command` is what runs in
    the foreground of a pane without an agent.
    """

    state: State
    waiting: Waiting = Waiting.NONE
    substate: str = ""
    hold: bool = False
    decoy: bool = False
    title: str = ""
    command: str = ""
    version: str = ""
    origin: str = "written"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One screen of the corpus with its label; `name` is `AGENT/NAME`."""

    name: str
    agent: str
    lines: tuple[str, ...]
    label: Label


def read_screen(name: str) -> tuple[str, ...]:
    """The lines of `AGENT/NAME`, without the empty ones at the end."""
    return tuple((CORPUS / f"{name}.txt").read_text(encoding="utf-8").rstrip().split("\n"))


def read_labels(agent: str) -> dict[str, Label]:
    """The labels of one agent's folder; raises where a key or a value is not known."""
    with (CORPUS / agent / "labels.toml").open("rb") as file:
        tables: dict[str, dict[str, Any]] = tomllib.load(file)
    labels = {}
    for name, table in tables.items():
        values = table | {
            "state": State(table["state"]),
            "waiting": Waiting(table.get("waiting", "")),
        }
        labels[name] = Label(**values)
    return labels


def agents() -> list[str]:
    return sorted(path.name for path in CORPUS.iterdir() if path.is_dir())


def corpus() -> list[Labelled]:
    """Every labelled screen; a label without a screen, or the other way round, raises."""
    found = []
    for agent in agents():
        labels = read_labels(agent)
        names = {path.stem for path in (CORPUS / agent).glob("*.txt")}
        odd = sorted(names ^ set(labels))
        if odd:
            raise ValueError(f"tests/corpus/{agent}: without a label or a screen: {odd}")
        found.extend(
            Labelled(f"{agent}/{name}", agent, read_screen(f"{agent}/{name}"), labels[name])
            for name in sorted(names)
        )
    return found
