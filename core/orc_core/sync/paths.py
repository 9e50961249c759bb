"""Dotted paths into a body: `due`, `meta.owner`, `steps.s1.title`, `text#2`.

Invariant: a body is never changed in place, and `split(join(x)) == x` for any keys. A list
whose items are objects with an `id` of their own is walked by that id; `""` is the whole
body; `#2` is the second hunk of a text, which is no place of its own in a body. Missing is
not null: `MISSING` stands for no value at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, TypeAlias, TypeGuard

from orc_storage.records import Body, Json


class Missing(Enum):
    """The type of `MISSING`, the value of a path that is not there."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Value: TypeAlias = "Json | Missing"


def same(a: Value, b: Value) -> bool:
    """Whether two values are equal as JSON: `1`, `1.0` and `true` are three values."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b or (a != a and b != b)  # NaN is itself here


_ESCAPED: Final = str.maketrans({letter: f"\\{letter}" for letter in "\\.#"})
_HUNK: Final = re.compile(r"((?:[^\\#]|\\.)*)#(\d+)", re.DOTALL)


def join(parts: Sequence[str]) -> str:
    """Write keys as one dotted path; what has a meaning in paths and empty keys are escaped."""
    return ".".join(part.translate(_ESCAPED) if part else "\\e" for part in parts)


def hunk_path(field: str, number: int) -> str:
    """Name one hunk of the text at `field`; `number` counts from 1."""
    return f"{field}#{number}"


def field_of(path: str) -> str:
    """Return the path without the number of its hunk."""
    found = _HUNK.fullmatch(path) if "#" in path else None
    return path if found is None else found[1]


def hunk_number(path: str) -> int:
    """Return which hunk of its text a path names, 0 where it names a whole value."""
    found = _HUNK.fullmatch(path) if "#" in path else None
    return 0 if found is None else int(found[2])


def split(path: str) -> tuple[str, ...]:
    """Read a dotted path back into its keys; `""` has none, a hunk those of its text."""
    path = field_of(path)
    if not path:
        return ()
    if "\\" not in path:
        return tuple(path.split("."))
    parts: list[str] = []
    part: list[str] = []
    letters = iter(path)
    for letter in letters:
        if letter == "\\":
            escaped = next(letters, "\\")
            part.append("" if escaped == "e" else escaped)
        elif letter == ".":
            parts.append("".join(part))
            part = []
        else:
            part.append(letter)
    return (*parts, "".join(part))


def is_keyed(value: Value) -> TypeGuard[list[Body]]:
    """Whether a value is a list of objects, each with a string `id` of its own."""
    if not isinstance(value, list) or not value:
        return False
    ids: set[str] = set()
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            return False
        ids.add(str(item["id"]))
    return len(ids) == len(value)


def get_path(body: Value, path: str) -> Value:
    """Return the value at `path`, or `MISSING`."""
    value = body
    for part in split(path):
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif is_keyed(value):
            value = next((item for item in value if item["id"] == part), MISSING)
        else:
            return MISSING
    return value


def set_path(body: Body, path: str, value: Value) -> Body:
    """Return a copy of `body` with `value` at `path`; `MISSING` takes the path out.

    Objects on the way that are not there are made. The whole body cannot be taken out, and a
    hunk cannot be set: its text is.
    """
    if hunk_number(path):
        raise ValueError(f"{path} is a part of a text: set the text")
    parts = split(path)
    if not parts:
        if not isinstance(value, dict):
            raise ValueError("a whole body is an object")
        return value
    placed = _place(body, parts, value)
    return placed if isinstance(placed, dict) else body


def _place(container: Value, parts: tuple[str, ...], value: Value) -> Value:
    head, rest = parts[0], parts[1:]
    if is_keyed(container) or container == []:  # a list that lost its last item
        return _place_in_list(container, head, rest, value)
    known = dict(container) if isinstance(container, dict) else {}
    if not rest:
        inner = value
    elif value is MISSING and head not in known:
        return container  # nothing there to take out
    else:
        inner = _place(known.get(head, MISSING), rest, value)
    if inner is MISSING:
        known.pop(head, None)
    else:
        known[head] = inner
    return known


def _place_in_list(items: Sequence[Json], id: str, rest: tuple[str, ...], value: Value) -> Value:
    kept: list[Json] = []
    found = False
    for item in items:
        if not isinstance(item, dict) or item["id"] != id:
            kept.append(item)
            continue
        found = True
        inner = _place(item, rest, value) if rest else value
        if inner is not MISSING:
            kept.append(inner)
    if not found and not rest and value is not MISSING:
        kept.append(value)
    elif not found and value is not MISSING:
        inner = _place({"id": id}, rest, value)
        if inner is not MISSING:
            kept.append(inner)
    return kept
