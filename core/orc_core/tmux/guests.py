"""What others have put into our hidden session, and the way home for it; pure.

Invariant: nothing of it is ever ended, by whatever way we go. tmux means the session used last
where a command run outside of it has no target, and walks through all sessions in turn: so
windows, panes and clients that are not ours come to us, and belong elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HIDDEN: Final = re.compile(r"_orc-\d+(?:-[0-9a-f]+)?")
"""The names of the hidden sessions of dashboards, ours and others'."""

GUESTS_MAX: Final = 20
"""How many are sent home at once."""

PROGRAM: Final = "exec cat"
"""What runs in the one pane of a hidden session that is ours."""

STAYS: Final = "stays"
"""What `ending` prints where it ended nothing."""


@dataclass(frozen=True, slots=True)
class Host:
    """Our own session, the pane in it and the client that made it, as tmux calls them."""

    session_id: str
    pane_id: str
    client: str


@dataclass(frozen=True, slots=True)
class _Session:
    used_at: int
    id: str
    name: str


def questions(host: Host) -> tuple[str, str, str]:
    """What has to be asked: all sessions, the panes in ours, and the clients in ours."""
    return (
        "list-sessions -F '#{session_activity} #{session_id} #{session_name}'",
        f"list-panes -s -t '{host.session_id}' -F '#{{pane_id}} #{{window_id}} #{{window_active}}'",
        f"list-clients -t '{host.session_id}' -F '#{{client_name}} #{{client_last_session}}'",
    )


def introductions(name: str) -> tuple[str, str, str]:
    """What one has to ask who knows but the name of our session; `find_own` reads the last."""
    return (
        f"display-message -p -t '={name}:' '#{{session_id}}'",
        "display-message -p '#{client_name}'",
        f"list-panes -s -t '={name}:' -F '#{{pane_id}} #{{pane_start_command}}'",
    )


def find_own(panes: Sequence[str]) -> str:
    """Our own pane among those of our session; empty where it is gone."""
    told = (line.partition(" ")[::2] for line in panes)
    return next((pane for pane, command in told if command.strip('"') == PROGRAM), "")


def ending(name: str, pane: str = "") -> str:
    """The command that ends our session if nothing but this pane, or one pane, is in it."""
    alone = "#{&&:#{==:#{session_windows},1},#{==:#{window_panes},1}}"
    if pane:
        alone = f"#{{&&:{alone},#{{==:#{{pane_id}},{pane}}}}}"
    end, stay = f"kill-session -t '={name}'", f"display-message -p '{STAYS}'"
    return f"""if-shell -F -t '={name}:' '{alone}' "{end}" "{stay}\""""


def handing_over(name: str, pane: str) -> list[str]:
    """The commands that leave our session to its guests, under a name that is shown to them."""
    kept = [
        f"set-option -t '={name}:' destroy-unattached off",
        f"rename-session -t '={name}:' '{name.removeprefix('_')}'",
    ]
    return [*kept, *([f"kill-pane -t '{pane}'"] if pane else []), "detach-client"]


def moves(host: Host, answers: Sequence[Sequence[str]]) -> tuple[list[str], bool]:
    """The commands that bring everything home, and whether that is all there is to bring."""
    sessions = [
        _Session(int(at), known, name)
        for at, known, name in (line.split(" ", 2) for line in answers[0])
    ]
    panes = [line.split(" ") for line in answers[1]]
    visits = [line.partition(" ")[::2] for line in answers[2]]
    visitors = [(client, last) for client, last in visits if client != host.client]
    parts = _parts(host, panes)
    if not parts and not visitors:
        return [], True
    home = max(
        (one for one in sessions if not HIDDEN.fullmatch(one.name)),
        key=lambda one: one.used_at,
        default=None,
    )
    if home is None:
        return [], False
    found = [f"{part} -t '{home.id}:'" for part in parts]
    found += [_onward(host, client, last, sessions, home) for client, last in visitors]
    return found[:GUESTS_MAX], len(found) <= GUESTS_MAX


def _parts(host: Host, panes: Sequence[Sequence[str]]) -> list[str]:
    """What takes each foreign window, or pane beside our own, out of our session."""
    ours = next((window for pane, window, _ in panes if pane == host.pane_id), "")
    found: dict[str, str] = {}
    for pane, window, current in panes:
        if pane != host.pane_id and window == ours:
            found[pane] = f"break-pane -d -s {pane}"
        elif pane != host.pane_id:
            quietly = "" if current == "1" else " -d"
            found[window] = f"move-window{quietly} -s '{host.session_id}:{window}'"
    return list(found.values())


def _onward(
    host: Host, client: str, last: str, sessions: Sequence[_Session], home: _Session
) -> str:
    """What takes a person on: the way they were going through the sessions, or home."""
    at = next((i for i, one in enumerate(sessions) if one.id == host.session_id), 0)
    before, after = sessions[at - 1], sessions[(at + 1) % len(sessions)]
    if last == before.name:
        home = after
    elif last == after.name:
        home = before
    return f"switch-client -c '{client}' -t '{home.id}:'"
