"""`orc conflicts` and `orc conflict show|resolve|undo|defer`.

Invariant: a decision is a revision whose cause is the conflict, and it can be taken back.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import conflict_json, iso, print_json, print_table, spoken, word

if TYPE_CHECKING:
    from orc_storage.records import Side

BRIEF = 40
"""How much of a side stands in a row; `orc conflict show` has the rest."""
SIDES = {"file": "left", "tmux": "left", "store": "right", "base": "base"}


def register(commands: Commands) -> None:
    listing = command(commands, "conflicts", list_conflicts, "list the conflicts", json=True)
    listing.add_argument("--all", action="store_true", help="the decided ones too")

    conflict = commands.add_parser("conflict", help="show and decide one conflict")
    verbs = conflict.add_subparsers(dest="verb", metavar="VERB", required=True)
    show = command(verbs, "show", show_conflict, "show both sides and the base", json=True)
    show.add_argument("id", metavar="ID")
    resolve = command(verbs, "resolve", resolve_conflict, "decide a conflict", json=True)
    resolve.add_argument("id", metavar="ID")
    how = resolve.add_mutually_exclusive_group(required=True)
    how.add_argument("--take", choices=sorted(SIDES), help="take what this layer has")
    how.add_argument("--value", metavar="JSON", help="write this value instead")
    undo = command(verbs, "undo", undo_conflict, "take a decision back", json=True)
    undo.add_argument("id", metavar="ID")
    defer = command(verbs, "defer", defer_conflict, "put a conflict off", json=True)
    defer.add_argument("id", metavar="ID")
    defer.add_argument("--hours", type=float, default=24.0, metavar="H", help="default 24")


async def list_conflicts(args: argparse.Namespace) -> int:
    from orc_storage.records import ConflictState

    async with opened(args) as core:
        conflicts = await core.conflicts.listing() if core.has_store else []
    if not args.all:
        waiting = {ConflictState.OPEN, ConflictState.DEFERRED}
        conflicts = [conflict for conflict in conflicts if conflict.state in waiting]
    if args.json:
        print_json([conflict_json(conflict) for conflict in conflicts])
        return 0
    rows = [
        (
            conflict.state.value,
            conflict.id,
            f"{conflict.doc} {conflict.path}".rstrip(),
            _brief(conflict.left),
            _brief(conflict.right),
        )
        for conflict in conflicts
    ]
    print_table(rows, empty="no conflicts")
    return 0


def _brief(side: Side) -> str:
    from orc_core.text import cells, fit

    value = word(side.value, side.present)
    return f"{side.layer}: {fit(value, BRIEF) if cells(value) > BRIEF else value}"


async def show_conflict(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        conflict = await core.conflicts.get(args.id)
    if args.json:
        print_json(conflict_json(conflict))
        return 0
    print(f"{conflict.id}  {conflict.doc} {conflict.path}  {conflict.kind}, {conflict.state}")
    print(f"  base   {word(conflict.base, conflict.base_present)}  (revision {conflict.base_rev})")
    if conflict.base_by:
        print(f"         {conflict.base_by}, {iso(conflict.base_at)}")
    for side in (conflict.left, conflict.right):
        writer = side.writer or "writer unknown"
        print(f"  {side.layer:6} {word(side.value, side.present)}")
        print(f"         {writer}, {side.cause}, {iso(side.at)}")
    if conflict.why:
        print(f"  {conflict.why}")
    return 0


async def resolve_conflict(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    async with opened(args, cause="orc conflict resolve") as core:
        conflict = await core.conflicts.get(args.id)
        if args.take is None:
            try:
                value = json.loads(args.value)
            except ValueError as error:
                raise UsageError(
                    f"--value is not JSON ({error}): quote text twice, as in '\"new title\"'"
                ) from error
            report = await core.conflicts.resolve(conflict.id, "value", value)
        else:
            if args.take in ("file", "tmux") and conflict.left.layer != args.take:
                raise UsageError(
                    f"{conflict.id} has no side {args.take}: it has "
                    f"{conflict.left.layer} and {conflict.right.layer}"
                )
            report = await core.conflicts.resolve(conflict.id, SIDES[args.take])
        synced = core.led_elsewhere
        decided = await core.conflicts.get(conflict.id)
    if args.json:
        print_json(conflict_json(decided) | {"text": spoken(report), "synced": synced})
    else:
        print(spoken(report))
    return 0


async def undo_conflict(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc conflict undo") as core:
        conflict = await core.conflicts.get(args.id)
        report = await core.conflicts.undo_resolution(conflict.id)
        reopened = await core.conflicts.get(conflict.id)
    if args.json:
        print_json(conflict_json(reopened) | {"text": spoken(report)})
    else:
        print(spoken(report))
    return 0


async def defer_conflict(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc conflict defer") as core:
        conflict = await core.conflicts.get(args.id)
        until = core.snapshot.at + args.hours * 3600.0
        report = await core.conflicts.defer(conflict.id, until)
    if args.json:
        print_json({"id": conflict.id, "deferred_until": iso(until), "text": spoken(report)})
    else:
        print(spoken(report))
    return 0
