"""`orc code checkpoint|list|diff|restore|recover`: the files of a work tree, and the way back.

Invariant: no file goes back before what changes was shown and confirmed, or `--yes` given.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orc_cli import code_merge, code_state
from orc_cli.going_back import add_going_back, confirmed
from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table

if TYPE_CHECKING:
    from orc_core.code.repository import WorkTree
    from orc_core.code.trees import Restored
    from orc_core.hub import Core
    from orc_core.model.code import FileDiff, LeftOut, Pick, RestorePlan, TreeCheckpoint

NAMED_MAX = 20
"""How many files a list for people names; the others are counted."""


def register(commands: Commands) -> None:
    parser = commands.add_parser(
        "code",
        help="the files of a work tree: checkpoints, and the way back",
        description="The files of the work tree in which you stand, or in which an agent works.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    made = command(actions, "checkpoint", checkpoint, "keep all files as they are", json=True)
    made.add_argument("note", metavar="NOTE", nargs="?", default="", help="what it is for")
    listed = command(actions, "list", list_all, "list checkpoints, the newest first", json=True)
    shown = command(actions, "diff", diff, "show how files differ from a checkpoint", json=True)
    shown.add_argument("id", metavar="ID")
    shown.add_argument("paths", metavar="PATH", nargs="*", help="only these files and folders")
    back = command(actions, "restore", restore, "take files back to a checkpoint", json=True)
    back.add_argument("id", metavar="ID")
    back.add_argument("paths", metavar="PATH", nargs="*", help="only these files and folders")
    back.add_argument(
        "--hunk", metavar="PATH:N,N", action="append", default=[], help="only these hunks of a file"
    )
    back.add_argument("--others", action="store_true", help="also what others did, with --agent")
    back.add_argument("--exact", action="store_true", help="remove files made since, too")
    back.add_argument("--stop", action="store_true", help="end agents there, else interrupt them")
    add_going_back(back)
    code_state.register(actions)
    code_merge.register(actions)
    again = command(actions, "recover", recover, "mend a restore that was cut short", json=True)
    gone = command(actions, "remove", remove, "remove a linked work tree", json=True)
    gone.add_argument("--yes", action="store_true", help="do not ask")
    gone.add_argument("--discard", action="store_true", help="also what is nowhere else")
    for one in (made, listed, shown, back, again, gone):
        one.add_argument("--agent", metavar="A", default="", help="the tree this agent works in")


async def find_tree(core: Core, args: argparse.Namespace) -> WorkTree:
    """The work tree that is meant: that of an agent, else the one in which one stands."""
    if not args.agent:
        return await core.code.find(core.options.cwd)
    known = await core.lifecycle.crew.find(args.agent) if core.has_store else None
    if known is not None and known.pane is None and known.cwd:
        return await core.code.find(Path(known.cwd))
    await core.agents.scan()
    return await core.code.find(Path(core.agents.find(args.agent).cwd))


async def checkpoint(args: argparse.Namespace) -> int:
    async with opened(args, create=True, cause="orc code checkpoint") as core:
        made = await core.code.checkpoint(await find_tree(core, args), args.note)
    if args.json:
        print_json(checkpoint_json(made))
        return 0
    print(
        f"{made.id} holds {_top(made.top)} as it is; `orc code restore {made.id}` goes back to it"
    )
    _print_left_out("not in it", made.left_out)
    return 0


async def list_all(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        found = await core.code.listing(await find_tree(core, args))
    if args.json:
        print_json([checkpoint_json(one) for one in found])
        return 0
    rows = [
        (
            one.id,
            iso(one.at) or "",
            one.actor,
            one.branch.removeprefix("refs/heads/") or "no branch",
            one.note,
        )
        for one in found
    ]
    print_table(rows, empty="no checkpoints: `orc code checkpoint` makes one")
    return 0


async def diff(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        tree = await find_tree(core, args)
        then, files = await core.code.diff(tree, args.id, _paths(core, tree, args))
    if args.json:
        print_json({"checkpoint": checkpoint_json(then), "files": [_file(one) for one in files]})
        return 0
    if not files:
        print(f"nothing differs from {then.id}")
    for one in files:
        _print_file(one)
    return 0


async def restore(args: argparse.Namespace) -> int:
    async with opened(args, create=True, cause="orc code restore") as core:
        tree = await find_tree(core, args)
        paths = _paths(core, tree, args)
        picked = _picked(core, tree, args)
        plan = await core.code.plan(
            tree, args.id, paths, picked=picked, is_exact=args.exact, of=args.agent
        )
        kept = () if args.others or paths or picked else plan.shares
        if kept and plan.steps:
            plan = await _without(core, tree, plan)
        if args.dry_run and args.json:
            print_json(_plan_json(plan))
        elif not args.json:
            _print_plan(plan, stop=args.stop)
        if args.dry_run:
            return 0
        question = f"Take {len(plan.steps)} file(s) back to {plan.checkpoint.id}?"
        if plan.steps and not await confirmed(args, question):
            return 1
        done = await core.code.restore(tree, plan, stop=args.stop)
    return _report(args, done)


async def recover(args: argparse.Namespace) -> int:
    async with opened(args, create=True, cause="orc code recover") as core:
        tree = await find_tree(core, args)
        found = await core.code.recover(tree)
    from orc_core.code.restoring import TakenBack

    if found is None:
        text = "no restore was cut short here"
    elif isinstance(found, TakenBack):
        text = f"{found.turn.label} was cut short and is taken back"
    else:
        text = f"{found.label} was done and is written down now"
    strange = found.strange if isinstance(found, TakenBack) else ()
    if args.json:
        print_json({"text": text, "changed_since": [_name(path) for path in strange]})
        return 0
    print(text)
    for path in strange:
        print(f"  changed since, and left as it is: {_name(path)}")
    return 0


async def remove(args: argparse.Namespace) -> int:
    async with opened(args, create=True, cause="orc code remove") as core:
        tree = await find_tree(core, args)
        found = await core.code.losses(tree)
        if not args.json:
            _print_names("would be lost, not committed", found.files)
            _print_names("would be lost, ignored", found.ignored)
            for line in found.commits[:NAMED_MAX]:
                print(f"  is on no other branch: {line}")
        if not await confirmed(args, f"Remove {found.top}?"):
            return 1
        made = await core.code.remove_linked(tree, discard=args.discard)
    branch = f"the branch {found.branch} stays" if found.branch else "no branch has its commits"
    text = f"{found.top} is removed; {branch}; {made.commit} holds its files"
    if args.json:
        print_json(
            {
                "text": text,
                "branch": found.branch or None,
                "checkpoint": checkpoint_json(made),
                "files": [_name(path) for path in found.files],
                "ignored": [_name(path) for path in found.ignored],
                "commits": list(found.commits),
            }
        )
    else:
        print(f"{text}; `orc undo` does not take it back")
    return 0


def _paths(core: Core, tree: WorkTree, args: argparse.Namespace) -> tuple[bytes, ...]:
    from orc_core.code.trees import relative

    # With an agent's tree, names count from its top.
    return relative(tree, tree.top if args.agent else core.options.cwd, args.paths)


def _picked(core: Core, tree: WorkTree, args: argparse.Namespace) -> tuple[Pick, ...]:
    """The hunks that were named, by file; raises UsageError."""
    from orc_core.code.trees import relative
    from orc_core.errors import UsageError
    from orc_core.model.code import Pick

    found: dict[bytes, tuple[int, ...]] = {}
    for text in args.hunk:
        name, _, numbers = text.rpartition(":")
        try:
            some = tuple(int(one) for one in numbers.split(","))
        except ValueError:
            some = ()
        if not name or not some:
            raise UsageError(
                f"--hunk {text!r}: write PATH:N or PATH:N,N with the numbers that"
                f" `orc code diff {args.id}` shows"
            )
        [path] = relative(tree, tree.top if args.agent else core.options.cwd, [name])
        found[path] = (*found.get(path, ()), *some)
    return tuple(Pick(path, some) for path, some in found.items())


async def _without(core: Core, tree: WorkTree, plan: RestorePlan) -> RestorePlan:
    """A plan without the files in which others were since."""
    from dataclasses import replace

    kept = {one.path for one in plan.shares}
    paths = [step.path for step in plan.steps if step.path not in kept]
    if not paths:
        return replace(plan, steps=(), diffs=())
    part = await core.code.narrow(tree, plan, paths)
    return replace(part, shares=plan.shares, stays=plan.stays, kept_back=plan.kept_back)


def _report(args: argparse.Namespace, done: Restored) -> int:
    plan = done.plan
    if done.turn is None:
        text = f"nothing to do: it is as in {plan.checkpoint.id}"
    else:
        text = f"{len(plan.steps)} file(s) are back at {plan.checkpoint.id}"
    if args.json:
        told = _plan_json(plan) | {
            "text": text,
            "undoable": done.turn is not None,
            "before": done.turn.before if done.turn is not None else None,
            "after": done.turn.after if done.turn is not None else None,
            "interrupted": list(done.rested),
        }
        print_json(told)
        return 0
    for name in done.rested:
        print(f"  {name} was {'stopped' if args.stop else 'interrupted'}")
    print(f"{text}; `orc undo` takes it back" if done.turn is not None else text)
    return 0


def _print_plan(plan: RestorePlan, *, stop: bool) -> None:
    for one in plan.diffs:
        _print_file(one)
    if len(plan.steps) > len(plan.diffs):
        print(f"and {len(plan.steps) - len(plan.diffs)} more files")
    if not plan.steps:
        print("nothing would change: it is so already")
    _print_names("stays, it was made since (--exact removes it)", plan.stays)
    _print_left_out("is not touched", plan.kept_back)
    steps = {one.path for one in plan.steps}
    for share in plan.shares:
        what = "goes back all the same" if share.path in steps else "stays (--others takes it back)"
        print(f"  {_name(share.path)}: {share.agent} was in it since, {what}")
    for name in plan.agents:
        print(f"  works there: {name}, which is {'stopped' if stop else 'interrupted'} first")
    for line in plan.not_undone:
        print(f"  {line}")


def _print_file(one: FileDiff) -> None:
    size = "binary" if one.is_binary else f"+{one.added} -{one.removed}"
    print(f"{_name(one.path)}: {one.verb}  {size}")
    for hunk in one.hunks:
        print(f"  @@ {hunk.number}: line {hunk.before} now, {hunk.after} then @@")
        for line in hunk.lines:
            print(f"  {line}")
    if one.is_cut:
        print("  … and more")


def _print_names(title: str, paths: Sequence[bytes]) -> None:
    for path in paths[:NAMED_MAX]:
        print(f"  {title}: {_name(path)}")
    if len(paths) > NAMED_MAX:
        print(f"  {title}: {len(paths) - NAMED_MAX} more")


def _print_left_out(title: str, files: Sequence[LeftOut]) -> None:
    for one in files[:NAMED_MAX]:
        print(f"  {title}: {_name(one.path)}, {one.why}")
    if len(files) > NAMED_MAX:
        print(f"  {title}: {len(files) - NAMED_MAX} more")


def checkpoint_json(one: TreeCheckpoint) -> dict[str, object]:
    """A checkpoint of a work tree."""
    return {
        "id": one.id,
        "at": iso(one.at),
        "actor": one.actor,
        "note": one.note,
        "cause": one.cause.value,
        "tree": _top(one.tree),
        "top": _top(one.top),
        "branch": one.branch or None,
        "head": one.head or None,
        "commit": one.commit,
        "left_out": _left_out(one.left_out),
    }


def _plan_json(plan: RestorePlan) -> dict[str, object]:
    return {
        "checkpoint": checkpoint_json(plan.checkpoint),
        "files": [{"path": _name(one.path), "verb": one.verb} for one in plan.steps],
        "differences": [_file(one) for one in plan.diffs],
        "hunks": [{"path": _name(one.path), "numbers": list(one.hunks)} for one in plan.picked],
        "others": [{"path": _name(one.path), "agent": one.agent} for one in plan.shares],
        "stays": [_name(path) for path in plan.stays],
        "not_touched": _left_out(plan.kept_back),
        "not_taken_back": list(plan.not_undone),
        "agents": list(plan.agents),
    }


def _file(one: FileDiff) -> dict[str, object]:
    return {
        "path": _name(one.path),
        "verb": one.verb,
        "added": one.added,
        "removed": one.removed,
        "binary": one.is_binary,
        "cut": one.is_cut,
        "hunks": [
            {
                "number": hunk.number,
                "before": hunk.before,
                "after": hunk.after,
                "lines": list(hunk.lines),
            }
            for hunk in one.hunks
        ],
    }


def _left_out(files: Sequence[LeftOut]) -> list[dict[str, str]]:
    return [{"path": _name(one.path), "why": one.why} for one in files]


def _name(path: bytes) -> str:
    from orc_core.model.code import shown

    return shown(path)


def _top(text: str) -> str:
    from orc_core.text import clean

    return clean(text, limit=1024)
