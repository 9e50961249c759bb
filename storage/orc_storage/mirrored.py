"""The text of a mirrored file: a body as a person edits it.

Invariant: what `render` writes, `parse` reads back as the same body and revision; what cannot be
read as one document is a fault with a line and a column, never a guess.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from orc_storage.canonical import encode
from orc_storage.errors import FileFault, InvalidBody
from orc_storage.records import REV_MAX, Body

SIZE_MAX_BYTES: Final = 1024 * 1024

_FIRST: Final = (
    "id",
    "rev",
    "title",
    "status",
    "priority",
    "assignee",
    "due",
    "needs",
    "labels",
    "depends_on",
    "text",
)


def render(body: Body, rev: int) -> bytes:
    """Return the bytes of a file: what people look for first, then the rest by name."""
    whole: Body = {**body, "rev": rev}
    rest = sorted(whole.keys() - set(_FIRST))
    ordered: Body = {key: _sorted(whole[key]) for key in (*_FIRST, *rest) if key in whole}
    return (json.dumps(ordered, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse(data: bytes, id: str) -> tuple[Body, int | None]:
    """Return the body and the revision it was made on, None if the file does not say.

    Raises FileFault if it is no JSON object, or is not the document that its name says.
    """
    text = _decode(data)
    try:
        whole = json.loads(text, object_pairs_hook=_without_twins, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise FileFault(f"is not valid JSON: {error.msg}", error.lineno, error.colno) from None
    except _Refused as error:
        raise FileFault(str(error), *_find(text, error.what)) from None
    except (ValueError, RecursionError) as error:
        raise FileFault(f"cannot be read: {str(error)[:120]}") from None
    if not isinstance(whole, dict):
        raise FileFault("must be one JSON object, from { to }", *_start(text))
    found = whole.get("id")
    if found != id:
        said = "says no id" if "id" not in whole else f"says id {str(found)[:80]!r}"
        raise FileFault(
            f'{said}, but its name says "{id}": both must be the same', *_find_key(text, "id")
        )
    rev = whole.pop("rev", None)
    if rev is not None and (type(rev) is not int or not 1 <= rev <= REV_MAX):
        raise FileFault(
            f'"rev" must be a whole number from 1 to {REV_MAX}', *_find_key(text, "rev")
        )
    try:
        encode(whole)
    except InvalidBody as error:
        raise FileFault(f"cannot be kept: {str(error)[:160]}") from None
    return whole, rev


class _Refused(Exception):
    """Valid to the parser and ambiguous or lost to everyone else; `what` is the text at fault."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__(text)
        self.what = what


def _decode(data: bytes) -> str:
    if len(data) > SIZE_MAX_BYTES:
        raise FileFault(f"is larger than {SIZE_MAX_BYTES // 1024} KiB: shorten it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise FileFault("is not UTF-8 text", *_place(before, len(before))) from None
    if not text.strip():
        raise FileFault("is empty")
    return text


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"has {json.dumps(twin[:80])} twice", json.dumps(twin, ensure_ascii=False))
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(f"holds {name}, which JSON does not know", name)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


def _find_key(text: str, key: str) -> tuple[int, int]:
    found = re.search(rf'"{key}"\s*:', text)
    return _place(text, found.start()) if found else _start(text)


def _find(text: str, what: str) -> tuple[int, int]:
    # The last one is the later of two twins.
    at = text.rfind(what)
    return _place(text, at) if at >= 0 else _start(text)


def _start(text: str) -> tuple[int, int]:
    return _place(text, len(text) - len(text.lstrip()))


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
