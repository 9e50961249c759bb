"""`orc code merge …`: two branches made one, decided part by part, committed at the end.

Invariant: a branch moves only with `commit`, after what would be done was shown and confirmed, or
`--yes` given; nothing else here changes the repository.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from orc_cli.going_back import confirmed
from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table

if TYPE_CHECKING:
    from orc_core.code.repository import WorkTree
    from orc_core.hub import Core
    from orc_core.model.merging import Choice, Merge, Merged, MergeSide, Part

TAKES: Final = ("left", "right", "both", "swapped", "base", "value", "none")
_WORDS: Final[Mapping[str, str]] = {"swapped": "both, right first", "value": "a text of its own"}


def register(actions: Commands) -> None:
    """Add `merge` to the actions of `orc code`."""
    parser = actions.add_parser(
        "merge",
        help="merge two branches, deciding what conflicts",
        description="Merge two branches without touching a work tree: begin, choose, commit.",
    )
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    begun = command(steps, "begin", begin, "begin to merge two branches", json=True)
    begun.add_argument("left", metavar="LEFT", help="a branch, or an agent for its branch")
    begun.add_argument("right", metavar="RIGHT", help="what is merged into it")
    begun.add_argument("--dry-run", action="store_true", help="show what conflicts, keep nothing")
    command(steps, "list", list_all, "list merges that are under way", json=True)
    shown = command(steps, "show", show, "show what is to decide, and what is chosen", json=True)
    chosen = command(steps, "choose", choose, "decide a part", json=True)
    chosen.add_argument("part", metavar="PART", help="its number, a file, or `all` that are open")
    chosen.add_argument("take", metavar="TAKE", choices=TAKES, help=", ".join(TAKES))
    chosen.add_argument("--text", default="", help="the lines to write, with `value`")
    tried = command(steps, "check", check, "run the check command on what is chosen", json=True)
    done = command(steps, "commit", commit, "commit what is chosen", json=True)
    done.add_argument("--yes", action="store_true", help="do not ask")
    ended = command(steps, "abort", abort, "forget a merge and what was chosen", json=True)
    given = command(steps, "hand", hand, "have an agent do it", json=True)
    given.add_argument("agent", metavar="AGENT")
    given.add_argument("--yes", action="store_true", help="do not ask")
    proved = command(steps, "verify", verify, "look at what the agent made of it", json=True)
    for one in (shown, chosen, tried, done, ended, given, proved):
        one.add_argument(
            "--merge", metavar="ID", default="", help="which one, if there are several"
        )
    for one in (begun, done):
        one.add_argument("--into", metavar="BRANCH", default="", help="the branch that gets it")
    for one in (begun, tried):
        text = "a command that has to pass on the merged files"
        one.add_argument("--check", metavar="COMMAND", default="", help=text)


async def begin(args: argparse.Namespace) -> int:
    async with opened(args, create=not args.dry_run, cause="orc code merge") as core:
        tree = await core.merges.find(core.options.cwd)
        who, branches = await people(core, tree)
        left, right = (branches.get(name, name) for name in (args.left, args.right))
        words = _words(args.check)
        if args.dry_run:
            merge = await core.merges.preview(tree, left, right, into=args.into, check=words)
        else:
            merge = await core.merges.begin(tree, left, right, into=args.into, check=words, who=who)
    return _tell(args, merge)


async def people(core: Core, here: WorkTree) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Agent and task by branch, and branches by agent, of those in the repository of `here`."""
    from pathlib import Path

    from orc_core.code.repository import head
    from orc_core.code.worktrees import short
    from orc_core.errors import GitError

    await core.agents.scan(must_answer=False)
    await core.refresh()
    who: dict[str, tuple[str, str]] = {}
    branches: dict[str, str] = {}
    for agent in core.snapshot.agents:
        if agent.is_other or agent.has_ended or not agent.cwd:
            continue
        try:
            tree = await core.merges.find(Path(agent.cwd))
            if tree.common_dir != here.common_dir:
                continue
            _, ref = await head(tree, core.options.environ)
        except GitError:
            continue
        if ref:
            who.setdefault(short(ref), (agent.name, agent.task))
            branches[agent.name] = short(ref)
    return who, branches


async def list_all(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        found = await core.merges.listing(await core.merges.find(core.options.cwd))
    if args.json:
        print_json([merge_json(one) for one in found])
        return 0
    rows = [
        (
            one.id,
            iso(one.at) or "",
            f"{one.left.title} and {one.right.title}",
            f"{len(one.open)} of {len(one.parts)} open",
            f"with {one.handed}" if one.handed else "",
        )
        for one in found
    ]
    print_table(rows, empty="no merge is under way: `orc code merge begin` begins one")
    return 0


async def show(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        merge = await core.merges.show(await core.merges.find(core.options.cwd), args.merge)
    return _tell(args, merge)


async def choose(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError
    from orc_core.model.code import shown
    from orc_core.model.merging import Choice, Take

    if args.take == "value" and not args.text:
        raise UsageError("value needs --text with the lines to write")
    async with opened(args, cause="orc code merge") as core:
        tree = await core.merges.find(core.options.cwd)
        merge = await core.merges.show(tree, args.merge)
        if args.part.isdecimal():
            numbers = [int(args.part)]
        elif args.part == "all":
            numbers = [one.number for one in merge.open]
        else:
            numbers = [one.number for one in merge.parts if shown(one.path) == args.part]
        if not numbers and args.part != "all":
            raise UsageError(f"no part {args.part} here: `orc code merge show` lists them")
        text = args.text.encode("utf-8", "surrogateescape")
        lines = text if text.endswith(b"\n") or not text else text + b"\n"
        taken = None if args.take == "none" else Choice(Take(args.take), lines)
        merge = await core.merges.choose(tree, merge.id, dict.fromkeys(numbers, taken))
    return _tell(args, merge)


async def check(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc code merge") as core:
        tree = await core.merges.find(core.options.cwd)
        merge = await core.merges.check(tree, args.merge, _words(args.check))
    _tell(args, merge)
    return 0 if merge.checked is not None and merge.checked.passed else 1


async def commit(args: argparse.Namespace) -> int:
    async with opened(args, create=True, cause="orc code merge") as core:
        tree = await core.merges.find(core.options.cwd)
        merge = await core.merges.show(tree, args.merge)
        if not args.json:
            _print(merge)
        branch = args.into or merge.into
        if not await confirmed(args, f"Commit the merge {merge.id} on {branch}?"):
            return 1
        done = await core.merges.commit(tree, merge.id, into=args.into)
    return _told(args, done)


async def abort(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc code merge") as core:
        id = await core.merges.abort(await core.merges.find(core.options.cwd), args.merge)
    text = f"{id} is forgotten; every branch and work tree is as it was"
    if args.json:
        print_json({"text": text, "id": id})
    else:
        print(text)
    return 0


async def hand(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    async with opened(args, create=True, cause="orc code merge") as core:
        tree = await core.merges.find(core.options.cwd)
        merge = await core.merges.show(tree, args.merge)
        _, branches = await people(core, tree)
        agent = core.agents.find(args.agent)
        if agent.name not in branches:
            raise UsageError(f"{agent.name} is on no branch: it cannot commit a merge")
        words = await core.merges.prompt(tree, merge.id, branches[agent.name])
        if not args.json:
            print(words)
        if not await confirmed(args, f"Type this to {agent.name}?"):
            return 1
        delivery = await core.agents.send(agent.key, words)
        if not delivery.sent:
            raise UsageError(f"{agent.name} was not told: {delivery.text}")
        await core.merges.hand(tree, merge.id, agent.name, branches[agent.name])
    text = f"{merge.id} is with {agent.name}; `orc code merge verify` looks at what it made of it"
    if args.json:
        print_json({"text": text, "prompt": words, "delivery": delivery.text})
    else:
        print(text)
    return 0


async def verify(args: argparse.Namespace) -> int:
    async with opened(args, create=True, cause="orc code merge") as core:
        tree = await core.merges.find(core.options.cwd)
        done = await core.merges.verify(tree, args.merge)
    return _told(args, done)


def _words(text: str) -> tuple[str, ...]:
    from orc_core.errors import UsageError

    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--check {text!r} cannot be read: {error}") from None


def _tell(args: argparse.Namespace, merge: Merge) -> int:
    if args.json:
        print_json(merge_json(merge))
    else:
        _print(merge)
    return 0


def _told(args: argparse.Namespace, done: Merged) -> int:
    if args.json:
        print_json(
            {
                "text": done.text,
                "branch": done.branch,
                "commit": done.commit,
                "undoable": False,
                "way_back": done.way_back or None,
            }
        )
        return 0
    print(done.text)
    if done.way_back:
        print(f"  `orc undo` does not take it back; this does: {done.way_back}")
        print(f"  an agent takes it on by: git merge {shlex.quote(done.branch)}")
    return 0


def _print(merge: Merge) -> None:
    name = merge.id or "a merge"
    print(f"{name}: {merge.right.title} into {merge.left.title}")
    why = f" ({merge.into_why})" if merge.into_why else ""
    print(f"  goes to {merge.into}{why}")
    for line in (*merge.moved, *merge.notes):
        print(f"  {line}")
    for part in merge.parts:
        _print_part(merge, part)
    if merge.checked is not None:
        print(f"  {merge.checked.text}")
    if merge.handed:
        print(f"  with {merge.handed}")
    print(f"  {len(merge.open)} of {len(merge.parts)} parts to decide")


def _print_part(merge: Merge, part: Part) -> None:
    place = f" line {part.line}" if part.line else ""
    choice = merge.choices.get(part.number)
    print(f"{part.number}. {_name(part.path)}{place}: {part.why}, {part.kind}: {_chosen(choice)}")
    for sign, side, held in (
        ("o", merge.left.title, part.left),
        ("B", "base", part.base),
        ("t", merge.right.title, part.right),
    ):
        lines = _lines(held) or ["(nothing)"]
        for at, line in enumerate(lines):
            print(f"   {f'{sign} {side}' if at == 0 else '':<28} {line}")


def _chosen(choice: Choice | None) -> str:
    if choice is None:
        return "open"
    return f"took {_WORDS.get(choice.take.value, choice.take.value)}"


def _lines(held: bytes | None) -> list[str]:
    text = _text(held)
    return text.rstrip("\n").split("\n") if text else []


def _text(held: bytes | None) -> str | None:
    from orc_core.text import clean

    return None if held is None else clean(held, limit=64_000, newlines=True)


def _name(path: bytes) -> str:
    from orc_core.model.code import shown

    return shown(path)


def merge_json(one: Merge) -> dict[str, object]:
    """A merge that is under way."""
    checked = one.checked
    return {
        "id": one.id or None,
        "repository": one.repository,
        "left": _side(one.left),
        "right": _side(one.right),
        "into": one.into,
        "into_why": one.into_why,
        "open": len(one.open),
        "parts": [
            {
                "part": part.number,
                "path": _name(part.path),
                "kind": part.kind.value,
                "why": part.why,
                "line": part.line or None,
                "left": _text(part.left),
                "base": _text(part.base),
                "right": _text(part.right),
                "takes": [take.value for take in part.takes],
                "chosen": taken.take.value if (taken := one.choices.get(part.number)) else None,
            }
            for part in one.parts
        ],
        "notes": list(one.notes),
        "moved": list(one.moved),
        "check": list(one.check),
        "checked": None
        if checked is None
        else {"passed": checked.passed, "text": checked.text, "said": checked.said},
        "handed": one.handed or None,
        "at": iso(one.at),
    }


def _side(one: MergeSide) -> dict[str, object]:
    return {
        "branch": one.name,
        "commit": one.commit,
        "agent": one.agent or None,
        "task": one.task or None,
    }
