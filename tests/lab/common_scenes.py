"""Scenes that are the same with every agent, but for how it is seen to be ready.

`ready` are the acts that wait for an input line.
"""

from __future__ import annotations

from tests.lab.labels import FINISHED, asks, quiet
from tests.lab.script import (
    Act,
    Answer,
    Heard,
    Pause,
    Resize,
    Scenario,
    Send,
    Shell,
    Shot,
    Text,
    ToolCall,
    Type,
    Until,
    keys,
    model,
    scenario,
)

from orc_core.model.agent import State

Acts = tuple[Act, ...]


def lines_not_sent(*ready: Act) -> tuple[Scenario, ...]:
    """What is typed and left there changes nothing."""
    return (
        scenario("files", *ready, Type("look at @pri"), Pause(1.5), quiet("file-menu")),
        scenario("shortcuts", *ready, Type("?"), Pause(1.0), quiet("shortcuts")),
        scenario("draft", *ready, Type("please look at the"), Pause(0.5), quiet("draft")),
        scenario(
            "draft-lines",
            *ready,
            Type("please look at\nthe prices\nand at the taxes"),
            Pause(0.5),
            quiet("draft-lines"),
        ),
    )


def draft_of_a_prompt(text: str, *ready: Act) -> Scenario:
    """A line that quotes a prompt, not sent."""
    shot = quiet("draft-quotes-prompt", decoy=True)
    return scenario("prose-draft", *ready, Type(text), Pause(0.5), shot)


def prose(**turns: Acts) -> tuple[Scenario, ...]:
    """Answers that quote what this or another agent shows, by what they quote."""
    return tuple(
        scenario(f"prose-{name}", *turn, quiet(f"prose-{name}", decoy=True))
        for name, turn in turns.items()
    )


def suspended(back: str, *ready: Act) -> Scenario:
    """The shell's job control stops it and lets it go on; `back` shows that it does."""
    return scenario(
        "suspended",
        *ready,
        keys("C-z"),
        Until(shows="(?i)stopped|suspended"),
        Shot("suspended", State.IDLE, shell=True, live=(State.IDLE,)),
        Shell("fg"),
        Until(shows=back),
        quiet("resumed", save=False),
    )


def resized(*asking: Act) -> Acts:
    """A prompt that stands while its window shrinks."""
    return (*asking, Resize(72, 20), Pause(1.0), asks("permission-resized"))


def heard_to_its_end(call: ToolCall, asked: Until) -> Acts:
    """A turn that asks, of which hooks tell each step."""
    return (
        model(Text("I mark it as sold."), call),
        model(Text("It is marked.")),
        Send("mark it as sold"),
        Heard("prompt", "mark it as sold"),
        Heard("permission", "touch sold.txt"),
        asked,
        asks("hooks-permission", save=False),
        Answer("yes"),
        Heard("tool-done"),
        Heard("stopped", "It is marked"),
        quiet("hooks-done", live=FINISHED, save=False),
    )
