"""`orc code status|overlap|forecast`: who is where, who is in the same file, what merges come to.

Invariant: these look only; nothing in a repository changes, and no lock is taken there.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table

if TYPE_CHECKING:
    from orc_core.model.code import Code, Distance, FileOverlap, Forecast, Touch, TreeState


def register(actions: Commands) -> None:
    """Add the actions that only look to those of `orc code`."""
    command(actions, "status", status, "tell who is in which work tree, and its state", json=True)
    command(actions, "overlap", overlap, "list files in which several agents are", json=True)
    command(actions, "forecast", forecast, "tell which branches will conflict, where", json=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the code of all agents.

    `agents` are who is in which tree, by its top, with `tasks`; `touched` the files they were at.
    """

    code: Code
    agents: Mapping[str, list[str]]
    tasks: Mapping[str, str]
    touched: Sequence[tuple[bytes, Touch]]

    def who(self, top: str) -> str:
        """The agents of a tree with their tasks."""
        return ", ".join(f"{one}{_work(self.tasks[one])}" for one in self.agents.get(top, ()))


async def look(args: argparse.Namespace) -> Seen:
    """Look at the code of all agents.

    Where one stands in a work tree, all of its repository are looked at as well.
    """
    from pathlib import Path

    from orc_core.code.worktrees import branches
    from orc_core.errors import NoWorkTree

    async with opened(args) as core:
        await core.agents.scan(must_answer=False)
        await core.refresh()
        folders = [core.options.cwd]
        try:
            tree = await core.code.find(core.options.cwd)
            known = await branches(tree, core.options.environ)
            folders += [Path(one.top) for one in known if one.top]
        except NoWorkTree:
            folders = []
        code = await core.code_watch.once(folders)
        tops = dict(code.places)
        agents: dict[str, list[str]] = {}
        tasks: dict[str, str] = {}
        for agent in core.snapshot.agents:
            if not agent.is_other and agent.cwd in tops:
                agents.setdefault(tops[agent.cwd], []).append(agent.name)
                tasks[agent.name] = agent.task
        return Seen(code, agents, tasks, core.code_watch.touched())


async def status(args: argparse.Namespace) -> int:
    seen = await look(args)
    code = seen.code
    if args.json:
        print_json([_tree_json(one, seen) for one in code.trees])
        return 0
    rows = [
        (
            seen.who(one.top) or "-",
            one.title,
            _distance(one.main),
            _distance(one.upstream),
            f"{one.dirty} dirty" if one.dirty else "clean",
            f"+{one.added} -{one.removed}",
            _told(sum(touch.top == one.top for _, touch in seen.touched)),
            one.trouble or one.under_way,
            one.top,
        )
        for one in code.trees
    ]
    print_table(rows, empty="no agent is in a work tree, and neither are you")
    return 0


async def overlap(args: argparse.Namespace) -> int:
    code = (await look(args)).code
    if args.json:
        print_json([_overlap_json(one) for one in code.overlaps])
        return 0
    rows = [
        (
            _name(one.path),
            " and ".join(f"{touch.agent}{_work(touch.task)}" for touch in one.touches),
            iso(one.touches[0].at) or "",
        )
        for one in code.overlaps
    ]
    print_table(rows, empty="no two agents are in one file")
    return 0


async def forecast(args: argparse.Namespace) -> int:
    from orc_core.errors import GitError

    seen = await look(args)
    code, agents = seen.code, seen.agents
    if code.trouble and not code.forecasts:
        raise GitError(code.trouble)
    of_branch = {one.title: ", ".join(agents[one.top]) for one in code.trees if one.top in agents}
    if args.json:
        print_json([_forecast_json(one, of_branch) for one in code.forecasts])
        return 0
    rows = []
    for one in code.forecasts:
        left, right = (_side(name, of_branch) for name in (one.left, one.right))
        if one.trouble:
            rows.append((f"{left} and {right}", f"not known: {one.trouble}"))
        rows += [(f"{left} and {right}", _clash(clash.path, clash.hunks)) for clash in one.clashes]
    print_table(rows, empty=f"no conflicts in {len(code.forecasts)} merges that were tried")
    return 0


def _side(branch: str, of_branch: dict[str, str]) -> str:
    return f"{of_branch[branch]} ({branch})" if branch in of_branch else branch


def _clash(path: bytes, hunks: int) -> str:
    if not hunks:
        return f"will conflict in {_name(path)}"
    return f"will conflict in {_name(path)}, {hunks} hunk{'s' if hunks > 1 else ''}"


def _work(task: str) -> str:
    return f" ({task})" if task else ""


def _distance(one: Distance | None) -> str:
    return "" if one is None else f"{one.of} +{one.ahead} -{one.behind}"


def _name(path: bytes) -> str:
    from orc_core.model.code import shown

    return shown(path)


def _told(count: int) -> str:
    return f"{count} touched" if count else ""


def _tree_json(one: TreeState, seen: Seen) -> dict[str, object]:
    agents = seen.agents.get(one.top, [])
    files = [(path, touch) for path, touch in seen.touched if touch.top == one.top]
    return {
        "top": one.top,
        "tree": one.tree,
        "repository": one.repository,
        "agents": agents,
        "tasks": {name: seen.tasks[name] for name in agents if seen.tasks[name]},
        "touched": [{"path": _name(path), **_touch_json(touch)} for path, touch in files],
        "branch": one.branch or None,
        "head": one.head or None,
        "main": _distance_json(one.main),
        "upstream": _distance_json(one.upstream),
        "dirty": one.dirty,
        "changed": [_name(path) for path in one.changed],
        "untracked": [_name(path) for path in one.untracked],
        "added": one.added,
        "removed": one.removed,
        "under_way": one.under_way or None,
        "at": iso(one.at),
        "trouble": one.trouble or None,
    }


def _distance_json(one: Distance | None) -> dict[str, object] | None:
    return None if one is None else {"of": one.of, "ahead": one.ahead, "behind": one.behind}


def _overlap_json(one: FileOverlap) -> dict[str, object]:
    touches = [_touch_json(touch) for touch in one.touches]
    return {"repository": one.repository, "path": _name(one.path), "agents": touches}


def _touch_json(touch: Touch) -> dict[str, object]:
    return {
        "agent": touch.agent,
        "task": touch.task or None,
        "prompt": touch.prompt or None,
        "at": iso(touch.at),
        "top": touch.top,
        "told": touch.is_told,
    }


def _forecast_json(one: Forecast, of_branch: dict[str, str]) -> dict[str, object]:
    return {
        "repository": one.repository,
        "left": {
            "branch": one.left,
            "commit": one.left_commit,
            "agents": of_branch.get(one.left) or None,
        },
        "right": {
            "branch": one.right,
            "commit": one.right_commit,
            "agents": of_branch.get(one.right) or None,
        },
        "conflicts": [
            {"path": _name(clash.path), "hunks": clash.hunks or None} for clash in one.clashes
        ],
        "trouble": one.trouble or None,
    }
