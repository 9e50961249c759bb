"""`orc later`: a line to an agent at a time or when its limit ends, an agent not to hear of.

Invariant: what was planned is typed once or not at all, by whichever dashboard or monitor is
there when its time comes.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.model.agent import Agent
    from orc_storage.laters import Later

LIST, CANCEL = "list", "cancel"


def register(commands: Commands) -> None:
    later = command(
        commands, "later", run_later, "type a line to an agent later, or mute it", json=True
    )
    later.add_argument("agent", metavar="AGENT", help=f"an agent; or `{LIST}`, or `{CANCEL} ID`")
    later.add_argument("id", metavar="ID", nargs="?", help="which one to cancel, e.g. L-3")
    when = later.add_mutually_exclusive_group()
    when.add_argument("--at", metavar="TIME", help="e.g. 16:30, 2h, tomorrow 9:00")
    when.add_argument("--reset", action="store_true", help="when its usage limit ends")
    what = later.add_mutually_exclusive_group()
    what.add_argument("--text", metavar="TEXT", help="the line to type")
    what.add_argument("--mute", action="store_true", help="do not count it as waiting until then")


async def run_later(args: argparse.Namespace) -> int:
    if args.agent == LIST:
        return await _list(args)
    if args.agent == CANCEL:
        return await _cancel(args)
    return await _plan(args)


async def _plan(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError
    from orc_core.later.times import coming

    if args.id is not None:
        raise UsageError(f"{args.id!r} is too much: give the line with --text")
    if not args.mute and args.text is None:
        raise UsageError("say what is to be done then: --text TEXT, or --mute")
    if not args.reset and args.at is None:
        raise UsageError("say when: --at TIME, or --reset")
    async with opened(args, create=True) as core:
        await core.agents.scan()
        agent = core.agents.find(args.agent)
        at = None if args.reset else coming(args.at, core.snapshot.at)
        made = await _made(core, agent, args, at)
        watched = core.led_elsewhere
    if args.json:
        print_json(_json(made) | {"watched": watched})
        return 0
    print(f"{made.id}: {_told(made)} at {iso(made.at)}; `orc later cancel {made.id}` takes it back")
    if not watched:
        print("no dashboard is open: it is done by whichever is then, or by `orc monitor start`")
    return 0


async def _made(core: Core, agent: Agent, args: argparse.Namespace, at: float | None) -> Later:
    if args.mute:
        return await core.later.mute(agent, core.later.reset_of(agent) if at is None else at)
    if at is None:
        return await core.later.at_reset(agent, args.text)
    return await core.later.line(agent, args.text, at)


async def _list(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        found = await core.later.listing() if core.has_store else []
    if args.json:
        print_json([_json(one) for one in found])
        return 0
    rows = [
        (one.id, one.phase.value, one.agent, iso(one.at) or "", one.outcome or _told(one))
        for one in found
    ]
    print_table(rows, empty="nothing is planned: `orc later AGENT --at TIME --text TEXT`")
    return 0


async def _cancel(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    if args.id is None:
        raise UsageError("say which: `orc later list` names them")
    async with opened(args) as core:
        found = await core.later.cancel(args.id)
    if args.json:
        print_json(_json(found) | {"phase": "cancelled"})
    else:
        print(f"{found.id} is cancelled: {_told(found)} at {iso(found.at)}")
    return 0


def _told(one: Later) -> str:
    return f"type to {one.agent}: {one.text}" if one.text else f"{one.agent} is muted until then"


def _json(one: Later) -> dict[str, object]:
    return {
        "id": one.id,
        "what": one.what.value,
        "agent": one.agent,
        "at": iso(one.at),
        "text": one.text or None,
        "phase": one.phase.value,
        "outcome": one.outcome or None,
        "planned_for": one.state,
        "made_at": iso(one.made_at),
        "made_by": one.made_by,
        "ended_at": iso(one.ended_at),
    }
