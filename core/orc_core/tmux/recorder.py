"""The program that records one pane, on its own so that it outlives whoever asked for it.

Invariant: it ends by itself with its pane, its cap or a signal, and its file says why.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from orc_core.clock import SystemClock
from orc_core.errors import OrcError
from orc_core.model.agent import PaneRef
from orc_core.tmux.recording import Recorder, Target
from orc_core.tmux.redaction import Redactor
from orc_core.tmux.server import Address

PAUSE = signal.SIGUSR1
RESUME = signal.SIGUSR2
STOP = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be recorded into which file; `hide` and `show` are as the settings say."""

    server: str
    server_start: int
    pane_id: str
    pid: int
    tty: str
    name: str
    path: str
    max_bytes: int
    hide: dict[str, str]
    show: list[str]

    def argv(self) -> list[str]:
        """The command line that carries it out."""
        return [sys.executable, "-m", "orc_core.tmux.recorder", json.dumps(asdict(self))]


async def record(order: Order) -> str:
    """Carry an order out; returns why it ended."""
    pane = PaneRef(order.server, order.server_start, order.pane_id, order.pid)
    target = Target(Address(order.server), pane, order.name, order.tty)
    redactor = Redactor.of(order.hide, order.show)
    recorder = Recorder(target, Path(order.path), redactor, order.max_bytes, SystemClock())
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(STOP, recorder.stop)
    loop.add_signal_handler(signal.SIGINT, recorder.stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    loop.add_signal_handler(PAUSE, recorder.pause, True)
    loop.add_signal_handler(RESUME, recorder.pause, False)
    return await recorder.run()


def main(argv: list[str]) -> int:
    """Record as the order in `argv` says."""
    try:
        asyncio.run(record(Order(**json.loads(argv[1]))))
    except (OrcError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
