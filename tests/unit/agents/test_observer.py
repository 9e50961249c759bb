"""From ticks to agents: names, states, ends, silence, what is kept and what is explained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from observed import SERVER, Stage, T
from orc_core.errors import UnknownName
from orc_core.model.activity import Sight
from orc_core.model.agent import OTHER, Source, State, Waiting

pytest_plugins = ("agents_on_stage",)


def test_agents_are_named_and_others_are_called_by_their_place(stage: Stage) -> None:
    stage.put("%1", "claude/idle-turn-ended")
    stage.put("%2", "codex/working-spinner", command="node")
    stage.machine.put(102, "node", "/usr/bin/codex")
    stage.put("%3", command="node")
    stage.machine.put(103, "node", "/srv/repl.js")
    stage.put("%4", command="bash", where="ops:1.0")
    stage.put("%5", command="vim", where="ops:1.1")
    assert stage.tick()
    told = {agent.name: (agent.kind, agent.state) for agent in stage.observer.agents()}
    assert told == {
        "claude-1": ("claude", State.IDLE),
        "codex-1": ("codex", State.WORKING),
        "shop:3": (OTHER, State.UNKNOWN),
        "ops:1.0": (OTHER, State.IDLE),
        "ops:1.1": (OTHER, State.UNKNOWN),
    }
    assert stage.agent("%3").does == "node repl.js: no rule knows it"
    assert stage.agent("%1").does == "ready for a task"
    assert [row.name for row in stage.observer.rows()] == ["claude-1", "codex-1"]
    assert not stage.tick(1.0)


def test_a_turn_from_work_to_done_to_seen(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.put("%1", "claude/working-spinner", title="⠐ Claude Code")
    stage.tick()
    assert stage.agent().state is State.WORKING
    stage.put("%1", "claude/idle-turn-ended", title="✳ Claude Code")
    stage.tick(1.0)
    assert stage.agent().state is State.WORKING
    assert stage.tick(1.6)
    done = stage.agent()
    assert (done.state, done.since) == (State.DONE, T + 1.0)
    assert done.does == "All done: the cart totals are rounded now."
    assert stage.observer.seen(done.key)
    assert stage.agent().state is State.IDLE
    assert not stage.observer.seen(done.key)
    stage.tick(60.0)
    assert stage.agent().state is State.IDLE


def test_a_level_decides_and_a_prompt_says_what_is_asked(stage: Stage) -> None:
    stage.machine.put(101, "bash", foreground=151)
    stage.machine.put(151, "claude", parent=101)
    stage.session(151, "waiting", waitingFor="permission prompt")
    stage.put("%1", "claude/waiting-question-tool", title="✳ Claude Code")
    stage.tick()
    agent = stage.agent()
    assert (agent.state, agent.waiting) == (State.WAITING, Waiting.QUESTION)
    assert (agent.evidence.source, agent.agrees) == (Source.LEVEL, True)
    assert agent.does == "asks  Shall I keep the v1 routes?"
    prompt = stage.observer.prompt(agent.key)
    assert prompt is not None
    assert (prompt.agent, len(prompt.choices)) == ("claude-1", 5)
    assert prompt.evidence.source is Source.LEVEL
    told = stage.observer.explain(agent.key)
    assert [signal.evidence.source for signal in told.signals] == [
        Source.LEVEL,
        Source.TITLE,
        Source.SCREEN,
    ]
    assert told.winner is told.signals[0]
    assert [process.command for process in told.processes] == ["bash", "claude"]
    assert told.files[0].endswith("claude.toml")
    stage.session(151, "busy")
    stage.tick(0.3)
    assert (stage.agent().state, stage.agent().agrees) == (State.WORKING, False)
    assert stage.observer.prompt(agent.key) is None


def test_risks_of_a_prompt_know_the_work_tree(stage: Stage) -> None:
    stage.put("%1", "claude/waiting-permission-wrapped-choice", cwd="/home/me/shop")
    stage.tick()
    prompt = stage.observer.prompt(stage.agent().key)
    assert prompt is not None
    assert prompt.risks == ("rm -rf", "runs a download")
    assert prompt.choices[1].label.endswith("and sh commands in /home/me/shop")


@pytest.mark.parametrize("stood_s", [0.2, 3.0])
@pytest.mark.parametrize("torn", [False, True])
def test_what_the_shell_wrote_amid_the_agents_screen_tells_of_its_crash(
    stage: Stage, stood_s: float, torn: bool
) -> None:
    drawn = ("  ┃", "  ┃  Ask anything", "  ┃  Build · Scripted", " ■⬝⬝⬝  esc interrupt")
    left = ("  ┃", "  ┃  Killed", "lab$ ", " ■⬝⬝⬝  esc interrupt")
    stage.machine.put(101, "bash", foreground=151)
    stage.machine.put(151, "opencode", parent=101, started_at=T - 7440)
    stage.put("%1", drawn, command="opencode")
    stage.tick()
    for at in range(5):  # it flickers, which is no news of what has ended
        stage.put("%1", drawn if at % 2 else drawn[:1], command="opencode")
        stage.tick(2.0)
    stage.put("%1", drawn, command="opencode")
    stage.tick(2.0)
    assert stage.agent().does.startswith("flickers")
    stage.put("%1", (*drawn, "one more"), command="opencode")
    stage.tick(stood_s)
    stage.machine.end(151)
    stage.machine.put(101, "bash", foreground=101)
    if torn:
        stage.put("%1", left[:2], command="bash")
        stage.tick(0.1)
    stage.put("%1", left, command="bash")
    stage.tick(0.1)
    stage.tick(1.0)
    agent = stage.agent()
    assert (agent.state, agent.does) == (State.CRASHED, "killed after 2h04; bash is left")


def test_a_killed_agent_leaves_a_crash_until_someone_went_on(stage: Stage) -> None:
    stage.machine.put(101, "bash", foreground=151)
    stage.machine.put(151, "claude", parent=101, started_at=T - 7440)
    stage.put("%1", "claude/working-spinner", title="⠐ Claude Code")
    stage.tick()
    assert (stage.agent().name, stage.agent().state) == ("claude-1", State.WORKING)
    stage.machine.end(151)
    stage.machine.put(101, "bash", foreground=101)
    stage.put("%1", "shell/crashed-claude-killed", command="bash", title="⠐ Claude Code")
    assert not stage.tick(1.0) or stage.agent().state is State.WORKING
    stage.tick(0.5)
    agent = stage.agent()
    assert (agent.kind, agent.name, agent.state) == ("claude", "claude-1", State.CRASHED)
    assert agent.does == "killed after 2h04; bash is left"
    assert agent.evidence.source is Source.PROC
    stage.put("%1", tuple(f"line {n}" for n in range(20)), command="bash")
    stage.tick(5.0)
    assert stage.agent().state is State.CRASHED
    stage.observer.seen(agent.key)
    stage.tick(5.0)
    assert stage.agent().state is State.CRASHED
    stage.put("%1", ("$ ls", "src"), command="bash")
    stage.tick(1.0)
    stage.tick(3.0)
    assert (stage.agent().kind, stage.agent().name) == (OTHER, "shop:1")


def test_an_agent_that_ends_is_done_and_then_only_a_shell(stage: Stage) -> None:
    stage.machine.put(101, "zsh", foreground=151)
    stage.machine.put(151, "codex", parent=101, started_at=T - 300)
    stage.put("%1", "codex/working-spinner", command="codex")
    stage.tick()
    stage.machine.end(151)
    stage.machine.put(101, "zsh", foreground=101)
    stage.put("%1", ("bye", "% "), command="zsh")
    stage.tick(1.0)
    stage.tick(0.5)
    assert (stage.agent().state, stage.agent().does) == (
        State.DONE,
        "ended after 5m; zsh is left",
    )
    stage.observer.seen(stage.agent().key)
    stage.tick(3.0)
    assert (stage.agent().kind, stage.agent().state) == (OTHER, State.IDLE)


def test_a_shell_in_front_of_a_living_agent_is_no_end(stage: Stage) -> None:
    stage.machine.put(101, "bash", foreground=151)
    stage.machine.put(151, "claude", parent=101)
    stage.put("%1", "claude/working-spinner")
    stage.tick()
    stage.machine.put(101, "bash", foreground=101)
    stage.machine.put(151, "claude", parent=101, state="T")
    stage.put("%1", ("[1]+  Stopped   claude", "$ "), command="bash")
    stage.tick(1.0)
    agent = stage.agent()
    assert (agent.kind, agent.state, agent.does) == (
        "claude",
        State.IDLE,
        "stopped: fg brings it back",
    )


def test_a_dead_pane_tells_its_exit(stage: Stage) -> None:
    stage.machine.put(101, "claude", started_at=T - 600)
    stage.put("%1", "claude/working-spinner")
    stage.tick()
    stage.machine.end(101)
    stage.put("%1", "claude/working-spinner", dead=True, dead_status=137)
    stage.tick(1.0)
    assert (stage.agent().state, stage.agent().does) == (
        State.CRASHED,
        "exit 137, killed after 10m",
    )
    stage.tick(120.0)
    assert stage.agent().does == "exit 137, killed after 10m"


def test_a_dead_pane_without_a_status_yet_is_left_alone(stage: Stage) -> None:
    stage.machine.put(101, "claude", started_at=T - 600)
    stage.put("%1", "claude/working-spinner")
    stage.tick()
    stage.machine.end(101)
    stage.put("%1", "claude/working-spinner", dead=True)
    assert not stage.tick(1.0)
    stage.put("%1", "claude/working-spinner", dead=True, dead_status=0)
    stage.tick(0.3)
    assert (stage.agent().state, stage.agent().does) == (State.DONE, "exit 0, ended after 10m")


def test_how_a_dead_pane_ended_stays_known_when_the_kernel_forgets_it(stage: Stage) -> None:
    """tmux 3.3a misses ends of children and waits for them later: then the kernel has forgotten."""
    stage.machine.put(101, "claude", started_at=T - 600)
    stage.put("%1", "claude/working-spinner")
    stage.tick()
    stage.machine.put(101, "claude", state="Z", started_at=T - 600, exit_status=1 << 8)
    stage.put("%1", "claude/working-spinner", dead=True)
    stage.tick(1.0)
    ended = (State.CRASHED, "exit 1, ended after 10m")
    assert (stage.agent().state, stage.agent().does) == ended
    stage.machine.end(101)
    for _ in range(4):
        stage.put("%1", "claude/working-spinner", dead=True)
        stage.tick(60.0)
        assert (stage.agent().state, stage.agent().does) == ended


def test_a_dead_pane_is_done_until_someone_says_that_it_crashed(stage: Stage) -> None:
    stage.machine.put(101, "claude", started_at=T - 600)
    stage.put("%1", "claude/working-spinner")
    stage.tick()
    stage.machine.end(101)
    stage.put("%1", "claude/working-spinner", dead=True)
    stage.tick(1.0)
    stage.tick(3.0)
    assert stage.agent().does == "ended after 10m, how is not known"
    stage.put("%1", "claude/working-spinner", dead=True, dead_status=1)
    stage.tick(1.0)
    assert (stage.agent().state, stage.agent().does) == (State.CRASHED, "exit 1, ended after 10m")


def test_silence_names_the_busiest_child(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.machine.put(161, "bash", "-c", "x", parent=101)
    stage.machine.put(162, "python3", "-m", "pytest", "tests/e2e", parent=161, cpu_s=1.0)
    stage.session(101, "busy")
    stage.put("%1", "claude/working-spinner")
    stage.tick()
    stage.put("%1", "claude/working-spinner")
    stage.tick(14 * 60.0)
    assert not stage.agent().does.startswith("silent")
    stage.tick(27 * 60.0)
    assert stage.agent().does == "silent 41m: pytest tests/e2e"
    assert stage.agent().busy_child == "pytest tests/e2e"


def test_absent_is_not_gone(stage: Stage) -> None:
    stage.put("%1", "claude/idle-turn-ended")
    stage.tick()
    pane = stage.agent().pane
    stage.panes.clear()
    assert not stage.tick(1.0)
    assert stage.agent().name == "claude-1"
    assert stage.tick(1.0, gone=(pane,))
    assert stage.observer.agents() == ()
    assert stage.observer.lines(f"{SERVER}:%1") == ()
    with pytest.raises(UnknownName):
        stage.observer.explain(f"{SERVER}:%1")


def test_a_pane_number_used_again_starts_anew(stage: Stage) -> None:
    stage.put("%1", "claude/working-spinner")
    stage.tick()
    old = stage.agent().pane
    stage.put("%1", "claude/idle-fresh", pane=replace(old, pid=999))
    stage.tick(1.0)
    assert stage.agent().state is State.IDLE
    assert not stage.tick(1.0, gone=(old,))


def test_names_and_work_outlive_the_process_that_saw_them(stage: Stage) -> None:
    stage.put("%1", "claude/working-spinner")
    stage.put("%2", "claude/working-spinner")
    stage.tick()
    rows = tuple(replace(row, name=f"{row.name}9") for row in stage.observer.rows())
    stage.clock.at += 3600
    stage.open(rows)
    stage.put("%1", "claude/idle-turn-ended")
    stage.tick()
    assert (stage.agent("%1").name, stage.agent("%1").state) == ("claude-19", State.DONE)
    assert (stage.agent("%2").name, stage.agent("%2").since) == ("claude-29", T)


def test_the_same_question_has_waited_across_a_restart_and_another_has_not(
    stage: Stage,
) -> None:
    stage.machine.put(101, "claude")
    stage.machine.put(102, "claude")
    stage.put("%1", "claude/waiting-permission-bash")
    stage.put("%2", "claude/waiting-permission-bash")
    stage.tick()
    rows = tuple(stage.observer.rows())
    stage.clock.at += 240
    stage.open(rows)
    stage.put("%2", "claude/waiting-permission-edit")
    stage.tick()
    assert stage.agent("%1").since == T
    assert stage.agent("%2").since == T + 240


def test_a_screen_that_was_not_taken_again_stays(stage: Stage) -> None:
    stage.put("%1", "claude/waiting-permission-bash")
    stage.tick()
    stage.panes["%1"] = (stage.panes["%1"][0], None)
    assert not stage.tick(4.0)
    assert stage.agent().state is State.WAITING
    assert len(stage.observer.lines(stage.agent().key)) > 10


def test_just_started_is_starting_and_then_unknown(stage: Stage) -> None:
    stage.machine.put(101, "claude", started_at=T - 1)
    stage.put("%1", ("loading",))
    stage.tick()
    assert stage.agent().state is State.STARTING
    stage.tick(20.0)
    assert stage.agent().state is State.UNKNOWN


def test_an_agent_behind_its_launcher_is_known(stage: Stage) -> None:
    stage.machine.put(101, "bash", foreground=150)
    stage.machine.put(150, "npx", "codex", parent=101, group=150)
    stage.machine.put(151, "sh", "-c", "codex", parent=150, group=150)
    stage.machine.put(152, "node", "/x/bin/codex", parent=151, group=150)
    stage.put("%1", "codex/working-spinner", command="npx")
    stage.tick()
    assert (stage.agent().kind, stage.agent().state) == ("codex", State.WORKING)


def test_an_agent_in_the_background_of_a_shell_is_not_the_pane(stage: Stage) -> None:
    stage.machine.put(101, "bash", foreground=101, group=101)
    stage.machine.put(151, "codex", parent=101, group=151)
    stage.put("%1", ("$ ",), command="bash")
    stage.tick()
    assert stage.agent().kind == OTHER


def test_the_conversation_of_an_agent_is_that_of_its_own_process(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.put("%1", "claude/working-spinner")
    stage.session(101, "busy", sessionId="3f9f74a6-one")
    stage.tick()
    assert stage.agent().conversation == "3f9f74a6-one"
    stage.session(101, "idle", sessionId="3f9f74a6-another")
    stage.tick(2.0)
    assert stage.agent().conversation == "3f9f74a6-another"
    stage.machine.put(101, "codex", start="2")
    stage.put("%1", "codex/working-spinner", command="codex")
    stage.tick(6.0)
    assert (stage.agent().kind, stage.agent().conversation) == ("codex", "")


def test_what_was_seen_of_a_pane_is_counted(stage: Stage) -> None:
    stage.machine.put(101, "claude")
    stage.put("%1", "claude/working-spinner")
    stage.tick()
    key = stage.agent().key
    sight = stage.observer.sight(key)
    assert (sight.since, sight.screens, sight.lines) == (T, 0, 0)
    stage.put("%1", "claude/idle-turn-ended")
    stage.tick(1.0)
    stage.tick(1.0)
    sight = stage.observer.sight(key)
    assert sight.screens == 1
    assert sight.lines > 0
    assert sight.began_at > 0
    assert stage.observer.sight("else") == Sight()
