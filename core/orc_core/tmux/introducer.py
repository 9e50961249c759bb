"""The program that comes to a tmux 3.3 server in place of `tmux -C`, without danger to it.

That tmux takes a client for one in control mode from its flags on, but makes it one only at the
end of its introduction. Whatever happens to a session, a window or another client in between is
told to it and ends the server, with all agents. So the flags come here right before the end, in
one write with it: the server reads both before it does anything else.

This file is run by its path, without site packages, so that it costs little: it imports nothing
of ours. It hands its standard input and output to the server, which reads commands from the one
and answers on the other, and then waits to be told to go.

Invariant: flags and end are one write. It ends when the server says so or is gone, and never by
itself.
"""

from __future__ import annotations

import array
import os
import socket
import struct
import sys

PROTOCOL = 8
VERSION, FLAGS, TERM, TTY, STDIN, STDOUT = 12, 111, 101, 102, 104, 110
ENVIRON, DONE, CLIENT_PID, FOLDER, FEATURES = 105, 106, 107, 108, 109
COMMAND, DETACH, DETACH_KILL, EXIT, EXITED, EXITING, SHUTDOWN = 200, 201, 202, 203, 204, 205, 210
GO = (DETACH, DETACH_KILL, EXIT, SHUTDOWN)
CONTROL, UTF8 = 0x2000, 0x10000

HEADER = struct.Struct("=IHHII")
HAS_FD = 1
SIZE_MAX = 16384


def message(kind: int, data: bytes = b"", *, fd: bool = False) -> bytes:
    """One message as tmux frames it; its sender's pid is part of it."""
    size = HEADER.size + len(data)
    return HEADER.pack(kind, size, HAS_FD if fd else 0, PROTOCOL, os.getpid()) + data


def text(kind: int, value: str) -> bytes:
    return message(kind, os.fsencode(value) + b"\0")


def introduce(server: socket.socket, argv: list[str]) -> None:
    """Say who we are and what to run; standard input and output go along."""
    number = struct.Struct("=i")
    first = text(TERM, os.environ.get("TERM", "dumb")) + message(FEATURES, number.pack(0))
    first += text(TTY, "") + text(FOLDER, "/")
    _send(server, first + message(STDIN, fd=True), 0)
    _send(server, message(STDOUT, fd=True), 1)
    last = message(CLIENT_PID, number.pack(os.getpid()))
    last += b"".join(text(ENVIRON, f"{name}={value}") for name, value in os.environ.items())
    last += message(FLAGS, struct.pack("=Q", CONTROL | UTF8)) + message(DONE)
    words = b"".join(os.fsencode(word) + b"\0" for word in argv)
    server.sendall(last + message(COMMAND, number.pack(len(argv)) + words))


def _send(server: socket.socket, data: bytes, descriptor: int) -> None:
    rights = array.array("i", [descriptor])
    server.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def stay(server: socket.socket) -> int:
    """Wait until the server lets us go; 1 where it does not speak our protocol."""
    rest = b""
    while data := server.recv(SIZE_MAX):
        rest += data
        while len(rest) >= HEADER.size:
            kind, size = HEADER.unpack_from(rest)[:2]
            if len(rest) < max(size, HEADER.size):
                break
            rest = rest[max(size, HEADER.size) :]
            if kind == VERSION:
                return 1
            if kind == EXITED:
                return 0
            if kind in GO:
                server.sendall(message(EXITING))
    return 0


def main(argv: list[str]) -> int:
    """`argv` is our own name, the server's socket, then the command for tmux."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.connect(argv[1])
        introduce(server, argv[2:])
        return stay(server)
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
