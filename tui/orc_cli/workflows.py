"""`orc workflow start|templates|list|show|pause|resume|cancel|retry|rollback|approve|refuse`.

Invariant: with `--wait` the exit code tells how it ended: 0 completed, 1 rolled back or cancelled,
4 where something that should have been undone is not.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_storage.sagas import Saga

INCOMPLETE = 4
"""What a command exits with where a rollback could not undo everything."""


def register(commands: Commands) -> None:
    """Add `orc workflow` and its verbs."""
    group = commands.add_parser("workflow", help="run steps that are undone when one fails")
    verbs = group.add_subparsers(dest="verb", metavar="VERB", required=True)
    start = command(verbs, "start", start_workflow, "start a workflow", json=True)
    start.add_argument("name", metavar="FILE|TEMPLATE")
    start.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a value of a parameter"
    )
    command(verbs, "templates", list_templates, "list the workflows that come along", json=True)
    command(verbs, "list", list_workflows, "list workflows, the newest first", json=True)
    show = command(verbs, "show", show_workflow, "show one: steps, times, the way back", json=True)
    show.add_argument("id", metavar="ID")
    for name, help in (
        ("pause", "stop after the step that is under way"),
        ("cancel", "stop at once, and leave what was done"),
        ("rollback", "stop at once, and undo what was done"),
        ("resume", "go on with one that is paused"),
        ("retry", "do one again that was undone or cancelled"),
        ("approve", "say yes to the gate at which one waits"),
        ("refuse", "say no to the gate at which one waits: it is rolled back"),
    ):
        verb = command(verbs, name, change_workflow, help, json=True)
        verb.add_argument("id", metavar="ID")
        if name == "retry":
            verb.add_argument(
                "--from", dest="first", default="", metavar="STEP", help="skip what is before it"
            )
        if name in ("rollback", "resume", "retry"):
            _add_wait(verb)
    _add_wait(start)


def _add_wait(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--wait", action="store_true", help="run it here where no dashboard does, to its end"
    )


def _values(told: list[str]) -> dict[str, str]:
    from orc_core.errors import UsageError

    pairs = [one.partition("=") for one in told]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise UsageError(f"--set {key}: write it as KEY=VALUE")
    return {key: value for key, _, value in pairs}


async def start_workflow(args: argparse.Namespace) -> int:
    values = _values(args.set)
    async with opened(args, create=True, cause="orc workflow start") as core:
        made = await core.workflows.start(args.name, Path.cwd(), values)
        return await _tell(args, core, made)


async def change_workflow(args: argparse.Namespace) -> int:
    from orc_storage.sagas import Wish

    async with opened(args, cause=f"orc workflow {args.verb}") as core:
        if args.verb in ("approve", "refuse"):
            changed = await core.workflows.answer(args.id, args.verb)
        elif args.verb == "resume":
            changed = await core.workflows.resume(args.id)
        elif args.verb == "retry":
            changed = await core.workflows.retry(args.id, args.first)
        else:
            changed = await core.workflows.ask(args.id, Wish(args.verb))
        return await _tell(args, core, changed)


async def _tell(args: argparse.Namespace, core: Core, saga: Saga) -> int:
    """Print how a workflow stands, at its end where that is waited for."""
    is_awaited = getattr(args, "wait", False)
    if is_awaited:
        saga = await core.workflows.wait(saga.id)
    if args.json:
        print_json(saga_json(saga))
    else:
        from orc_core.saga.standing import standing

        print(f"{saga.id} {saga.name}: {standing(saga)}")
        if not is_awaited and not core.led_elsewhere and saga.state.value in ("PENDING", "RUNNING"):
            print("no dashboard runs it: open one, or give --wait")
    return _code(saga) if is_awaited else 0


def _code(saga: Saga) -> int:
    from orc_storage.sagas import State

    return {State.COMPLETED: 0, State.FAILED: INCOMPLETE}.get(saga.state, 1)


async def list_templates(args: argparse.Namespace) -> int:
    from orc_core.saga.library import templates

    found = templates()
    if args.json:
        print_json(
            [{"name": o.name, "about": o.about, "params": dict(o.parameters)} for o in found]
        )
        return 0
    print_table(
        [(one.name, " ".join(f"{k}={v}" for k, v in one.parameters.items()), one.about)
         for one in found],
        empty="none",
    )  # fmt: skip
    return 0


async def list_workflows(args: argparse.Namespace) -> int:
    from orc_core.saga.standing import standing

    async with opened(args) as core:
        found = await core.workflows.listing() if core.has_store else []
    if args.json:
        print_json([saga_json(one) for one in found])
        return 0
    rows = [(one.id, one.name, iso(one.since) or "", standing(one)) for one in found]
    print_table(rows, empty="no workflows: orc workflow start FILE|TEMPLATE")
    return 0


async def show_workflow(args: argparse.Namespace) -> int:
    from orc_core.saga.standing import standing, took, undoing

    async with opened(args) as core:
        saga = await core.workflows.get(args.id)
    if args.json:
        print_json(saga_json(saga))
        return 0
    print(f"{saga.id} {saga.name}: {standing(saga)}")
    rows = [(f"  {one.phase}", one.name, one.kind, took(one), one.reason) for one in saga.steps]
    print_table(rows, empty="")
    if undone := undoing(saga):
        print(undone)
    return 0


def saga_json(saga: Saga) -> dict[str, object]:
    """A workflow as `--json` tells it."""
    from orc_core.saga.machine import is_incomplete, running_step, to_undo

    return {
        "id": saga.id,
        "name": saga.name,
        "state": saga.state.value,
        "step": running_step(saga) or None,
        "asked": saga.wish.value or None,
        "rollback": "incomplete" if is_incomplete(saga) else None,
        "reason": saga.reason or None,
        "round": saga.round,
        "spent_s": round(saga.spent_s, 3),
        "made_at": iso(saga.made_at),
        "made_by": saga.made_by,
        "since": iso(saga.since),
        "steps": [
            {
                "name": one.name,
                "kind": one.kind,
                "phase": one.phase.value,
                "attempts": one.attempts,
                "begun_at": iso(one.begun_at),
                "ended_at": iso(one.ended_at),
                "reason": one.reason or None,
                "output": one.output or None,
            }
            for one in saga.steps
        ],
        "undoing": [one.name for one in to_undo(saga)],
    }
