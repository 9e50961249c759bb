"""What a terminal is told beside its screen: its title, a bell, a notice.

Invariant: what goes into a sequence is clean text of a bounded length, so that it can neither
end the sequence nor begin another.
"""

from __future__ import annotations

from typing import Final

from orc_core.text import clean

BELL: Final = "\a"
TITLE_MAX: Final = 80
TEXT_MAX: Final = 200
PUSH_TITLE: Final = "\x1b[22;2t"
POP_TITLE: Final = "\x1b[23;2t"

_ST: Final = "\x1b\\"


def title(text: str) -> str:
    """Name the terminal's window, or in tmux the pane (OSC 2)."""
    return f"\x1b]2;{clean(text, limit=TITLE_MAX)}{_ST}"


def notice(how: str, head: str, text: str, *, in_tmux: bool) -> str:
    """A notice as `osc9`, `osc777`, `osc99` or `bell`; tmux hands the first three through.

    It does so only where its option `allow-passthrough` is on; a bell needs nothing.
    """
    if how == "bell":
        return BELL
    # What separates the parts of a sequence must not stand in one of them.
    head = clean(head, limit=TITLE_MAX).replace(";", ",")
    text = clean(text, limit=TEXT_MAX).replace(";", ",")
    if how == "osc9":
        told = f"\x1b]9;{head}: {text}{_ST}"
    elif how == "osc777":
        told = f"\x1b]777;notify;{head};{text}{_ST}"
    else:
        told = f"\x1b]99;i=orc:d=0;{head}{_ST}\x1b]99;i=orc:d=1:p=body;{text}{_ST}"
    return through_tmux(told) if in_tmux else told


def through_tmux(sequence: str) -> str:
    """Wrap a sequence so that tmux hands it to the terminal that it runs in."""
    return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}{_ST}"
