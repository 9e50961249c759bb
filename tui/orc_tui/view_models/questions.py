"""Which prompts ask the same, so that one answer does for all of them.

Invariant: two prompts are the same only when nothing that could be decided differently differs:
the kind of agent, every line, every choice with its keys, and what is risky about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from orc_core.model.agent import Agent, Choice, Prompt

Asked: TypeAlias = tuple[Agent, Prompt]


@dataclass(frozen=True, slots=True)
class Question:
    """One question and everyone who asks it, in the order in which they were given."""

    asked: tuple[Asked, ...]

    @property
    def agent(self) -> Agent:
        """Whose prompt stands on the card."""
        return self.asked[0][0]

    @property
    def prompt(self) -> Prompt:
        """The prompt on the card."""
        return self.asked[0][1]

    @property
    def agents(self) -> tuple[Agent, ...]:
        """All who ask it."""
        return tuple(agent for agent, _ in self.asked)


def gather(asked: Sequence[Asked], *, alike: bool) -> list[Question]:
    """The questions in their order; with `alike`, equal ones are one."""
    groups: dict[object, list[Asked]] = {}
    for agent, prompt in asked:
        key = _sameness(agent, prompt) if alike and prompt.whole else agent.key
        groups.setdefault(key, []).append((agent, prompt))
    return [Question(tuple(group)) for group in groups.values()]


def counterpart(prompt: Prompt, choice: Choice) -> Choice | None:
    """The choice of another prompt of the same question that means what `choice` does."""
    found = (one for one in prompt.choices if one.number == choice.number)
    return next(found, None)


def _sameness(agent: Agent, prompt: Prompt) -> object:
    """What two prompts have to have in common; blank lines and ends of lines say nothing."""
    lines = tuple(line.rstrip() for line in prompt.lines if line.strip())
    choices = tuple((one.number, one.label.strip(), one.keys) for one in prompt.choices)
    return (agent.kind, prompt.waiting, prompt.subject.strip(), lines, choices, prompt.risks)
