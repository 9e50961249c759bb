"""Processes as they really are on this machine, and how they are named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from orc_core.agents.processes import (
    Processes,
    ProcFolder,
    PsTable,
    busiest_child,
    foreground,
    is_shell,
    script_of,
    short_command,
    system_processes,
    tree,
    walk,
)

pytest_plugins = ("agents_on_stage",)

CODE = "import subprocess, sys; subprocess.run(['sleep', '60'])"


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    """A Python that waits for a `sleep`; both are ended afterwards."""
    child = subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.DEVNULL, start_new_session=True
    )
    yield child
    os.killpg(child.pid, 9)
    child.wait()


def wait_for_child(processes: Processes, pid: int) -> int:
    for _ in range(200_000):
        if isinstance(processes, PsTable):
            processes.read_now()
        children = processes.children(pid)
        if children and processes.argv(children[0])[:1] == ("sleep",):
            return children[0]
    raise AssertionError("no child appeared")


@pytest.mark.parametrize("make", [ProcFolder, PsTable])
def test_a_tree_of_real_processes(
    make: type[ProcFolder] | type[PsTable], parent: subprocess.Popen[bytes]
) -> None:
    processes = make()
    child = wait_for_child(processes, parent.pid)
    facts = processes.facts(child)
    assert facts is not None
    assert (facts.parent, facts.name) == (parent.pid, "sleep")
    now = processes.facts(os.getpid())
    assert now is not None
    assert 0 <= facts.started_at - now.started_at < 600
    assert [(depth, one.pid) for depth, one in walk(processes, parent.pid)] == [
        (0, parent.pid),
        (1, child),
    ]
    assert tree(processes, parent.pid)[1].command == "sleep 60"
    assert busiest_child(processes, parent.pid, {}) == "sleep 60"
    assert foreground(processes, parent.pid) == parent.pid


def test_a_process_that_is_not_there() -> None:
    processes = ProcFolder()
    assert processes.facts(2**22 + 1) is None
    assert processes.argv(2**22 + 1) == ()
    assert processes.children(2**22 + 1) == ()


def test_a_name_with_blanks_and_brackets_is_read_whole(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "stat").write_text("btime 1000\n")
    (tmp_path / "7").mkdir()
    fields = "Z 1 6 7 34816 9 0 0 0 0 0 50 25 0 0 20 0 1 0 200" + " 0" * 29 + " 9"
    (tmp_path / "7" / "stat").write_text(f"7 (a) b (c) {fields}\n")
    facts = ProcFolder(tmp_path).facts(7)
    assert facts is not None
    assert (facts.name, facts.parent, facts.foreground) == ("a) b (c", 1, 9)
    assert (facts.start, facts.started_at, facts.cpu_s) == ("200", 1002.0, 0.75)
    assert (facts.group, facts.exit_status) == (6, 9)


def test_how_a_child_that_nobody_waited_for_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    processes = ProcFolder()
    for _ in range(1_000_000):
        facts = processes.facts(child.pid)
        assert facts is not None
        if facts.state == "Z":
            break
    assert facts.exit_status == 3 << 8
    assert child.wait() == 3


def test_the_busiest_is_named_and_else_the_deepest(machine) -> None:  # type: ignore[no-untyped-def]
    machine.put(1, "claude")
    machine.put(2, "bash", "-c", "pytest tests/e2e", parent=1, cpu_s=1.0)
    machine.put(3, "python", "-m", "pytest", "tests/e2e", parent=2, cpu_s=5.0)
    machine.put(4, "node", "/srv/lsp.js", parent=1, cpu_s=9.0)
    before: dict[int, float] = {}
    assert busiest_child(machine, 1, before) == "pytest tests/e2e"
    machine.put(4, "node", "/srv/lsp.js", parent=1, cpu_s=9.5)
    assert busiest_child(machine, 1, before) == "lsp.js"


@pytest.mark.parametrize(
    ("argv", "script", "short"),
    [
        (["node", "/usr/bin/codex", "exec"], "/usr/bin/codex", "codex exec"),
        (["python3", "-m", "pytest", "tests"], "pytest", "pytest tests"),
        (["/usr/bin/python3.11", "-u", "/x/a.py"], "/x/a.py", "a.py"),
        (["python", "-c", "x"], "", "python -c x"),
        (["/bin/sh", "/x/run.sh"], "/x/run.sh", "run.sh"),
        (["bash", "--noprofile", "--rcfile", "/x/rc"], "", "bash --noprofile --rcfile /x/rc"),
        (["bash", "--rcfile", "/x/rc", "/x/run.sh"], "/x/run.sh", "run.sh"),
        (["vim", "x"], "", "vim x"),
        ([], "", ""),
    ],
)
def test_scripts_and_short_names(argv: list[str], script: str, short: str) -> None:
    assert (script_of(argv), short_command(argv)) == (script, short)


def test_shells() -> None:
    assert is_shell("-zsh")
    assert is_shell("/usr/bin/bash")
    assert not is_shell("bashful")
    assert isinstance(system_processes(), ProcFolder)
