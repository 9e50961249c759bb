"""The story of an agent: steps and why, limits that end, evidence that grows old, flicker."""

from __future__ import annotations

from itertools import pairwise

from observed import SERVER, Stage, T
from orc_core.agents.freshness import FRESHNESS
from orc_core.agents.names import Declared
from orc_core.agents.rule_watch import signature
from orc_core.agents.transitions import reason
from orc_core.model.agent import PaneRef, Source, State
from orc_storage.records import LiveRow

pytest_plugins = ("agents_on_stage",)

BUSY, QUIET = "claude/working-spinner", "claude/idle-turn-ended"
HIT = ("› go on", "", "■ You've hit your usage limit. Try again in 2 hours.", "", "›")


def told(stage: Stage) -> list[tuple[str, str]]:
    """The steps since the last call: `working: took up work`."""
    return [(name, f"{step.after}: {step.reason}") for name, step in stage.observer.transitions()]


def test_each_step_is_told_once_with_its_reason(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.put("%1", QUIET)
    stage.tick()
    assert told(stage) == [("claude-1", "idle: first seen")]
    stage.put("%1", BUSY)
    stage.tick(1.0)
    stage.tick(1.0)
    assert told(stage) == [("claude-1", "working: took up work")]
    stage.put("%1", QUIET)
    stage.tick(1.0)
    stage.tick(2.0)
    assert told(stage) == [("claude-1", "done: its turn ended")]
    stage.observer.seen(stage.agent().key)
    assert told(stage) == [("claude-1", "idle: it was looked at")]
    pane = PaneRef(SERVER, 7, "%1", 101)
    stage.panes.clear()
    stage.tick(1.0, gone=(pane,))
    assert told(stage) == [("claude-1", "gone: it is there no more")]
    assert told(stage) == []


def test_a_step_is_told_under_the_name_that_the_agent_had_then(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.put("%1", QUIET)
    stage.tick()
    told(stage)
    pane = stage.agent().pane
    stage.observer._names.declare({pane: Declared("planner")})
    assert stage.observer.declare_again()
    stage.put("%1", BUSY)
    stage.tick(1.0)
    # The name goes to another pane, as when an agent is started again elsewhere.
    stage.observer._names.declare({PaneRef(SERVER, 7, "%2", 102): Declared("planner")})
    assert stage.observer.declare_again()
    assert stage.agent().name == "claude-1"
    assert told(stage) == [("planner", "working: took up work")]


def test_steps_that_could_not_be_written_down_are_told_again(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.put("%1", BUSY)
    stage.tick()
    steps = stage.observer.transitions()
    stage.observer.put_back(steps)
    assert stage.observer.transitions() == steps
    assert stage.observer.transitions() == []


def test_what_was_known_from_before_is_no_step(stage: Stage) -> None:
    for state, screen in (("working", BUSY), ("waiting", "claude/waiting-permission-bash")):
        row = LiveRow(SERVER, 7, "%1", 101, "claude-7", "claude", state, T - 500, "screen x", T)
        stage.open((row,))
        stage.machine.put(101, "claude")
        stage.put("%1", screen)
        stage.tick()
        assert stage.agent().state.value == state
        assert told(stage) == []


def test_a_crash_is_final_for_its_process_and_another_begins_anew(stage: Stage) -> None:
    stage.machine.put(100, "bash")
    stage.machine.put(101, "claude")
    stage.put("%1", BUSY)
    stage.tick()
    assert stage.agent().state is State.WORKING
    stage.put("%1", "shell/crashed-claude-killed", command="bash")
    stage.machine.end(101)
    stage.machine.put(101, "bash", start="2")
    stage.tick(3.0)
    stage.tick(3.0)
    assert stage.agent().state is State.CRASHED
    stage.machine.end(101)
    stage.machine.put(101, "claude", start="3")
    stage.put("%1", BUSY, command="claude")
    stage.tick(3.0)
    assert stage.agent().state is State.WORKING
    assert [why for _, why in told(stage)] == [
        "working: first seen",
        "crashed: its program ended badly",
        "working: began anew in its pane",
    ]
    assert reason(State.CRASHED, State.WORKING) is None


def test_the_end_of_a_limit_counts_down_and_is_over(stage: Stage) -> None:
    stage.machine.put(101, "codex")
    stage.put(
        "%1", ("› go on", "", "■ You've hit your usage limit. Try again in 2 hours.", "", "›")
    )
    stage.tick()
    assert stage.agent().state is State.LIMITED, stage.agent()
    assert stage.agent().resets_at == T + 7200
    assert stage.agent().does.endswith(" in 2h00")
    stage.tick(60.0)
    assert stage.agent().does.endswith(" in 1h59")
    assert stage.agent().resets_at == T + 7200
    stage.tick(7200.0)
    assert stage.agent().does.startswith("could go on since ")


def test_a_limit_that_was_announced_before_counts_from_then(stage: Stage) -> None:
    row = LiveRow(SERVER, 7, "%1", 101, "codex-1", "codex", "limited", T - 3600, "screen x", T - 9)
    stage.open((row,))
    stage.machine.put(101, "codex")
    stage.put(
        "%1", ("› go on", "", "■ You've hit your usage limit. Try again in 2 hours.", "", "›")
    )
    stage.tick()
    assert stage.agent().resets_at == T + 3600
    stage.tick(60.0)
    assert stage.agent().resets_at == T + 3600


def test_work_on_a_screen_that_stands_still_is_not_believed_for_ever(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.put("%1", BUSY)
    stage.tick()
    assert stage.agent().state is State.WORKING
    info, lines = stage.panes["%1"]
    stage.panes["%1"] = (info, None)
    stage.tick(FRESHNESS[Source.SCREEN].busy_s - 1)
    assert stage.agent().state is State.WORKING
    stage.tick(2.0)
    assert stage.agent().state is State.UNKNOWN
    (signal,) = stage.observer.explain(stage.agent().key).signals
    assert signal.expired
    stage.panes["%1"] = (info, (*(lines or ()), "more"))
    stage.put("%1", (*stage.screen(BUSY)[:-1], "  ⏵⏵ accept edits on"))
    stage.tick(1.0)
    assert stage.agent().state is State.WORKING


def test_a_state_that_flickers_says_so(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.put("%1", BUSY)
    stage.tick()
    blank = ("nothing that a rule knows",)
    for before, after in pairwise([BUSY, blank, BUSY, blank, BUSY, blank, BUSY]):
        assert before != after
        stage.put("%1", after)
        stage.tick(3.0)
    assert stage.agent().flips == 5
    assert stage.agent().does == "flickers: 5 changes in 60 s"
    for _ in range(31):
        stage.tick(2.0)
    assert stage.agent().flips == 0


def test_the_files_of_a_folder_that_is_not_there(stage: Stage) -> None:
    assert signature([stage.home / "none"]) == ()


def test_a_verdict_stands_with_every_signal(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.session(101, "busy")
    stage.put("%1", "claude/waiting-permission-bash", title="✳ Claude Code")
    stage.tick()
    told = stage.observer.explain(stage.agent().key)
    assert [one.evidence.source for one in told.signals] == [
        Source.LEVEL,
        Source.TITLE,
        Source.SCREEN,
    ]
    assert told.verdicts == ("decides", "weaker than level", "weaker than level")
