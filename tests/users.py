"""A user of a tmux server: a real client on a terminal of its own, and all that is theirs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from orc_core.tmux.guests import HIDDEN
from private_tmux import PrivateTmux

SEEN_MAX_BYTES: Final = 1 << 20

_SESSION = (
    "#{session_name} #{session_attached} #{session_windows} #{session_last_attached}"
    " #{session_activity} #{session_stack} #{session_alerts} #{session_group}"
)
_WINDOW = (
    "#{window_id} #{window_name} #{window_layout} #{window_width}x#{window_height}"
    " #{window_flags} #{window_bell_flag} #{window_activity_flag} #{window_active_clients}"
)
_PANE = (
    "#{pane_id} #{pane_width}x#{pane_height} #{pane_pid} #{pane_title} #{pane_in_mode}"
    " #{pane_pipe} #{pane_input_off} #{pane_synchronized}"
)
_CLIENT = (
    "#{client_tty} #{client_session} #{client_width}x#{client_height} #{client_flags}"
    " #{client_last_session} #{client_key_table}"
)


def world(tmux: PrivateTmux) -> dict[str, str]:
    """Everything about a server that watching must leave as it is, but for hidden sessions."""
    told: dict[str, str] = {}
    fixed = {
        "server options": ("show-options", "-s"),
        "global options": ("show-options", "-g"),
        "global window options": ("show-options", "-gw"),
        "global environment": ("show-environment", "-g"),
        "global hooks": ("show-hooks", "-g"),
        "buffers": ("list-buffers",),
        "keys": ("list-keys",),
    }
    for name, argv in fixed.items():
        told[name] = tmux.run(*argv)
    for session in (name for name in tmux.sessions() if not HIDDEN.fullmatch(name)):
        at = f"={session}:"
        told[f"{session}: itself"] = tmux.run("display-message", "-p", "-t", at, _SESSION)
        told[f"{session}: options"] = tmux.run("show-options", "-t", at)
        told[f"{session}: environment"] = tmux.run("show-environment", "-t", at)
        told[f"{session}: hooks"] = tmux.run("show-hooks", "-t", at)
        told[f"{session}: windows"] = tmux.run("list-windows", "-t", at, "-F", _WINDOW)
        told[f"{session}: panes"] = tmux.run("list-panes", "-s", "-t", at, "-F", _PANE)
        told[f"{session}: clients"] = tmux.run("list-clients", "-t", at, "-F", _CLIENT)
        for window in tmux.run("list-windows", "-t", at, "-F", "#{window_id}").split():
            told[f"{window}: options"] = tmux.run("show-options", "-w", "-t", window)
        for pane in tmux.run("list-panes", "-s", "-t", at, "-F", "#{pane_id}").split():
            told[f"{pane}: options"] = tmux.run("show-options", "-p", "-t", pane)
    return told


class Terminal:
    """A program on a terminal of its own, whose output is read all the time."""

    def __init__(
        self, program: str, argv: list[str], environ: dict[str, str], size: tuple[int, int]
    ) -> None:
        self.seen = b""
        """The last of what it wrote."""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(program, argv, environ)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self) -> None:
        """End it by force, whether it runs or not."""
        os.kill(self.pid, signal.SIGKILL)  # not reaped yet: the number is its own
        os.waitpid(self.pid, 0)
        self._reader.join(5.0)
        os.close(self.fd)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other side is gone
            while data := os.read(self.fd, 65536):
                self.seen = (self.seen + data)[-SEEN_MAX_BYTES:]


@contextmanager
def at_terminal(
    tmux: PrivateTmux,
    *argv: str,
    width: int = 90,
    height: int = 25,
    environ: dict[str, str] | None = None,
) -> Iterator[Terminal]:
    """Run `tmux ARGV` on a terminal as a user does."""
    words = ["tmux", "-u", "-S", tmux.socket_path, *argv]
    terminal = Terminal("tmux", words, tmux.environ | (environ or {}), (width, height))
    try:
        yield terminal
    finally:
        terminal.end()


@contextmanager
def dashboard(tmux: PrivateTmux) -> Iterator[Terminal]:
    """Run `orc-tui` on a private server, with folders of its own."""
    program = str(Path(sys.executable).with_name("orc-tui"))
    argv = [program, "--socket-path", tmux.socket_path, "--workspace", str(tmux.folder / "work")]
    environ = tmux.environ | {
        "XDG_STATE_HOME": str(tmux.folder / "state"),
        "XDG_CONFIG_HOME": str(tmux.folder / "config"),
        "XDG_RUNTIME_DIR": str(tmux.folder),
    }
    terminal = Terminal(program, argv, environ, (100, 30))
    try:
        yield terminal
    finally:
        terminal.end()


def clients(tmux: PrivateTmux) -> list[str]:
    """Where the people's clients are, one session name each."""
    told = tmux.run("list-clients", "-F", "#{client_control_mode} #{client_session}", check=False)
    return sorted(line[2:] for line in told.splitlines() if line.startswith("0 "))
