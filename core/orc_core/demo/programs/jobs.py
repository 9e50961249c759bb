"""A program that no rule knows: a small board of background jobs.

Invariant: it draws once a minute at most and reads keys only to end.
"""

from __future__ import annotations

import contextlib
import os

from orc_core.demo.programs.face import Frame
from orc_core.demo.programs.ink import ink
from orc_core.demo.programs.keys import Key
from orc_core.demo.programs.run import STILL, tell_painted
from orc_core.demo.programs.terminal import HungUp, Terminal, is_terminal

_QUEUES = ("mail", "thumbnails", "feeds", "invoices")
_MINUTE_S = 60.0


def main() -> int:
    """Show the board until `q` or the end of the terminal."""
    if not is_terminal():
        return 2
    terminal = Terminal()
    still = bool(os.environ.get(STILL))
    turn = 0
    with contextlib.suppress(HungUp), terminal.raw():
        while True:
            terminal.show(_board(turn))
            if not turn:
                tell_painted(os.environ)
            pressed = terminal.wait(None if still else _MINUTE_S)
            if Key("q") in pressed or Key("ctrl+c") in pressed:
                break
            turn += 0 if still else 1
    return 0


def _board(turn: int) -> Frame:
    lines = [ink("bold", "shop jobs"), "", ink("dim", "queue        waiting   done today")]
    for at, name in enumerate(_QUEUES):
        waiting, done = (7 * at + 3 * turn) % 11, 120 * (at + 1) + 2 * turn
        lines.append(f"{name:<12} {waiting:>7}   {done:>10}")
    return Frame((*lines, "", ink("dim", "q ends")))
