"""The judge: how often orc was right about real agents, and where it was not.

Invariant: what is right was said by the scenario before the agent was started. A state that is
never to be claimed wrongly (`crashed`, `waiting`) counts from the whole time of watching, not
from the shots alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.lab.stage import QUIET, is_right
from tests.lab.story import Story, Taken, Verdict

from orc_core.agents.classify import classify
from orc_core.agents.rules import RuleSet
from orc_core.model.agent import State, Waiting

SHARE: Final = 0.97
GRAVE: Final = (State.CRASHED, State.WAITING)
_LEVELS: Final = {
    "busy": (State.WORKING,),
    "waiting": (State.WAITING, State.LIMITED),
    "idle": (*QUIET, State.ERROR, State.LIMITED),
    "shell": QUIET,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One shot and whether orc was right: watching live, and from the saved screen alone."""

    taken: Taken
    live: bool
    screen: bool
    said: str
    """What the saved screen alone was taken for."""


def judge(taken: Taken, rules: RuleSet) -> Judged:
    said, right = _of_screen(taken, rules)
    return Judged(taken, is_right(taken.shot, taken.live), right, said)


def _of_screen(taken: Taken, rules: RuleSet) -> tuple[str, bool]:
    shot = taken.shot
    if shot.shell:
        return "shell", True  # its state comes from processes; there is no screen to judge
    said = classify(rules, taken.lines, 1.0, title=taken.title, agent=taken.agent)
    if said.hold or shot.hold:
        return ("hold" if said.hold else "not held"), said.hold == shot.hold
    wanted = shot.state if shot.screen is None else shot.screen
    wanted = State.IDLE if wanted is State.DONE else wanted
    waiting = shot.waiting if wanted is State.WAITING else Waiting.NONE
    right = (said.state, said.waiting) == (wanted, waiting)
    if right and shot.substate is not None and wanted is shot.state:
        right = said.substate == shot.substate
    return named(Verdict(said.state, said.waiting, said.substate)), right


def named(verdict: Verdict) -> str:
    words = [verdict.state.value, verdict.waiting.value, verdict.substate]
    return "/".join(word for word in words if word)


def wanted(taken: Taken) -> str:
    shot = taken.shot
    name = named(Verdict(shot.state, shot.waiting, shot.substate or ""))
    return f"{name} (hold)" if shot.hold else name


def alarms(story: Story) -> list[str]:
    """Grave states that orc claimed at any time although the scenario never led to them."""
    meant = story.meant | {taken.shot.state for taken in story.shots}
    meant |= {state for taken in story.shots for state in taken.shot.live}
    return [
        f"{story.agent} {story.version} {story.scenario}: {named(verdict)} at {at:.1f} s"
        f" ({verdict.rule})"
        for at, verdict in story.timeline
        if verdict.state in GRAVE and verdict.state not in meant
    ]


def doubts(story: Story) -> list[str]:
    """Labels that the agent's own level file contradicts: the scenario is wrong there."""
    found = []
    for taken in story.shots:
        right = _LEVELS.get(taken.level)
        known = taken.shot.hold or taken.shot.waiting is Waiting.AUTH
        if known or taken.shot.level == taken.level:
            continue  # a view that a person opened, or a turn that ended for want of a login
        if right is not None and taken.shot.state not in right and not taken.shot.shell:
            found.append(
                f"{story.agent} {story.version} {story.scenario}/{taken.shot.name}: labelled"
                f" {taken.shot.state}, its level file says {taken.level}"
            )
    return found


def report(stories: Sequence[Story], judged: Sequence[Judged]) -> tuple[str, bool]:
    """The table, what was wrong, and whether the aim was met."""
    lines: list[str] = []
    for agent in sorted({story.agent for story in stories}):
        mine = [one for one in judged if one.taken.agent == agent]
        lines += _table(agent, mine, [one for one in stories if one.agent == agent])
    stuck = [one for one in stories if one.trouble]
    raised = [alarm for story in stories for alarm in alarms(story)]
    raised += _false(judged)
    doubted = [doubt for story in stories for doubt in doubts(story)]
    for title, entries in (
        ("stuck", [f"{s.agent} {s.version} {s.scenario}: {s.trouble}" for s in stuck]),
        ("false crashed or waiting", raised),
        ("labels in doubt", doubted),
    ):
        if entries:
            lines += ["", f"{title}:", *(f"  {entry}" for entry in entries)]
    shares = [_share(one.live for one in judged), _share(one.screen for one in judged)]
    lines += ["", f"right: live {shares[0]:.1%}, from the saved screen {shares[1]:.1%}"]
    met = bool(judged) and min(shares) >= SHARE and not (stuck or raised or doubted)
    lines.append(
        "the aim is met" if met else f"the aim is not met: {SHARE:.0%}, none false or stuck"
    )
    return "\n".join(lines), met


def _share(right: Iterable[bool]) -> float:
    told = list(right)
    return sum(told) / len(told) if told else 0.0


def _false(judged: Sequence[Judged]) -> list[str]:
    """Saved screens that alone were taken for waiting, and are not."""
    return [
        f"{one.taken.agent} {one.taken.version} {one.taken.scenario}/{one.taken.shot.name}: the"
        f" saved screen is taken for {one.said}"
        for one in judged
        if one.said.startswith(("waiting", "crashed")) and one.taken.shot.state not in GRAVE
    ]


def _table(agent: str, judged: Sequence[Judged], stories: Sequence[Story]) -> list[str]:
    versions = ", ".join(sorted({story.version for story in stories}))
    took_s = sum(story.took_s for story in stories)
    lines = ["", f"{agent} {versions}: {len(stories)} scenarios, {took_s:.0f} s"]
    counted = Counter(
        (wanted(one.taken), named(one.taken.live), one.said, one.live and one.screen)
        for one in judged
    )
    lines.append(f"  {'made to be':30} {'seen live':30} {'screen alone':30} shots")
    for (made, live, said, right), count in sorted(counted.items()):
        lines.append(f"{' ' if right else '✗'} {made:30} {live:30} {said:30} {count:5}")
    for one in judged:
        if not (one.live and one.screen):
            taken = one.taken
            lines.append(
                f"✗ {taken.version} {taken.scenario}/{taken.shot.name}: {wanted(taken)}; live"
                f" {named(taken.live)} by {taken.live.rule}; screen {one.said}; level"
                f" {taken.level!r}, title {taken.title!r}"
            )
    slow = max(judged, key=lambda one: one.taken.took_s, default=None)
    if slow is not None and slow.live:
        took = f"{slow.taken.took_s:.1f} s ({slow.taken.scenario}/{slow.taken.shot.name})"
        lines.append(f"  the slowest to be seen right took {took}")
    return lines
