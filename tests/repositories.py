"""Real git repositories of a test's own, made and changed as a person does.

Invariant: no configuration of whoever runs the tests counts, and commits have fixed names.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
PLAIN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}


def environment(**more: str) -> dict[str, str]:
    """What git is given in a test: the way to its program, and nobody's configuration."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C", **PLAIN, **more}


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree and the git that a person runs in it."""

    top: Path
    environ: Mapping[str, str] = field(default_factory=environment)

    def git(self, *argv: str | bytes, ok: bool = True, stdin: bytes = b"") -> bytes:
        """Run git as an ordinary program does; what it printed."""
        done = subprocess.run(
            ["git", *argv],
            cwd=self.top,
            env=dict(self.environ),
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0 or not ok, (argv, done.stdout, done.stderr)
        return done.stdout

    def write(self, name: str | bytes, data: str | bytes, mode: int = 0o644) -> None:
        """Write one file, with the folders above it."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(mode)

    def path(self, name: str | bytes) -> Path:
        """Where a file is; a name need not be UTF-8."""
        return self.top / os.fsdecode(name)

    def commit(self, message: str = "work") -> str:
        """Commit all that lies there; the commit's name."""
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").decode().strip()

    def private(self) -> bytes:
        """What must stay as it is: HEAD, every ref but ours, the index, and the stash."""
        refs = self.git("for-each-ref", ok=False)
        kept = b"\n".join(line for line in refs.splitlines() if b"refs/orc/" not in line)
        git_dir = Path(os.fsdecode(self.git("rev-parse", "--absolute-git-dir").strip()))
        index = git_dir / "index"
        return b"\0".join(
            (
                (git_dir / "HEAD").read_bytes(),
                kept,
                index.read_bytes() if index.exists() else b"",
                self.git("--no-optional-locks", "status", "--porcelain=v2", "--branch", ok=False),
            )
        )


def make(top: Path, *options: str) -> Repository:
    """An empty repository."""
    top.mkdir(parents=True, exist_ok=True)
    repository = Repository(top)
    repository.git("init", "--quiet", "--initial-branch=main", *options)
    return repository


def contents(top: Path) -> dict[bytes, tuple[int, str]]:
    """Every file below a folder but git's own: the kind of it with its x bit, and its hash."""
    found: dict[bytes, tuple[int, str]] = {}
    for folder, names, files in os.walk(top):
        names[:] = [name for name in names if name != ".git"]
        for path in (Path(folder) / name for name in (*files, *names)):
            facts = path.lstat()
            if stat.S_ISLNK(facts.st_mode):
                data, mode = os.fsencode(path.readlink()), 0o120000
            elif stat.S_ISREG(facts.st_mode) and path.name != ".git":
                data = path.read_bytes()
                mode = 0o100755 if facts.st_mode & stat.S_IXUSR else 0o100644
            else:
                continue
            found[os.fsencode(path.relative_to(top))] = (mode, hashlib.sha256(data).hexdigest())
    return found
