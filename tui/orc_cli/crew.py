"""`orc register`, `heartbeat`, `agent show`, and what `orc agents` says of lives.

Invariant: what an agent says of itself is told beside what is seen of it, never instead.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from orc_cli import activity, agents
from orc_cli.options import Commands, command, opened
from orc_cli.output import figures_json, iso, lasted, print_json, print_table, state_change_json

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.lifecycle.registration import Record
    from orc_core.model.agent import Agent


def register(commands: Commands) -> None:
    sign = command(commands, "register", register_agent, "an agent says it is here", json=True)
    sign.add_argument("--name", default="", metavar="N", help="its name (default: KIND-1, …)")
    sign.add_argument(
        "--capability",
        action="append",
        default=[],
        metavar="C",
        help="what it can do; may be repeated",
    )
    sign.add_argument("--version", dest="says_version", default="", metavar="V")
    sign.add_argument("--status", default="", metavar="S", help="what it does now, in a few words")
    beat = command(commands, "heartbeat", beat_once, "an agent says that it lives", json=True)
    beat.add_argument("agent", nargs="?", default="", metavar="AGENT", help="($ORC_AGENT)")
    beat.add_argument("--progress", default="", metavar="TEXT", help="how far it is")
    beat.add_argument("--status", default="", metavar="S", help="what it does now")
    agent = commands.add_parser("agent", help="show one agent of the crew")
    verbs = agent.add_subparsers(dest="verb", metavar="VERB", required=True)
    show = command(verbs, "show", show_agent, "show all that is known of an agent", json=True)
    show.add_argument("agent", metavar="AGENT")
    agents.register_listing(verbs, "list")
    activity.register_verb(verbs)


async def register_agent(args: argparse.Namespace) -> int:
    from orc_cli.lifecycle import report

    async with opened(args, create=True, cause="orc register") as core:
        agent = await _own_pane(core)
        done = await core.lifecycle.registrar.register(
            agent,
            name=args.name,
            capabilities=args.capability,
            version=args.says_version,
            status=args.status,
            taken={one.name for one in core.agents.agents()},
        )
    return report(args, done)


async def beat_once(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc heartbeat") as core:
        known = await core.lifecycle.registrar.beat(
            args.agent, status=args.status, progress=args.progress
        )
    if args.json:
        print_json({"name": known.name, "ok": True})
    else:
        print(f"{known.name} is online for the next 30 s")
    return 0


async def show_agent(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        registrar = core.lifecycle.registrar
        record = await registrar.record(args.agent)
        figures = await registrar.figures(record)
        changes = await registrar.changes(record.known.name)
    if args.json:
        print_json(
            record_json(record)
            | {
                "figures": figures_json(figures),
                "states": [state_change_json(one) for one in changes],
            }
        )
        return 0
    print(f"{record.known.name}: {record.known.origin}, {record.known.kind or 'of no known kind'}")
    rows = [("command", " ".join(record.known.argv)), ("folder", record.known.cwd)]
    rows += [("can do", ", ".join(record.known.capabilities)), ("version", record.known.version)]
    rows += [("labels", ", ".join(record.known.labels)), ("supervision", _supervision(record))]
    rows += [("heartbeat", record.presence.value if record.beat is not None else "")]
    if figures.uptime_s is not None:
        rows.append(("runs for", lasted(figures.uptime_s)))
    spent = sorted(figures.by_state.items(), key=lambda one: -one[1])
    rows.append(("was", ", ".join(f"{state} {lasted(time)}" for state, time in spent)))
    rows += [("restarts", str(figures.restarts)), ("crashes", str(figures.crashes))]
    print_table([(f"  {name}", value) for name, value in rows if value], empty="")
    return 0


async def lives_by_key(core: Core) -> dict[str, dict[str, object]]:
    """What the crew says of the agents in panes, by pane key, and of those without, by name."""
    if not core.has_store:
        return {}
    records = await core.lifecycle.registrar.records()
    return {_key(record): record_json(record) for record in records}


async def list_lost(args: argparse.Namespace) -> int:
    """The agents that should run and are not there, with what would be run to resume them."""
    async with opened(args) as core:
        lost = await core.lifecycle.lost() if core.has_store else ()
    if args.json:
        print_json(
            [
                {
                    "name": one.name,
                    "kind": one.kind or None,
                    "why": one.why,
                    "argv": list(one.argv),
                    "cwd": one.cwd,
                    "server": one.server,
                    "continues": one.again,
                    "newest_of_folder": one.is_guess,
                }
                for one in lost
            ]
        )
        return 0
    rows = [(one.name, one.why, " ".join(one.argv), one.cwd) for one in lost]
    print_table(rows, empty="no agent is lost")
    if lost:
        if any(one.is_guess for one in lost):
            print("whose conversation is not known continues the newest one of the folder")
        print("`orc resume AGENT` or `orc resume --all` starts them again")
    return 0


def record_json(record: Record) -> dict[str, object]:
    known, beat = record.known, record.beat
    return {
        "name": known.name,
        "origin": known.origin,
        "kind": known.kind or None,
        "argv": list(known.argv),
        "cwd": known.cwd or None,
        "env": list(known.env),
        "pane": known.pane.pane_id if known.pane is not None else None,
        "server": known.server or None,
        "labels": list(known.labels),
        "capabilities": list(known.capabilities),
        "version": known.version or None,
        "wanted": known.wanted,
        "presence": record.presence.value,
        "heartbeat": None
        if beat is None
        else {"at": iso(beat.at), "status": beat.status, "progress": beat.progress},
        "supervision": {
            "restart": known.policy.restart.value,
            "max_restarts": known.policy.max_restarts,
            "min_uptime_s": known.policy.min_uptime_s,
            "memory_max": known.policy.memory_max or None,
            "phase": record.phase or None,
            "reason": record.reason or None,
            "restarts": record.restarts,
        },
    }


async def _own_pane(core: Core) -> Agent | None:
    """The agent in whose pane this runs, None outside of tmux."""
    from orc_core.tmux.attach import here

    place = here(core.options.environ)
    if place is None:
        return None
    await core.agents.scan(must_answer=False)
    server, pane_id = place.address.socket_path, place.pane_id
    for agent in core.agents.agents():
        if (agent.pane.server, agent.pane.pane_id) == (server, pane_id):
            return agent
    return None


def _key(record: Record) -> str:
    pane = record.known.pane
    return pane.key if pane is not None else record.known.name


def _supervision(record: Record) -> str:
    policy = record.known.policy
    if not policy.watched:
        return ""
    phase = f", {record.phase}" if record.phase else ""
    last = ", last end" if record.phase == "running" else ""
    reason = f"{last}: {record.reason}" if record.reason else ""
    return f"restart {policy.restart.value}{phase}{reason}"
