"""The real programs of the lab, at pinned versions, in a folder that git ignores.

Invariant: a program comes from its registry by package and version, through the registry's
ordinary client and the user's own settings for it; nothing else is downloaded. What is there
is used as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

INSTALL_WITHIN_S: Final = 900.0
ROOT: Final = Path(__file__).resolve().parents[2]


class NotInstalled(Exception):
    """A program could not be installed; the text says why."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program: where it comes from and what of it is run.

    `versions` are pinned, the first is the one that is tried by default. `binaries` are
    patterns below the folder it is installed to, of which the first that exists is run.
    """

    package: str
    versions: tuple[str, ...]
    binaries: tuple[str, ...]
    registry: Literal["npm", "pip"] = "npm"


def folder() -> Path:
    """Where programs are kept: `$ORC_LAB`, else `.lab` in the repository."""
    return Path(os.environ.get("ORC_LAB") or ROOT / ".lab").absolute()


def install(program: Program, version: str) -> Path:
    """The path of a program at a version, installed if it is not there yet; raises NotInstalled."""
    name = program.package.rpartition("/")[2]
    place = folder() / f"{name}-{version}"
    found = _binary(program, place)
    if found is not None:
        return found
    print(f"installing {program.package} {version} …", file=sys.stderr, flush=True)
    place.mkdir(parents=True, exist_ok=True)
    if program.registry == "npm":
        _run("npm", "install", "--prefix", str(place), "--no-audit", "--no-fund", "--silent",
             f"{program.package}@{version}")  # fmt: skip
    else:
        _run(sys.executable, "-m", "venv", str(place / "venv"))
        _run(str(place / "venv/bin/python"), "-m", "pip", "install", "--quiet",
             "--disable-pip-version-check", f"{program.package}=={version}")  # fmt: skip
    found = _binary(program, place)
    if found is None:
        raise NotInstalled(f"{program.package} {version}: none of {program.binaries} in {place}")
    return found


def _binary(program: Program, place: Path) -> Path | None:
    for pattern in program.binaries:
        for path in sorted(place.glob(pattern)):
            if path.is_file() and os.access(path, os.X_OK):
                return path
    return None


def _run(*argv: str) -> None:
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=INSTALL_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise NotInstalled(f"{' '.join(argv)}: {done.stderr.strip()[-400:]}")
