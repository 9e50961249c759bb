"""`orc task enqueue|next|ack|heartbeat|yield|retry|dead|queue|results`: tasks that agents take.

Invariant: whoever holds a task shows its token; without one nothing is said of its work.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table, print_tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orc_core.model.work import Leased, Queued, Result

NOTHING = 3
"""What `next` exits with where there is nothing to do, as for anything that is not there."""


def register(verbs: Commands) -> None:
    """Add the verbs of the queue to those of `orc task`."""
    enqueue = command(verbs, "enqueue", enqueue_task, "have agents take tasks", json=True)
    enqueue.add_argument("ids", metavar="ID", nargs="+")
    enqueue.add_argument(
        "--type", default="any", metavar="KIND", help="only for agents of this kind, e.g. codex"
    )
    enqueue.add_argument("--key", default="", metavar="KEY", help="within a day, once for this key")
    take = command(verbs, "next", take_task, "take the task that goes first", json=True)
    take.add_argument("--agent", required=True, metavar="NAME", help="who takes it")
    _add_skills(take)
    ack = command(verbs, "ack", end_task, "the task that was taken is done", json=True)
    ack.add_argument("token", metavar="TOKEN")
    ack.add_argument("--note", default="", metavar="TEXT", help="what came of it")
    ack.add_argument("--next", action="store_true", help="and take the task that goes first")
    _add_skills(ack)
    beat = command(verbs, "heartbeat", beat_task, "say that a task is still worked on", json=True)
    beat.add_argument("token", metavar="TOKEN")
    beat.add_argument("--progress", default="", metavar="TEXT", help="how far it is")
    aside = command(verbs, "yield", yield_task, "give a task back for a more urgent one", json=True)
    aside.add_argument("token", metavar="TOKEN")
    aside.add_argument("--checkpoint", default="", metavar="TEXT", help="how far it came")
    retry = command(verbs, "retry", retry_task, "try a dead task again", json=True)
    retry.add_argument("id", metavar="ID")
    command(verbs, "dead", list_dead, "list the tasks that failed too often", json=True)
    command(verbs, "queue", list_queue, "list what waits, is held, or is dead", json=True)
    told = command(verbs, "results", list_results, "what came of tasks, each once", json=True)
    told.add_argument(
        "--group", default="orc", metavar="NAME", help="who hears them; each group hears all"
    )
    told.add_argument(
        "--limit", type=_count, default=500, metavar="N", help="at most N of them, 500 unless told"
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _add_skills(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", default="", metavar="KIND", help="the kind of agent it is")
    parser.add_argument(
        "--can", action="append", default=[], metavar="WORD", help="something that it can do"
    )


async def enqueue_task(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    if len(args.ids) > 1 and args.key:
        raise UsageError("--key is of one task: name one")
    async with opened(args, cause="orc task enqueue") as core:
        if len(args.ids) > 1:
            return print_tally(args, core, await core.queue.enqueue_many(args.ids, kind=args.type))
        made = await core.queue.enqueue(args.ids[0], kind=args.type, key=args.key)
    return _tell(args, made, f"{made.task} is {made.stage} on {made.topic}")


async def take_task(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc task next") as core:
        lease = await core.queue.take(args.agent, kind=args.type, capabilities=args.can)
    if args.json:
        print_json(asdict(lease) if lease is not None else None)
    elif lease is None:
        print(f"nothing to do for {args.agent}")
    else:
        _print_lease(lease)
    return 0 if lease is not None else NOTHING


def _print_lease(lease: Leased) -> None:
    print(f"{lease.task}  {lease.title}")
    print(f"  attempt {lease.attempt}, priority {lease.priority}, token {lease.token}")
    if lease.checkpoint:
        print(f"  begun before: {lease.checkpoint}")
    if lease.text:
        print()
        print(lease.text)


async def end_task(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc task ack") as core:
        if not args.next:
            done = await core.queue.acknowledge(args.token, note=args.note)
            return _tell(args, done, f"{done.task} is done")
        handed = await core.queue.hand_in(
            args.token, note=args.note, kind=args.type, capabilities=args.can
        )
    if args.json:
        print_json(asdict(handed) | {"done": _queued_json(handed.done)})
        return 0
    print(f"{handed.done.task} is done")
    print("nothing more to do") if handed.next is None else _print_lease(handed.next)
    return 0


async def fail_task(args: argparse.Namespace) -> int:
    """The task of a token failed; `orc task fail` calls this where it is given one."""
    async with opened(args, cause="orc task fail") as core:
        left = await core.queue.fail(args.ids[0], reason=args.reason)
    again = f"failed for good: `orc task retry {left.task}`"
    if left.stage == "ready":
        again = f"is tried again in {left.due_at - left.at:.0f} s"
    return _tell(args, left, f"{left.task} {again}")


async def beat_task(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc task heartbeat") as core:
        lease = await core.queue.beat(args.token, progress=args.progress)
    if args.json:
        print_json(asdict(lease))
    elif lease.yield_to:
        print(f"{lease.yield_to} is more urgent: `orc task yield {lease.token} --checkpoint TEXT`")
    else:
        print(f"{lease.task} goes on")
    return 0


async def yield_task(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc task yield") as core:
        left = await core.queue.step_aside(args.token, checkpoint=args.checkpoint)
    return _tell(args, left, f"{left.task} waits for its next turn")


async def retry_task(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc task retry") as core:
        left = await core.queue.retry(args.id)
    return _tell(args, left, f"{left.task} is ready again")


async def list_dead(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        found = await core.queue.dead() if core.has_store else ()
    return _list(args, found, empty="no dead tasks")


async def list_queue(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        found = await core.queue.listing() if core.has_store else ()
    return _list(args, found, empty="nothing is queued: orc task enqueue ID")


async def list_results(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc task results") as core:
        found = await core.queue.results(args.group, limit=args.limit)
        if args.json:
            print_json([_result_json(one) for one in found])
        else:
            print_table([_result_row(one) for one in found], empty="nothing new")
        sys.stdout.flush()
        await core.queue.heard(found)
    return 0


def _result_row(one: Result) -> tuple[str, ...]:
    return (
        one.outcome,
        one.task,
        one.holder,
        iso(one.at) or "",
        f"attempt {one.attempts}",
        one.note,
    )


def _result_json(one: Result) -> dict[str, object]:
    return {
        "task": one.task,
        "outcome": one.outcome,
        "holder": one.holder,
        "attempts": one.attempts,
        "note": one.note,
        "at": iso(one.at),
    }


def _queued_json(one: Queued) -> dict[str, object]:
    return asdict(one) | {"at": iso(one.at), "due_at": iso(one.due_at)}


def _list(args: argparse.Namespace, found: Sequence[Queued], *, empty: str) -> int:
    if args.json:
        print_json([_queued_json(one) for one in found])
        return 0
    rows = [
        (
            one.stage,
            one.task,
            f"{one.priority:>2}",
            one.topic,
            one.holder,
            f"attempt {one.attempts}" if one.attempts else "",
            one.progress or one.reason,
        )
        for one in found
    ]
    print_table(rows, empty=empty)
    return 0


def _tell(args: argparse.Namespace, one: Queued, text: str) -> int:
    print_json(_queued_json(one)) if args.json else print(text)
    return 0
