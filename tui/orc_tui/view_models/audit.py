"""The audit as lines: entries of the journal, one of them whole, and whether the chain holds.

Invariant: what is shown of an entry is what was recorded; nothing is left out of it when it is
shown whole.
"""

from __future__ import annotations

import json
import time

from orc_core.model.history import Moment
from orc_core.text import age, clean, fit
from orc_storage.audit import Examination
from orc_storage.records import Entry
from orc_tui.view_models import box
from orc_tui.view_models.lines import Line
from orc_tui.view_models.timeline import actor

_LABEL = 9


def row(one: Moment, now: float) -> Line:
    """One entry of the list, without the sign of the cursor."""
    about = f"{one.id}@{one.rev}" if one.rev else one.id
    return (
        (f"{one.seq:>6} ", "dim"),
        (f"{age(max(now - one.at, 0.0)):>5}  ", "dim"),
        (f"{fit(actor(one.actor), 11)} ", "text"),
        (f"{fit(one.action, 10)} ", "text"),
        (f"{fit(clean(about, limit=100), 13)} ", "accent"),
        (one.text, "dim"),
    )


def entry_lines(entry: Entry, width: int) -> list[Line]:
    """An entry whole: who did what to what, what was recorded of it, and where it is chained."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
    fields = [
        ("at", at),
        ("actor", actor(entry.actor)),
        ("action", entry.action),
        ("document", f"{entry.kind} {entry.id}".strip()),
        ("revision", str(entry.rev) if entry.rev else ""),
    ]
    out: list[Line] = []
    for name, value in fields:
        if value:
            out += _field(name, clean(value, limit=400), width)
    if entry.detail:
        text = json.dumps(entry.detail, ensure_ascii=False, indent=2, sort_keys=True)
        out += [(), (("detail", "dim"),)]
        for line in clean(text, limit=64_000, newlines=True).split("\n"):
            out += [((part, "text"),) for part in box.wrap(line, width)]
    out.append(())
    for name, value in (("before", entry.prev_hash), ("hash", entry.hash)):
        out += _field(name, value, width)
    return out


def _field(name: str, value: str, width: int) -> list[Line]:
    parts = box.wrap(value, max(width - _LABEL, 8))
    return [
        ((f"{name if index == 0 else '':<{_LABEL}}", "dim"), (part, "text"))
        for index, part in enumerate(parts)
    ]


def standing(found: Examination | None, *, is_busy: bool) -> Line:
    """The right end of the header: what the last examination found."""
    if is_busy:
        return (("verifying… ", "dim"),)
    if found is None:
        return (("not verified yet ", "dim"),)
    if found.findings:
        return ((f"✗ {len(found.findings)} wrong ", "error bold"),)
    return ((f"✓ intact, {found.entries:,} entries ", "done"),)


def told(found: Examination) -> list[str]:
    """What an examination found, as lines for people."""
    lines = [one.text for one in found.findings]
    for one in found.mended:
        day = time.strftime("%Y-%m-%d", time.localtime(one.at))
        what = "1 revision" if len(one.revs) == 1 else f"{len(one.revs)} revisions"
        lines.append(f"{one.kind} {clean(one.id, limit=63)} was mended on {day} over {what}")
    lines.append(f"the journal ends at entry {found.seq}, {found.hash[:16]}…")
    if found.anchor is None:
        lines.append("no anchor yet: a journal that was cut off or written anew would not show")
    else:
        lines.append(f"compared with {found.anchored} heads that were noted outside of the store")
    if found.findings:
        lines.append("`orc audit verify` says what to do about each")
    return lines
