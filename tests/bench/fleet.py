"""A private tmux server with many quiet panes, painted from outside through their ttys.

Invariant: only the server made here is touched, and it is gone when the block ends.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 120, 40
PANES_PER_SESSION = 10

IDLE = """\
\x1b[2J\x1b[H\x1b[1m● I looked at how orders are stored.\x1b[0m
  \x1b[2m⎿  Read 58 lines\x1b[0m
{filler}

✻ Cogitated for 8s

{rule}
❯ {blank}
{rule}
  ? for shortcuts
"""
PROMPT = """\
\x1b[2J\x1b[H● I will apply the change.

{rule}
 Bash command

   {marker}
   Apply the pending change

 Do you want to proceed?
 \x1b[34m❯ 1. Yes\x1b[0m
   2. Yes, and don't ask again for: {marker}
   3. No, and tell Claude what to do differently (esc)

 Esc to cancel · Tab to amend
"""


@dataclass(frozen=True, slots=True)
class Pane:
    """One pane: its number, its terminal, and its program's pid."""

    pane_id: str
    tty: Path
    pid: int

    def paint(self, screen: str) -> None:
        """Draw as the pane's own program would."""
        with self.tty.open("w", encoding="utf-8") as terminal:
            terminal.write(screen.replace("\n", "\r\n"))


@dataclass(frozen=True, slots=True)
class Fleet:
    """The server and its panes."""

    socket_path: str
    panes: tuple[Pane, ...]
    server_pid: int


@contextmanager
def fleet(folder: Path, count: int) -> Iterator[Fleet]:
    """Make `count` panes whose program is called `claude` and does nothing."""
    program = folder / "claude"
    program.symlink_to("/bin/cat")
    socket_path = str(folder / "s")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color"}
    environ["LC_ALL"] = "C.UTF-8"

    def tmux(*argv: str) -> str:
        command = ["tmux", "-u", "-f", "/dev/null", "-S", socket_path, *argv]
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        return done.stdout

    size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
    try:
        for number in range(count):
            session = f"shop{number // PANES_PER_SESSION}"
            if number % PANES_PER_SESSION == 0:
                tmux("new-session", "-d", "-s", session, *size, str(program), "-u")
            else:
                tmux("new-window", "-d", "-t", f"{session}:", str(program), "-u")
        listed = tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_tty} #{pane_pid}")
        panes = tuple(
            Pane(pane_id, Path(tty), int(pid))
            for pane_id, tty, pid in (line.split() for line in listed.splitlines())
        )
        for number, pane in enumerate(panes):
            pane.paint(idle_screen(number))
        yield Fleet(socket_path, panes, int(tmux("display-message", "-p", "#{pid}")))
    finally:
        subprocess.run(["tmux", "-S", socket_path, "kill-server"], check=False, capture_output=True)


def idle_screen(number: int) -> str:
    """A screen of an agent that waits for a task, a little different for each number."""
    filler = "\n".join(f"  \x1b[3{line % 8}mline {line} of {number}\x1b[0m" for line in range(20))
    return IDLE.format(filler=filler, rule="─" * WIDTH, blank=" ")


def prompt_screen(marker: str) -> str:
    """A screen that asks for permission to run `marker`."""
    return PROMPT.format(marker=marker, rule="─" * WIDTH, blank=" ")
