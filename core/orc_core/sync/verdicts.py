"""Which side stands without a person: pure, from the rules and from who moved last.

Invariant: a whole document always waits for a person, and so does what no rule decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from orc_core.sync.policies import BY_OWNER, Owner, Policy, Strategy
from orc_storage.records import Conflict


@dataclass(frozen=True, slots=True)
class Verdict:
    """The side to take, left or right, and the name of what decided."""

    take: str
    by: str


def judge(policy: Policy, conflict: Conflict, *, is_stale: bool) -> Verdict | None:
    """Decide a conflict that was just found, or leave it to a person.

    `is_stale` says that the layer's value was there before the store's: an old copy, or one
    that did not move while the store did.
    """
    kind, path, layer = conflict.doc_kind, conflict.path, conflict.left.layer
    if not path:
        return None
    newest = "right" if is_stale else "left"
    match policy.owner(kind, path):
        case Owner.MACHINE:
            return Verdict(newest, BY_OWNER)
        case Owner.TMUX:
            return Verdict("left" if layer == Owner.TMUX else "right", BY_OWNER)
    strategy = policy.strategy(kind, path)
    if strategy is Strategy.LAST_WRITE:
        return Verdict(newest, strategy)
    if strategy is Strategy.TMUX_WINS and layer == Owner.TMUX:
        return Verdict("left", strategy)
    if strategy is Strategy.TMUX_WINS and conflict.right.writer == Owner.TMUX:
        return Verdict("right", strategy)
    return None
