"""Every `$ orc …` line of the documents is run as it stands, and must end well.

Invariant: a document's lines run in order, in one fresh workspace, on a private server. Each
command is a program's whole run, through the entry of `orc`; those of one document are
processes too, so that the interpreter's start belongs to what is proven.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tree_shapes
from orc_command import orc

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
AS_PROCESSES = "detection.md"
OF_FILES = "code.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def commands(document: Path) -> list[str]:
    """What follows `$ ` in the console blocks of a document."""
    lines = "\n".join(BLOCK.findall(document.read_text(encoding="utf-8"))).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


WITH_COMMANDS = [document for document in DOCUMENTS if commands(document)]


def test_some_document_shows_commands() -> None:
    assert "orc.md" in {document.name for document in WITH_COMMANDS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a person with one agent on a private server."""
    socket_path = str(tmp_path / "s")
    program = tmp_path / "claude"
    program.symlink_to("/bin/cat")
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "ORC_WORKSPACE": str(tmp_path / "workspace"),
    }
    server = ["tmux", "-u", "-f", "/dev/null", "-S", socket_path]
    try:
        subprocess.run(
            [*server, "new-session", "-d", "-x", "100", "-y", "30", str(program), "-u"],
            env=environ,
            check=True,
        )
        yield environ | {"TMUX": f"{socket_path},0,0"}
    finally:
        subprocess.run([*server, "kill-server"], check=False, capture_output=True)


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda document: document.name)
@pytest.mark.timeout(90)  # a document shows dozens of commands
def test_commands_work(document: Path, environ: dict[str, str], tmp_path: Path) -> None:
    # What is done to files is not done to ours.
    folder = tree_shapes.parted(tmp_path).top if document.name == OF_FILES else ROOT
    for command in commands(document):
        done = orc(shlex.split(command)[1:], environ, folder)
        assert done.code == 0, f"{command}\n{done.out}{done.err}"


def test_commands_work_as_processes(environ: dict[str, str]) -> None:
    (document,) = (one for one in WITH_COMMANDS if one.name == AS_PROCESSES)
    for command in commands(document):
        argv = [sys.executable, "-m", "orc_cli", *shlex.split(command)[1:]]
        done = subprocess.run(
            argv, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
