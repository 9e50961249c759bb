"""Panes recorded on a real server: the same screen again, no secret, whole whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clocks import wait_for
from orc_command import orc
from orc_core.clock import SystemClock
from orc_core.errors import TmuxError
from orc_core.model.agent import PaneRef
from orc_core.tmux.asciicast import Shown, parse_event, parse_header
from orc_core.tmux.recording import Recorder, Target
from orc_core.tmux.redaction import Redactor
from orc_core.tmux.screen import parse_lines
from orc_core.tmux.server import child_environment
from private_tmux import PrivateTmux

CAT = "stty -echo -opost; exec cat"
MB = 1_000_000


def target(tmux: PrivateTmux, pane_id: str) -> Target:
    told = tmux.run("display-message", "-p", "-t", pane_id, "#{start_time} #{pane_pid}")
    start, pid = map(int, told.split())
    pane = PaneRef(tmux.socket_path, start, pane_id, pid)
    return Target(tmux.address, pane, "claude-1", tmux.tty(pane_id))


class Take:
    """One recording in this process."""

    def __init__(self, tmux: PrivateTmux, pane_id: str, max_bytes: int = MB) -> None:
        self.path = tmux.folder / f"{pane_id.lstrip('%')}.cast"
        clock = SystemClock()
        made = target(tmux, pane_id)
        self.recorder = Recorder(made, self.path, Redactor.of({}, ()), max_bytes, clock)
        self.running = asyncio.create_task(self.recorder.run())

    @property
    def lines(self) -> list[str]:
        text = self.path.read_text() if self.path.exists() else ""
        return text.split("\n")[:-1]

    @property
    def events(self) -> list[list[object]]:
        return [json.loads(line) for line in self.lines[1:]]

    @property
    def markers(self) -> list[object]:
        return [data for _, code, data in self.events if code == "m"]

    async def shows(self, text: str) -> None:
        await wait_for(lambda: any(text in line for line in self.lines[1:]), 8.0)

    async def end(self) -> str:
        self.recorder.stop()
        return await asyncio.wait_for(self.running, 8.0)


@asynccontextmanager
async def recorded(tmux: PrivateTmux, pane_id: str, max_bytes: int = MB) -> AsyncIterator[Take]:
    take = Take(tmux, pane_id, max_bytes)
    try:
        await wait_for(lambda: len(take.lines) > 1 or take.running.done(), 8.0)
        yield take
    finally:
        take.running.cancel()
        await asyncio.wait({take.running})


async def test_played_again_in_tmux_it_is_the_same_screen(tmux: PrivateTmux) -> None:
    pane_id = tmux.start(CAT, size="60x12")
    tmux.write(pane_id, "before \x1b[31mred\x1b[0m\r\n")
    async with recorded(tmux, pane_id) as take:
        tmux.write(pane_id, "\x1b[1;38;5;208;44mbold 漢字\x1b[0m e\u0301 \x1b[7mturned\x1b[0m\r\n")
        await take.shows("turned")
        tmux.write(pane_id, "".join(f"row {n}\r\n" for n in range(30)) + "\x1b[48;2;1;2;3m wide ")
        await take.shows("row 29")
        tmux.write(pane_id, "\x1b[0m\x1b[5;3Hmiddle\x1b[3D")
        await take.shows("middle")
        assert await take.end() == "it was stopped"
    assert take.path.stat().st_mode & 0o777 == 0o600
    header = json.loads(take.lines[0])
    assert (header["version"], header["width"], header["height"]) == (2, 60, 12)
    times = [at for at, _, _ in take.events]
    assert times == sorted(times) and all(code in "om" for _, code, _ in take.events)  # type: ignore[type-var]
    played = tmux.window(CAT)
    tmux.write(played, "".join(str(data) for _, code, data in take.events if code == "o"))

    def raw(pane: str) -> str:
        return tmux.run("capture-pane", "-p", "-e", "-t", pane)

    await wait_for(lambda: parse_lines(raw(played)) == parse_lines(raw(pane_id)), 8.0)
    told = "#{cursor_x} #{cursor_y} #{cursor_flag}"
    cursors = [tmux.run("display-message", "-p", "-t", one, told) for one in (played, pane_id)]
    assert cursors[0] == cursors[1]
    shown = Shown.blank(parse_header(take.lines[0]))
    for line in take.lines[1:]:
        event = parse_event(line)
        assert event is not None
        shown.take(event)
    last = shown.screen("k", 0.0)
    assert [row.text for line in last.lines for row in line if "middle" in row.text]
    assert last.cursor == (5, 4)


async def test_no_secret_reaches_the_file_not_even_while_it_is_typed(tmux: PrivateTmux) -> None:
    pane_id = tmux.start(CAT)
    async with recorded(tmux, pane_id) as take:
        tmux.write(pane_id, "$ key=")
        for letter in "sk-ant-api03-Qwerty":
            tmux.write(pane_id, letter)
            await asyncio.sleep(0)
        await take.shows("*" * len("sk-ant-api03-Qwerty"))
        tmux.write(pane_id, "\r\nAuthorization: Bearer Abc.Def-999\r\nend")
        await take.shows("end")
        await take.end()
    text = take.path.read_text()
    assert not any(secret in text for secret in ("Qwe", "api03", "Def-999"))


async def test_paused_it_sees_nothing_and_the_time_does_not_count(tmux: PrivateTmux) -> None:
    pane_id = tmux.start(CAT)
    async with recorded(tmux, pane_id) as take:
        take.recorder.pause(True)
        await wait_for(lambda: take.markers == ["paused"], 8.0)
        tmux.write(pane_id, "between \x1b[2J")
        tmux.write(pane_id, "hidden\x1b[2J\x1b[Hafter")
        take.recorder.pause(False)
        await take.shows("after")
        assert take.markers == ["paused", "resumed, now later"]
        at = {str(data)[:6]: when for when, code, data in take.events if code == "m"}
        assert float(str(at["resume"])) - float(str(at["paused"])) < 0.01
        await take.end()
    assert "hidden" not in take.path.read_text()


async def test_it_ends_at_its_cap_and_says_so(tmux: PrivateTmux) -> None:
    pane_id = tmux.start(CAT, size="100x30")
    cap = 20_000
    async with recorded(tmux, pane_id, cap) as take:
        number = 0
        while not take.running.done():
            number += 1
            tmux.write(pane_id, f"\x1b[H{f'{number} bottles ' * 230}")
            await asyncio.sleep(0.01)
        assert take.running.result() == "it reached 0 MB"
    assert take.path.stat().st_size <= cap
    assert take.markers[-1] == "ended: it reached 0 MB"


async def test_it_follows_the_size_and_ends_with_its_pane(tmux: PrivateTmux) -> None:
    tmux.start(CAT)
    pane_id = tmux.window(CAT)
    async with recorded(tmux, pane_id) as take:
        tmux.run("resize-window", "-t", pane_id, "-x", "70", "-y", "20")
        tmux.write(pane_id, "smaller")
        await take.shows("smaller")
        assert ["r", "70x20"] in [event[1:] for event in take.events]
        tmux.run("kill-pane", "-t", pane_id)
        assert await asyncio.wait_for(take.running, 8.0) == "its pane is gone"
    assert take.markers[-1] == "ended: its pane is gone"
    with pytest.raises(TmuxError, match="is gone"):
        await Recorder(
            Target(tmux.address, PaneRef(tmux.socket_path, 1, pane_id, 1), "x", ""),
            tmux.folder / "none.cast", Redactor.of({}, ()), MB, SystemClock(),
        ).run()  # fmt: skip
    assert not (tmux.folder / "none.cast").exists()


async def test_it_ends_with_its_server(tmux: PrivateTmux) -> None:
    pane_id = tmux.start(CAT)
    async with recorded(tmux, pane_id) as take:
        tmux.kill()
        assert await asyncio.wait_for(take.running, 8.0) == "its tmux server is gone"


class Shell:
    """`orc record` in a workspace of its own."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.folder = tmux.folder
        self.pids: list[int] = []
        self._options = ["--socket-path", tmux.socket_path, "--workspace", str(tmux.folder / "w")]
        self._environ = child_environment() | {"HOME": str(tmux.folder)}

    def __call__(self, *argv: str, code: int = 0) -> str:
        done = orc(["record", *argv, *self._options], self._environ, self.folder)
        assert done.code == code, done.out + done.err
        return done.out if code == 0 else done.err

    def json(self, *argv: str) -> dict[str, object]:
        told: dict[str, object] = json.loads(self(*argv, "--json"))
        return told

    def pid(self, file: object) -> int:
        """The recorder's own process."""
        first = Path(str(file)).read_text().split("\n", 1)[0]
        self.pids.append(json.loads(first)["orc"]["pid"])
        return self.pids[-1]


@pytest.fixture
def record(tmux: PrivateTmux) -> object:
    shell = Shell(tmux)
    yield shell
    for pid in shell.pids:
        with open(os.devnull):  # noqa: PTH123
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def ends(pid: int) -> Callable[[], bool]:
    def is_over() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    return is_over


async def test_from_the_command_line_it_outlives_the_command_and_a_kill(
    tmux: PrivateTmux, record: Shell
) -> None:
    pane_id = tmux.start(CAT)

    def run(*argv: str, code: int = 0) -> str:
        return record(*argv, code=code)

    started = await asyncio.to_thread(record.json, "start", pane_id)
    pid = record.pid(started["file"])
    assert started["state"] == "recording"
    assert Path(str(started["file"])).parent == tmux.folder / "w" / "recordings"
    said = await asyncio.to_thread(run, "start", pane_id, code=1)
    assert "is recorded already" in said
    name = str(started["agent"])
    assert (await asyncio.to_thread(record.json, "pause", name))["state"] == "paused"
    assert (await asyncio.to_thread(record.json, "resume", name))["state"] == "recording"
    tmux.write(pane_id, "on screen")
    file = Path(str(started["file"]))
    await wait_for(lambda: "on screen" in file.read_text(), 8.0)
    os.kill(pid, signal.SIGKILL)
    await wait_for(ends(pid), 8.0)
    listed = json.loads(await asyncio.to_thread(run, "list", "--json"))
    assert [(one["state"], one["why"]) for one in listed] == [("ended", None)]
    assert all(json.loads(line) for line in file.read_text().split("\n")[:-1])
    assert file.read_text().endswith("\n")
    again = await asyncio.to_thread(record.json, "start", pane_id)
    pid = record.pid(again["file"])
    stopped = await asyncio.to_thread(record.json, "stop", str(again["id"]))
    assert (stopped["state"], stopped["why"]) == ("ended", "it was stopped")
    await wait_for(ends(pid), 8.0)
    played = await asyncio.to_thread(run, "play", str(file), "--speed", "100")
    assert "on screen" in played
    told = await asyncio.to_thread(record.json, "play", str(again["id"]))
    assert told["markers"] == [{"at": stopped["lasted_s"], "text": "ended: it was stopped"}]
    assert "nothing of 'nobody'" in await asyncio.to_thread(run, "stop", "nobody", code=3)
    assert "over 0" in await asyncio.to_thread(run, "play", str(file), "--speed", "0", code=2)


def test_a_file_that_is_no_recording_says_so(tmux: PrivateTmux, record: Shell) -> None:
    tmux.start()
    bad = tmux.folder / "bad.cast"
    bad.write_text('{"version": 1}\n')
    assert "only version 2 is read" in record("play", str(bad), code=1)
    assert "no recording 'nothing'" in record("play", "nothing", code=3)
    assert "no recordings" in record("list")
