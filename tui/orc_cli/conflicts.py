"""`orc conflicts` and its verbs: list, show, resolve, undo, defer, stats, strategy.

Invariant: a decision is a revision whose cause is the conflict, and it can be taken back.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import (
    ago,
    conflict_json,
    counts,
    fields_told,
    iso,
    print_json,
    print_table,
    spoken,
    word,
)

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.sync.policies import Rule
    from orc_storage.records import Conflict, Side

BRIEF = 40
"""How much of a side stands in a row; `orc conflicts show` has the rest."""
SIDES = {
    "left": "left",
    "right": "right",
    "both": "both",
    "base": "base",
    "file": "left",
    "tmux": "left",
    "store": "right",
}
UNSET = "default"


def register(commands: Commands) -> None:
    listing = _register_listing(commands, "conflicts")
    verbs = listing.add_subparsers(dest="verb", metavar="VERB", required=False)
    _register_verbs(verbs)
    stats = command(verbs, "stats", show_figures, "what was found, decided, waits", json=True)
    stats.set_defaults(all=False)
    strategy = command(
        verbs, "strategy", show_or_set_strategy, "who wins where both sides changed", json=True
    )
    strategy.add_argument("subject", metavar="KIND[.FIELD]", nargs="?", help="such as task.title")
    strategy.add_argument(
        "strategy",
        metavar="STRATEGY",
        nargs="?",
        help=f"TMUX_WINS, LAST_WRITE, MERGE or MANUAL; {UNSET} takes the setting back",
    )
    conflict = commands.add_parser("conflict", help="show and decide one conflict")
    verbs = conflict.add_subparsers(dest="verb", metavar="VERB", required=True)
    _register_verbs(verbs)
    _register_listing(verbs, "list")


def _register_listing(commands: Commands, name: str) -> argparse.ArgumentParser:
    listing = command(commands, name, list_conflicts, "list and decide conflicts", json=True)
    listing.add_argument("--all", action="store_true", help="the decided ones too")
    return listing


def _register_verbs(verbs: Commands) -> None:
    show = command(verbs, "show", show_conflict, "show both sides and the base", json=True)
    show.add_argument("id", metavar="ID")
    resolve = command(verbs, "resolve", resolve_conflicts, "decide conflicts", json=True)
    resolve.add_argument("ids", metavar="ID", nargs="*")
    resolve.add_argument("--all", dest="all_open", action="store_true", help="all that are open")
    how = resolve.add_mutually_exclusive_group(required=True)
    how.add_argument("--take", choices=sorted(SIDES), help="take what this side or layer has")
    how.add_argument("--value", metavar="JSON", help="write this value instead")
    undo = command(verbs, "undo", undo_conflict, "take a decision back", json=True)
    undo.add_argument("id", metavar="ID")
    defer = command(verbs, "defer", defer_conflict, "put a conflict off", json=True)
    defer.add_argument("id", metavar="ID")
    when = defer.add_mutually_exclusive_group()
    when.add_argument("--hours", type=float, default=24.0, metavar="H", help="default 24")
    when.add_argument("--until", metavar="TIME", help="HH:MM, or 2026-11-21 or 2026-11-21T09:00")


async def list_conflicts(args: argparse.Namespace) -> int:
    from orc_storage.records import WAITING

    async with opened(args) as core:
        conflicts = await core.conflicts.listing() if core.has_store else []
        conflicts += await _of_code(core)
    if not args.all:
        conflicts = [conflict for conflict in conflicts if conflict.state in WAITING]
    if args.json:
        print_json([conflict_json(conflict) for conflict in conflicts])
        return 0
    rows = [
        (
            conflict.state.value,
            conflict.id,
            f"{conflict.doc} {conflict.path}".rstrip(),
            *_sides(conflict),
            _outcome(conflict),
        )
        for conflict in conflicts
    ]
    print_table(rows, empty="no conflicts")
    return 0


async def _of_code(core: Core) -> list[Conflict]:
    """Two agents in one file, and branches that will conflict."""
    await core.agents.scan(must_answer=False)
    await core.refresh()
    await core.code_watch.once()
    await core.refresh()
    return [one for one in core.snapshot.conflicts if one.of_code]


async def _find(core: Core, id: str) -> Conflict:
    """A conflict by its id; raises UnknownName."""
    from orc_core.code.encounters import PREFIX
    from orc_core.errors import UnknownName
    from orc_core.text import clean

    if not id.casefold().startswith(PREFIX.casefold()):
        return await core.conflicts.get(id)
    for one in await _of_code(core):
        if one.id.casefold() == id.casefold():
            return one
    raise UnknownName(f"there is no conflict {clean(id, limit=40)!r} in code now: it is over")


def _sides(conflict: Conflict) -> tuple[str, str]:
    if not conflict.of_code:
        return _brief(conflict.left), _brief(conflict.right)
    sides = (conflict.left, conflict.right)
    told = [f"{side.writer} ({side.cause})" if side.cause else side.writer for side in sides]
    return " and ".join(told), conflict.why


def _outcome(conflict: Conflict) -> str:
    """What became of a conflict that is not open any more."""
    from orc_storage.records import ConflictState

    if conflict.state is ConflictState.DEFERRED:
        return f"until {iso(conflict.deferred_until)}"
    if conflict.state is not ConflictState.RESOLVED:
        return ""
    took = "another value" if conflict.decision == "value" else conflict.decision
    return f"took {took}, by {conflict.strategy or conflict.decided_by}"


def _brief(side: Side) -> str:
    from orc_core.text import cells, fit

    held = side.value
    if isinstance(held, dict) and "id" in held:  # the whole document
        held = held.get("title") or held.get("name") or held["id"]
    value = word(held, side.present)
    return f"{side.layer}: {fit(value, BRIEF) if cells(value) > BRIEF else value}"


async def show_conflict(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        conflict = await _find(core, args.id)
    if args.json:
        print_json(conflict_json(conflict))
        return 0
    if conflict.of_code:
        print(f"{conflict.id}  {conflict.doc}  {conflict.kind}, {conflict.state}")
        print(f"  {' '.join(_sides(conflict))}")
        for side in (conflict.left, conflict.right):
            print(f"  {side.writer}: on {side.layer}, {iso(side.at)}  {side.value or ''}".rstrip())
        return 0
    place = f"{conflict.doc} {conflict.path}".rstrip() + (
        f", line {conflict.line}" if conflict.line else ""
    )
    print(f"{conflict.id}  {place}  {conflict.kind}, {conflict.state}")
    _print_value("base", conflict.base, conflict.base_present, conflict.line)
    print(f"         revision {conflict.base_rev}{_written(conflict)}")
    for side in (conflict.left, conflict.right):
        writer = side.writer or "writer unknown"
        _print_value(side.layer, side.value, side.present, conflict.line)
        told = (writer, side.cause, iso(side.at))
        print(f"         {', '.join(part for part in told if part)}")
    if conflict.why:
        print(f"  {conflict.why}")
    if outcome := _outcome(conflict):
        print(f"  {outcome}")
    return 0


def _written(conflict: Conflict) -> str:
    by, at = conflict.base_by, iso(conflict.base_at)
    return f", {by}, {at}" if by else ""


def _print_value(layer: str, value: object, present: bool, line: int) -> None:
    """Print what one side has: the lines of a text, the fields of a document."""
    from orc_core.text import clean

    lines = [word(value, present)]  # type: ignore[arg-type]
    if line and isinstance(value, str):
        lines = [clean(text) for text in value.split("\n")]
    elif isinstance(value, dict):
        lines = fields_told(value)
    for number, text in enumerate(lines):
        print(f"  {layer if number == 0 else '':6} {text}")


async def resolve_conflicts(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    if bool(args.ids) is args.all_open:
        raise UsageError("name conflicts, or give --all for all that are open")
    if len(args.ids) == 1:
        return await _resolve_one(args, args.ids[0])
    if args.take is None:
        raise UsageError("--value is written to one conflict: name one")
    if args.take not in ("left", "right", "both", "base"):
        raise UsageError("of several conflicts take left, right, both or base")
    async with opened(args, cause="orc conflicts resolve") as core:
        report = await core.conflicts.resolve_all(args.take, args.ids or None)
        synced = core.led_elsewhere
    if args.json:
        print_json({"resolved": report.done, "left": report.left, "synced": synced})
    else:
        print(f"{report.text}; `orc undo` takes it back" if report.done else report.text)
    return 1 if report.left else 0


async def _resolve_one(args: argparse.Namespace, id: str) -> int:
    from orc_core.errors import UsageError

    async with opened(args, cause="orc conflicts resolve") as core:
        conflict = await core.conflicts.get(id)
        if args.take is None:
            try:
                value = json.loads(args.value)
            except ValueError as error:
                raise UsageError(
                    f"--value is not JSON ({error}): quote text twice, as in '\"new title\"'"
                ) from error
            report = await core.conflicts.resolve(conflict.id, "value", value)
        else:
            if args.take in ("file", "tmux") and conflict.left.layer != args.take:
                raise UsageError(
                    f"{conflict.id} has no side {args.take}: it has "
                    f"{conflict.left.layer} and {conflict.right.layer}"
                )
            report = await core.conflicts.resolve(conflict.id, SIDES[args.take])
        synced = core.led_elsewhere
        decided = await core.conflicts.get(conflict.id)
    if args.json:
        print_json(conflict_json(decided) | {"text": spoken(report), "synced": synced})
    else:
        print(spoken(report))
    return 0


async def undo_conflict(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc conflicts undo") as core:
        conflict = await core.conflicts.get(args.id)
        report = await core.conflicts.undo_resolution(conflict.id)
        reopened = await core.conflicts.get(conflict.id)
    if args.json:
        print_json(conflict_json(reopened) | {"text": spoken(report)})
    else:
        print(spoken(report))
    return 0


async def defer_conflict(args: argparse.Namespace) -> int:
    from orc_core.later.times import coming

    async with opened(args, cause="orc conflicts defer") as core:
        conflict = await _find(core, args.id)
        now = core.snapshot.at
        until = now + args.hours * 3600.0 if args.until is None else coming(args.until, now)
        report = await core.conflicts.defer(conflict.id, until)
    if args.json:
        print_json({"id": conflict.id, "deferred_until": iso(until), "text": spoken(report)})
    elif conflict.of_code:
        print(f"{conflict.id} is deferred until {iso(until)}; --hours 0 takes it up again")
    else:
        print(f"{report.text} until {iso(until)}; `orc undo` takes it back")
    return 0


async def show_figures(args: argparse.Namespace) -> int:
    from orc_core.history.encounters import Seen
    from orc_core.sync.statistics import Figures

    async with opened(args) as core:
        found = await core.conflicts.figures() if core.has_store else Figures()
        of_code = await core.conflicts.seen() if core.has_store else Seen()
    if args.json:
        print_json(
            {
                "detected": found.detected,
                "merged": found.merged,
                "resolved": found.resolved,
                "open": found.open,
                "deferred": found.deferred,
                "overlaps": of_code.overlaps,
                "forecasts": of_code.forecasts,
                "by_strategy": dict(found.by_strategy),
                "by_whom": dict(found.by_whom),
                "automatic": round(found.automatic, 4),
                "oldest": found.oldest or None,
                "oldest_s": round(found.oldest_s, 3),
            }
        )
        return 0
    oldest = f", the oldest is {found.oldest}, {ago(found.oldest_s)}" if found.oldest else ""
    print(f"detected  {found.detected}, {found.automatic:.1%} decided without a person")
    print(f"waiting   {counts({'open': found.open, 'deferred': found.deferred})}{oldest}")
    print(f"in code   {of_code.overlaps} overlaps and {of_code.forecasts} forecasts so far")
    print(f"strategy  {counts(found.by_strategy)}")
    print(f"by        {counts(found.by_whom)}; {found.merged} merged by themselves")
    return 0


async def show_or_set_strategy(args: argparse.Namespace) -> int:
    from orc_core.sync.policies import Policy, check_subject

    if args.strategy is not None:
        return await _set_strategy(args)
    async with opened(args) as core:
        policy = await core.conflicts.policy() if core.has_store else Policy()
    if args.subject is None:
        rules = policy.rules()
    else:
        kinds = {rule.subject.partition(".")[0] for rule in policy.rules()}
        rules = (policy.rule(check_subject(args.subject, kinds)),)
    if args.json:
        print_json([_rule_json(rule) for rule in rules])
        return 0
    print_table(
        [_rule_row(rule) for rule in rules],
        empty="no strategies",
    )
    return 0


def _rule_row(rule: Rule) -> tuple[str, str, str]:
    """An owner goes before a strategy: of what is owned none is told."""
    if rule.owner.value == "people":
        return rule.subject, rule.strategy, f"by {rule.source}"
    return rule.subject, "-", f"owned by {rule.owner}"


async def _set_strategy(args: argparse.Namespace) -> int:
    wanted = None if args.strategy.lower() == UNSET else args.strategy
    async with opened(args, create=True, cause="orc conflicts strategy") as core:
        report = await core.conflicts.set_strategy(args.subject, wanted)
        policy = await core.conflicts.policy()
    if args.json:
        print_json(_rule_json(policy.rule(args.subject)) | {"text": spoken(report)})
    else:
        print(spoken(report))
    return 0


def _rule_json(rule: Rule) -> dict[str, object]:
    return {
        "subject": rule.subject,
        "strategy": rule.strategy.value,
        "owner": rule.owner.value,
        "source": rule.source.value,
    }
