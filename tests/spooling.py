"""The real hook script, run as agents run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from orc_core.agents.hooks import scripts
from orc_core.agents.hooks.events import Event, event_of
from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.spool import Spool
from orc_storage.paths import ensure_private

SHELLS = tuple(
    shell
    for shell in ("sh", "dash", "bash", "busybox sh", "ksh", "mksh")
    if shutil.which(shell.split()[0])
)
PANE = {"TMUX": "/tmp/s,123,0", "TMUX_PANE": "%1"}


def placed(home: Path) -> Places:
    """Our scripts and an empty spool below a home, without any agent's settings."""
    places = Places.of({"HOME": str(home)})
    for folder in (places.data, places.spool):
        folder.parent.mkdir(parents=True, exist_ok=True)
        ensure_private(folder)
    places.hook.write_text(scripts.hook_script(places.spool))
    places.statusline.write_text(scripts.statusline_script(places.spool))
    places.hook.chmod(0o700)
    places.statusline.chmod(0o700)
    return places


def fire(
    places: Places,
    payload: Mapping[str, object] | bytes,
    *words: str,
    shell: str = "sh",
    agent: str = "claude",
    environ: Mapping[str, str] = PANE,
) -> None:
    """Run the hook once; it must print nothing and end well."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    done = run([*shell.split(), str(places.hook), agent, *words], data, environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def run(
    argv: Sequence[str], data: bytes, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    environ = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run(
        list(argv), input=data, env=environ, capture_output=True, timeout=20.0, check=False
    )


def told(places: Places) -> list[Event]:
    """All events of the spool, as a reader that just began sees them."""
    read = (event_of(spooled) for spooled in Spool(places.spool).read_new())
    return [event for event in read if event is not None]
