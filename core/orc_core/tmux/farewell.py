"""What ends our hidden session when the process that opened it cannot any more.

The guard of a control client runs this after our death, by our name for the session and with
the client's own pipes: answers come on standard input, commands go to standard output.

Invariant: nothing of others ends with us. The session is ended by a command that first looks
whether anybody else is in it, in the same turn of the server. Where guests have no other session
to go to, theirs is what remains of it, under a name that is shown.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from orc_core.tmux import guests

_TRIES: Final = 5
"""How often new guests are brought home before the session is left to them."""


class Conversation:
    """Questions to the server and their answers, after whatever the dead had asked before."""

    def __init__(self, answers: BinaryIO, commands: BinaryIO) -> None:
        self._answers = answers
        self._commands = commands

    def ask(self, commands: Sequence[str]) -> list[list[str]]:
        """Send command lines and return what each printed; raises EOFError at the end of it all.

        Commands that a command runs answer among them; a mark tells where the answers begin and
        another where they end.
        """
        marks = [f"orc-{secrets.token_hex(8)}" for _ in range(2)]
        first, last = (f"display-message -p '{mark}'" for mark in marks)
        lines = "".join(f"{line}\n" for line in (first, *commands, last))
        self._commands.write(lines.encode("utf-8", "surrogateescape"))
        self._commands.flush()
        replies = self._replies()
        while next(replies) != [marks[0]]:
            pass
        found: list[list[str]] = []
        while (reply := next(replies)) != [marks[1]]:
            found.append(reply)
        return found

    def _replies(self) -> Iterator[list[str]]:
        ending = b""
        lines: list[str] = []
        for raw in self._answers:
            line = raw.rstrip(b"\n")
            if ending and line in (b"%end " + ending, b"%error " + ending):
                yield lines
                ending = b""
            elif not ending and line.startswith(b"%begin "):
                ending, lines = line.removeprefix(b"%begin "), []
            elif ending:
                lines.append(line.decode("utf-8", "surrogateescape"))
        raise EOFError


def leave(name: str, talk: Conversation) -> None:
    """Bring home who is in the session of this name and end it; what cannot go home keeps it."""
    ours = ""
    for _ in range(_TRIES):
        (session,), (client,), panes = talk.ask(guests.introductions(name))
        ours = guests.find_own(panes)
        host = guests.Host(session, ours, client)
        found, whole = guests.moves(host, talk.ask(guests.questions(host)))
        talk.ask([*found, guests.ending(name, ours)])
        if not (found or whole):
            break
    talk.ask(guests.handing_over(name, ours))


def main(name: str) -> None:
    """End the session of this name over standard input and output."""
    # Until our client or its session is gone.
    with contextlib.suppress(EOFError, BrokenPipeError):
        leave(name, Conversation(sys.stdin.buffer, sys.stdout.buffer))
