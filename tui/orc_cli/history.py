"""`orc history`, `diff`, `timeline`, `revert`, `take-out`, `undo`, `redo`.

Invariant: nothing goes back before its difference was shown and confirmed, or `--yes` given.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from orc_cli.going_back import add_going_back, go_back, print_report
from orc_cli.options import Commands, command, opened
from orc_cli.output import (
    change_json,
    iso,
    moment_json,
    print_diff,
    print_json,
    print_table,
    revision_json,
)

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.model.history import Moment, Plan, Query, Report

LIMIT = 50


def register(commands: Commands) -> None:
    history = command(commands, "history", list_history, "list a document's revisions", json=True)
    _add_document(history)
    diff = command(commands, "diff", show_diff, "show what one revision changed", json=True)
    _add_document(diff)
    diff.add_argument("rev", metavar="REV", type=int)
    diff.add_argument("--against", metavar="REV", type=int, help="another revision than the last")
    _register_timeline(commands)
    back = command(
        commands, "revert", revert, "take a document, or all since a time, back", json=True
    )
    back.add_argument("kind", metavar="KIND", nargs="?", help="task or agent")
    back.add_argument("id", metavar="ID", nargs="?")
    back.add_argument("rev", metavar="REV", type=int, nargs="?")
    back.add_argument("--from", dest="first", metavar="SEQ", type=int, help="from this entry on")
    back.add_argument("--to", dest="last", metavar="SEQ", type=int, help="up to this entry")
    _add_span(back)
    back.add_argument("--actor", metavar="NAME", help="only what this one did")
    add_going_back(back)
    out = command(commands, "take-out", take_out, "take one change out, keep later ones", json=True)
    _add_document(out)
    out.add_argument("rev", metavar="REV", type=int, nargs="+")
    add_going_back(out)
    for name, run, help in (
        ("undo", undo, "take back your last act"),
        ("redo", redo, "do again what was undone last"),
    ):
        turn = command(commands, name, run, help, json=True)
        turn.add_argument("--list", action="store_true", help="show the list, do nothing")
        add_going_back(turn)


def _register_timeline(commands: Commands) -> None:
    told = command(
        commands, "timeline", timeline, "tell what was done and seen, newest first", json=True
    )
    told.add_argument("kind", metavar="KIND", nargs="?", help="task or agent")
    told.add_argument("id", metavar="ID", nargs="?")
    told.add_argument("--agent", metavar="NAME", help="what this agent did and went through")
    _add_span(told)
    told.add_argument("--actor", metavar="NAME", help="only what this one did; `you` is you")
    told.add_argument("--kind", dest="of", metavar="KIND", help="task, agent, conflict, state, …")
    told.add_argument("--find", metavar="WORDS", default="", help="only lines with these words")
    told.add_argument("--limit", metavar="N", type=int, default=LIMIT, help="50 unless told")


def _add_document(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", metavar="KIND", help="task or agent")
    parser.add_argument("id", metavar="ID")


def _add_span(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="TIME", help="13:00, 2h, 3d, 2026-11-20T13:00")
    parser.add_argument("--until", metavar="TIME", help="the same, excluded")


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
            revision.cause
            + (" (deleted)" if revision.deleted else "")
            + (f" (damaged: {revision.damage})" if revision.damage else ""),
        )
        for revision in revisions
    ]
    print_table(rows, empty="no revisions")
    return 0


async def show_diff(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        changes = await core.history.diff(args.kind, args.id, args.rev, against=args.against)
    if args.json:
        print_json([change_json(change) for change in changes])
        return 0
    against = "" if args.against is None else f" against {args.against}"
    print(f"{args.kind} {args.id}: what revision {args.rev} changed{against}")
    print_diff(changes)
    return 0


async def timeline(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    if (args.kind is None) is not (args.id is None):
        raise UsageError("a timeline is of KIND and ID, of --agent NAME, or of everything")
    if args.limit < 1:
        raise UsageError("--limit is a number from 1 on")
    async with opened(args) as core:
        query = _query(core, args)
        page = await core.history.page(query, limit=args.limit)
    if args.json:
        print_json([moment_json(moment) for moment in page.moments])
        return 0
    print_table([_row(moment) for moment in page.moments], empty="nothing happened there")
    if page.next is not None and len(page.moments) == args.limit:
        print(f"and more: --limit shows more than {args.limit}")
    return 0


def _query(core: Core, args: argparse.Namespace) -> Query:
    from orc_core.history.query import person
    from orc_core.model.history import Query
    from orc_core.terms import moment

    now = core.snapshot.at
    return Query(
        doc_kind=args.kind or "",
        doc=args.id or "",
        agent=getattr(args, "agent", None) or "",
        actor=person(args.actor or ""),
        kind=getattr(args, "of", None) or "",
        since=moment(args.since, now) if args.since else 0.0,
        until=moment(args.until, now) if args.until else 0.0,
        first=getattr(args, "first", None) or 0,
        last=getattr(args, "last", None) or 0,
        words=tuple(getattr(args, "find", "").casefold().split()),
    )


def _row(moment: Moment) -> tuple[str, ...]:
    of = f"{moment.kind} {moment.id}@{moment.rev}" if moment.rev else f"{moment.kind} {moment.id}"
    number = "" if moment.is_state else str(moment.seq)
    return (f"{number:>6}", iso(moment.at) or "", moment.actor, moment.action, of, moment.text)


async def revert(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    of_range = any(
        one is not None for one in (args.first, args.last, args.since, args.until, args.actor)
    )
    if not of_range and args.rev is None:
        raise UsageError(
            "say what goes back: KIND ID REV, or all of --since TIME, --from SEQ --to SEQ"
        )
    if of_range and args.rev is not None:
        raise UsageError("give a revision, or a range, not both")
    if (args.kind is None) is not (args.id is None):
        raise UsageError("a range is of KIND and ID, or of everything")
    async with opened(args, cause="orc revert") as core:
        plan = await (_plan_range(core, args) if of_range else _plan_one(core, args))
        question = (
            f"Take {args.id} back to revision {args.rev}?"
            if not of_range
            else f"Take back {len(plan.steps)} document(s)?"
        )
        return await go_back(core, args, plan, question)


async def _plan_one(core: Core, args: argparse.Namespace) -> Plan:
    return await core.history.plan(args.kind, args.id, args.rev)


async def _plan_range(core: Core, args: argparse.Namespace) -> Plan:
    words = (
        f"{name} {value}"
        for name, value in (
            ("from", args.first),
            ("to", args.last),
            ("since", args.since),
            ("until", args.until),
            ("by", args.actor),
        )
        if value is not None
    )
    of = f"{args.id} " if args.id else ""
    return await core.history.plan_range(_query(core, args), label=f"revert {of}{' '.join(words)}")


async def take_out(args: argparse.Namespace) -> int:
    from orc_core.model.history import Mark

    marks = [Mark(args.kind, args.id, rev) for rev in dict.fromkeys(args.rev)]
    async with opened(args, cause="orc take-out") as core:
        plan = await core.history.plan_take_out(marks)
        revs = ", ".join(str(mark.rev) for mark in marks)
        return await go_back(core, args, plan, f"Take revision {revs} out of {args.id}?")


async def undo(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc undo") as core:
        return await _turn(core, args, is_undo=True)


async def redo(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc redo") as core:
        return await _turn(core, args, is_undo=False)


async def _turn(core: Core, args: argparse.Namespace, *, is_undo: bool) -> int:
    from orc_core.errors import Overlap

    history = core.history
    if args.list:
        return await _list_acts(core, args)
    if not args.dry_run:
        try:
            report: Report = await (history.undo() if is_undo else history.redo())
        except Overlap:
            # Newer work is in the way: from here on it is asked for, or given with --yes.
            plan = await (history.plan_undo() if is_undo else history.plan_redo())
            if not plan.standing:
                raise
        else:
            return print_report(args, report)
    else:
        plan = await (history.plan_undo() if is_undo else history.plan_redo())
    return await go_back(core, args, plan, f"{plan.label}?")


async def _list_acts(core: Core, args: argparse.Namespace) -> int:
    done = await core.history.acts(LIMIT)
    if args.json:
        print_json(
            [{"at": iso(one.at), "label": one.label, "undone": one.is_undone} for one in done]
        )
        return 0
    rows = [("redo" if one.is_undone else "undo", iso(one.at) or "", one.label) for one in done]
    print_table(rows, empty="nothing to undo")
    return 0
