"""libtmux with a deadline: the one importer of it.

Invariant: a command is over by its deadline, whether its server answers or stands still. libtmux
itself waits for its child for ever, so that the way all of its objects talk to a server,
`Server.cmd`, is replaced here. Nothing of our environment but an allowlist reaches a client.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from libtmux import Server
from libtmux.common import tmux_cmd

from orc_core.errors import TmuxTimeout
from orc_core.text import clean
from orc_core.tmux.server import Address, child_environment, tmux_binary

_KILL_GRACE_S: Final = 2.0
_STARTER: Final = (
    *("SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "COLORTERM", "DISPLAY", "WAYLAND_DISPLAY"),
    *("SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
    *("XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS"),
)


class BoundedServer(Server):
    """A tmux server as libtmux knows it, with a deadline for every command.

    Call it on a thread. It starts no server unless `may_start`, in which case that server
    inherits an allowlist of `environ`.
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout_s: float,
        may_start: bool = False,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__(socket_path=address.socket_path, tmux_bin=tmux_binary())
        self._timeout_s = timeout_s
        self._may_start = may_start
        self._environ = environ

    def cmd(self, cmd: str, *args: Any, target: str | int | None = None) -> tmux_cmd:
        """Run one command, or a chain of them with `;` between; raises TmuxTimeout.

        A word that ends in `;` ends its command: text goes through `server.escape` first.
        """
        words = [str(cmd), *(["-t", str(target)] if target is not None else []), *map(str, args)]
        argv = [tmux_binary(), *([] if self._may_start else ["-N"]), "-u"]
        argv += ["-S", str(self.socket_path), *words]
        code, out, err = _run(argv, self._environment(), self._timeout_s)
        answer = tmux_cmd.__new__(tmux_cmd)
        answer.cmd, answer.returncode = argv, code
        answer.stdout, answer.stderr = out.splitlines(), [line for line in err.splitlines() if line]
        return answer

    def _environment(self) -> dict[str, str]:
        given = child_environment(self._environ)
        if not self._may_start:
            return given
        # What a server starts with is what every pane of it will have.
        given = {name: value for name, value in given.items() if name not in ("LC_ALL", "TERM")}
        given |= {name: self._environ[name] for name in _STARTER if name in self._environ}
        return given | {"TERM": self._environ.get("TERM", "screen")}


def _run(argv: list[str], environ: Mapping[str, str], timeout_s: float) -> tuple[int, str, str]:
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environ),
        cwd="/",
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        socket_path = clean(argv[argv.index("-S") + 1], limit=120)
        raise TmuxTimeout(f"tmux did not answer in {timeout_s:g} s at {socket_path}") from None
    finally:
        if child.returncode is None:
            child.kill()
            # A server that stands still holds our pipes: their end would never be seen.
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_KILL_GRACE_S)
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
    return child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
