"""Who acts, as the journal and the undo lists call it.

Invariant: a person is `operator` everywhere; an agent acts under the name it was last known by.
"""

from __future__ import annotations

from collections.abc import Sequence

from orc_core.config import CoreOptions
from orc_core.model.agent import OTHER
from orc_core.text import clean
from orc_core.tmux.attach import here
from orc_storage.records import OPERATOR, LiveRow

NAME_MAX = 60


def find_actor(options: CoreOptions, known: Sequence[LiveRow]) -> str:
    """Return who acts: as told, `$ORC_ACTOR`, the agent in whose pane this runs, the operator."""
    told = options.actor or clean(options.environ.get("ORC_ACTOR", ""), limit=NAME_MAX).strip()
    if told:
        return told
    place = here(options.environ)
    own = (place.address.socket_path, place.pane_id) if place is not None else None
    for row in known:
        if (row.server, row.pane_id) == own and row.agent_kind != OTHER:
            return row.name
    return OPERATOR
