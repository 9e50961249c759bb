"""The table of keys for the documents: `python -m orc_tui.key_table` prints it.

Invariant: it is a function of the registry of actions, so it cannot differ from the program.
"""

from __future__ import annotations

from collections.abc import Iterator

from orc_tui.keymap import ACTIONS, EVERYWHERE, Action

PANES = ("agents", "live", "tasks", "conflicts", "sync", "timeline")
HEAD = """\
# Keys

Made from the registry of actions by `python -m orc_tui.key_table`; `?` shows the same for
the pane you are in. A key that cannot act says why.
"""


def document() -> str:
    """The whole page: what works everywhere, then what each pane adds."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield HEAD
    yield from _section("Everywhere", [a for a in ACTIONS if EVERYWHERE in a.panes])
    for pane in PANES:
        actions = [a for a in ACTIONS if pane in a.panes]
        if actions:
            yield ""
            yield from _section(pane.capitalize(), actions)


def _section(title: str, actions: list[Action]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| keys | do | id |"
    yield "|---|---|---|"
    for action in actions:
        keys = " ".join(f"`{key}`" for key in action.keys) or f"`: {action.id}`"
        yield f"| {keys} | {action.help} | {action.id} |"


if __name__ == "__main__":
    print(document(), end="")
