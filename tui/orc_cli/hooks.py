"""`orc hooks install`, `uninstall`, `status`.

Invariant: everything is planned before anything is written, and `--dry-run` writes nothing.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, refuse_if_read_only
from orc_cli.output import iso, print_json, print_table

if TYPE_CHECKING:
    from orc_core.agents.hooks.installation import Plan
    from orc_core.agents.hooks.places import Places

AGENTS = "claude, codex, opencode, cursor, gemini (Antigravity too), aider"


def register(commands: Commands) -> None:
    told = "let agents tell what they do: install, uninstall, status"
    parser: argparse.ArgumentParser = commands.add_parser("hooks", help=told, description=told)
    parts = parser.add_subparsers(dest="hooks_command", metavar="COMMAND", required=True)
    install = command(
        parts, "install", install_hooks, "put our hooks into agents' settings", json=True
    )
    uninstall = command(parts, "uninstall", uninstall_hooks, "take our hooks out", json=True)
    status = command(parts, "status", show_status, "what is installed, and what fires", json=True)
    for one in (install, uninstall, status):
        one.add_argument("agent", metavar="AGENT", nargs="*", help=f"{AGENTS}; default: all found")
    for one in (install, uninstall):
        one.add_argument("--dry-run", action="store_true", help="print the diff, write nothing")
    install.add_argument(
        "--statusline",
        action="store_true",
        help="claude: run your status line behind ours, which keeps its figures",
    )


async def install_hooks(args: argparse.Namespace) -> int:
    from orc_core.agents.hooks import installation
    from orc_core.agents.hooks.versions import installed_version

    if not args.dry_run:
        refuse_if_read_only(args, "install hooks")
    places = _places()
    agents = args.agent or installation.present(places)
    if args.statusline and not args.agent:
        agents = ("claude",)
    plans: list[Plan] = []
    for agent in agents:
        version = await installed_version("claude", os.environ) if agent == "claude" else None
        wraps = args.statusline
        plans.append(installation.plan_install(agent, places, version=version, statusline=wraps))
    if not args.dry_run and plans:
        installation.apply(plans, places, install=True)
    return _report(args, plans, "installed", "was installed already")


async def uninstall_hooks(args: argparse.Namespace) -> int:
    from orc_core.agents.hooks import installation

    if not args.dry_run:
        refuse_if_read_only(args, "uninstall hooks")
    places = _places()
    agents = args.agent or installation.AGENTS
    plans = [installation.plan_uninstall(agent, places) for agent in agents]
    if not args.dry_run:
        installation.apply(plans, places, install=False)
    return _report(args, plans, "uninstalled", "was not installed")


async def show_status(args: argparse.Namespace) -> int:
    from orc_core.agents.hooks import installation
    from orc_core.agents.hooks.spool import newest_of_each
    from orc_core.text import age

    places = _places()
    told = [installation.status(agent, places) for agent in args.agent or installation.AGENTS]
    newest = newest_of_each(places.spool)
    if args.json:
        print_json(
            [
                {
                    "agent": one.agent,
                    "state": one.state,
                    "path": str(one.path),
                    "events": list(one.events),
                    "statusline": one.statusline,
                    "last_event_at": iso(newest.get(one.agent, 0.0)),
                    "note": one.note or None,
                }
                for one in told
            ]
        )
        return 0
    now = time.time()
    rows = []
    for one in told:
        at = newest.get(one.agent)
        heard = f"heard {age(now - at)}" if at else "never heard" if one.events else ""
        line = ", status line" if one.statusline else ""
        rows.append((one.agent, one.state + line, heard, str(one.path)))
    print_table(rows, empty="")
    for one in told:
        if one.note:
            print(f"{one.agent}: {one.note}")
    return 0


def _places() -> Places:
    from orc_core.agents.hooks.places import Places

    return Places.of(os.environ)


def _report(args: argparse.Namespace, plans: list[Plan], done: str, idle: str) -> int:
    if args.json:
        print_json(
            [
                {
                    "agent": plan.agent,
                    "path": str(plan.change.path),
                    "changed": plan.change.is_needed,
                    "written": plan.change.is_needed and not args.dry_run,
                    "diff": plan.change.diff() if args.dry_run else None,
                    "note": plan.note or None,
                }
                for plan in plans
            ]
        )
        return 0
    if not plans:
        print(f"no agent was found: name one of {AGENTS}")
    for plan in plans:
        if args.dry_run:
            print(plan.change.diff() or f"{plan.agent}: nothing to change", end="")
            print()
            continue
        what = done if plan.change.is_needed else idle
        print(f"{plan.agent}: {what}, {plan.change.path}")
        if plan.note:
            print(f"  {plan.note}")
    return 0
