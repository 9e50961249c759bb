"""What the documents of one kind must keep, as far as the sync needs to know.

Invariant: whoever owns a kind hands its rules in; who wins in it is a policy's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from orc_core.sync.policies import Policy
from orc_storage.database import Connection
from orc_storage.records import Body


class Rules(Protocol):
    """The rules of one kind of document."""

    def check(self, conn: Connection, before: Body | None, after: Body) -> None:
        """Raise OrcError, naming the field and the remedy, unless `after` may be written.

        `before` None asks for the body alone: it is new, or comes back from the past.
        """


@dataclass(frozen=True, slots=True)
class Governed:
    """The rules of a kind together with the policy that a person set."""

    rules: Rules
    policy: Policy

    def check(self, conn: Connection, before: Body | None, after: Body) -> None:
        """Raise what the rules raise."""
        self.rules.check(conn, before, after)


def govern(rules: Mapping[str, Rules], policy: Policy) -> dict[str, Rules]:
    """Put all kinds under one policy."""
    return {kind: Governed(each, policy) for kind, each in rules.items()}


def policy_of(rules: Rules | None) -> Policy:
    """Return the policy that comes with the rules, else the defaults."""
    return rules.policy if isinstance(rules, Governed) else Policy()
