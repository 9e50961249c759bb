"""Installing hooks into the settings of agents, taking them out, and telling what is there.

Invariant: nothing is written before everything that is needed could be read and planned; every
change has a diff first and a way back.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orc_core.agents.hooks import dotfile, scripts, settings
from orc_core.agents.hooks.dotfile import Change
from orc_core.agents.hooks.jsontext import JsonFault
from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.wanted import (
    Version,
    hook_command,
    line_command,
    own_line,
    wanted,
)
from orc_core.errors import OrcError, UsageError
from orc_storage.paths import ensure_private

AGENTS: Final = ("claude", "codex", "opencode", "cursor", "gemini", "aider")
TRUST: Final = "run /hooks in Codex and trust them: until then Codex skips them"
_SCRIPT_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Status:
    """What of ours stands in one agent's settings.

    `state` is installed, partial (an older or a damaged installation), absent or unreadable;
    `note` is what a person should know or do.
    """

    agent: str
    state: str
    path: Path
    events: tuple[str, ...] = ()
    statusline: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be written for one agent, and what to tell the person afterwards."""

    agent: str
    change: Change
    note: str = ""


def plan_install(
    agent: str, places: Places, *, version: Version | None = None, statusline: bool = False
) -> Plan:
    """How the hooks of one agent get into its settings; raises OrcError where they cannot.

    `version` is that of the agent, where it is known: older ones know fewer events.
    """
    path = _path(agent, places)
    if statusline and agent != "claude":
        raise UsageError(f"--statusline is for claude: {agent} has none to wrap")
    dotfile.check_writable(path)
    before = dotfile.read(path)
    original = _without(agent, places, before)
    with _naming(path):
        after = _with(agent, places, original, version)
        had_line = _line_of(path, before) is not None if agent == "claude" else False
        if agent == "claude" and (statusline or had_line):
            own = settings.status_line(after)
            after = settings.with_status_line(after, line_command(places.statusline, own or ""))
    if _same_entries(agent, places, before, after):
        return Plan(agent, Change(path, before, before, original), _note(agent))
    return Plan(agent, Change(path, before, after.encode(), original), _note(agent))


def plan_uninstall(agent: str, places: Places) -> Plan:
    """How the hooks of one agent get out again; raises OrcError where they cannot."""
    path = _path(agent, places)
    before = dotfile.read(path)
    after = _without(agent, places, before)
    if before is not None and before != after:
        dotfile.check_writable(path)
    return Plan(agent, Change(path, before, after, after))


def apply(plans: Sequence[Plan], places: Places, *, install: bool) -> None:
    """Write the plans; with `install` our scripts and the spool come first."""
    if install:
        _place_scripts(places)
    for plan in plans:
        dotfile.apply(plan.change, places.backups)


def install_into(
    places: Places, agent: str, *, version: Version | None = None, statusline: bool = False
) -> Plan:
    """Install one agent's hooks at once, without asking."""
    plan = plan_install(agent, places, version=version, statusline=statusline)
    apply([plan], places, install=True)
    return plan


def status(agent: str, places: Places) -> Status:
    """What stands there now; never raises for what it finds."""
    path = _path(agent, places)
    try:
        data = dotfile.read(path)
        text = dotfile.text_of(path, data) if data is not None else ""
        with _naming(path):
            return _status(agent, places, path, text)
    except OrcError as error:
        return Status(agent, "unreadable", path, note=str(error))


def _status(agent: str, places: Places, path: Path, text: str) -> Status:
    scripts_note = "" if _scripts_current(places) else "our script is missing or old"
    if agent in ("opencode", "aider"):
        if agent == "opencode":
            here = text if scripts.PLUGIN_MARK in text else ""
            right = scripts.opencode_plugin(places.hook)
        else:
            here, right = settings.has_block(text), _aider_lines(places)[-1]
        if not here:
            return Status(agent, "absent", path)
        whole = right in here and not scripts_note
        note = _note(agent) if whole else f"{scripts_note or 'changed by hand'}: install again"
        return Status(agent, "installed" if whole else "partial", path, note=note)
    want = wanted(agent, places.hook)
    events = settings.hooked_events(text, comments=want.comments)
    line = agent == "claude" and own_line(settings.status_line(text)) is not None
    if not events and not line:
        return Status(agent, "absent", path)
    command = hook_command(places.hook, agent)
    missing = [event for event in want.entries if events.get(event) != command]
    if missing or scripts_note:
        trouble = scripts_note or f"not for {', '.join(missing)}"
        note = f"{trouble}: install again"
        return Status(agent, "partial", path, tuple(sorted(events)), line, note)
    note = _codex_trust(places, len(events)) if agent == "codex" else ""
    return Status(agent, "installed", path, tuple(sorted(events)), line, note)


def _path(agent: str, places: Places) -> Path:
    if agent not in AGENTS:
        raise UsageError(f"no hooks for {agent!r}: there are {', '.join(AGENTS)}")
    path: Path = getattr(places, agent)
    return path


def _with(agent: str, places: Places, original: bytes | None, version: Version | None) -> str:
    path = _path(agent, places)
    text = dotfile.text_of(path, original) if original is not None else ""
    if agent == "opencode":
        if text:
            raise OrcError("it is not ours: move it away, then install again")
        return scripts.opencode_plugin(places.hook)
    if agent == "aider":
        return settings.with_block(text, _aider_lines(places))
    return settings.with_hooks(text, wanted(agent, places.hook, version))


def _without(agent: str, places: Places, data: bytes | None) -> bytes | None:
    """The settings as they would be without us; byte for byte, where nobody touched them."""
    path = _path(agent, places)
    if data is None:
        return None
    ours, original = dotfile.original_of(path, data, places.backups)
    if ours:
        return original
    text = dotfile.text_of(path, data)
    if agent == "opencode":
        return None if scripts.PLUGIN_MARK in text else data
    if agent == "aider":
        return settings.without_block(text).encode()
    with _naming(path):
        comments = wanted(agent, places.hook).comments
        text = settings.without_hooks(text, comments=comments)
        return (settings.without_status_line(text) if agent == "claude" else text).encode()


def _same_entries(agent: str, places: Places, before: bytes | None, after: str) -> bool:
    """Whether all that is wanted stands there already, wherever a person has moved it to."""
    if before is None:
        return False
    if agent in ("opencode", "aider"):
        return before == after.encode()
    path = _path(agent, places)
    comments = wanted(agent, places.hook).comments
    text = dotfile.text_of(path, before)
    here = settings.hooked_events(text, comments=comments)
    same = here == settings.hooked_events(after, comments=comments)
    if agent == "claude" and same:
        return settings.status_line(text) == settings.status_line(after)
    return same


def _line_of(path: Path, data: bytes | None) -> str | None:
    if data is None:
        return None
    return own_line(settings.status_line(dotfile.text_of(path, data)))


def _aider_lines(places: Places) -> list[str]:
    command = hook_command(places.hook, "aider", "Notification").replace("'", "''")
    return ["notifications: true", f"notifications-command: '{command}'"]


def _note(agent: str) -> str:
    if agent == "codex":
        return TRUST
    if agent == "aider":
        return "aider tells only that it waits for you; for the rest its screen is read"
    return ""


def _codex_trust(places: Places, count: int) -> str:
    """What Codex's own settings say of the trust in our hooks."""
    config = places.codex.with_name("config.toml")
    try:
        data = dotfile.read(config)
        told = tomllib.loads((data or b"").decode("utf-8"))
    except (OrcError, ValueError, RecursionError):
        return TRUST
    hooks = told.get("hooks")
    states = hooks.get("state") if isinstance(hooks, dict) else None
    trusted = [
        key
        for key, state in (states.items() if isinstance(states, dict) else ())
        if key.startswith(f"{places.codex}:") and isinstance(state, dict)
        if state.get("trusted_hash") and state.get("enabled") is not False
    ]
    return "" if len(trusted) >= count else f"{len(trusted)} of {count} are trusted: {TRUST}"


def _place_scripts(places: Places) -> None:
    for folder in (places.data, places.spool):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ensure_private(folder)
    for path, text in _scripts(places):
        data = dotfile.read(path)
        dotfile.apply(Change(path, data, text.encode(), text.encode()), places.backups)
        path.chmod(_SCRIPT_MODE)


def _scripts_current(places: Places) -> bool:
    try:
        return all(
            dotfile.read(path) == text.encode() and path.stat().st_mode & 0o100
            for path, text in _scripts(places)
        )
    except OSError:
        return False


def _scripts(places: Places) -> tuple[tuple[Path, str], ...]:
    return (
        (places.hook, scripts.hook_script(places.spool)),
        (places.statusline, scripts.statusline_script(places.spool)),
    )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in the faults that are found in its text."""
    try:
        yield
    except JsonFault as fault:
        remedy = "mend it, then try again; nothing was changed"
        raise OrcError(f"{path} {fault}: {remedy}") from fault
    except OrcError as error:
        if str(path) in str(error):
            raise
        raise OrcError(f"{path}: {error}; nothing was changed") from error


def present(places: Places) -> tuple[str, ...]:
    """The agents that this user seems to have, by the folders of their settings."""
    return tuple(agent for agent in AGENTS if _is_present(agent, places))


def _is_present(agent: str, places: Places) -> bool:
    path = _path(agent, places)
    if agent == "aider":
        return path.exists() or shutil.which("aider") is not None
    return (path.parent.parent if agent == "opencode" else path.parent).is_dir()
