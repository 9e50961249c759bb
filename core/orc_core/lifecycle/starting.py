"""What an agent is started with: its program found, its folder checked, its environment picked.

Invariant: everything that can be known to be wrong is found before tmux is asked. The program
gets an allowlist of the caller's environment, the variables that were named, and who it is.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from orc_core.errors import UsageError
from orc_core.model.life import Known
from orc_core.text import clean
from orc_core.tmux.making import Start

ALWAYS: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "COLORTERM")
"""What every agent gets of the environment of whoever starts it."""

NOT_GIVEN: Final = frozenset({"TMUX", "TMUX_PANE", "TERM", "ORC_AGENT", "ORC_ACTOR"})
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


def start(
    name: str,
    argv: Sequence[str],
    cwd: str,
    env: Sequence[str],
    *,
    workspace: Path,
    environ: Mapping[str, str],
) -> Start:
    """All that tmux has to be told; raises UsageError naming what is wrong and the remedy."""
    folder = check_folder(cwd)
    given = environment(name, env, workspace=workspace, environ=environ)
    program = find_program(argv, folder, given.get("PATH", _PATH))
    return Start(name, (program, *argv[1:]), folder, given, home_of(workspace))


def home_of(workspace: Path) -> str:
    """One word for a workspace, which panes are marked with."""
    return hashlib.sha256(os.fsencode(workspace)).hexdigest()[:16]


def start_again(known: Known, *, workspace: Path, environ: Mapping[str, str]) -> Start:
    """The start of an agent whose document says how; raises UsageError."""
    if not known.argv:
        raise UsageError(
            f"{known.name} was {known.origin}, and how to start it is not known: "
            "`orc spawn` starts one that can be started again"
        )
    return start(known.name, known.argv, known.cwd, known.env, workspace=workspace, environ=environ)


def folder_of(cwd: str, base: Path) -> str:
    """The folder that is meant by `cwd`, seen from `base`."""
    return str(base / Path(cwd).expanduser())


def check_folder(cwd: str) -> str:
    """The folder as an absolute path; raises UsageError where a program cannot start there."""
    folder = Path(cwd).expanduser().absolute()
    shown = clean(str(folder), limit=200)
    try:
        if not folder.is_dir():
            raise UsageError(f"--cwd {shown} is no folder: make it, or name another one")
    except OSError as error:
        raise UsageError(f"--cwd {shown} cannot be looked at ({error.strerror})") from None
    if not os.access(folder, os.X_OK):
        raise UsageError(f"--cwd {shown} may not be entered: check its permissions")
    return str(folder)


def find_program(argv: Sequence[str], folder: str, search: str) -> str:
    """The program's absolute path; raises UsageError where there is none that may be run."""
    if not argv or not argv[0]:
        raise UsageError("nothing to run: give the command after `--`, as in `orc spawn -- claude`")
    word = argv[0]
    shown = clean(word, limit=200)
    if "/" in word:
        path = Path(folder, Path(word).expanduser())
        if not path.exists():
            raise UsageError(f"{shown} is not there: check the path of the command")
        if not path.is_file() or not os.access(path, os.X_OK):
            raise UsageError(f"{shown} may not be run: check that it is an executable file")
        return str(path)
    found = shutil.which(word, path=search)
    if found is None:
        raise UsageError(f"{shown} is not found in PATH: install it, or give its whole path")
    return str(Path(folder, found))


def environment(
    name: str, env: Sequence[str], *, workspace: Path, environ: Mapping[str, str]
) -> dict[str, str]:
    """The variables of an agent; raises UsageError naming one that is not set or not allowed."""
    for variable in env:
        if not _VARIABLE.fullmatch(variable):
            shown = clean(variable, limit=60)
            raise UsageError(f"--env {shown!r} is no name of a variable: its value is taken here")
        if variable in NOT_GIVEN:
            raise UsageError(f"--env {variable}: tmux and orc set that one themselves")
        if variable not in environ:
            raise UsageError(f"--env {variable} is not set here: set it, or leave it out")
    given = {one: environ[one] for one in (*ALWAYS, *env) if one in environ}
    return given | {"ORC_AGENT": name, "ORC_ACTOR": name, "ORC_WORKSPACE": str(workspace)}
