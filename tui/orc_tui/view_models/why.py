"""Why an agent is in its state: what every signal says, and what runs in its pane.

Invariant: the signal that decided is marked; one that is too old to count says so, and so does
one that never decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orc_core.model.agent import Agent, Explanation, Process, Signal
from orc_core.text import cells, fit
from orc_tui.view_models import agents, glyphs
from orc_tui.view_models.lines import BLANK, Line
from orc_tui.view_models.spans import clock, coarse, lag

_NAME: Final = 12
_PROCESSES_MAX: Final = 12
_INDENT_MAX: Final = 6


def field(name: str, value: str) -> Line:
    """One fact: its name dim, its value plain."""
    return ((fit(name, _NAME), "dim"), (value, "text"))


def own_lines(agent: Agent, now: float) -> list[Line]:
    """What the snapshot alone says of an agent's state."""
    _, sign, ink = agents.face(agent)
    state, _ = agents.summary(agent, now)
    evidence = agent.evidence
    lines: list[Line] = [
        ((f"{sign} {state}", f"{ink} bold"), (f"  since {clock(agent.since)}", "dim")),
        BLANK,
        *([field("kind of it", agent.substate)] if agent.substate else []),
        field("decided by", f"{evidence.source.value}, rule {evidence.rule}"),
        field("last seen", _ago(now - evidence.at)),
    ]
    if agent.stale_since:
        lines.append(field("its server", f"does not answer since {clock(agent.stale_since)}"))
    if evidence.text:
        lines.append(field("would run" if agent.is_lost else "matched", evidence.text))
    if agent.flips:
        lines.append(field("flickers", f"{agent.flips} changes of state in the last minute"))
    if agent.resets_at:
        lines.append(field("limit ends", clock(agent.resets_at)))
    if agent.line_at:
        lines.append(field("a line goes", f"to it at {clock(agent.line_at)}: L shows it"))
    if agent.muted_until:
        lines.append(field("muted", f"until {clock(agent.muted_until)}: L tells of it again"))
    if agent.is_lost:
        return lines
    if not agent.has_ended:
        told = "says the same" if agent.agrees else "says something else"
        lines.append(field("the screen", told))
    lines.append(field("changed", _ago(now - agent.changed_at)))
    if agent.last_prompt:
        lines.append(field("last prompt", f"“{agent.last_prompt}”"))
    lines.append(field("pane", f"{agent.place}  {agent.pane.pane_id}  pid {agent.pane.pid}"))
    if agent.title:
        lines.append(field("title", agent.title))
    if used := usage(agent):
        lines.append(field("used", used))
    return lines


def usage(agent: Agent) -> str:
    """What it has used: `context 62 %, 1.84 USD, 48,210 tokens, opus`; "" where nothing tells."""
    used = agent.usage
    share = agents.context_share(agent)
    told = [
        f"context {share}" if share else "",
        f"{used.cost_usd:.2f} USD" if used.cost_usd is not None else "",
        f"{used.tokens:,} tokens" if used.tokens is not None else "",
        used.model,
        f"account {used.account}" if used.account else "",
    ]
    return ", ".join(one for one in told if one)


def explained_lines(explanation: Explanation, now: float) -> list[Line]:
    """What the core adds when it is asked: signals, processes, rule files."""
    lines: list[Line] = [(("signals, strongest first", "text bold"),)]
    lines += [_signal(one, one == explanation.winner, now) for one in explanation.signals]
    if not explanation.signals:
        lines.append((("  none", "dim"),))
    lines += [BLANK, (("what runs in the pane", "text bold"),)]
    lines += _processes(explanation.processes)
    if explanation.files:
        lines += [BLANK, (("rule files", "text bold"),)]
        lines += [((f"  {name}", "dim"),) for name in explanation.files]
    return lines


def _signal(signal: Signal, won: bool, now: float) -> Line:
    evidence = signal.evidence
    ink = "text" if won else "dim"
    state = signal.state.value + (f": {signal.waiting.value}" if signal.waiting.value else "")
    told = "too old" if signal.expired else _ago(now - evidence.at)
    if not signal.decides:
        state, told = "tells no state", evidence.text or told
    return (
        (f"{glyphs.CURSOR} " if won else "  ", "accent"),
        (fit(evidence.source.value, 7), ink),
        (fit(state, 20) + " ", ink),
        (fit(evidence.rule, max(cells(evidence.rule), 16)) + "  ", ink),
        (told, "dim"),
    )


def _processes(processes: Sequence[Process]) -> list[Line]:
    shown = [
        (
            (f"  {one.pid:>7} ", "dim"),
            (f"{lag(one.cpu_s):>5} cpu  ", "dim"),
            ("  " * min(one.depth, _INDENT_MAX) + one.command, "text"),
        )
        for one in processes[:_PROCESSES_MAX]
    ]
    lines: list[Line] = list(shown) or [(("  nothing", "dim"),)]
    if len(processes) > _PROCESSES_MAX:
        lines.append(((f"  and {len(processes) - _PROCESSES_MAX} more", "dim"),))
    return lines


def _ago(seconds: float) -> str:
    told = coarse(seconds)
    return "just now" if told == "now" else f"{told} ago"
