"""What a workflow consists of: steps in their order, each with what does it and what undoes it.

Invariant: a definition that was read can be run: its names are unique, its order has no cycle,
nothing in it is unknown, and every `${parameter}` has its value. An error names file, line and
field.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orc_core.errors import UsageError
from orc_core.text import clean
from orc_storage.records import Body
from orc_storage.sagas import Step as Row

BYTES_MAX: Final = 256 * 1024
STEPS_MAX: Final = 200
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_PARAMETER: Final = re.compile(r"(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_STEP_LINE: Final = re.compile(r"^\s*\[\[\s*step\s*\]\]")

Argv = list[str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Patch(_Part):
    """Fields of a task that are set; undoing sets those back that still are as it left them."""

    task: str = Field(min_length=1)
    set: dict[str, Any] = Field(min_length=1)


class WaitTask(_Part):
    """A task that is waited for until it is done; one that failed fails the step."""

    task: str = Field(min_length=1)


class Spawn(_Part):
    """An agent that is started in a new window, under a name; undoing ends and forgets it."""

    name: str = Field(min_length=1)
    argv: Argv = Field(min_length=1)


class Stop(_Part):
    """An agent that is ended, asked first; undoing starts it again."""

    agent: str = Field(min_length=1)


class Prompt(_Part):
    """A line that is typed to an agent; what was typed is not taken back."""

    agent: str = Field(min_length=1)
    text: str = Field(min_length=1)


class Action(_Part):
    """One thing to do: exactly one of its kinds is given."""

    run: Argv | None = Field(default=None, min_length=1)
    gate: str | None = Field(default=None, min_length=1)
    patch: Patch | None = None
    wait_task: WaitTask | None = None
    spawn: Spawn | None = None
    stop: Stop | None = None
    prompt: Prompt | None = None

    @property
    def kind(self) -> str:
        """The name of the kind that is given."""
        return next(one for one in KINDS if getattr(self, one) is not None)

    @model_validator(mode="after")
    def _one_kind(self) -> Action:
        given = [one for one in KINDS if getattr(self, one) is not None]
        if len(given) != 1:
            had = " and ".join(given) or "none"
            raise ValueError(f"give exactly one of {', '.join(KINDS)}, not {had}")
        if self.run is not None and not self.run[0]:
            raise ValueError("run: the program has no name")
        return self


KINDS: Final = ("run", "gate", "patch", "wait_task", "spawn", "stop", "prompt")
UNDONE_BY_ITSELF: Final = frozenset({"patch", "spawn", "stop"})
"""The kinds that know how to undo themselves."""


class Step(Action):
    """One step: an action with its name, what undoes it, and its bounds.

    `check` is run where nobody saw the end of it: code 0 says that it took effect. `timeout_s` is
    of each attempt, None for as long as the workflow has; `retries` of what failed.
    """

    name: str = Field(pattern=NAME)
    undo: Action | None = None
    check: Argv | None = Field(default=None, min_length=1)
    timeout_s: float | None = Field(default=None, gt=0, le=7 * 86_400)
    retries: int = Field(default=3, ge=0, le=20)
    needs: list[str] = []

    @model_validator(mode="after")
    def _undo_runs(self) -> Step:
        if self.undo is not None and self.undo.run is None:
            raise ValueError("undo: give it a `run`")
        return self


class Definition(_Part):
    """A workflow: `timeout_s` is for doing its steps, without what a person is waited for."""

    name: str = Field(pattern=NAME)
    about: str = ""
    timeout_s: float = Field(default=60.0, gt=0, le=30 * 86_400)
    step: list[Step] = Field(min_length=1, max_length=STEPS_MAX)

    @model_validator(mode="after")
    def _ordered(self) -> Definition:
        order = in_order(self.step)
        if [one.name for one in order] == [one.name for one in self.step]:
            return self
        return self.model_copy(update={"step": order})

    def rows(self) -> list[Row]:
        """The steps as the store keeps how far they are."""
        return [
            Row(
                number,
                one.name,
                one.kind,
                one.retries,
                one.undo is not None or one.kind in UNDONE_BY_ITSELF,
            )
            for number, one in enumerate(self.step)
        ]

    def body(self, folder: str) -> Body:
        """The definition as the store keeps it, with the folder in which it is run."""
        return {**self.model_dump(mode="json", exclude_defaults=True), "folder": folder}


def of_body(body: Body) -> tuple[Definition, str]:
    """Read what `body` made: the definition, and its folder."""
    kept = dict(body)
    folder = str(kept.pop("folder"))
    return Definition.model_validate(kept), folder


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Order steps by what they need, else as they stand; raises ValueError naming what is wrong."""
    names = [one.name for one in steps]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two steps are called {name}")
    for one in steps:
        for need in one.needs:
            if need not in names:
                raise ValueError(f"{one.name} needs {need}, which is no step{_near(need, names)}")
    left, done, order = list(steps), set[str](), list[Step]()
    while left:
        first = next((one for one in left if done.issuperset(one.needs)), None)
        if first is None:
            raise ValueError(f"a cycle of needs: {' -> '.join(_cycle(left))}")
        left.remove(first)
        done.add(first.name)
        order.append(first)
    return order


def _cycle(left: Sequence[Step]) -> list[str]:
    """A cycle among steps each of which needs another of them."""
    by_name = {one.name: one for one in left}
    path = [left[0].name]
    while True:
        name = next(need for need in by_name[path[-1]].needs if need in by_name)
        if name in path:
            return [*path[path.index(name) :], name]
        path.append(name)


def load(path: Path, values: Mapping[str, str]) -> Definition:
    """Read a file with values for its parameters; raises UsageError."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > BYTES_MAX:
        raise UsageError(f"{path} is larger than {BYTES_MAX // 1024} kB: no workflow is")
    return parse(data.decode("utf-8", errors="replace"), str(path), values)


def parse(text: str, source: str, values: Mapping[str, str]) -> Definition:
    """Read the text of a file called `source`; raises UsageError naming line and field."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: {error}") from None
    parameters = _parameters(told.pop("params", {}), source, values)
    try:
        filled = _filled(_unfolded(told, parameters), parameters)
        return Definition.model_validate(filled)
    except ValidationError as error:
        raise UsageError(_told(error, text, source)) from None
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from None


def parameters_of(text: str) -> dict[str, str]:
    """The parameters of a file and their defaults, "" for what has to be given."""
    told = tomllib.loads(text).get("params", {})
    return {str(name): str(value) for name, value in told.items()}


def _parameters(told: object, source: str, values: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(told, dict):
        raise UsageError(f"{source}: params is not a table: write [params] and a line for each")
    known = {name: str(value) for name, value in told.items()}
    for name in values:
        if name not in known:
            near = _near(name, known) or f": it has {', '.join(known) or 'none'}"
            raise UsageError(f"{source} has no parameter {clean(name, limit=60)}{near}")
    filled = known | dict(values)
    if missing := [name for name, value in filled.items() if not value]:
        raise UsageError(f"{source} needs a value for {missing[0]}: --set {missing[0]}=VALUE")
    return filled


def _unfolded(told: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """The steps that stand for each word of a parameter, written out; neighbours go together."""
    steps = told.get("step")
    if not isinstance(steps, list) or not all(isinstance(one, dict) for one in steps):
        return told
    out: list[dict[str, Any]] = []
    at = 0
    while at < len(steps):
        each = steps[at].get("each")
        if each is None:
            out.append(steps[at])
            at += 1
            continue
        if each not in parameters:
            raise ValueError(f"step {at + 1}: each = {each!r} is no parameter")
        group = []
        while at < len(steps) and steps[at].get("each") == each:
            group.append({name: value for name, value in steps[at].items() if name != "each"})
            at += 1
        for word in parameters[each].replace(",", " ").split():
            out += [
                _filled(one | {"name": f"{one.get('name')}-{word}"}, {"each": word}, loose=True)
                for one in group
            ]
    return told | {"step": out}


def _filled(value: Any, parameters: Mapping[str, str], *, loose: bool = False) -> Any:
    """A value with its `${parameters}` filled in; `$${x}` is a plain `${x}`.

    With `loose` what is unknown stays for a later filling.
    """
    if isinstance(value, str):
        return _PARAMETER.sub(lambda found: _value(found, parameters, loose), value)
    if isinstance(value, list):
        return [_filled(one, parameters, loose=loose) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, parameters, loose=loose) for name, one in value.items()}
    return value


def _value(found: re.Match[str], parameters: Mapping[str, str], loose: bool) -> str:
    escaped, name = found.groups()
    if loose and (escaped or name not in parameters):
        return found[0]
    if escaped:
        return found[0][1:]
    if name not in parameters:
        raise ValueError(f"${{{name}}} is no parameter{_near(name, parameters)}")
    return parameters[name]


def _near(name: str, known: Collection[str]) -> str:
    """`: did you mean build?`, or nothing."""
    found = get_close_matches(name, known, n=1)
    return f": did you mean {found[0]}?" if found else ""


def _told(error: ValidationError, text: str, source: str) -> str:
    """The first fault of a definition in one line: file, line, field, what is wrong."""
    fault = error.errors(include_url=False)[0]
    place = [one for one in fault["loc"] if one != "step" or len(fault["loc"]) == 1]
    field = ".".join(str(one + 1) if isinstance(one, int) else one for one in place)
    field = f"step {field}" if place and isinstance(place[0], int) else field
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        model = Action if "undo" in fault["loc"] else Step if "step" in fault["loc"] else Definition
        known = [*model.model_fields, *(["each"] if model is Step else ["params"])]
        said = f"there is no such key{_near(str(fault['loc'][-1]), known)}"
    line = _line(text, fault["loc"])
    where = f"{source}, line {line}" if line else source
    return clean(f"{where}: {field + ': ' if field else ''}{said}", limit=500)


def _line(text: str, loc: tuple[int | str, ...]) -> int:
    """The line on which a field stands, as far as that can be told; 0 where it cannot."""
    lines = text.split("\n")
    heads = [number for number, line in enumerate(lines) if _STEP_LINE.match(line)]
    first, last = 0, heads[0] if heads else len(lines)
    keys = [one for one in loc if isinstance(one, str)]
    if loc[:1] == ("step",) and len(loc) > 1 and isinstance(loc[1], int):
        if loc[1] >= len(heads):
            return 0
        first = heads[loc[1]]
        last = heads[loc[1] + 1] if loc[1] + 1 < len(heads) else len(lines)
        keys = keys[1:]
    if keys:
        wanted = re.compile(rf"^\s*\"?{re.escape(keys[0])}\"?\s*[.=]")
        for number in range(first, last):
            if wanted.match(lines[number]):
                return number + 1
    return first + 1
