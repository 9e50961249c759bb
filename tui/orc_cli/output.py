"""What commands print: one JSON document, or plain aligned lines.

Invariant: times are ISO 8601 in UTC; text that others wrote is cleaned before it is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orc_core.hub import Core
    from orc_core.model.agent import Agent, Usage
    from orc_core.model.health import Layer
    from orc_core.model.history import FieldChange, Moment, Plan, Report, Saved, Standing, Tally
    from orc_core.model.life import Figures
    from orc_core.model.task import Task
    from orc_storage.records import Conflict, Json, Revision, Side, StateChange

DIFF_LINES_MAX = 5_000
"""Texts of more lines are told whole: comparing them would take long."""


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Aligned columns, or the line that says how to fill the list."""
    from orc_core.text import cells, fit

    if not rows:
        print(empty)
        return
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(fit(text, width) for text, width in zip(row, widths, strict=True))
        print(line.rstrip())


def print_tally(args: argparse.Namespace, core: Core, tally: Tally) -> int:
    """What was done to several things; returns 1 where one was refused, else 0."""
    if args.json:
        done, refused = list(tally.done), list(tally.refused)
        print_json({"done": done, "refused": refused, "synced": core.led_elsewhere})
    else:
        print(tally.text + unsynced(core))
        for why in tally.refused[1:]:
            print(f"  {why}")
    return 1 if tally.refused else 0


def unsynced(core: Core) -> str:
    """What is added where nobody brings a write to its file by itself."""
    if core.led_elsewhere:
        return ""
    return " (not synced: no dashboard runs; `orc sync --once` does it)"


def iso(at: float) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC; None where there is no time."""
    if not at:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(seconds: float) -> str:
    """How long ago something was: `just now`, `4m ago`."""
    from orc_core.text import age

    told = age(seconds)
    return "just now" if told == "now" else f"{told} ago"


def lasted(seconds: float) -> str:
    """How long something took: `12 s`, `4m`, `1h07`."""
    from orc_core.text import age

    return f"{seconds:.0f} s" if seconds < 60.0 else age(seconds)


def spoken(report: Report) -> str:
    """What an act did, with the command that is the way back."""
    if report.redoable:
        return f"{report.text}; `orc redo` does it again"
    return f"{report.text}; `orc undo` takes it back" if report.undoable else report.text


def word(value: Json, present: bool = True) -> str:
    """A value in one clean line, for people."""
    from orc_core.text import clean

    if not present:
        return "(absent)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return clean(text, limit=400) or '""'


def agent_json(agent: Agent) -> dict[str, object]:
    return {
        "key": agent.key,
        "name": agent.name,
        "kind": agent.kind,
        "state": agent.state.value,
        "waiting": agent.waiting.value or None,
        "since": iso(agent.since),
        "substate": agent.substate or None,
        "does": agent.does,
        "resets_at": iso(agent.resets_at),
        "flips": agent.flips,
        "usage": usage_json(agent.usage),
        "task": agent.task or None,
        "server": agent.pane.server,
        "where": agent.place,
        "cwd": agent.cwd,
        "command": agent.command,
        "title": agent.title,
        "pane": agent.pane.pane_id,
        "pid": agent.pane.pid,
        "evidence": {
            "source": agent.evidence.source.value,
            "rule": agent.evidence.rule,
            "at": iso(agent.evidence.at),
            "text": agent.evidence.text,
            "screen_agrees": agent.agrees,
        },
        "stale_since": iso(agent.stale_since),
    }


def usage_json(usage: Usage) -> dict[str, object]:
    return {
        "context": usage.context,
        "cost_usd": usage.cost_usd,
        "tokens": usage.tokens,
        "model": usage.model or None,
        "account": usage.account or None,
        "at": iso(usage.at),
    }


def task_json(task: Task) -> dict[str, object]:
    return {
        "id": task.id,
        "rev": task.rev,
        "title": task.title,
        "text": task.text,
        "status": task.status.value,
        "priority": task.priority,
        "needs": list(task.needs),
        "labels": list(task.labels),
        "depends_on": list(task.depends_on),
        "blocked_by": list(task.blocked_by),
        "assignee": task.assignee or None,
        "due": task.due or None,
        "updated_at": iso(task.updated_at),
        "updated_by": task.updated_by,
        "fault": task.fault or None,
    }


def conflict_json(conflict: Conflict) -> dict[str, object]:
    return {
        "id": conflict.id,
        "kind": conflict.kind.value,
        "doc_kind": conflict.doc_kind,
        "doc": conflict.doc,
        "path": conflict.path,
        "line": conflict.line or None,
        "base": conflict.base,
        "base_rev": conflict.base_rev,
        "base_at": iso(conflict.base_at),
        "base_by": conflict.base_by or None,
        "sides": [_side_json(conflict.left), _side_json(conflict.right)],
        "state": conflict.state.value,
        "why": conflict.why,
        "opened_at": iso(conflict.opened_at),
        "decided_at": iso(conflict.decided_at),
        "decided_by": conflict.decided_by or None,
        "decision": (conflict.decision if conflict.state.value == "resolved" else "") or None,
        "strategy": conflict.strategy or None,
        "deferred_until": iso(conflict.deferred_until),
    }


def _side_json(side: Side) -> dict[str, object]:
    return {
        "layer": side.layer,
        "value": side.value,
        "present": side.present,
        "writer": side.writer or None,
        "at": iso(side.at),
        "rev": side.rev or None,
        "cause": side.cause,
    }


def revision_json(revision: Revision) -> dict[str, object]:
    return {
        "rev": revision.rev,
        "parent_rev": revision.parent_rev,
        "at": iso(revision.at),
        "actor": revision.actor,
        "cause": revision.cause,
        "deleted": revision.deleted,
        "body": None if revision.damage else revision.body,
        "damage": revision.damage or None,
    }


def change_json(change: FieldChange) -> dict[str, object]:
    return {
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "before_present": change.before_present,
        "after_present": change.after_present,
    }


def plan_json(plan: Plan) -> dict[str, object]:
    return {
        "label": plan.label,
        "documents": [
            {
                "kind": step.kind,
                "id": step.id,
                "from_rev": step.from_rev,
                "to_rev": step.to_rev or None,
                "diff": [change_json(change) for change in step.diff],
                "undecided": [_standing_json(one) for one in step.standing],
            }
            for step in plan.steps
        ],
        "returns": list(plan.returns),
        "stays": list(plan.stays),
        "lost": list(plan.lost),
    }


def _standing_json(one: Standing) -> dict[str, object]:
    return {
        "path": one.path,
        "now": one.now,
        "now_present": one.now_present,
        "wanted": one.wanted,
        "wanted_present": one.wanted_present,
        "by": one.by,
        "rev": one.rev,
    }


def moment_json(moment: Moment) -> dict[str, object]:
    return {
        "seq": None if moment.is_state else moment.seq,
        "at": iso(moment.at),
        "actor": moment.actor,
        "action": "state" if moment.is_state else moment.action,
        "state": moment.action if moment.is_state else None,
        "kind": moment.kind,
        "id": moment.id,
        "rev": moment.rev or None,
        "text": moment.text,
    }


def saved_json(saved: Saved) -> dict[str, object]:
    return {
        "name": saved.name,
        "note": saved.note,
        "at": iso(saved.at),
        "actor": saved.actor,
        "seq": saved.seq,
        "automatic": saved.is_automatic,
        "documents": saved.documents,
    }


def layer_json(layer: Layer) -> dict[str, object]:
    return {
        "name": layer.name,
        "state": layer.state.value,
        "strategy": layer.strategy,
        "behind_s": round(layer.behind_s, 3),
        "queued": layer.queued,
        "failed": layer.failed,
        "latency_s": round(layer.latency_s, 6),
        "p95_s": round(layer.p95_s, 6),
        "passes": layer.passes,
        "errors": layer.errors,
        "rests_s": round(layer.rests_s, 1),
        "trouble": layer.trouble or None,
        "trouble_at": iso(layer.trouble_at),
        "faults": [
            {"kind": fault.kind, "id": fault.id, "text": fault.text, "at": iso(fault.at)}
            for fault in layer.faults
        ],
    }


def print_diff(changes: Sequence[FieldChange]) -> None:
    """The lines of a difference: `-` what was, `+` what is; of long texts the lines that differ."""
    for change in changes:
        print(f"  {change.path or 'the whole document'}")
        if lines := _line_diff(change.before, change.after):
            print("\n".join(lines))
            continue
        for sign, value, present in (
            ("-", change.before, change.before_present),
            ("+", change.after, change.after_present),
        ):
            if present:
                print("\n".join(f"    {sign} {told}" for told in fields_told(value)))


def fields_told(value: Json) -> list[str]:
    """A value in one line, a whole document in one line for each field that says something."""
    if not isinstance(value, dict) or not value:
        return [word(value)]
    return [f"{name}: {word(held)}" for name, held in value.items() if held not in ("", [], None)]


def _line_diff(before: Json, after: Json) -> list[str]:
    """What differs between two texts of several lines, with the lines around it; else nothing."""
    from difflib import unified_diff

    from orc_core.text import clean

    if not (isinstance(before, str) and isinstance(after, str) and "\n" in before + after):
        return []
    was, now = before.split("\n"), after.split("\n")
    if len(was) + len(now) > DIFF_LINES_MAX:
        return []
    found = list(unified_diff(was, now, n=1, lineterm=""))[2:]  # behind the names of two files
    cut = [
        "…" if line.startswith("@@") else f"{line[0]} {clean(line[1:], limit=400)}"
        for line in found
    ]
    return [f"    {line}".rstrip() for line in cut[cut[:1] == ["…"] :]]


def counts(words: Mapping[str, int]) -> str:
    """`3 waiting, 1 crashed`: the non-zero counts in their order."""
    return ", ".join(f"{count} {name}" for name, count in words.items() if count) or "none"


def figures_json(figures: Figures) -> dict[str, object]:
    return {
        "uptime_s": figures.uptime_s,
        "span_s": round(figures.span_s, 3),
        "by_state_s": {name: round(spent, 3) for name, spent in figures.by_state.items()},
        "changes": figures.changes,
        "crashes": figures.crashes,
        "restarts": figures.restarts,
    }


def state_change_json(change: StateChange) -> dict[str, object]:
    return {"at": iso(change.at), "state": change.state, "evidence": change.evidence}
