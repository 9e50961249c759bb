"""What the documents of one kind must keep, as far as the sync needs to know.

Invariant: the sync knows no kind by name; whoever owns a kind hands its rules in.
"""

from __future__ import annotations

from typing import Protocol

from orc_storage.database import Connection
from orc_storage.records import Body


class Rules(Protocol):
    """The rules of one kind of document."""

    def check(self, conn: Connection, before: Body | None, after: Body) -> None:
        """Raise OrcError, naming the field and the remedy, unless `after` may be written.

        `before` None asks for the body alone: it is new, or comes back from the past.
        """
