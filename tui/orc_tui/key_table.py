"""The table of keys: in the documents those of the registry, by `orc-tui --keys` those in force.

Invariant: it is a function of a keyboard, so it cannot differ from the program.
"""

from __future__ import annotations

from collections.abc import Iterator

from orc_tui.keyboard import DEFAULT, Keyboard
from orc_tui.keymap import EVERYWHERE, PANE_NAMES, Action

HEAD = """\
# Keys

Made from the registry of actions by `python -m orc_tui.key_table`; `?` shows the same for
the pane you are in. A key that cannot act says why.

## Your own keys

`[keys]` in `config.toml`, in your settings folder (`~/.config/orc-tui/`) or in the workspace,
gives an action of the tables below other keys, by its id. An empty list unbinds it; it is then
run by its name, after `:`. What you do not name stays.

```toml
[keys]
answer = "Y"                # one key
down = ["j", "down", "f5"]  # several; the footer shows the first one
take-both = []              # none
```

A key is a character (`.`, `G`), a word (`space`, `enter`, `escape`, `tab`, `shift+tab`, `up`,
`down`, `left`, `right`, `home`, `end`, `pageup`, `pagedown`, `insert`, `f1` to `f12`) or `ctrl+`
and a letter. `d`, `ctrl+k` and `delete` (they destroy elsewhere), `ctrl+a` and `ctrl+b`
(prefixes of tmux), `ctrl+s` and `ctrl+q` (flow control) are never bound. An id or a key that
there is not, and two actions on one key in one pane, are said with file, line and remedy before
the dashboard starts, and by `orc doctor`; `orc-tui --keys` prints the keys as you have them.
Dialogs, the answer card and the conflict view keep their own keys.
"""


def document() -> str:
    """The whole page of the documents."""
    return f"{HEAD}\n{tables(DEFAULT)}"


def tables(keyboard: Keyboard) -> str:
    """What works everywhere, then what each pane adds."""
    return "\n".join(_lines(keyboard)) + "\n"


def _lines(keyboard: Keyboard) -> Iterator[str]:
    actions = keyboard.actions
    yield from _section("Everywhere", [a for a in actions if EVERYWHERE in a.panes])
    for pane, name in PANE_NAMES.items():
        own = [a for a in actions if pane in a.panes]
        if own:
            yield ""
            yield from _section(name, own)


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
