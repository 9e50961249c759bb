"""`orc status`, `sync`, `init`, `doctor`.

Invariant: `status` and `doctor` look and change nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened, refuse_if_read_only
from orc_cli.output import counts, iso, layer_json, print_json
from orc_core.config import sockets

if TYPE_CHECKING:
    from orc_core.model.health import ServerStatus


def register(commands: Commands) -> None:
    command(commands, "status", show_status, "the state of everything, in short", json=True)
    sync = command(commands, "sync", sync_once, "bring layers and store together", json=True)
    sync.add_argument("--once", action="store_true", help="one full pass, then stop (the default)")
    sync.add_argument(
        "--accept-deletions",
        action="store_true",
        help="delete the tasks whose files are missing, however many there are",
    )
    command(commands, "init", init_workspace, "make a workspace for this repository", json=True)
    command(commands, "doctor", examine, "examine what orc-tui needs, with remedies", json=True)


async def show_status(args: argparse.Namespace) -> int:
    from orc_core.model.health import overall

    async with opened(args) as core:
        await core.agents.scan(must_answer=False)
        agents = core.agents.agents()
        layers = core.layers()
        snapshot = core.snapshot
        leader = core.led_elsewhere
        folder = core.workspace.folder
        link = core.agents.link().state.value
        servers = core.agents.statuses()
        left_out = core.agents.left_out
    states = Counter(agent.state.value for agent in agents if not agent.is_other)
    others = sum(agent.is_other for agent in agents)
    statuses = Counter(task.status.value for task in snapshot.tasks)
    conflicts = Counter(conflict.state.value for conflict in snapshot.conflicts)
    if args.json:
        print_json(
            {
                "workspace": str(folder),
                "server": servers[0].socket_path,
                "link": link,
                "servers": [_server_json(one) for one in servers],
                "servers_left_out": left_out,
                "leader": leader,
                "health": overall(layers).value,
                "agents": dict(states),
                "others": others,
                "tasks": dict(statuses),
                "conflicts": dict(conflicts),
                "merged_today": snapshot.merged_today,
                "layers": [layer_json(layer) for layer in layers],
            }
        )
        return 0
    print(f"workspace  {folder}" + ("" if leader else "  (no dashboard syncs it)"))
    for one in servers:
        print(f"{one.layer:10} {one.state.value}, {one.socket_path}")
    if left_out:
        print(f"           {left_out} more servers are not watched: name those that matter")
    print(f"agents     {counts(states)}" + (f", {others} other panes" if others else ""))
    print(f"tasks      {counts(statuses)}")
    print(f"conflicts  {counts(conflicts)}, {snapshot.merged_today} merged by themselves today")
    for layer in layers:
        when = f" ({iso(layer.trouble_at)})" if layer.trouble_at else ""
        trouble = f"  {layer.trouble}{when}" if layer.trouble else ""
        print(f"layer      {layer.name}: {layer.state.value}{trouble}")
        for fault in layer.faults:
            print(f"           {fault.id}: {fault.text}")
    return 0


def _server_json(status: ServerStatus) -> dict[str, object]:
    return {
        "name": status.name,
        "socket": status.socket_path,
        "link": status.state.value,
        "agents": status.agents,
        "others": status.others,
        "trouble": status.trouble or None,
    }


async def sync_once(args: argparse.Namespace) -> int:
    from orc_core.errors import OrcError
    from orc_core.model.health import LayerState

    async with opened(args, create=True, cause="orc sync") as core:
        report = await core.sync_once(accept_deletions=args.accept_deletions)
        layers = core.layers()
    done = asdict(report) if report is not None else {}
    if args.json:
        numbers = {name: done.get(name) for name in ("imported", "exported", "merged", "conflicts")}
        by = "leader" if report is None else "command"
        print_json({"synced_by": by} | numbers | {"layers": [layer_json(each) for each in layers]})
    elif report is None:
        print("the dashboard that syncs this workspace brought everything in step")
    else:
        print(
            f"{report.imported} read from layers, {report.exported} written to them, "
            f"{report.merged} field{'' if report.merged == 1 else 's'} merged,"
            f" {report.conflicts} new conflict{'' if report.conflicts == 1 else 's'}"
        )
    if not args.json:
        for layer in layers:
            if layer.state is LayerState.OFFLINE:
                print(f"  {layer.name} is offline: {layer.trouble}")
            for fault in layer.faults:
                print(f"  {layer.name} {fault.id}: {fault.text}")
    if any(layer.failed for layer in layers) or (report is not None and report.offline):
        raise OrcError("not everything could be synced: the lines above say what and why")
    return 0


async def init_workspace(args: argparse.Namespace) -> int:
    from orc_core import workspace
    from orc_storage.database import Database

    refuse_if_read_only(args, "make a workspace")
    place = await workspace.init_project(Path.cwd())
    store = await Database.open(place.folder)
    await store.close()
    if args.json:
        print_json({"workspace": str(place.folder)})
    else:
        print(f"workspace {place.folder} is ready: git ignores it, all work trees share it")
    return 0


async def examine(args: argparse.Namespace) -> int:
    from orc_core.doctor import examine as look

    findings = await asyncio.wait_for(
        look(
            folder=args.workspace,
            socket_paths=sockets(args, "paths"),
            socket_names=sockets(args, "names"),
            environ=dict(os.environ),
            cwd=Path.cwd(),
        ),
        timeout=30.0,
    )
    if args.json:
        print_json(
            [
                {
                    "check": f.check,
                    "verdict": f.verdict,
                    "found": f.found,
                    "remedy": f.remedy or None,
                }
                for f in findings
            ]
        )
    else:
        width = max(len(finding.check) for finding in findings)
        for finding in findings:
            print(f"{finding.verdict:5} {finding.check:{width}}  {finding.found}")
            if finding.remedy:
                print(f"      {'':{width}}  {finding.remedy}")
    return 1 if any(finding.verdict == "fail" for finding in findings) else 0
