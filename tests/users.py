"""A user of a tmux server: a real client on a terminal of its own, and all that is theirs."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orc_core.tmux.control import HIDDEN
from private_tmux import PrivateTmux

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


@contextmanager
def at_terminal(
    tmux: PrivateTmux,
    *argv: str,
    width: int = 90,
    height: int = 25,
    environ: dict[str, str] | None = None,
) -> Iterator[int]:
    """Run `tmux ARGV` on a terminal as a user does; yields the master side of it."""
    pid, master = pty.fork()
    if pid == 0:
        words = ["tmux", "-u", "-S", tmux.socket_path, *argv]
        os.execvpe("tmux", words, tmux.environ | (environ or {}))
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    reader = threading.Thread(target=_drain, args=(master,), daemon=True)
    reader.start()
    try:
        yield master
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        reader.join(5.0)
        os.close(master)


def _drain(master: int) -> None:
    try:
        while os.read(master, 65536):
            pass
    except OSError:  # the other side is gone
        return


def clients(tmux: PrivateTmux) -> list[str]:
    """Where the people's clients are, one session name each."""
    told = tmux.run("list-clients", "-F", "#{client_control_mode} #{client_session}", check=False)
    return sorted(line[2:] for line in told.splitlines() if line.startswith("0 "))
