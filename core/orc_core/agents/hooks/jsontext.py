"""Edits inside a JSON text that leave every other byte of it as it was.

Invariant: what is not named by the path of an edit keeps its bytes: order, indentation, line
ends, comments. A text that cannot be read whole is refused with line and column, never changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orc_core.errors import OrcError

DEPTH_MAX: Final = 64

_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_SCALAR: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_INDENT: Final = re.compile(r"^([ \t]+)\S", re.MULTILINE)

Step = str | int
Path = Sequence[Step]


class JsonFault(OrcError):
    """A text that is not the JSON that was expected; says at which line and column."""

    def __init__(self, text: str, at: int, trouble: str) -> None:
        line = text.count("\n", 0, at) + 1
        column = at - (text.rfind("\n", 0, at) + 1) + 1
        self.line = line
        super().__init__(f"line {line}, column {column}: {trouble}")


@dataclass(slots=True)
class Node:
    """One value and where it stands: `text[start:end]`. `keys` are the members' names."""

    start: int
    end: int
    value: Any = None
    keys: list[tuple[str, int]] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    is_object: bool = False
    is_array: bool = False

    def child(self, step: Step) -> Node | None:
        """The member of that name, the last where it stands twice, or the item there."""
        if self.is_array and isinstance(step, int):
            return self.children[step] if 0 <= step < len(self.children) else None
        if not self.is_object:
            return None
        for (name, _), node in zip(reversed(self.keys), reversed(self.children), strict=True):
            if name == step:
                return node
        return None

    def begins_at(self, index: int) -> int:
        """Where the member or item of that number begins, its name included."""
        return self.keys[index][1] if self.is_object else self.children[index].start


class _Reader:
    def __init__(self, text: str, comments: bool) -> None:
        self.text = text
        self.comments = comments

    def blank(self, at: int) -> int:
        """The position after white space and, where those are allowed, comments."""
        while True:
            at = _match_end(_BLANK, self.text, at)
            comment = _COMMENT.match(self.text, at)
            if comment is None:
                return at
            if not self.comments:
                raise JsonFault(self.text, at, "a comment, which JSON does not have: remove it")
            at = comment.end()

    def value(self, at: int, depth: int) -> Node:
        sign = self.text[at : at + 1]
        if depth > DEPTH_MAX:
            raise JsonFault(self.text, at, f"nested deeper than {DEPTH_MAX} levels")
        if sign in ("{", "["):
            return self._container(at, depth, sign == "{")
        match = _STRING.match(self.text, at) or _SCALAR.match(self.text, at)
        if match is None:
            found = repr(sign) if sign else "the end of the file"
            raise JsonFault(self.text, at, f"a value is expected here, not {found}")
        try:
            return Node(at, match.end(), json.loads(match[0]))
        except ValueError:
            raise JsonFault(self.text, at, "a string with a broken escape") from None

    def _container(self, at: int, depth: int, is_object: bool) -> Node:
        node = Node(at, at, is_object=is_object, is_array=not is_object)
        closer = "}" if is_object else "]"
        here = self.blank(at + 1)
        while self.text[here : here + 1] != closer:
            if is_object:
                here = self._key(node, here)
            child = self.value(here, depth + 1)
            node.children.append(child)
            here = self.blank(child.end)
            sign = self.text[here : here + 1]
            if sign == ",":
                comma, here = here, self.blank(here + 1)
                if self.text[here : here + 1] == closer and not self.comments:
                    raise JsonFault(self.text, comma, "a comma after the last one: remove it")
            elif sign != closer:
                raise JsonFault(self.text, here, f"a comma or {closer!r} is expected here")
        node.end = here + 1
        if is_object:
            values = zip(node.keys, node.children, strict=True)
            node.value = {name: child.value for (name, _), child in values}
        else:
            node.value = [child.value for child in node.children]
        return node

    def _key(self, node: Node, at: int) -> int:
        key = _STRING.match(self.text, at)
        if key is None:
            raise JsonFault(self.text, at, "a name in double quotes is expected here")
        try:
            node.keys.append((json.loads(key[0]), at))
        except ValueError:
            raise JsonFault(self.text, at, "a name with a broken escape") from None
        here = self.blank(key.end())
        if self.text[here : here + 1] != ":":
            raise JsonFault(self.text, here, "a colon is expected here")
        return self.blank(here + 1)


def parse(text: str, *, comments: bool = False) -> Node:
    """The one value of a text; `comments` allows those and trailing commas. Raises JsonFault."""
    reader = _Reader(text, comments)
    at = reader.blank(1 if text.startswith("\ufeff") else 0)
    node = reader.value(at, 0)
    end = reader.blank(node.end)
    if end != len(text):
        raise JsonFault(text, end, "more text after the value")
    return node


def insert(text: str, path: Path, value: object, *, comments: bool = False) -> str:
    """Add a member, or an item where the path ends in a number, at the end of what holds it."""
    holder = _at(text, path[:-1], comments)
    name = path[-1]
    if not (holder.is_object if isinstance(name, str) else holder.is_array):
        raise JsonFault(text, holder.start, "another kind of value stands here")
    key = f"{json.dumps(name, ensure_ascii=False)}: " if isinstance(name, str) else ""
    inside = text[holder.start + 1 : holder.end - 1]
    if holder.children and "\n" not in text[holder.start : holder.end]:
        made = key + json.dumps(value, ensure_ascii=False)
        last = holder.children[-1].end
        return f"{text[:last]}, {made}{text[last:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    unit = _unit(text)
    outer = _line_indent(text, holder.start)
    inner = _line_indent(text, holder.begins_at(0)) if holder.children else outer + unit
    body = json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", newline + inner)
    made = f"{newline}{inner}{key}{body}"
    if not holder.children:
        if inside.strip():  # a comment: it stays where it is
            end = holder.start + 1 + len(inside.rstrip())
            return f"{text[:end]}{made}{newline}{outer}{text[holder.end - 1 :]}"
        return f"{text[: holder.start + 1]}{made}{newline}{outer}{text[holder.end - 1 :]}"
    last = holder.children[-1].end
    tail = holder.start + 1 + len(inside.rstrip())
    rest = text[last:tail]
    comma = "" if "," in _COMMENT.sub("", rest) else ","
    return f"{text[:last]}{comma}{rest}{made}{text[tail:]}"


def remove(text: str, path: Path, *, comments: bool = False) -> str:
    """Take out one member or item, and the comma that went with it; comments stay."""
    holder = _at(text, path[:-1], comments)
    found = _at(text, path, comments)
    index = next(at for at, child in enumerate(holder.children) if child.start == found.start)
    begin, end = holder.begins_at(index), found.end
    if index + 1 < len(holder.children):
        after = text[end : holder.begins_at(index + 1)]
        comma = _comma(after)
        if after[:comma].strip():  # a comment before the comma
            return text[:begin] + after[:comma].lstrip(" \t") + text[end + comma + 1 :]
        return text[:begin] + text[end + _match_end(_BLANK, after, comma + 1) :]
    if index:
        before = holder.children[index - 1].end
        between = text[before:begin]
        comma = _comma(between)
        kept = (between[:comma] + between[comma + 1 :]).rstrip()
        return text[:before] + _closed(kept, text[end:]) + text[end:]
    rest = text[end : holder.end - 1]
    comma = _comma(rest)
    inside = text[holder.start + 1 : begin] + rest[:comma] + rest[comma + 1 :]
    if comma < 0:
        inside = text[holder.start + 1 : begin] + rest
    if not inside.strip():
        return text[: holder.start + 1] + text[holder.end - 1 :]
    return text[: holder.start + 1] + inside + text[holder.end - 1 :]


def replace(text: str, path: Path, value: object, *, comments: bool = False) -> str:
    """Put another value where one stands."""
    found = _at(text, path, comments)
    return text[: found.start] + json.dumps(value, ensure_ascii=False) + text[found.end :]


def _at(text: str, path: Path, comments: bool) -> Node:
    node = parse(text, comments=comments)
    for step in path:
        child = node.child(step)
        if child is None:
            raise JsonFault(text, node.start, f"nothing is called {step!r} here")
        node = child
    return node


def _closed(kept: str, rest: str) -> str:
    """What is kept, with the line end that a comment at its end needs before the rest."""
    at = 0
    while at < len(kept):
        comment = _COMMENT.match(kept, at)
        if comment is not None and comment.end() == len(kept) and comment[0].startswith("//"):
            return kept if rest.lstrip(" \t").startswith(("\n", "\r")) else f"{kept}\n"
        at = comment.end() if comment is not None else at + 1
    return kept


def _comma(text: str) -> int:
    """Where the comma stands that is in no comment."""
    at = 0
    while at < len(text):
        comment = _COMMENT.match(text, at)
        if comment is not None:
            at = comment.end()
        elif text[at] == ",":
            return at
        else:
            at += 1
    return -1


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match is not None else at


def _unit(text: str) -> str:
    """How this text indents by one level."""
    found = _INDENT.search(text)
    return found[1] if found is not None else "  "


def _line_indent(text: str, at: int) -> str:
    """The white space that the line of a position begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
