"""`orc agents`, `explain`, `prompt`, `send`, `answer`, `listen`, `interrupt`.

Invariant: reading agents is one scan that leaves nothing behind; typing is verified.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from orc_cli.crew import list_lost, lives_by_key
from orc_cli.options import FILTER_HELP, Commands, command, opened, passing
from orc_cli.output import agent_json, print_json, print_table

if TYPE_CHECKING:
    from orc_core.model.agent import Delivery, Prompt


def register(commands: Commands) -> None:
    register_listing(commands, "agents")
    prompt = command(commands, "prompt", show_prompt, "show the prompt of an agent", json=True)
    prompt.add_argument("agent", metavar="AGENT")
    send = command(commands, "send", send_text, "type a line to an agent, and Enter", json=True)
    send.add_argument("agent", metavar="AGENT")
    send.add_argument("text", metavar="TEXT")
    answer = command(commands, "answer", answer_prompt, "answer the prompt of an agent", json=True)
    answer.add_argument("agent", metavar="AGENT")
    how = answer.add_mutually_exclusive_group(required=True)
    how.add_argument("--yes", action="store_true", help="the choice that means yes, once")
    how.add_argument("--no", action="store_true", help="the choice that means no")
    how.add_argument("--choice", type=int, metavar="N", help="the choice with this number")
    answer.add_argument(
        "--fingerprint", metavar="HASH", help="refuse unless the prompt is the one with this hash"
    )
    listen = command(commands, "listen", listen_to, "hear an agent's escape sequences", json=True)
    listen.add_argument("agent", metavar="AGENT")
    listen.add_argument("--off", action="store_true", help="stop listening to it")
    stop = command(commands, "interrupt", interrupt_agent, "interrupt an agent", json=True)
    stop.add_argument("agent", metavar="AGENT")


def register_listing(commands: Commands, name: str) -> None:
    """Add the command that lists agents, under this name."""
    listing = command(commands, name, list_agents, "list the agents", json=True)
    listing.add_argument("--lost", action="store_true", help="those that should run and do not")
    listing.add_argument("--filter", default="", metavar="TEXT", help=FILTER_HELP)


async def list_agents(args: argparse.Namespace) -> int:
    from orc_core import filters
    from orc_core.model.health import LinkState
    from orc_core.text import age

    if args.lost:
        return await list_lost(args)
    async with opened(args) as core:
        await core.agents.scan()
        silent = [watch.trouble[0] for watch in core.agents.silent]
        lives = await lives_by_key(core)
        agents = sorted(core.agents.agents(), key=lambda agent: (agent.is_other, agent.name))
        now = core.snapshot.at
        agents = passing(args.filter, agents, filters.AGENT, filters.of_agent, now)
        gone = core.agents.link().state is LinkState.GONE
        lost = len(await core.lifecycle.lost()) if gone and core.has_store else 0
        server = core.agents.title()
        paths = {agent.pane.server for agent in agents}
        names = {path: core.agents.name_of(path) for path in paths}
    for trouble in silent:
        print(f"orc: {trouble}: its agents are not listed", file=sys.stderr)
    if lost:
        who = "an agent is" if lost == 1 else f"{lost} agents are"
        print(f"orc: {who} lost: see `orc agents --lost`", file=sys.stderr)
    paneless = [] if args.filter else [one for one in lives.values() if one["pane"] is None]
    if args.json:
        listed = [agent_json(one) | {"life": lives.pop(one.key, None)} for one in agents]
        # What has no pane is known by its own word alone, and no filter looks at that.
        listed += [_paneless_json(life) for life in paneless]
        print_json(listed)
        return 0
    rows = [
        (
            agent.state.value,
            agent.name,
            agent.kind,
            *([names[agent.pane.server]] if len(names) > 1 else []),
            age(now - agent.since),
            agent.task,
            agent.does,
            agent.evidence.source.value,
        )
        for agent in agents
    ]
    rows += [
        (
            *(str(life["presence"]), str(life["name"]), str(life["kind"] or "other")),
            *([""] if len(names) > 1 else []),
            *("", "", "", "said"),
        )
        for life in paneless
    ]
    empty = f"no tmux server at {server}" if gone else f"no panes at {server}"
    print_table(rows, empty=f"{empty}: start one with `tmux`, or see `orc-tui --demo`")
    return 0


def _paneless_json(life: dict[str, object]) -> dict[str, object]:
    return {"key": None, "name": life["name"], "kind": life["kind"], "state": None, "life": life}


async def show_prompt(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        await core.agents.scan()
        prompt = core.agents.prompt(core.agents.find(args.agent).key)
    if prompt is None:
        from orc_core.errors import UnknownName

        raise UnknownName(f"{args.agent} shows no prompt that can be answered")
    if args.json:
        print_json(_prompt_json(prompt))
        return 0
    print(f"{prompt.agent}: {prompt.subject}")
    for line in prompt.lines:
        print(f"  {line}")
    for choice in prompt.choices:
        print(f"  {choice.number}. {choice.label}")
    return 0


async def send_text(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        await core.agents.scan()
        delivery = await core.agents.send(core.agents.find(args.agent).key, args.text)
    return _report(args, delivery)


async def answer_prompt(args: argparse.Namespace) -> int:
    from orc_core.errors import OrcError, UnknownName

    async with opened(args) as core:
        await core.agents.scan()
        agent = core.agents.find(args.agent)
        prompt = core.agents.prompt(agent.key)
        if prompt is None:
            raise UnknownName(f"{agent.name} shows no prompt that can be answered")
        if args.fingerprint and args.fingerprint != prompt.fingerprint:
            raise OrcError(f"{agent.name} shows another prompt now: nothing was sent")
        wanted = "yes" if args.yes else "no" if args.no else ""
        for choice in prompt.choices:
            if choice.number == args.choice or (wanted and choice.meaning == wanted):
                return _report(args, await core.agents.answer(agent.key, prompt, choice))
    numbers = ", ".join(str(choice.number) for choice in prompt.choices)
    raise UnknownName(f"the prompt of {args.agent} has no such choice: it has {numbers}")


async def interrupt_agent(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        await core.agents.scan()
        delivery = await core.agents.interrupt(core.agents.find(args.agent).key)
    return _report(args, delivery)


async def listen_to(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        await core.agents.scan()
        agent = core.agents.find(args.agent)
        if args.off:
            changed = await core.agents.unlisten(agent.key)
            text = f"{agent.name} is listened to no more" if changed else f"{agent.name} was not"
        else:
            await core.agents.listen(agent.key)
            changed, text = True, f"{agent.name} is listened to, until its pane ends"
    if args.json:
        print_json({"agent": agent.name, "listening": not args.off, "changed": changed})
    else:
        print(text)
    return 0


def _prompt_json(prompt: Prompt) -> dict[str, object]:
    return {
        "agent": prompt.agent,
        "waiting": prompt.waiting.value,
        "subject": prompt.subject,
        "lines": list(prompt.lines),
        "choices": [
            {"number": choice.number, "label": choice.label, "meaning": choice.meaning or None}
            for choice in prompt.choices
        ],
        "whole": prompt.whole,
        "fingerprint": prompt.fingerprint,
        "risks": list(prompt.risks),
    }


def _report(args: argparse.Namespace, delivery: Delivery) -> int:
    from orc_core.model.agent import Outcome

    if args.json:
        print_json(
            {"outcome": delivery.outcome.value, "sent": delivery.sent, "text": delivery.text}
        )
    else:
        print(delivery.text)
    return 0 if delivery.outcome is Outcome.WENT_ON else 1
