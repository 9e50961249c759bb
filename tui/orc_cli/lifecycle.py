"""`orc spawn`, `stop`, `restart`, `adopt`, `forget`, `resume`, `supervise`, `scale`.

Invariant: what ends or starts a program names it, tells each step, and says truly whether there
is a way back. The exit code is 0 only if what was asked for is seen to be so.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import print_json, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from orc_core.hub import Core
    from orc_core.lifecycle.wing import Wishes
    from orc_core.model.agent import Agent
    from orc_core.model.life import Done, Known, Policy

SIZES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
RESTARTS = ("never", "on-failure", "always")


def register(commands: Commands) -> None:
    spawn = command(commands, "spawn", spawn_agent, "start an agent in a new window", json=True)
    spawn.add_argument("argv", nargs="+", metavar="ARGV", help="the command, after `--`")
    spawn.add_argument("--cwd", default="", metavar="DIR", help="the folder to start in")
    spawn.add_argument(
        "--worktree", default="", metavar="BRANCH", help="in a work tree of its own, made for this"
    )
    spawn.add_argument("--session", default="orc", metavar="S", help="the session (default: orc)")
    spawn.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME",
        help="give it this variable of your environment too; may be repeated",
    )
    _add_wishes(spawn)
    _add_policy(spawn)
    stop = command(commands, "stop", stop_agent, "end an agent: asked first", json=True)
    stop.add_argument("agent", metavar="AGENT", help="name, %%pane, or SOCKET:%%pane")
    stop.add_argument("--force", action="store_true", help="do not ask it first")
    stop.add_argument("--timeout", type=_seconds, metavar="S", help="how long it may take (5)")
    restart = command(commands, "restart", restart_agent, "end and start it again", json=True)
    restart.add_argument("agent", metavar="AGENT")
    restart.add_argument("--force", action="store_true", help="do not ask it first")
    adopt = command(commands, "adopt", adopt_agent, "make a pane a known agent", json=True)
    adopt.add_argument("agent", metavar="PANE", help="name, %%pane, or SOCKET:%%pane")
    _add_wishes(adopt)
    forget = command(commands, "forget", forget_agent, "drop what is remembered", json=True)
    forget.add_argument("agent", metavar="AGENT")
    forget.add_argument("--living", action="store_true", help="also one that lives; it runs on")
    resume = command(commands, "resume", resume_agents, "start lost agents again", json=True)
    resume.add_argument("agent", metavar="AGENT", nargs="?", help="see `orc agents --lost`")
    resume.add_argument("--all", action="store_true", help="all that are lost")
    more = command(commands, "scale", scale_agent, "have so many instances run", json=True)
    more.add_argument("agent", metavar="AGENT", nargs="?", help="none: what the queue wants")
    more.add_argument("count", metavar="N", type=int, nargs="?", help="how many, itself included")
    watch = command(commands, "supervise", supervise_agent, "restart it when it ends", json=True)
    watch.add_argument("agent", metavar="AGENT")
    _add_policy(watch)


def _add_wishes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", metavar="N", help="its name (default: KIND-1, …)")
    parser.add_argument("--kind", default="", metavar="K", help="the rule file that describes it")
    for option, help in (("--label", "a word about it"), ("--capability", "what it can do")):
        parser.add_argument(
            option, action="append", default=[], metavar="WORD", help=f"{help}; may be repeated"
        )


def _add_policy(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("supervision, while a dashboard leads the workspace")
    group.add_argument("--restart", choices=RESTARTS, help="when it ended: start it again")
    group.add_argument("--max-restarts", type=int, metavar="N", help="in a row, then error (10)")
    group.add_argument("--min-uptime", type=_seconds, metavar="S", help="to count as well (10)")
    group.add_argument("--memory-max", type=_size, metavar="SIZE", help="512M, 1G; 0 for none")
    group.add_argument("--backoff", type=_seconds, metavar="S", help="the first pause (1)")


async def spawn_agent(args: argparse.Namespace) -> int:
    from orc_core.model.life import Policy

    async with opened(args, create=True, cause="orc spawn") as core, _folder(core, args) as cwd:
        done = await core.lifecycle.spawn(
            args.argv,
            wishes=_wishes(args, _policy(args, Policy())),
            cwd=cwd,
            env=args.env,
            session=args.session,
            taken=await _names(core),
        )
    return report(args, done)


def _asked(core: Core, args: argparse.Namespace) -> Path:
    """The folder that was named, else the one in which one stands."""
    from pathlib import Path

    return core.options.cwd / Path(args.cwd).expanduser()


@asynccontextmanager
async def _folder(core: Core, args: argparse.Namespace) -> AsyncIterator[str]:
    """Where an agent is to start; a work tree that was made for it goes if it does not."""
    if not args.worktree:
        yield args.cwd
        return
    from orc_core.errors import OrcError, TmuxTimeout

    place = _asked(core, args)
    made = await core.code.make_linked(place, args.worktree)
    try:
        yield str(made.top)
    except TmuxTimeout:
        raise  # it may come yet
    except OrcError:
        await core.code.unmake_linked(place, made)
        raise


async def stop_agent(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc stop") as core:
        target = await _target(core, args.agent)
        done = await core.lifecycle.stop(target, force=args.force, timeout_s=args.timeout)
    return report(args, done)


async def restart_agent(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc restart") as core:
        done = await core.lifecycle.restart(args.agent, force=args.force)
    return report(args, done)


async def adopt_agent(args: argparse.Namespace) -> int:
    from orc_core.model.life import Policy

    async with opened(args, create=True, cause="orc adopt") as core:
        await core.agents.scan()
        agent = core.agents.find(args.agent)
        names = {one.name for one in core.agents.agents()}
        done = await core.lifecycle.adopt(agent, _wishes(args, Policy()), taken=names)
    return report(args, done)


async def forget_agent(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc forget") as core:
        done = await core.lifecycle.forget(args.agent, living=args.living)
    return report(args, done)


async def resume_agents(args: argparse.Namespace) -> int:
    from orc_core.errors import OrcError, UsageError

    if bool(args.agent) == args.all:
        raise UsageError("name the agent to resume, or give --all: see `orc agents --lost`")
    async with opened(args, cause="orc resume") as core:
        life = core.lifecycle
        names = [one.name for one in await life.lost()] if args.all else [args.agent]
        told: list[Done] = []
        for name in names:
            try:
                told.append(await life.resume(name))
            except OrcError as error:
                if not args.all:
                    raise
                told.append(_failed(name, str(error)))
    if not args.all:
        return report(args, told[0])
    if args.json:
        print_json([_done_json(done) for done in told])
    elif not told:
        print("no agent is lost")
    for done in told if not args.json else ():
        _print_done(done)
    return 0 if all(done.ok for done in told) else 1


async def scale_agent(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError
    from orc_core.lifecycle.scaling import scale

    if args.agent is None:
        return await _list_proposals(args)
    if args.count is None:
        raise UsageError(f"how many of {args.agent}? `orc scale {args.agent} 2`")
    async with opened(args, cause="orc scale") as core:
        told = await scale(core.lifecycle, args.agent, args.count)
    if args.json:
        print_json([_done_json(done) for done in told])
        return 0 if all(done.ok for done in told) else 1
    for done in told:
        _print_done(done)
    print(f"{args.count} of {args.agent} run" if told else "so many run already")
    return 0 if all(done.ok for done in told) else 1


async def _list_proposals(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        found = await core.autoscaler.proposals() if core.has_store else ()
    if args.json:
        print_json([asdict(one) for one in found])
        return 0
    rows = [
        (
            one.agent,
            f"{one.runs} run",
            f"{one.busy} busy",
            f"{one.waiting} wait",
            f"{one.wanted} wanted",
            one.why,
            "automatic" if one.automatic else "",
        )
        for one in found
    ]
    print_table(rows, empty="no agent is scaled: give it a table [scale.AGENT] in config.toml")
    return 0


async def supervise_agent(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc supervise") as core:
        known = await core.lifecycle.crew.get(args.agent)
        done = await core.lifecycle.supervise(known.name, _policy(args, known.policy))
    return report(args, done)


async def _names(core: Core) -> set[str]:
    """The names of the agents that are seen now, where tmux answers."""
    await core.agents.scan(must_answer=False)
    return {agent.name for agent in core.agents.agents()}


async def _target(core: Core, name: str) -> Agent | Known:
    """The agent of that name on the crew, else the one that is seen."""
    from orc_core.errors import UnknownName

    known = await core.lifecycle.crew.find(name)
    if known is not None:
        return known
    await core.agents.scan()
    agent = core.agents.find(name)
    for known in await core.lifecycle.crew.listing():
        if known.pane == agent.pane:
            return known
    from orc_core.model.agent import OTHER

    if agent.kind == OTHER:
        raise UnknownName(f"{agent.name} is no agent that is known: adopt it first, or kill it")
    return agent


def _wishes(args: argparse.Namespace, policy: Policy) -> Wishes:
    from orc_core.lifecycle.wing import Wishes

    return Wishes(
        name=args.name,
        kind=args.kind,
        labels=args.label,
        capabilities=args.capability,
        policy=policy,
    )


def _policy(args: argparse.Namespace, before: Policy) -> Policy:
    """The policy that the options make of the one before."""
    from dataclasses import replace

    from orc_core.model.life import Restart

    given = {
        "restart": Restart(args.restart) if args.restart is not None else None,
        "max_restarts": args.max_restarts,
        "min_uptime_s": args.min_uptime,
        "memory_max": args.memory_max,
        "backoff_s": args.backoff,
    }
    return replace(before, **{name: value for name, value in given.items() if value is not None})


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 86400 seconds")
    return value


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d{1,6})([KMG]?)(i?B)?", text.strip(), re.IGNORECASE)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is no size: write 512M or 1G")
    return int(found[1]) * SIZES[found[2].upper()]


def _failed(name: str, text: str) -> Done:
    from orc_core.model.life import Done

    return Done(name, False, f"{name} was not resumed: {text}")


def report(args: argparse.Namespace, done: Done) -> int:
    """Say what an act did; the exit code is that of the act."""
    if args.json:
        print_json(_done_json(done))
    else:
        _print_done(done)
    return 0 if done.ok else 1


def _print_done(done: Done) -> None:
    for step in done.steps:
        print(f"  {step}")
    if done.undoable:
        print(f"{done.text}; `orc undo` takes it back")
    elif done.undo:
        print(f"{done.text}; `orc undo` does not take it back, `{done.undo}` does")
    else:
        print(done.text)


def _done_json(done: Done) -> dict[str, object]:
    return {
        "name": done.name,
        "ok": done.ok,
        "text": done.text,
        "steps": list(done.steps),
        "pane": done.pane.pane_id if done.pane is not None else None,
        "pid": done.pane.pid if done.pane is not None else None,
        "server": done.pane.server if done.pane is not None else None,
        "undoable": done.undoable,
        "way_back": done.undo or None,
    }
