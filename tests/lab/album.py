"""The corpus, written to: the screens that the lab took become labelled files.

Invariant: a label is what the scenario said. Screens that a person wrote are never overwritten.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.lab.story import Taken

from orc_core.model.agent import State, Waiting

CORPUS: Final = Path(__file__).resolve().parents[1] / "corpus"
SHELL: Final = "shell"
_KEYS: Final = (
    "state", "waiting", "substate", "hold", "decoy", "title", "command", "version", "origin", "note"
)  # fmt: skip


def save(taken: Sequence[Taken], first: dict[str, str]) -> list[str]:
    """Write the shots worth keeping; returns their names. `first` is each agent's first version."""
    saved = []
    for one in taken:
        if not one.shot.save:
            continue
        folder = CORPUS / (SHELL if one.shot.shell else one.agent)
        name = one.shot.name
        if one.shot.shell:
            name = f"{name}-{one.agent}"
        if one.version != first[one.agent]:
            name += "-v" + one.version.replace(".", "-")
        labels = _labels(folder)
        if labels.get(name, {}).get("origin") == "written":
            raise ValueError(f"{folder / name} was written by hand: give the shot another name")
        labels[name] = _label(one)
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join(one.lines).rstrip() + "\n"
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        (folder / "labels.toml").write_text(_toml(labels), encoding="utf-8")
        saved.append(f"{folder.name}/{name}")
    return saved


def _label(one: Taken) -> dict[str, Any]:
    shot = one.shot
    state = State.UNKNOWN if shot.hold else shot.screen or shot.state
    if state is State.DONE and not one.shot.shell:
        state = State.IDLE
    waiting = shot.waiting if state is State.WAITING else Waiting.NONE
    label = {
        "state": state.value,
        "waiting": waiting.value,
        "substate": shot.substate if state is shot.state else "",
        "hold": shot.hold,
        "decoy": shot.decoy,
        "title": one.title,
        "command": one.command if one.shot.shell else "",
        "version": one.version,
        "origin": "lab",
        "note": shot.note,
    }
    return {key: label[key] for key in _KEYS if label[key]}


def _labels(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / "labels.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _toml(labels: dict[str, dict[str, Any]]) -> str:
    tables = []
    for name in sorted(labels):
        pairs = (f"{key} = {_value(labels[name][key])}" for key in _KEYS if key in labels[name])
        tables.append("\n".join((f"[{name}]", *pairs)))
    return "\n\n".join(tables) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
