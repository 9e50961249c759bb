"""What an agent's body must keep before it is written, wherever it comes from.

Invariant: nothing reaches the store that AgentBody refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orc_core.model.agent import PaneRef
from orc_core.model.agent_body import AgentBody, PanePart, policy_of
from orc_core.model.bodies import read_as
from orc_core.model.life import ARGV_MAX, LABEL_MAX, LIST_MAX, NOTE_MAX, WORD_MAX, Known, Policy
from orc_core.text import clean
from orc_storage.database import Connection
from orc_storage.records import Body, Document, Json

KIND: Final = "agent"

_WORDS: Final = f"a list of up to {LIST_MAX} words of 1 to {LABEL_MAX} characters"
REMEDIES: Final = {
    "id": "letters, digits and hyphens, at most 63, no hyphen first",
    "argv": f"up to {ARGV_MAX} words of at most {WORD_MAX:,} characters",
    "env": f"a list of up to {LIST_MAX} names of environment variables",
    "labels": _WORDS,
    "capabilities": _WORDS,
    "version": f"at most {LABEL_MAX} characters",
    "note": f"at most {NOTE_MAX} characters",
    "session": "at most 60 characters",
    "conversation": "up to 128 letters, digits, hyphens and underscores",
    "policy": "restart (never, on-failure, always), counts and seconds from 0 on",
}
"""What each field takes, for people."""


class AgentRules:
    """The rules of agents, for whoever writes one."""

    def check(self, conn: Connection, before: Body | None, after: Body) -> None:
        """Raise UsageError unless `after` is a valid body."""
        read_body(after)


def read_body(body: Body) -> AgentBody:
    """Read a body as an agent; raises UsageError naming the field and what it takes."""
    return read_as(AgentBody, body, REMEDIES)


def known(document: Document) -> Known:
    """An agent as its document says; raises UsageError where the document is not valid."""
    body = read_body(document.body)
    return Known(
        name=body.id,
        rev=document.rev,
        origin=body.origin,
        kind=body.kind,
        argv=tuple(body.argv),
        cwd=body.cwd,
        env=tuple(body.env),
        server=body.server,
        session=body.session,
        labels=tuple(body.labels),
        capabilities=tuple(body.capabilities),
        version=body.version,
        wanted=body.wanted,
        policy=policy_of(body.policy),
        pane=_pane(body.server, body.pane),
        updated_at=document.updated_at,
        instance_of=body.instance_of,
        conversation=body.conversation,
    )


def pane_json(pane: PaneRef | None) -> Json:
    """The `pane` of a body."""
    if pane is None:
        return None
    return {"server_start": pane.server_start, "pane_id": pane.pane_id, "pid": pane.pid}


def policy_json(policy: Policy) -> Json:
    """The `policy` of a body."""
    return {
        "restart": policy.restart.value,
        "max_restarts": policy.max_restarts,
        "min_uptime_s": policy.min_uptime_s,
        "backoff_s": policy.backoff_s,
        "backoff_max_s": policy.backoff_max_s,
        "memory_max": policy.memory_max,
        "kill_after_s": policy.kill_after_s,
    }


def clean_fields(fields: Mapping[str, Json]) -> Body:
    """Clean what will be shown; argv and paths stay as they are, or they would not work."""
    return {
        name: _clean(value) if name in ("labels", "capabilities", "version", "session") else value
        for name, value in fields.items()
    }


def _clean(value: Json) -> Json:
    if isinstance(value, str):
        return clean(value, limit=LABEL_MAX + 1)
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value


def _pane(server: str, part: PanePart | None) -> PaneRef | None:
    return None if part is None else PaneRef(server, part.server_start, part.pane_id, part.pid)
