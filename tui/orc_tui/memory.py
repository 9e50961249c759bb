"""How the dashboard was left, for the next time: per workspace, and the theme for all.

Invariant: one small file of the person's own (0600), replaced whole. One that cannot be read is
put aside and said once, and is never in the way.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from orc_storage.paths import ensure_private, read_plain
from orc_tui.view_models.conflict_parts import Take

FILE_NAME: Final = "screen.json"
ASIDE: Final = "screen.json.aside"
BYTES_MAX: Final = 2 * 1024 * 1024
WORKSPACES_MAX: Final = 32
"""For how many workspaces it is kept; the one left longest ago goes first."""

_Word = Annotated[str, Field(max_length=60)]
_Text = Annotated[str, Field(max_length=1000)]


@dataclass(frozen=True, slots=True)
class ListLook:
    """How one list was left."""

    filter: _Text = ""
    column: _Word = ""
    is_reversed: bool = False
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose for a conflict and has not written; `of` is the conflict's digest."""

    take: Take
    value: JsonValue
    of: _Word


@dataclass(frozen=True, slots=True)
class Looks:
    """How one workspace was left: the main view, panes and tabs by their names, and choices.

    `choices` are by conflict id, the newest last.
    """

    pane: _Word = ""
    tab: _Word = ""
    is_zoomed: bool = False
    only_needs: bool = False
    lists: Mapping[str, ListLook] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """The whole file: the theme that was chosen on the screen, and workspaces, newest last."""

    theme: _Word = ""
    workspaces: Mapping[str, Looks] = field(default_factory=dict)


_FILE: Final = TypeAdapter(Kept)


def place(environ: Mapping[str, str]) -> Path:
    """The file, by XDG rules."""
    home = environ.get("HOME") or str(Path.home())
    state = Path(environ.get("XDG_STATE_HOME") or Path(home) / ".local" / "state")
    return state / "orc-tui" / FILE_NAME


def load(path: Path) -> tuple[Kept, str]:
    """Read what was kept, and what is wrong with it; nothing where there is no file."""
    try:
        text = read_plain(path, BYTES_MAX + 1)
        if len(text) > BYTES_MAX:
            return Kept(), f"{path} is larger than {BYTES_MAX} bytes"
        return _FILE.validate_json(text), ""
    except FileNotFoundError:
        return Kept(), ""
    except ValidationError as error:
        fault = error.errors()[0]
        field_ = ".".join(map(str, fault["loc"])) or "the file"
        return Kept(), f"{path}: {field_}: {fault['msg']}"
    except OSError as error:
        return Kept(), f"{path} cannot be read: {error.strerror}"


def put_aside(path: Path) -> str:
    """Move a file that cannot be read out of the way; returns what to say of that."""
    aside = path.with_name(ASIDE)
    try:
        path.replace(aside)
    except OSError as error:
        return f"it stays there: {error.strerror}"
    return f"put aside as {aside.name}"


def save(path: Path, workspace: str, looks: Looks, *, theme: str = "") -> None:
    """Keep how a workspace was left, and with `theme` the theme; raises OSError.

    What other workspaces left stays, as far as the file has room.
    """
    kept, _ = load(path)
    others = {name: each for name, each in kept.workspaces.items() if name != workspace}
    newest = dict(list(others.items())[-(WORKSPACES_MAX - 1) :]) | {workspace: looks}
    whole = replace(kept, workspaces=newest, theme=theme or kept.theme)
    if whole == kept and list(kept.workspaces)[-1:] == [workspace]:
        return
    while len(text := _text_of(whole)) > BYTES_MAX and len(whole.workspaces) > 1:
        whole = replace(whole, workspaces=dict(list(whole.workspaces.items())[1:]))
    ensure_private(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _text_of(kept: Kept) -> bytes:
    return json.dumps(asdict(kept), ensure_ascii=False, indent=1).encode("utf-8", "replace")
