"""Examine what orc-tui needs, and say how to mend what is missing.

Invariant: an examination looks and changes nothing.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orc_core import settings, workspace
from orc_core.agents.hooks import installation
from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.spool import newest_of_each
from orc_core.agents.rules import BUILT_IN, load_sound, rule_folders
from orc_core.chronicle import compacting
from orc_core.errors import OrcError, TmuxError
from orc_core.switches import Switches
from orc_core.text import age, clean
from orc_core.tmux import server
from orc_core.tmux.discovery import Discovery
from orc_core.tmux.server import Address
from orc_storage import audit, compaction
from orc_storage.database import Database
from orc_storage.errors import StorageError
from orc_storage.records import Check

TMUX_MIN = (3, 2)
KEYS_S = 10.0
"""How long the dashboard may take to tell its keys."""
MENDABLE = (Check.DOCUMENT, Check.ROW)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `verdict` is ok, warn or fail; a remedy stands with the latter two."""

    check: str
    verdict: str
    found: str
    remedy: str = ""


async def examine(
    *,
    folder: Path | None,
    socket_paths: Sequence[str],
    socket_names: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path,
) -> list[Finding]:
    """All checks, in the order a person would mend them."""
    findings = [_python(), *_tmux_binary()]
    if findings[-1].verdict != "fail":
        addresses = server.resolve_all(socket_paths, socket_names, environ)
        for address in addresses or await _own_servers(environ):
            findings += await _tmux_server(address)
    findings.append(_switches(environ))
    findings += await _store(folder, environ, cwd)
    findings += _rules(environ)
    findings += [_git(), _colour(environ), *await _keys(folder, environ, cwd)]
    return findings + await asyncio.to_thread(_hooks, environ)


def _python() -> Finding:
    return Finding("python", "ok", platform.python_version())


def _tmux_binary() -> list[Finding]:
    try:
        text = server.version_text()
    except TmuxError as error:
        return [Finding("tmux", "fail", str(error), "install tmux 3.2 or newer")]
    if server.parse_version(text) < TMUX_MIN:
        return [Finding("tmux", "fail", text or "no version", "orc-tui needs tmux 3.2 or newer")]
    return [Finding("tmux", "ok", text)]


async def _own_servers(environ: Mapping[str, str]) -> list[Address]:
    """The server of this place and those beside it; the former alone where there is none."""
    own = server.own_server(environ)
    found = await Discovery(environ).look((own.socket_path,))
    return [own, *found] if not found or await server.alive(own) else list(found)


async def _tmux_server(address: Address) -> list[Finding]:
    if not await server.alive(address):
        return [
            Finding(
                "server",
                "warn",
                f"none at {address.socket_path}",
                "start one with `tmux`, or name yours with --socket-name or --socket-path",
            )
        ]
    findings = [Finding("server", "ok", address.socket_path)]
    wishes = (
        ("escape-time", "-s", lambda value: int(value) <= 50, "Esc is slow", "escape-time 10"),
        ("focus-events", "-s", lambda value: value == "on", "no word of focus", "focus-events on"),
        (
            "set-clipboard",
            "-s",
            lambda value: value == "on",
            "copying stays in tmux",
            "set-clipboard on",
        ),
    )
    for option, scope, good, trouble, setting in wishes:
        try:
            value = (await server.run(address, "show-options", scope, "-v", option)).strip()
        except OrcError as error:
            findings.append(Finding(option, "warn", str(error)))
            continue
        if good(value):
            findings.append(Finding(option, "ok", value))
        else:
            remedy = f"{trouble}: put `set -s {setting}` into ~/.tmux.conf if you want it otherwise"
            findings.append(Finding(option, "warn", value, remedy))
    return findings


def _switches(environ: Mapping[str, str]) -> Finding:
    try:
        switches = Switches.read(environ)
    except OrcError as error:
        return Finding("watching", "fail", str(error), "unset it: nothing opens before that")
    return Finding("watching", "ok", str(switches))


async def _store(folder: Path | None, environ: Mapping[str, str], cwd: Path) -> list[Finding]:
    try:
        place = await workspace.find(folder, environ=environ, cwd=cwd)
    except OrcError as error:
        return [Finding("workspace", "fail", str(error))]
    if not place.exists:
        return [Finding("workspace", "ok", f"{place.folder} (not made yet)")]
    try:
        store = await Database.open(place.folder, read_only=True)
    except StorageError as error:
        return [Finding("workspace", "fail", str(error))]
    try:
        facts = store.facts()
        size = await store.read(compaction.bytes_used)
        broken = (
            await store.read(lambda conn: audit.examine(conn, place.folder), timeout_s=20.0)
        ).findings
    except StorageError as error:
        return [Finding("store", "fail", str(error))]
    finally:
        await store.close()
    text = ", ".join(f"{name} {value}" for name, value in facts.items())
    findings = [Finding("workspace", "ok", str(place.folder)), Finding("store", "ok", text)]
    findings.append(_size(size, environ, place.folder))
    if broken:
        remedy = "`orc audit verify` tells all; backups/ may hold a copy that is right"
        for one in [found for found in broken if found.check in MENDABLE] or broken[:1]:
            mend = f"`orc audit mend {one.kind} {one.id}` brings back what is left of it"
            is_one = one.check in MENDABLE
            check = one.kind if is_one else "journal"
            findings.append(Finding(check, "fail", str(one), mend if is_one else remedy))
    else:
        findings.append(Finding("journal", "ok", "the chain is intact"))
    return findings


def _size(size: int, environ: Mapping[str, str], folder: Path) -> Finding:
    try:
        limit = compacting.Bounds.of(environ, settings.load(environ, folder).store).limit
    except OrcError as error:
        return Finding("size", "fail", str(error), "unset it, or set it right")
    text = f"{size / 2**20:.1f} MB of {limit / 2**20:.0f} MB"
    if size <= limit:
        return Finding("size", "ok", text)
    return Finding("size", "warn", text, "`orc compact` archives the oldest of the journal")


def _rules(environ: Mapping[str, str]) -> list[Finding]:
    """The rule files by which agents are told: those that ship, and a person's own."""
    rules = load_sound(rule_folders(environ))
    own = sum(kind.path.parent != BUILT_IN for kind in rules.kinds)
    text = f"{len(rules.kinds)} agents, {own} by files of your own"
    remedy = "mend the file: the dashboard takes it up at once (`orc rules check` tells more)"
    broken = [Finding("rules", "warn", fault, remedy) for fault in rules.faults]
    return broken or [Finding("rules", "ok", text)]


def _hooks(environ: Mapping[str, str]) -> list[Finding]:
    """The hooks of each agent that was found, and when each was last heard."""
    places = Places.of(environ)
    heard = newest_of_each(places.spool)
    findings: list[Finding] = []
    for agent in installation.present(places):
        told = installation.status(agent, places)
        at = heard.get(agent)
        found = told.state + (f", heard {age(time.time() - at)}" if at else "")
        if told.state == "absent":
            remedy = f"`orc hooks install {agent}` lets it tell at once what it does"
            findings.append(Finding(f"hooks {agent}", "ok", found, remedy))
        else:
            verdict = "warn" if told.note and agent != "aider" else "ok"
            findings.append(Finding(f"hooks {agent}", verdict, found, told.note))
    return findings


async def _keys(folder: Path | None, environ: Mapping[str, str], cwd: Path) -> list[Finding]:
    """The keys that the settings bind; which there are, the dashboard alone knows, so it is run."""
    argv = [sys.executable, "-m", "orc_tui.main", "--keys"]
    argv += ["--workspace", str(folder)] if folder is not None else []
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environ, cwd=cwd
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), KEYS_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return [Finding("keys", "warn", f"not told within {KEYS_S:g} s", "`orc-tui --keys` tells")]
    if process.returncode == 0:
        return [Finding("keys", "ok", "no key is bound twice in one pane")]
    remedy = "mend that line of your settings: the dashboard does not start before"
    faults = clean(said.decode(errors="replace"), limit=4000, newlines=True).splitlines()
    return [Finding("keys", "fail", line.removeprefix("orc-tui: "), remedy) for line in faults] or [
        Finding("keys", "fail", f"`orc-tui --keys` ended with {process.returncode}", remedy)
    ]


def _git() -> Finding:
    found = shutil.which("git")
    if found is None:
        return Finding("git", "warn", "not found", "project workspaces need git")
    return Finding("git", "ok", found)


def _colour(environ: Mapping[str, str]) -> Finding:
    term, depth = environ.get("TERM", ""), environ.get("COLORTERM", "")
    if depth in ("truecolor", "24bit"):
        return Finding("colour", "ok", f"TERM={term}, COLORTERM={depth}")
    return Finding(
        "colour", "ok", f"TERM={term}, 256 colours", "" if term else "set TERM: it is empty"
    )
