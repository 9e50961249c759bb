"""What an agent has used, and what is told beside its state."""

from __future__ import annotations

from dataclasses import replace

from orc_core import filters
from orc_core.model.agent import (
    LOST,
    OTHER,
    Evidence,
    Explanation,
    Process,
    Signal,
    Source,
    State,
    Usage,
)
from orc_core.model.snapshot import Snapshot
from orc_tui.view_models import agents, glyphs, header, live, why
from orc_tui.view_models.lines import text_of
from scene import AT, agent

QUIET = agent("claude-1", State.WORKING, 3.0)
STOPPED = replace(QUIET, state=State.GONE, evidence=Evidence(Source.PROC, "pane-dead", AT))
USED = replace(QUIET, usage=Usage(context=0.617, cost_usd=1.844, tokens=48_210, model="opus"))


def test_the_context_stands_over_the_screen_and_in_a_wide_list() -> None:
    assert "context 62 % used" in text_of(live.agent_head(USED, None, AT, 78, "/home/u")[1])
    assert "claude" in text_of(live.agent_head(QUIET, None, AT, 78, "/home/u")[1])
    at = agents.columns([USED, QUIET], 98, boxed=True)
    assert "context" in text_of(agents.heading(at))
    assert "   62 % " in text_of(agents.row(USED, at, AT))
    widths = {len(text_of(agents.row(one, at, AT))) for one in (USED, QUIET)}
    assert len(widths) == 1


def test_no_column_is_kept_for_what_nobody_tells() -> None:
    assert not agents.columns([QUIET], 98, boxed=True).context
    assert not agents.columns([USED], 95, boxed=True).context


def test_why_tells_what_was_used_and_of_what_kind_the_state_is() -> None:
    odd = replace(USED, substate="retrying", flips=5, resets_at=AT + 3600)
    told = "\n".join(text_of(line) for line in why.own_lines(odd, AT))
    assert "used        context 62 %, 1.84 USD, 48,210 tokens, opus" in told
    assert "kind of it  retrying" in told
    assert "flickers    5 changes of state" in told
    assert "limit ends" in told
    plain = "\n".join(text_of(line) for line in why.own_lines(QUIET, AT))
    assert not any(word in plain for word in ("used  ", "kind of it", "flickers", "limit ends"))


def test_a_notice_is_told_and_called_no_state() -> None:
    notice = Evidence(Source.TITLE, "osc-notice", AT - 5, "Claude needs you")
    beside = Signal(notice, State.UNKNOWN, decides=False)
    told = why.explained_lines(Explanation(QUIET, (beside,), None, ()), AT)
    assert "tells no state" in text_of(told[1])
    assert text_of(told[1]).endswith("Claude needs you")


def test_what_is_there_no_more_says_nothing_of_a_screen() -> None:
    ended = replace(
        QUIET, state=State.CRASHED, evidence=Evidence(Source.PROC, "pane-dead", AT), agrees=False
    )
    assert "the screen" not in "".join(map(text_of, why.own_lines(ended, AT)))
    evidence = Evidence(Source.PROC, "lost", AT, "claude --continue")
    lost = replace(QUIET, state=State.GONE, evidence=evidence)
    told = [text_of(line) for line in why.own_lines(lost, AT)]
    assert "would run   claude --continue" in told
    assert not [line for line in told if line.startswith(("pane", "the screen", "matched"))]


def test_the_header_counts_what_is_gone() -> None:
    lost = replace(QUIET, state=State.GONE, evidence=Evidence(Source.PROC, LOST, AT))
    shown = text_of(header.line(Snapshot(at=AT, agents=(QUIET, lost, STOPPED)), 120))
    assert "● 1 working   ✗ 1 gone   ■ 1 stopped" in shown


def test_who_was_stopped_is_no_crash_and_stands_below_who_is_needed() -> None:
    at = agents.columns([STOPPED], 98, boxed=True)
    (state, ink), *rest = agents.row(STOPPED, at, AT)
    assert (state.split(), ink) == (["■", "stopped"], "dim")
    assert {ink for _, ink in rest} == {"dim"}
    idle = replace(QUIET, state=State.IDLE)
    assert agents.ordered([STOPPED, idle, QUIET], AT) == [QUIET, idle, STOPPED]
    assert not agents.needs_you(STOPPED)
    assert agents.summary(STOPPED, AT)[0] == "stopped"
    assert filters.of_agent(STOPPED)["state"] == ("stopped", "", "")
    assert glyphs.STOPPED[0].translate(glyphs.ASCII).isascii()


def test_an_agent_of_an_unknown_kind_may_need_you() -> None:
    crashed = replace(QUIET, kind=OTHER, state=State.CRASHED)
    assert agents.is_other(crashed) and not agents.needs_you(crashed)
    ours = replace(crashed, ours=True)
    assert not agents.is_other(ours) and agents.needs_you(ours)


def test_the_time_of_a_process_is_no_point_in_time() -> None:
    busy = (Process(7, 0, "node", 0.3), Process(8, 1, "npm test", 42.0), Process(9, 1, "x", 130.0))
    told = [text_of(one) for one in why.explained_lines(Explanation(QUIET, (), None, busy), AT)]
    rows = [line.partition(" cpu ")[0].split() for line in told if " cpu " in line]
    assert rows == [["7", "<", "1", "s"], ["8", "42", "s"], ["9", "2m"]]
