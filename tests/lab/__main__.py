"""`make lab`: run real agents against a scripted model, and judge what orc says of them.

Programs come from their registries at pinned versions, into `.lab/`. Everything else happens in
temporary folders, on private tmux servers, without credentials.
"""

from __future__ import annotations

import argparse
import asyncio
import fnmatch
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab import album
from tests.lab.cast import AGENTS
from tests.lab.judge import judge, report
from tests.lab.programs import NotInstalled, install
from tests.lab.roster import LabAgent
from tests.lab.script import Scenario
from tests.lab.stage import Stage
from tests.lab.story import Story

from orc_core.agents.rules import RuleSet, load


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario of one agent at one version."""

    agent: LabAgent
    version: str
    binary: Path
    scenario: Scenario


def main() -> int:
    """Print the table; the exit code is 1 when the aim is not met."""
    args = _arguments()
    try:
        runs = list(_runs(args))
    except NotInstalled as error:
        print(f"make lab: {error}", file=sys.stderr)
        return 2
    if not runs:
        print("make lab: no scenario of that name", file=sys.stderr)
        return 2
    rules = load()
    stories = asyncio.run(_play(runs, rules, args.jobs, args.keep))
    taken = [shot for story in stories for shot in story.shots]
    text, met = report(stories, [judge(shot, rules) for shot in taken])
    print(text)
    if args.save:
        first = {agent.id: agent.program.versions[0] for agent in AGENTS}
        for name in album.save(taken, first):
            print(f"saved {name}")
    return 0 if met else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make lab", description=__doc__)
    ids = [agent.id for agent in AGENTS]
    parser.add_argument("--agent", choices=ids, action="append", help="only this agent")
    parser.add_argument("--scenario", action="append", metavar="GLOB", help="only these scenarios")
    parser.add_argument("--version", action="append", help="only these of the pinned versions")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write every screen taken there")
    parser.add_argument("--save", action="store_true", help="write the screens to tests/corpus")
    parser.add_argument("--jobs", type=int, default=3, help="how many scenarios at a time")
    return parser.parse_args()


def _runs(args: argparse.Namespace) -> list[Run]:
    runs = []
    for agent in AGENTS:
        if args.agent and agent.id not in args.agent:
            continue
        for version in agent.program.versions:
            if args.version and version not in args.version:
                continue
            wanted = [one for one in agent.scenarios if _is_wanted(one, version, args.scenario)]
            if wanted:
                binary = install(agent.program, version)
                runs += [Run(agent, version, binary, one) for one in wanted]
    return runs


def _is_wanted(scenario: Scenario, version: str, globs: list[str] | None) -> bool:
    if scenario.versions and version not in scenario.versions:
        return False
    return not globs or any(fnmatch.fnmatch(scenario.name, glob) for glob in globs)


async def _play(runs: list[Run], rules: RuleSet, jobs: int, keep: Path | None) -> list[Story]:
    free = asyncio.Semaphore(max(1, jobs))

    async def play(one: Run) -> Story:
        async with free:
            story = await Stage(one.agent, one.version, one.binary, one.scenario, rules).play()
        end = "stuck" if story.trouble else f"{len(story.shots)} shots"
        told = f"{story.agent} {story.version} {story.scenario}: {end}, {story.took_s:.1f} s"
        print(told, file=sys.stderr, flush=True)
        if keep is not None:
            _keep(story, keep)
        return story

    return list(await asyncio.gather(*map(play, runs)))


def _keep(story: Story, folder: Path) -> None:
    """Every screen of a scenario as it was taken, and its timeline."""
    place = folder / story.agent / story.version
    place.mkdir(parents=True, exist_ok=True)
    for taken in story.shots:
        head = f"title {taken.title!r} level {taken.level!r} live {taken.live}\n"
        text = "\n".join(taken.lines).rstrip()
        path = place / f"{story.scenario}--{taken.shot.name}.txt"
        path.write_text(f"{head}{'=' * 40}\n{text}\n", encoding="utf-8")
    told = [f"{at:7.2f} {verdict}" for at, verdict in story.timeline]
    text = "\n".join([*told, story.trouble]) + "\n"
    (place / f"{story.scenario}.timeline").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
