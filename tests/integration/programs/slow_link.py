"""A link between a terminal and a program: `slow_link.py RATE_FILE PROGRAM ...`.

Keys pass at once; what the program writes passes at so many bytes a second as the file says, which
may change at any time, 0 for as fast as it comes.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import sys
import termios
import time
import tty
from pathlib import Path

CHUNK = 256


def main(rate_file: Path, argv: list[str]) -> None:
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.execv(argv[0], argv)
    tty.setraw(0)
    next_at = 0.0
    while True:
        wait_s = next_at - time.monotonic()
        if wait_s > 0:
            ready = select.select([0], [], [], wait_s)[0]
        else:
            ready = select.select([0, master], [], [])[0]
        if 0 in ready:
            os.write(master, os.read(0, 4096))
        if master in ready:
            try:
                data = os.read(master, CHUNK)
            except OSError:
                return
            os.write(1, data)
            rate = int(rate_file.read_text() or 0)
            next_at = time.monotonic() + (len(data) / rate if rate else 0.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
