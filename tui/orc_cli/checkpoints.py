"""`orc checkpoint create|list|show|restore|rename|delete`.

Invariant: a restore is previewed like everything else that goes back.
"""

from __future__ import annotations

import argparse

from orc_cli.going_back import add_going_back, go_back, print_report
from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table, saved_json


def register(commands: Commands) -> None:
    parser = commands.add_parser(
        "checkpoint",
        help="named points to come back to",
        description="Named points to come back to: which revision every document had.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    made = command(actions, "create", create, "make a checkpoint of all documents", json=True)
    made.add_argument("name", metavar="NAME", help="letters, digits and hyphens")
    made.add_argument("--note", default="", help="what it is for")
    command(actions, "list", list_all, "list checkpoints, the newest first", json=True)
    shown = command(actions, "show", show, "show how its documents stand now", json=True)
    shown.add_argument("name", metavar="NAME")
    back = command(actions, "restore", restore, "bring all its documents back", json=True)
    back.add_argument("name", metavar="NAME")
    back.add_argument("--exact", action="store_true", help="delete what was made later")
    add_going_back(back)
    renamed = command(actions, "rename", rename, "give it another name or note", json=True)
    renamed.add_argument("name", metavar="NAME")
    renamed.add_argument("to", metavar="NEW-NAME")
    renamed.add_argument("--note", help="what it is for")
    gone = command(actions, "delete", delete, "forget it; documents stay", json=True)
    gone.add_argument("name", metavar="NAME")


async def create(args: argparse.Namespace) -> int:
    async with opened(args, create=True, cause="orc checkpoint") as core:
        report = await core.history.create_checkpoint(args.name, note=args.note)
    return print_report(args, report)


async def list_all(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        found = await core.history.checkpoints()
    if args.json:
        print_json([saved_json(one) for one in found])
        return 0
    rows = [
        (
            one.name,
            iso(one.at) or "",
            one.actor,
            f"{one.documents} documents",
            "automatic" if one.is_automatic else "",
            one.note,
        )
        for one in found
    ]
    print_table(rows, empty="no checkpoints: `orc checkpoint create NAME` makes one")
    return 0


async def show(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        saved, held = await core.history.checkpoint(args.name)
    if args.json:
        documents = [
            {
                "kind": one.kind,
                "id": one.id,
                "rev": one.rev or None,
                "now_rev": one.now_rev or None,
                "differs": one.differs,
            }
            for one in held
        ]
        print_json({**saved_json(saved), "held": documents})
        return 0
    print(f"{saved.name}  {iso(saved.at)}  {saved.actor}  {saved.note}".rstrip())
    rows = [
        (
            one.kind,
            one.id,
            f"{one.rev or '-':>4}",
            "made later"
            if not one.rev
            else "deleted since"
            if not one.now_rev
            else f"now {one.now_rev}"
            if one.differs
            else "as it was",
        )
        for one in held
    ]
    print_table(rows, empty="no documents")
    return 0


async def restore(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc checkpoint restore") as core:
        plan = await core.history.plan_restore(args.name, exact=args.exact)
        question = f"Bring {len(plan.steps)} document(s) back to {args.name}?"
        return await go_back(core, args, plan, question)


async def rename(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        report = await core.history.rename_checkpoint(args.name, to=args.to, note=args.note)
    return print_report(args, report)


async def delete(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        report = await core.history.forget_checkpoint(args.name)
    return print_report(args, report)
