"""The real scripts under each shell of this machine, and what the reader makes of their files."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.scripts import FILES_KEPT, FILES_MAX, PAYLOAD_MAX_BYTES
from orc_core.agents.hooks.spool import Spool
from spooling import PANE, SHELLS, fire, placed, run, told

pytestmark = pytest.mark.parametrize("shell", SHELLS)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return placed(tmp_path / "it's a $HOME")


def files(places: Places) -> list[Path]:
    return list(places.spool.iterdir())


def test_one_event_is_one_private_file(places: Places, shell: str) -> None:
    fire(places, {"hook_event_name": "Stop", "session_id": "é"}, shell=shell)
    (file,) = files(places)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (event,) = told(places)
    assert (event.agent, event.name, event.session) == ("claude", "Stop", "é")
    assert (event.socket, event.pane) == ("/tmp/s", "%1")
    assert event.at == file.stat().st_mtime
    me = event.runners[0]
    assert (me.pid, me.group) == (os.getpid(), os.getpgrp())
    assert [one.pid for one in event.runners] == [os.getpid()]


def test_a_shell_that_traces_prints_nothing(places: Places, shell: str) -> None:
    """An exported SHELLOPTS has every bash below trace, ours too."""
    environ = {**PANE, "SHELLOPTS": "xtrace"}
    fire(places, {"hook_event_name": "Stop"}, shell=shell, environ=environ)
    assert [event.name for event in told(places)] == ["Stop"]
    line = run([*shell.split(), str(places.statusline)], b"{}", environ)
    assert (line.returncode, line.stdout, line.stderr) == (0, b"", b"")


def test_what_an_agent_says_of_its_process_is_kept(places: Places, shell: str) -> None:
    fire(places, {"hook_event_name": "Stop"}, shell=shell, environ={"CLAUDE_PID": "4711"})
    (event,) = told(places)
    assert (event.pid, event.pane, event.socket) == (4711, "", "")


def test_an_event_named_by_its_caller_reads_nothing(places: Places, shell: str) -> None:
    """aider hands its own terminal to the command: nobody may read from that."""
    reader, writer = os.pipe()
    try:
        done = subprocess.run(
            [*shell.split(), str(places.hook), "aider", "Notification"],
            stdin=reader,
            env=PANE,
            capture_output=True,
            timeout=20.0,
            check=False,
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    (event,) = told(places)
    assert (event.agent, event.what.value) == ("aider", "stopped")


def test_without_a_spool_nothing_happens_and_the_input_is_drained(
    places: Places, shell: str
) -> None:
    places.spool.rmdir()
    fire(places, b"x" * 1_000_000, shell=shell)
    assert not places.spool.exists()
    places.spool.write_text("a file in the way")
    fire(places, b"{}", shell=shell)
    assert places.spool.read_text() == "a file in the way"


def test_without_home_path_or_tmux_it_works_the_same(places: Places, shell: str) -> None:
    argv = [*shell.split(), str(places.hook), "claude"]
    argv[0] = f"/bin/{argv[0]}" if Path(f"/bin/{argv[0]}").exists() else argv[0]
    done = subprocess.run(
        argv, input=b'{"hook_event_name": "Stop"}', env={}, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [event.name for event in told(places)] == ["Stop"]


def test_closed_streams_are_survived(places: Places, shell: str) -> None:
    words = " ".join(map(shlex.quote, [*shell.split(), str(places.hook), "claude"]))
    done = run(["sh", "-c", f"exec {words} <&- >&- 2>&-"], b"", PANE)
    assert done.returncode == 0
    assert [one for one in files(places) if one.name.startswith(".")] == []


def test_a_full_disk_leaves_no_piece_of_a_file(places: Places, shell: str) -> None:
    words = " ".join(map(shlex.quote, [*shell.split(), str(places.hook), "claude"]))
    limited = f"trap '' XFSZ; ulimit -f 1; exec {words}"
    done = run(["bash", "-c", limited], b'{"a": "' + b"x" * 4000 + b'"}', PANE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert files(places) == []


def test_a_large_payload_is_cut_and_still_tells_what_happened(places: Places, shell: str) -> None:
    payload = {
        "session_id": "s",
        "hook_event_name": "PreToolUse",
        "tool_name": "Write",
        "tool_input": {"file_path": "/x/y.py", "content": "z" * 3_000_000},
    }
    fire(places, payload, shell=shell)
    (file,) = files(places)
    assert file.stat().st_size < PAYLOAD_MAX_BYTES + 4096
    (event,) = told(places)
    assert (event.name, event.tool, event.file) == ("PreToolUse", "Write", "/x/y.py")


def test_a_flood_is_bounded_and_the_newest_stay(places: Places, shell: str) -> None:
    for number in range(3 * FILES_MAX):
        file = os.open(places.spool / f"{9_000_000_000 - number}-1-1", os.O_CREAT, 0o600)
        os.utime(file, (number, number))
        os.close(file)
    counts = []
    for _ in range(4):
        fire(places, {"hook_event_name": "Stop"}, shell=shell)
        counts.append(len(files(places)))
    assert counts[0] < 3 * FILES_MAX and counts[-1] <= FILES_MAX
    left = [int(one.stat().st_mtime) for one in files(places)]
    assert 3 * FILES_MAX - 1 in left
    assert 0 not in left
    assert len(left) >= FILES_KEPT
    assert [event.name for event in told(places)] == ["Stop"] * 4


def test_hooks_at_the_same_time_lose_nothing(places: Places, shell: str) -> None:
    argv = [*shell.split(), str(places.hook), "claude"]
    running = []
    for number in range(30):
        hook = subprocess.Popen(argv, stdin=subprocess.PIPE, env={**PANE, "PATH": "/usr/bin:/bin"})
        assert hook.stdin is not None
        hook.stdin.write(
            json.dumps({"hook_event_name": "Stop", "session_id": str(number)}).encode()
        )
        hook.stdin.close()
        running.append(hook)
    assert [hook.wait(20.0) for hook in running] == [0] * 30
    assert {event.session for event in told(places)} == {str(number) for number in range(30)}


def test_a_status_line_gets_the_same_input_and_its_output_is_untouched(
    places: Places, shell: str, tmp_path: Path
) -> None:
    data = b'{"model": {"id": "x"}}\n\n'
    copy = tmp_path / "copy"
    own = f"cat >{shlex.quote(str(copy))}; printf 'a line \\033[1m'; echo oops >&2; exit 3"
    argv = [*shell.split(), str(places.statusline), own]
    done = run(argv, data, PANE)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"a line \x1b[1m", b"oops\n")
    assert copy.read_bytes() == data
    (event,) = told(places)
    assert (event.name, event.body) == ("StatusLine", {"model": {"id": "x"}})
    run(argv, b'{"model": {"id": "y"}}', PANE)
    (event,) = told(places)
    assert event.body == {"model": {"id": "y"}}
    assert len(files(places)) == 1


def test_a_status_line_runs_on_without_us(places: Places, shell: str) -> None:
    places.spool.rmdir()
    argv = [*shell.split(), str(places.statusline)]
    assert run([*argv, "cat"], b"all of it\n", PANE).stdout == b"all of it\n"
    assert run(argv, b"{}", PANE).stdout == b""
    done = run([*argv, "exit 0"], b"x" * 1_000_000, {})
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_status_line_needs_no_path(places: Places, shell: str) -> None:
    argv = [*shell.split(), str(places.statusline), "printf fine"]
    argv[0] = shutil.which(argv[0]) or argv[0]
    environ = {**PANE, "PATH": "/nowhere", "TMUX": "/tmp/a,b/s,12,0"}
    done = run(argv, b'{"model": {"id": "x"}}', environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"fine", b"")
    (event,) = told(places)
    assert (event.socket, files(places)[0].name) == ("/tmp/a,b/s", "status-12-1")


def test_a_reader_that_began_sees_only_what_is_new(places: Places, shell: str) -> None:
    spool = Spool(places.spool)
    fire(places, {"hook_event_name": "Stop"}, shell=shell)
    assert len(spool.read_new()) == 1
    assert spool.read_new() == []
    fire(places, {"hook_event_name": "Stop"}, shell=shell)
    assert len(spool.read_new()) == 1
    assert len(Spool(places.spool).read_new()) == 2
