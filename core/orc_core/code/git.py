"""The one way in which git is run.

Invariant: nothing that a repository says makes git execute anything. No call waits without a
deadline, asks a person, opens a connection, takes a lock that can be done without, or prints
more than a bound. Names go in and come out as bytes, ended by NUL.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import Collection, Coroutine, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from orc_core.errors import GitError, GitTimeout
from orc_core.text import clean

Argument = str | bytes
T = TypeVar("T")

TIMEOUT_S: Final = 10.0
OUTPUT_MAX_BYTES: Final = 256 * 1024 * 1024
STDERR_MAX_BYTES: Final = 64 * 1024
OLDEST: Final = (2, 31)
"""The first version that takes configuration of any name from the environment."""
FORECASTS: Final = (2, 38)
"""The first version whose `merge-tree` merges without a work tree."""

_READ_BYTES: Final = 256 * 1024
_KILL_GRACE_S: Final = 2.0
_NOWHERE: Final = "/dev/null"

_QUIET: Final[Mapping[str, str]] = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS": "false",
    "GIT_SSH_COMMAND": "false",
    "GIT_PROXY_COMMAND": "false",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
    "GIT_SEQUENCE_EDITOR": "false",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TRACE2": "0",
    "GIT_TRACE2_EVENT": "0",
    "GIT_TRACE2_PERF": "0",
}
"""What every call is given: no prompt, no program beside git, no network, no optional lock."""

_OVERRIDDEN: Final[Mapping[str, str]] = {
    "core.hooksPath": _NOWHERE,
    "core.fsmonitor": "false",
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.askPass": "false",
    "core.pager": "cat",
    "core.editor": "false",
    "core.attributesFile": _NOWHERE,
    "credential.helper": "",
    "protocol.allow": "never",
    "gpg.program": "false",
    "commit.gpgSign": "false",
    "log.showSignature": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
"""What a repository's own configuration may not choose, where that is in force at all."""


@cache
def binary() -> str:
    """The path of the git program; raises GitError where there is none.

    Folders of PATH that depend on where one stands are passed over: a tree could hold a `git`.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = shutil.which("git", path=os.pathsep.join(one for one in folders if one.startswith("/")))
    if found is None:
        raise GitError("git is not installed: install git 2.31 or newer and run orc again")
    return found


async def version() -> tuple[int, int]:
    """The version of the git program, (2, 39) for 2.39.5."""
    return parse_version(await run(["version"], environ={}))


def parse_version(told: bytes) -> tuple[int, int]:
    """Read `git version 2.39.5 (Apple Git-154)`; (0, 0) where that is no version."""
    found = re.search(rb"(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


async def check_version(least: tuple[int, int], what: str) -> None:
    """Raise GitError, with the remedy, where git is older than `what` needs."""
    found = await version()
    if found < least:
        need, have = (".".join(map(str, one)) for one in (least, found))
        raise GitError(f"{what} needs git {need} or newer, this is {have}: install a newer one")


def owner_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a call is given in which a repository's own configuration is in force.

    Such calls only ask for places, refs and settings. The person's own configuration counts
    too, since `safe.directory` is believed there alone.
    """
    kept = {name: environ[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in environ}
    pairs: dict[str, str] = {}
    for number, (name, value) in enumerate(_OVERRIDDEN.items()):
        pairs |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return kept | pairs | {"GIT_CONFIG_COUNT": str(len(_OVERRIDDEN))}


def closed_environment(home: Path) -> dict[str, str]:
    """What a call is given in which no configuration counts but that of a git folder of ours."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": _NOWHERE,
        "GIT_CONFIG_SYSTEM": _NOWHERE,
        "GIT_CONFIG_NOSYSTEM": "1",
    }


async def run(
    argv: Sequence[Argument],
    *,
    environ: Mapping[str, str],
    folder: Path | None = None,
    stdin: bytes = b"",
    codes: Collection[int] = (0,),
    timeout_s: float = TIMEOUT_S,
    output_max_bytes: int = OUTPUT_MAX_BYTES,
) -> bytes:
    """Run one git command in `folder` and return what it printed.

    `environ` comes from one of the two functions above. Raises GitTimeout, and GitError where
    it ends with another code than those of `codes` or prints too much.
    """
    code, out, err = await converse(
        argv,
        environ=environ,
        folder=folder,
        stdin=stdin,
        timeout_s=timeout_s,
        output_max_bytes=output_max_bytes,
    )
    if code not in codes:
        words = clean(err, limit=300).strip() or f"it ended with code {code}"
        raise GitError(f"git {_named(argv)}: {words.removeprefix('fatal: ')}")
    return out


async def converse(
    argv: Sequence[Argument],
    *,
    environ: Mapping[str, str],
    folder: Path | None = None,
    stdin: bytes = b"",
    timeout_s: float = TIMEOUT_S,
    output_max_bytes: int = OUTPUT_MAX_BYTES,
) -> tuple[int, bytes, bytes]:
    """Run one git command to its end: exit code, stdout, stderr.

    Raises GitTimeout, and GitError where it prints too much; then it is killed with its children.
    """
    where: list[Argument] = ["-C", os.fsencode(folder)] if folder is not None else []
    path = os.environ.get("PATH", os.defpath)
    child = await asyncio.create_subprocess_exec(
        binary(),
        "--no-pager",
        "--no-optional-locks",
        *where,
        *argv,
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": path, **_QUIET, **environ},
        cwd="/",
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await _communicate(child, stdin, output_max_bytes)
            code = await child.wait()
    except TimeoutError:
        raise GitTimeout(f"git {_named(argv)} did not end in {timeout_s:g} s") from None
    finally:
        await _end(child)
    if out is None:
        bound = output_max_bytes // 1024 // 1024
        raise GitError(f"git {_named(argv)} printed more than {bound} MB: nothing of it was used")
    return code, out, err


async def together(*calls: Coroutine[Any, Any, T]) -> list[T]:
    """What several calls come to, run side by side; raises what the first that failed raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in calls]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def _communicate(
    child: asyncio.subprocess.Process, stdin: bytes, output_max_bytes: int
) -> tuple[bytes | None, bytes]:
    assert child.stdout is not None and child.stderr is not None  # noqa: S101
    async with asyncio.TaskGroup() as group:
        out = group.create_task(_read(child.stdout, output_max_bytes))
        err = group.create_task(_read(child.stderr, STDERR_MAX_BYTES))
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                child.stdin.write(stdin)
                await child.stdin.drain()
            child.stdin.close()
    said = err.result()
    return out.result(), said if said is not None else b"it said too much"


async def _read(stream: asyncio.StreamReader, max_bytes: int) -> bytes | None:
    """All that a stream has; None where that is more than `max_bytes`, which is thrown away."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await stream.read(_READ_BYTES):
        size += len(chunk)
        if size <= max_bytes:
            chunks.append(chunk)
        else:
            chunks.clear()
    return b"".join(chunks) if size <= max_bytes else None


async def _end(child: asyncio.subprocess.Process) -> None:
    """Make sure that a child and what it started are over, and its pipes closed."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KILL_GRACE_S):
                await asyncio.shield(child.wait())
    child._transport.close()  # type: ignore[attr-defined] # noqa: SLF001


def _named(argv: Sequence[Argument]) -> str:
    first = argv[0] if argv else ""
    return first if isinstance(first, str) else first.decode("ascii", "replace")
