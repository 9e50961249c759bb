"""The workflows that come along, and finding one by a file or by a name.

Invariant: a name with a slash or an ending is a file; any other is one of the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from orc_core.errors import UnknownName
from orc_core.saga.definition import Definition, load, parameters_of, parse


@dataclass(frozen=True, slots=True)
class Template:
    """One workflow of the library; of its parameters "" has to be given."""

    name: str
    about: str
    parameters: Mapping[str, str]


def templates() -> list[Template]:
    """The library, by name."""
    import tomllib

    found = []
    for name, text in sorted(_texts().items()):
        found.append(Template(name, tomllib.loads(text).get("about", ""), parameters_of(text)))
    return found


def find(name: str, folder: Path, values: Mapping[str, str]) -> Definition:
    """Read the workflow that is meant, with values for its parameters.

    Raises UnknownName, UsageError.
    """
    if "/" in name or name.endswith(".toml"):
        path = folder / name
        if not path.exists():
            raise UnknownName(f"there is no file {path}")
        return load(path, values)
    texts = _texts()
    if name not in texts:
        near = get_close_matches(name, texts, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(texts))}"
        raise UnknownName(f"there is no workflow {name} in the library: {hint}")
    return parse(texts[name], f"{name}.toml", values)


def _texts() -> dict[str, str]:
    folder = resources.files("orc_core.saga") / "templates"
    return {
        one.name.removesuffix(".toml"): one.read_text(encoding="utf-8")
        for one in folder.iterdir()
        if one.name.endswith(".toml")
    }
