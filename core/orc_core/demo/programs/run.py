"""The life of a scripted agent: it ties a play, a face and a terminal together.

Invariant: it sleeps while nothing is due. Its scene comes by environment variables, so that
its command line looks like the real one's.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from orc_core.demo.programs.aider import AiderFace
from orc_core.demo.programs.claude import ClaudeFace
from orc_core.demo.programs.codex import CodexFace
from orc_core.demo.programs.face import Face
from orc_core.demo.programs.play import Phase, Play
from orc_core.demo.programs.session_file import SessionFile
from orc_core.demo.programs.stories import SCENES, fallback
from orc_core.demo.programs.terminal import HungUp, Terminal, is_terminal

SCENE: Final = "ORC_DEMO_SCENE"
STILL: Final = "ORC_DEMO_STILL"
PAINTED: Final = "ORC_DEMO_PAINTED"
_END_AFTER_S: Final = 4.0
_NUDGE_EVERY_S: Final = 0.1
_NUDGES_MAX: Final = 50


def main(kind: str) -> int:
    """Play the scene that the environment names, as this kind of agent; return the exit status."""
    if not is_terminal():
        sys.stderr.write(f"{kind}: needs a terminal\n")
        return 2
    scene = SCENES.get(os.environ.get(SCENE, "")) or fallback(kind)
    face = _face(kind)
    still = bool(os.environ.get(STILL))
    began = 0.0 if still else time.monotonic()
    play = Play(scene, began, letters=face.letters, line_answers=face.line_answers)
    file = SessionFile(Path.home(), os.getpid(), str(Path.cwd())) if kind == "claude" else None
    terminal = Terminal()
    with contextlib.suppress(HungUp), terminal.raw():
        if still:
            _stand_still(play, face, file, terminal, scene.still_s)
        else:
            _run(play, face, file, terminal)
        terminal.leave_below()
    if play.phase is Phase.ENDED:
        _nudge_parent()
        return play.status
    if file:
        file.remove()
    return 0


def tell_painted(environ: Mapping[str, str]) -> None:
    """Tell the fleet, once, that the first screen stands."""
    path = environ.get(PAINTED)
    if not path:
        return
    with contextlib.suppress(OSError):
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(pipe, f"{environ.get(SCENE, '?')}\n".encode())
        finally:
            os.close(pipe)


def _nudge_parent() -> None:
    """Have tmux look for ended children again, from when this process is over until it is seen.

    A tmux with libutempter can miss the end of a program: while it waits for the helper that a
    closed terminal starts, the signal that tells of the end passes by unseen, and the exit
    status stays unknown until another child ends.
    """
    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):  # no Linux: tmux has no such helper there
        ending = os.pidfd_open(os.getpid())
        if os.fork() == 0:
            try:
                os.setsid()
                os.closerange(0, ending)
                nudge(parent, ending)
            finally:
                os._exit(0)
        os.close(ending)


def nudge(parent: int, ending: int) -> None:
    """Tell `parent` of the end of the child that `ending` refers to, until it waited for it."""
    select.select([ending], [], [])
    for _ in range(_NUDGES_MAX):
        time.sleep(_NUDGE_EVERY_S)
        try:
            signal.pidfd_send_signal(ending, 0)
            os.kill(parent, signal.SIGCHLD)
        except OSError:  # it was waited for, or nobody is left who would
            return


def _run(play: Play, face: Face, file: SessionFile | None, terminal: Terminal) -> None:
    told = False
    while not play.leaving:
        now = time.monotonic()
        play.advance(now)
        if file:
            file.tell(play)
        _paint(play, face, terminal, now)
        if not told:
            tell_painted(os.environ)
            told = True
        if play.phase is Phase.ENDED:
            return
        due = play.due(now)
        for event in terminal.wait(None if due is None else max(due - time.monotonic(), 0.0)):
            play.press(event, time.monotonic())


def _stand_still(
    play: Play, face: Face, file: SessionFile | None, terminal: Terminal, until: float
) -> None:
    """Play to one moment of the scene at once and stay there; only a resize repaints.

    A program that ends does so a moment later: a watcher has to see it alive to know what it is.
    """
    play.advance(until)
    if file:
        file.tell(play)
    _paint(play, face, terminal, until)
    tell_painted(os.environ)
    ends = time.monotonic() + _END_AFTER_S if play.phase is Phase.ENDED else None
    while ends is None or time.monotonic() < ends:
        terminal.wait(None if ends is None else max(ends - time.monotonic(), 0.0))
        _paint(play, face, terminal, until)


def _paint(play: Play, face: Face, terminal: Terminal, now: float) -> None:
    width, height = terminal.size
    terminal.show(face.frame(play, now, width, height), face.title(play, now))


def _face(kind: str) -> Face:
    if kind == "claude":
        return ClaudeFace()
    if kind == "codex":
        return CodexFace(Path.cwd().name)
    return AiderFace()
