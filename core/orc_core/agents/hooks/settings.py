"""Our entries in the settings of an agent: put in, taken out, counted.

Invariant: pure, text to text. Entries of others stay as they are, byte for byte; taking out what
was put in leaves nothing of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from orc_core.agents.hooks import jsontext
from orc_core.agents.hooks.jsontext import JsonFault, Node
from orc_core.agents.hooks.wanted import Wanted, is_ours, own_line
from orc_core.errors import OrcError

_HOOKS: Final = "hooks"
_LINE: Final = "statusLine"
_BEGIN: Final = "# >>> orc-tui hooks >>>"
_END: Final = "# <<< orc-tui hooks <<<"
_BLOCK: Final = re.compile(
    rf"(?:^|(?<=\n))(?:\r?\n)?{re.escape(_BEGIN)}.*?{re.escape(_END)}[^\n]*(?:\n|$)", re.DOTALL
)
_YAML_KEY: Final = re.compile(r"^(?P<key>notifications(?:[-_]command)?)\s*:\s*(?P<value>[^#\n]*)")


def with_hooks(text: str, wanted: Wanted) -> str:
    """The settings with our entries in them, put in anew; raises JsonFault."""
    comments = wanted.comments
    if not text.strip("\ufeff \t\r\n"):
        whole = dict(wanted.fresh) | {_HOOKS: {e: [g] for e, g in wanted.entries.items()}}
        return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
    root = jsontext.parse(text, comments=comments)
    if not root.is_object:
        raise JsonFault(text, root.start, "an object in braces is expected here")
    if root.child(_HOOKS) is None:
        whole = {event: [group] for event, group in wanted.entries.items()}
        return jsontext.insert(text, [_HOOKS], whole, comments=comments)
    for event, group in wanted.entries.items():
        hooks = _hooks(text, comments)
        found = hooks.child(event)
        if found is None:
            text = jsontext.insert(text, [_HOOKS, event], [group], comments=comments)
        elif not found.is_array:
            raise JsonFault(text, found.start, f"{event} is no list of hooks: mend that first")
        else:
            text = jsontext.insert(text, [_HOOKS, event, -1], group, comments=comments)
    return text


def without_hooks(text: str, *, comments: bool) -> str:
    """The settings without any entry of ours; raises JsonFault."""
    if not text.strip("\ufeff \t\r\n"):
        return text
    while True:
        path = next(_ours(jsontext.parse(text, comments=comments)), None)
        if path is None:
            return text
        text = _pruned(text, path, comments)


def hooked_events(text: str, *, comments: bool) -> dict[str, str]:
    """The command that runs for each event, of those that are ours."""
    if not text.strip("\ufeff \t\r\n"):
        return {}
    root = jsontext.parse(text, comments=comments)
    found: dict[str, str] = {}
    for path in _ours(root):
        node = _down(root, path)
        if node is not None:
            found[str(path[1])] = str(node.value.get("command", ""))
    return found


def status_line(text: str) -> str | None:
    """The command of the status line; None where there is none, or it is no command."""
    if not text.strip("\ufeff \t\r\n"):
        return None
    line = jsontext.parse(text).child(_LINE)
    command = line.child("command") if line is not None else None
    return command.value if command is not None and isinstance(command.value, str) else None


def with_status_line(text: str, command: str) -> str:
    """The settings with that command as their status line; the rest of it stays."""
    root = jsontext.parse(text)
    line = root.child(_LINE)
    if line is None:
        return jsontext.insert(text, [_LINE], {"type": "command", "command": command})
    if status_line(text) is None:
        raise JsonFault(text, line.start, "a status line without a command: it is left alone")
    return jsontext.replace(text, [_LINE, "command"], command)


def without_status_line(text: str) -> str:
    """The settings with a person's own status line alone."""
    command = status_line(text)
    own = own_line(command) if command is not None else None
    if own is None:
        return text
    line = jsontext.parse(text).child(_LINE)
    if own or (line is not None and {name for name, _ in line.keys} - {"type", "command"}):
        return jsontext.replace(text, [_LINE, "command"], own)
    return jsontext.remove(text, [_LINE])


def with_block(text: str, lines: list[str]) -> str:
    """YAML with our marked lines at its end; raises OrcError where they cannot stand there."""
    newline = "\r\n" if "\r\n" in text else "\n"
    first = next((line for line in text.splitlines() if line.strip(" \t-\ufeff")), "")
    if first.lstrip("\ufeff").startswith(("{", "[")):
        raise OrcError("it is written in braces: put `notifications-command` there yourself")
    said = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.rstrip() == "...":
            raise OrcError(f"line {number}: text after `...` is not read; remove that line")
        match = _YAML_KEY.match(line)
        if match is not None:
            said[match["key"].replace("_", "-")] = (number, match["value"].strip().lower())
    if "notifications-command" in said:
        number, _ = said["notifications-command"]
        raise OrcError(f"line {number} has a notifications-command: aider runs one only")
    number, value = said.get("notifications", (0, ""))
    if number and value not in ("true", "yes", "on"):
        raise OrcError(f"line {number} switches notifications off: remove it")
    kept = [line for line in lines if not (number and line.startswith("notifications:"))]
    gap = "" if not text or text.endswith("\n") else newline
    return text + gap + newline.join([_BEGIN, *kept, _END]) + newline


def without_block(text: str) -> str:
    """YAML without our marked lines."""
    return _BLOCK.sub("", text)


def has_block(text: str) -> str:
    """Our marked lines as they stand in a YAML text, or ""."""
    match = _BLOCK.search(text)
    return match[0] if match is not None else ""


def _hooks(text: str, comments: bool) -> Node:
    hooks = jsontext.parse(text, comments=comments).child(_HOOKS)
    if hooks is None or not hooks.is_object:
        raise JsonFault(text, hooks.start if hooks else 0, "`hooks` is no object: mend that first")
    return hooks


def _ours(root: Node) -> Iterator[tuple[str | int, ...]]:
    """The paths of our hooks, from the last to the first, so that each can be taken out.

    Where a name stands twice the last one counts, as it does for whoever reads the settings.
    """
    hooks = root.child(_HOOKS)
    if hooks is None or not hooks.is_object:
        return
    for event in reversed(dict(hooks.keys)):
        groups = hooks.child(event)
        if groups is None or not groups.is_array:
            continue
        for at, group in reversed(list(enumerate(groups.children))):
            if not group.is_object:
                continue
            if is_ours(group.value.get("command")):
                yield (_HOOKS, event, at)
            inner = group.child(_HOOKS)
            for number, hook in reversed(list(enumerate(inner.children if inner else ()))):
                if hook.is_object and is_ours(hook.value.get("command")):
                    yield (_HOOKS, event, at, _HOOKS, number)


def _pruned(text: str, path: tuple[str | int, ...], comments: bool) -> str:
    """The text without that hook, and without what was there for its sake alone."""
    root = jsontext.parse(text, comments=comments)
    kept = path
    if len(kept) == 5 and _is_alone(text, root, kept):
        kept = kept[:3]  # a group without hooks is of no use
    for length in (3, 2):
        if len(kept) == length and _is_alone(text, root, kept):
            kept = kept[:-1]
    return jsontext.remove(text, kept, comments=comments)


def _is_alone(text: str, root: Node, path: tuple[str | int, ...]) -> bool:
    """Whether what holds this holds nothing else, not even a comment."""
    holder, found = _down(root, path[:-1]), _down(root, path)
    if holder is None or found is None or len(holder.children) != 1:
        return False
    beside = text[holder.start + 1 : holder.begins_at(0)] + text[found.end : holder.end - 1]
    return not beside.replace(",", "").strip()


def _down(root: Node, path: tuple[str | int, ...]) -> Node | None:
    node: Node | None = root
    for step in path:
        node = node.child(step) if node is not None else None
    return node
