"""`orc tasks` and `orc task list|add|show|edit|start|done|fail|cancel|reopen|delete`.

Invariant: a write answers only after its commit, and says whether a leader will sync it.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from orc_cli import queue
from orc_cli.options import FILTER_HELP, Commands, command, opened, passing
from orc_cli.output import print_json, print_table, print_tally, task_json, unsynced

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.model.task import Task
    from orc_storage.records import Json

TOKEN = re.compile(r"[0-9a-f]{16}")
"""What the token of a lease looks like: no task has an id like that, which begins with T-."""
MOVES = {
    "start": ("running", "an agent has begun the task"),
    "done": ("done", "the task is finished"),
    "fail": ("failed", "the task could not be done"),
    "cancel": ("cancelled", "the task is not wanted any more"),
    "reopen": ("ready", "the task is to be done (again)"),
}


def register(commands: Commands) -> None:
    _register_listing(commands, "tasks")
    task = commands.add_parser("task", help="add, show and change one task")
    verbs = task.add_subparsers(dest="verb", metavar="VERB", required=True)
    _register_listing(verbs, "list")
    add = command(verbs, "add", add_task, "add a task", json=True)
    add.add_argument("title", metavar="TITLE")
    add.add_argument(
        "--key", default="", metavar="KEY", help="within a day, add it once for this key"
    )
    _add_fields(add)
    edit = command(verbs, "edit", edit_task, "change fields of a task, or of several", json=True)
    edit.add_argument("ids", metavar="ID", nargs="+")
    edit.add_argument("--title", metavar="T")
    edit.add_argument("--rev", type=int, metavar="N", help="refuse unless it is at revision N")
    _add_fields(edit)
    show = command(verbs, "show", show_task, "show one task", json=True)
    show.add_argument("id", metavar="ID")
    for verb, (status, meaning) in MOVES.items():
        move = command(verbs, verb, move_task, f"mark tasks {status}: {meaning}", json=True)
        move.add_argument("ids", metavar="ID", nargs="+")
        move.set_defaults(status=status)
        if verb == "fail":
            move.add_argument("--reason", default="", metavar="TEXT", help="why, for a TOKEN")
            move.set_defaults(run=fail_task)
    delete = command(
        verbs, "delete", delete_tasks, "delete tasks; `orc undo` brings them back", json=True
    )
    delete.add_argument("ids", metavar="ID", nargs="+")
    queue.register(verbs)


def _register_listing(commands: Commands, name: str) -> None:
    listing = command(commands, name, list_tasks, "list the tasks", json=True)
    listing.add_argument("--status", metavar="WORD", help="only those with this status")
    listing.add_argument("--assignee", metavar="AGENT", help="only those of this agent")
    listing.add_argument("--filter", default="", metavar="TEXT", help=FILTER_HELP)
    listing.add_argument("--limit", type=_count, metavar="N", help="at most N of them")
    listing.add_argument("--after", metavar="ID", help="only those behind this one, page by page")
    listing.add_argument("--tree", action="store_true", help="each below what it waits for")


def _add_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text", metavar="TEXT", help="what is to be done, at length")
    parser.add_argument("--priority", type=int, metavar="0..15", help="higher goes first")
    parser.add_argument("--assignee", metavar="AGENT", help="an agent's name; '' for nobody")
    parser.add_argument("--due", metavar="WHEN", help="a date or time; '' for none")
    for option, plural in (("--need", "needs"), ("--label", "labels")):
        parser.add_argument(
            option, action="append", metavar="WORD", dest=plural, help=f"one of its {plural}"
        )
    parser.add_argument(
        "--after", action="append", metavar="ID", dest="depends_on", help="a task to wait for"
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


def _fields(args: argparse.Namespace) -> dict[str, Json]:
    names = ("title", "text", "priority", "assignee", "due", "needs", "labels", "depends_on")
    given = {name: getattr(args, name, None) for name in names}
    return {name: value for name, value in given.items() if value is not None}


async def list_tasks(args: argparse.Namespace) -> int:
    from orc_core import filters
    from orc_core.tasks.tree import planted
    from orc_core.text import age

    async with opened(args) as core:
        await core.before_reading("task")
        tasks = list(core.snapshot.tasks)
        now = core.snapshot.at
    tasks.sort(key=lambda task: _number(task.id))
    if args.status:
        tasks = [task for task in tasks if task.status.value == args.status]
    if args.assignee:
        tasks = [task for task in tasks if task.assignee == args.assignee]
    tasks = passing(args.filter, tasks, filters.TASK, filters.of_task, now)
    if args.after:
        tasks = [task for task in tasks if _number(task.id) > _number(args.after)]
    tasks = tasks[: args.limit] if args.limit is not None else tasks
    grown = planted(tasks) if args.tree else [(task, "") for task in tasks]
    if args.json:
        print_json([task_json(task) for task, _ in grown])
        return 0
    rows = [
        (
            task.status.value,
            task.id,
            f"{task.priority:>2}",
            branch + task.title,
            task.assignee or ("after " + " ".join(task.blocked_by) if task.blocked_by else ""),
            age(now - task.since),
            f"fault: {task.fault}" if task.fault else "",
        )
        for task, branch in grown
    ]
    print_table(rows, empty="no tasks yet: orc task add TITLE")
    return 0


async def add_task(args: argparse.Namespace) -> int:
    fields = _fields(args)
    fields.pop("title")
    async with opened(args, create=True, cause="orc task add") as core:
        task = await core.tasks.add(args.title, key=args.key, **fields)
        return _print_written(args, core, task, f"added {task.id}")


async def edit_task(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    fields = _fields(args)
    if not fields:
        raise UsageError("nothing to change: give --title, --text, --priority or another field")
    async with opened(args, cause="orc task edit") as core:
        if len(args.ids) > 1:
            if args.title or args.rev is not None:
                raise UsageError("--title and --rev are of one task: name one")
            return print_tally(args, core, await core.tasks.edit_many(args.ids, fields))
        task = await core.tasks.edit(args.ids[0], fields, rev=args.rev)
        return _print_written(args, core, task, f"{task.id} is at revision {task.rev}")


async def move_task(args: argparse.Namespace) -> int:
    from orc_core.model.task import Status

    async with opened(args, cause=f"orc task {args.verb}") as core:
        if len(args.ids) > 1:
            tally = await core.tasks.edit_many(args.ids, {"status": args.status})
            return print_tally(args, core, tally)
        task = await core.tasks.set_status(args.ids[0], Status(args.status))
        return _print_written(args, core, task, f"{task.id} is {task.status.value}")


async def delete_tasks(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc task delete") as core:
        return print_tally(args, core, await core.tasks.delete_many(args.ids))


async def fail_task(args: argparse.Namespace) -> int:
    """`orc task fail ID…`, or the TOKEN of a task that was taken."""
    if len(args.ids) == 1 and TOKEN.fullmatch(args.ids[0]):
        return await queue.fail_task(args)
    return await move_task(args)


async def show_task(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        await core.before_reading("task")
        task = await core.tasks.get(args.id)
        faults = {known.id: known.fault for known in core.snapshot.tasks}
    if args.json:
        print_json(task_json(task) | {"fault": faults.get(task.id) or None})
        return 0
    print(f"{task.id}  {task.title}")
    who = task.assignee or "nobody"
    print(f"  {task.status.value}, priority {task.priority}, for {who}, revision {task.rev}")
    for name, words in (
        ("needs", task.needs),
        ("labels", task.labels),
        ("after", task.depends_on),
        ("blocked by", task.blocked_by),
    ):
        if words:
            print(f"  {name}: {', '.join(words)}")
    if faults.get(task.id):
        print(f"  fault in its file: {faults[task.id]}")
    if task.text:
        print()
        print(task.text)
    return 0


def _print_written(args: argparse.Namespace, core: Core, task: Task, text: str) -> int:
    if args.json:
        print_json(task_json(task) | {"synced": core.led_elsewhere})
    else:
        print(text + unsynced(core))
    return 0


def _number(id: str) -> tuple[str, int, str]:
    prefix, _, tail = id.rpartition("-")
    return (prefix, int(tail), "") if tail.isdigit() else (id, 0, "")
