"""Panes in which a person says that an agent is, whether or not a rule knows the program."""

from __future__ import annotations

import pytest

from observed import SERVER, Stage
from orc_core.agents.names import Declared
from orc_core.model.agent import OTHER, PaneRef, State

pytest_plugins = ("agents_on_stage",)

PANE = PaneRef(SERVER, 7, "%1", 101)


def declare(stage: Stage, **said: object) -> None:
    stage.observer._names.declare({PANE: Declared("job", **said)})  # type: ignore[arg-type]
    stage.observer.declare_again()


def running(stage: Stage) -> None:
    stage.machine.put(101, "python", "job.py")
    stage.put("%1", command="python")
    stage.tick()
    declare(stage)


def test_what_no_rule_knows_is_an_agent_once_a_person_says_so(stage: Stage) -> None:
    stage.machine.put(101, "python", "job.py")
    stage.put("%1", command="python")
    stage.tick()
    assert stage.agent().is_other
    declare(stage)
    told = stage.agent()
    assert (told.name, told.kind, told.is_other) == ("job", OTHER, False)
    assert (told.state, told.does) == (
        State.UNKNOWN,
        "runs python job.py; no rule reads its screen",
    )
    stage.observer._names.declare({})
    stage.observer.declare_again()
    assert stage.agent().is_other


def test_its_silence_is_told(stage: Stage) -> None:
    running(stage)
    stage.put("%1", command="python")
    stage.tick(20 * 60.0)
    assert stage.agent().does == "silent 20m: python job.py"


@pytest.mark.parametrize(
    ("status", "state", "does"),
    [(3, State.CRASHED, "exit 3, ended"), (0, State.DONE, "exit 0, ended")],
)
def test_its_end_is_told_by_its_status(stage: Stage, status: int, state: State, does: str) -> None:
    running(stage)
    stage.put("%1", command="python", dead=True, dead_status=status)
    stage.tick(1.0)
    told = stage.agent()
    assert (told.state, told.does.startswith(does), told.is_other) == (state, True, False)


def test_what_a_person_stopped_did_not_crash(stage: Stage) -> None:
    running(stage)
    declare(stage, stopped=True)
    stage.put("%1", command="python", dead=True, dead_signal=9)
    stage.tick(1.0)
    assert stage.agent().is_stopped
    assert stage.agent().does.startswith("stopped: exit 137, killed")


def test_a_shell_that_is_left_by_what_a_person_stopped_is_no_trouble(stage: Stage) -> None:
    """It was typed into a shell, which says `Killed`: nobody has to look at that."""
    stage.machine.put(101, "bash", foreground=151)
    stage.machine.put(151, "claude", parent=101)
    stage.put("%1", "claude/working-spinner", command="claude")
    stage.tick()
    declare(stage, stopped=True)
    stage.machine.end(151)
    stage.machine.put(101, "bash")
    stage.put("%1", ("$ claude", "Killed", "$ "), command="bash")
    for _ in range(4):
        stage.tick(1.0)
    assert stage.agent().is_stopped
    stage.machine.put(101, "bash", foreground=161)
    stage.machine.put(161, "claude", parent=101, start="9")
    stage.put("%1", "claude/working-spinner", command="claude")
    stage.tick(1.0)
    assert stage.agent().state is State.WORKING  # somebody began it anew
