"""`orc history`, `diff`, `revert`, `undo`, `redo`.

Invariant: nothing goes back before its difference was shown and confirmed, or `--yes` given.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import (
    change_json,
    iso,
    print_diff,
    print_json,
    print_table,
    revision_json,
    spoken,
)

if TYPE_CHECKING:
    from orc_core.model.history import Plan, Report


def register(commands: Commands) -> None:
    history = command(commands, "history", list_history, "list a document's revisions", json=True)
    _add_document(history)
    diff = command(commands, "diff", show_diff, "show what one revision changed", json=True)
    _add_document(diff)
    diff.add_argument("rev", metavar="REV", type=int)
    back = command(commands, "revert", revert, "take a document back to a revision", json=True)
    _add_document(back)
    back.add_argument("rev", metavar="REV", type=int)
    back.add_argument("--yes", action="store_true", help="do not ask")
    back.add_argument("--dry-run", action="store_true", help="show the difference, do nothing")
    command(commands, "undo", undo, "take back your last act", json=True)
    command(commands, "redo", redo, "do again what was undone last", json=True)


def _add_document(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", metavar="KIND", help="task or agent")
    parser.add_argument("id", metavar="ID")


async def list_history(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        revisions = await core.history.revisions(args.kind, args.id)
    if args.json:
        print_json([revision_json(revision) for revision in revisions])
        return 0
    rows = [
        (
            f"{revision.rev:>4}",
            iso(revision.at) or "",
            revision.actor,
            revision.cause + (" (deleted)" if revision.deleted else ""),
        )
        for revision in revisions
    ]
    print_table(rows, empty="no revisions")
    return 0


async def show_diff(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        changes = await core.history.diff(args.kind, args.id, args.rev)
    if args.json:
        print_json([change_json(change) for change in changes])
        return 0
    print(f"{args.kind} {args.id}: what revision {args.rev} changed")
    print_diff(changes)
    return 0


async def revert(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    async with opened(args, cause="orc revert") as core:
        plan = await core.history.plan(args.kind, args.id, args.rev)
        if not args.json or args.dry_run:
            _print_plan(args, plan)
        if args.dry_run:
            return 0
        if not args.yes:
            if not (sys.stdin.isatty() and sys.stdout.isatty()) or args.json:
                raise UsageError("nobody to ask here: give --yes to go back without asking")
            question = f"Take {args.id} back to revision {args.rev}? [y/N] "
            if (await asyncio.to_thread(input, question)).strip() != "y":
                print("nothing was changed")
                return 1
        report = await core.history.revert(plan)
    return _print_report(args, report)


async def undo(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc undo") as core:
        report = await core.history.undo()
    return _print_report(args, report)


async def redo(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc redo") as core:
        report = await core.history.redo()
    return _print_report(args, report)


def _print_plan(args: argparse.Namespace, plan: Plan) -> None:
    if args.json:
        print_json(
            {
                "kind": plan.kind,
                "id": plan.id,
                "from_rev": plan.from_rev,
                "to_rev": plan.to_rev,
                "diff": [change_json(change) for change in plan.diff],
                "returns": list(plan.returns),
                "stays": list(plan.stays),
                "lost": list(plan.lost),
            }
        )
        return
    print(f"{plan.kind} {plan.id}: from revision {plan.from_rev} back to {plan.to_rev}")
    print_diff(plan.diff)
    for title, lines in (
        ("stays as it is", plan.stays),
        ("cannot be taken back", plan.lost),
    ):
        for line in lines:
            print(f"  {title}: {line}")


def _print_report(args: argparse.Namespace, report: Report) -> int:
    if args.json:
        print_json({"text": spoken(report), "undoable": report.undoable, "rev": report.rev or None})
    else:
        print(spoken(report))
    return 0
