"""One hook as an agent runs it, against the same shell doing nothing; and how soon it is heard."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from tests.bench.report import Figure, p50, p95

from orc_core.agents.hooks import installation
from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.source import HookSource
from orc_core.agents.hooks.wanted import hook_command
from orc_core.agents.processes import system_processes
from orc_core.agents.rules import load
from orc_core.agents.sources import Subject
from orc_core.clock import SystemClock
from orc_core.model.agent import PaneRef

RUNS = 200
PAYLOAD = {
    "hook_event_name": "PreToolUse",
    "tool_name": "Bash",
    "tool_input": {"command": "npm test", "description": "x" * 2000},
}


async def measure(folder: Path) -> list[Figure]:
    """The whole process of one hook; then from its start to the news of it."""
    places = Places.of({"HOME": str(folder)})
    installation.install_into(places, "codex")
    floor = await asyncio.to_thread(_runs, ["sh", "-c", ":"])
    before = _cpu_s()
    whole = await asyncio.to_thread(_runs, ["sh", "-c", hook_command(places.hook, "codex")])
    cpu_ms = (_cpu_s() - before) / RUNS * 1e3
    heard = await _heard(places)
    return [
        Figure(
            "one hook, whole process",
            "ms",
            p50(whole) * 1e3,
            10.0,
            p50(floor) * 1e3,
            f"p95 {p95(whole) * 1e3:.2g} ms, {cpu_ms:.2g} ms of CPU",
        ),
        Figure(
            "a hook runs -> its agent is judged, p95",
            "ms",
            p95(heard) * 1e3,
            50.0,
            p50(whole) * 1e3,
            f"p50 {p50(heard) * 1e3:.2g} ms",
        ),
    ]


def _cpu_s() -> float:
    """Processor time of the processes that ended since the start."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environ() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "TMUX": "/tmp/bench,1,0", "TMUX_PANE": "%1"}


def _runs(argv: list[str]) -> list[float]:
    samples = []
    data = json.dumps(PAYLOAD).encode()
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(argv, input=data, env=_environ(), capture_output=True, check=True)
        samples.append(time.perf_counter() - started)
    return samples


async def _heard(places: Places) -> list[float]:
    """From the start of a hook until the source tells of its pane."""
    source = HookSource(places.spool, system_processes(), SystemClock())
    kind = load().kind("codex")
    if kind is None:
        raise RuntimeError("no rules for codex")
    pane = PaneRef("/tmp/bench", 1, "%1", os.getpid())
    subject = Subject(pane, kind, "codex-1", "", "/", os.getpid(), 0.0)
    source.report(subject, time.time())
    told = asyncio.Event()

    def news(keys: Collection[str]) -> None:
        source.report(subject, time.time())
        told.set()

    following = asyncio.create_task(source.run(news))
    samples: list[float] = []
    try:
        await asyncio.wait_for(told.wait(), 10.0)
        for _ in range(RUNS // 4):
            told.clear()
            started = time.perf_counter()
            hook = await asyncio.create_subprocess_exec(
                str(places.hook), "codex", stdin=subprocess.PIPE, env=_environ()
            )
            await hook.communicate(json.dumps(PAYLOAD).encode())
            await asyncio.wait_for(told.wait(), 10.0)
            samples.append(time.perf_counter() - started)
    finally:
        following.cancel()
        await asyncio.wait([following])
    return samples
