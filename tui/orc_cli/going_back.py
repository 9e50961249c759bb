"""Showing a plan, asking, and carrying it out: what all commands that go back share.

Invariant: a plan is carried out after it was shown and confirmed, or `--yes` was given.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orc_cli.output import plan_json, print_diff, print_json, spoken

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.model.history import Plan, Report


def add_going_back(parser: argparse.ArgumentParser) -> None:
    """Give a command `--yes` and `--dry-run`."""
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show the difference, do nothing")


async def go_back(core: Core, args: argparse.Namespace, plan: Plan, question: str) -> int:
    """Show a plan, ask, and do it; raises UsageError where there is nobody to ask."""
    if args.dry_run and args.json:
        print_json(plan_json(plan))
    elif not args.json:
        print_plan(plan)
    if args.dry_run:
        return 0
    if (plan.steps or plan.tree) and not await confirmed(args, question):
        return 1
    return print_report(args, await core.history.revert(plan))


async def confirmed(args: argparse.Namespace, question: str) -> bool:
    """Whether a person said yes, or `--yes` did; raises UsageError where nobody can be asked."""
    from orc_core.errors import UsageError

    if args.yes:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or args.json:
        raise UsageError("nobody to ask here: give --yes to go back without asking")
    if (await asyncio.to_thread(input, f"{question} [y/N] ")).strip().casefold() in ("y", "yes"):
        return True
    print("nothing was changed")
    return False


def print_plan(plan: Plan) -> None:
    """The preview of a plan: what is not touched, the differences, and the lists."""
    if plan.tree is not None:
        for line in plan.returns:
            print(f"  goes back: {line}")
        _print_lists(plan.stays, plan.lost)
        return
    print("files are not touched")
    if not plan.steps:
        print("nothing would change: it is so already")
        return
    for step in plan.steps:
        if step.body is None:
            print(f"{step.kind} {step.id}: deleted, it was at revision {step.from_rev}")
        else:
            to = f" back to {step.to_rev}" if step.to_rev else ""
            print(f"{step.kind} {step.id}: from revision {step.from_rev}{to}")
        print_diff(step.diff)
    _print_lists([line for line in plan.stays if not line.startswith("files ")], plan.lost)


def _print_lists(stays: Sequence[str], lost: Sequence[str]) -> None:
    for title, lines in (("stays as it is", stays), ("cannot be taken back", lost)):
        for line in lines:
            print(f"  {title}: {line}")


def print_report(args: argparse.Namespace, report: Report) -> int:
    """What was done, in one line, or as JSON."""
    if args.json:
        done = {"undoable": report.undoable, "redoable": report.redoable}
        print_json({"text": spoken(report), **done, "rev": report.rev or None})
    else:
        print(spoken(report))
    return 0
