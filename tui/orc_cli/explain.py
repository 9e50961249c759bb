"""`orc explain` and `orc rules`: why a state is shown, what a saved screen tells, rule files.

Invariant: looking changes nothing. A saved screen needs no store, no tmux server and no agent.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orc_cli.options import Commands, command, opened
from orc_cli.output import agent_json, ago, iso, print_json, print_table

if TYPE_CHECKING:
    from orc_core.agents.classify import Classified
    from orc_core.agents.rules import Kind, RuleSet
    from orc_core.model.agent import Explanation
    from orc_storage.records import StateChange

SCREEN_MAX_BYTES: Final = 1024 * 1024


def register(commands: Commands) -> None:
    explain = command(commands, "explain", explain_agent, "tell why a state is shown", json=True)
    explain.add_argument(
        "agent_name", metavar="AGENT", nargs="?", help="name, %%pane, or SOCKET:%%pane"
    )
    explain.add_argument(
        "--screen", metavar="FILE", help="tell what a saved screen shows instead; - is stdin"
    )
    explain.add_argument("--title", metavar="TEXT", help="the title that went with the screen")
    explain.add_argument(
        "--agent", metavar="KIND", help="whose screen it is, such as claude (default: found out)"
    )
    rules = commands.add_parser("rules", help="list and check the rules that tell agents")
    verbs = rules.add_subparsers(dest="verb", metavar="VERB", required=True)
    command(verbs, "list", list_rules, "list the agents that rules describe", json=True)
    check = command(verbs, "check", check_rules, "check rule files: yours, or FILE", json=True)
    check.add_argument("files", metavar="FILE", nargs="*", type=Path)


async def explain_agent(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    if args.screen is not None:
        if args.agent_name is not None:
            raise UsageError("either AGENT or --screen FILE: a screen says itself whose it is")
        return _explain_screen(args)
    if args.agent_name is None:
        raise UsageError("name an AGENT (`orc agents` lists them), or give --screen FILE")
    if args.title is not None or args.agent is not None:
        raise UsageError("--title and --agent go with --screen FILE")
    async with opened(args) as core:
        await core.agents.scan()
        told = core.agents.explain(core.agents.find(args.agent_name).key)
        steps = await core.steps(told.agent.name)
        now = core.snapshot.at
    if args.json:
        print_json(agent_json(told.agent) | _explanation_json(told, steps, now))
    else:
        _print_explanation(told, steps, now)
    return 0


def _explanation_json(told: Explanation, steps: list[StateChange], now: float) -> dict[str, object]:
    signals = [
        {
            "source": signal.evidence.source.value,
            "rule": signal.evidence.rule,
            "state": signal.state.value,
            "waiting": signal.waiting.value or None,
            "substate": signal.substate or None,
            "at": iso(signal.evidence.at),
            "age_s": round(max(0.0, now - signal.evidence.at), 1),
            "text": signal.evidence.text,
            "expired": signal.expired,
            "won": signal is told.winner,
            "why": verdict,
        }
        for signal, verdict in zip(told.signals, told.verdicts, strict=True)
    ]
    return {
        "signals": signals,
        "refused": told.refused or None,
        "steps": [
            {"state": step.state, "at": iso(step.at), "evidence": step.evidence} for step in steps
        ],
        "processes": [
            {"pid": process.pid, "command": process.command, "cpu_s": process.cpu_s}
            for process in told.processes
        ],
        "files": list(told.files),
    }


def _print_explanation(told: Explanation, steps: list[StateChange], now: float) -> None:
    from orc_core.agents.flicker import flicker_line

    agent = told.agent
    kind = f" ({agent.substate})" if agent.substate else ""
    print(
        f"{agent.name}: {agent.state.value}{kind}, {ago(now - agent.since)}: "
        f"{agent.does or 'nothing more is known'}"
    )
    for signal, verdict in zip(told.signals, told.verdicts, strict=True):
        evidence = signal.evidence
        mark = "›" if signal is told.winner else " "
        old = ago(now - evidence.at)
        print(f" {mark} {evidence.source.value:6} {signal.state.value:8} {evidence.rule}  {old}")
        print(f"            {verdict}{f': {evidence.text}' if evidence.text else ''}")
    if not told.signals:
        print("   nothing was told of it")
    if agent.flips:
        print(f"   {flicker_line(agent.flips)}")
    if told.refused:
        print(f"   a step that cannot be was refused: {told.refused}")
    usage = agent.usage
    spent = [
        f"context {usage.context * 100:.0f} % used" if usage.context is not None else "",
        f"{usage.tokens} tokens" if usage.tokens is not None else "",
        f"${usage.cost_usd:.2f}" if usage.cost_usd is not None else "",
        usage.model,
        usage.account,
    ]
    if any(spent):
        print(f"   usage    {', '.join(word for word in spent if word)}")
    for step in steps:
        print(f"   {ago(now - step.at):>8}  {step.state:8} {step.evidence}")
    for process in told.processes:
        print(f"   {process.pid:>8} {process.command}")
    for file in told.files:
        print(f"   rules    {file}")


def _explain_screen(args: argparse.Namespace) -> int:
    from orc_core.agents.classify import classify
    from orc_core.text import clean

    rules = _rules()
    lines = [clean(line, limit=1000).rstrip() for line in _read(args.screen).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    title = clean(args.title or "", limit=400)
    told = classify(rules, lines, time.time(), title=title, agent=args.agent or "")
    for fault in rules.faults:
        print(f"orc: {fault}", file=sys.stderr)
    if args.json:
        print_json(_classified_json(told, rules))
        return 0
    words = [told.state.value, told.waiting.value, told.substate]
    print(f"{told.agent}: {', '.join(word for word in words if word)}")
    print(f"  rule {told.rule}")
    for line in (told.does, told.text):
        if line:
            print(f"  {line}")
    return 0


def _classified_json(told: Classified, rules: RuleSet) -> dict[str, object]:
    return {
        "agent": told.agent,
        "state": told.state.value,
        "waiting": told.waiting.value or None,
        "substate": told.substate or None,
        "rule": told.rule,
        "text": told.text,
        "does": told.does,
        "hold": told.hold,
        "resets_at": iso(told.resets_at),
        "faults": list(rules.faults),
    }


def _read(name: str) -> str:
    """A saved screen; `-` is standard input. What is too long is cut at its beginning."""
    if name == "-":
        data = sys.stdin.buffer.read(SCREEN_MAX_BYTES)
    else:
        from orc_core.errors import OrcError

        try:
            with Path(name).open("rb") as file:
                data = file.read(SCREEN_MAX_BYTES)
        except OSError as error:
            raise OrcError(f"{name} cannot be read: {error.strerror}") from error
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


async def list_rules(args: argparse.Namespace) -> int:
    rules = _rules()
    if args.json:
        print_json(
            {"kinds": [_kind_json(kind) for kind in rules.kinds], "faults": list(rules.faults)}
        )
        return 0
    rows = [
        (kind.id, kind.agent.label, f"{len(kind.rules)} rules", str(kind.path))
        for kind in rules.kinds
    ]
    print_table(rows, empty="no rules")
    for fault in rules.faults:
        print(f"orc: {fault}", file=sys.stderr)
    return 0


async def check_rules(args: argparse.Namespace) -> int:
    """Every fault of the named files, or of a person's own; 1 where there is any."""
    from orc_core.agents.rules import RuleFault, check

    faults: list[str] = []
    if args.files:
        good = 0
        for path in args.files:
            try:
                check(path)
                good += 1
            except RuleFault as error:
                faults.append(str(error))
    else:
        rules = _rules()
        faults.extend(rules.faults)
        good = len(rules.kinds)
    if args.json:
        print_json({"good": good, "faults": faults})
    else:
        for fault in faults:
            print(f"orc: {fault}", file=sys.stderr)
        print(f"{good} good, {len(faults)} with faults")
    return 1 if faults else 0


def _kind_json(kind: Kind) -> dict[str, object]:
    from orc_core.agents.rules import BUILT_IN

    return {
        "id": kind.id,
        "label": kind.agent.label,
        "rules": [rule.id for rule in kind.rules],
        "prompts": [part.id for part in kind.prompts],
        "path": str(kind.path),
        "built_in": kind.path.parent == BUILT_IN,
    }


def _rules() -> RuleSet:
    from orc_core.agents.rules import load_sound, rule_folders

    return load_sound(rule_folders(os.environ))
