"""`orc agent activity`: what an agent did, and its figures of today.

Invariant: it reads and writes nothing; what nobody told is null, never zero.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from orc_cli.options import command, opened
from orc_cli.output import (
    figures_json,
    iso,
    lasted,
    print_json,
    print_table,
    state_change_json,
    usage_json,
)

if TYPE_CHECKING:
    from orc_core.model.activity import Activity, Deed
    from orc_core.model.agent import Agent

SHOWN_MAX = 20


def register_verb(verbs: Any) -> None:
    """Add the verb to those of `orc agent`."""
    show = command(verbs, "activity", show_activity, "show what an agent did today", json=True)
    show.add_argument("agent", metavar="AGENT")


async def show_activity(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        await core.agents.scan()
        agent = core.agents.find(args.agent)
        told = await core.activity(agent.key)
    if args.json:
        print_json(_activity_json(agent, told))
        return 0
    today = told.today
    print(f"{agent.name}: {agent.state.value}, seen for {lasted(today.span_s)} today")
    past = [(one.at, one.state, one.evidence) for one in told.states[:SHOWN_MAX]]
    if told.deeds is not None:
        past += [(one.at, "prompt", one.text) for one in told.deeds.prompts]
        past += [(one.at, "file", one.text) for one in told.deeds.files]
    rows = [(iso(at) or "", what, text) for at, what, text in sorted(past, reverse=True)]
    print_table(rows, empty="no state of it was written down yet")
    spent = sorted(today.by_state.items(), key=lambda one: -one[1])
    if spent:
        print_table([(state, lasted(spent_s)) for state, spent_s in spent], empty="")
    return 0


def _activity_json(agent: Agent, told: Activity) -> dict[str, object]:
    deeds = told.deeds
    return {
        "agent": agent.name,
        "key": agent.key,
        "states": [state_change_json(one) for one in told.states],
        "today": figures_json(told.today),
        "hooks": {
            "since": iso(deeds.since),
            "prompts": [_deed_json(one) for one in deeds.prompts],
            "files": [_deed_json(one) for one in deeds.files],
            "prompted": deeds.prompted,
            "calls": deeds.calls,
            "failures": deeds.failures,
        }
        if deeds is not None
        else None,
        "usage": usage_json(agent.usage),
    }


def _deed_json(deed: Deed) -> dict[str, object]:
    return {"at": iso(deed.at), "text": deed.text}
