"""The lines above a screen on a real server, and screens whose cells are those of the pane."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clocks import wait_for
from orc_command import orc
from orc_core.clock import SystemClock
from orc_core.errors import TmuxError
from orc_core.model.agent import DASHBOARD, PaneRef
from orc_core.model.snapshot import Screen
from orc_core.text import cells
from orc_core.tmux import scrollback as room
from orc_core.tmux.scrollback import scrollback
from orc_core.tmux.server import child_environment
from orc_core.tmux.watcher import Watcher
from orc_tui.view_models import pane_view
from orc_tui.view_models.lines import text_of
from private_tmux import PrivateTmux


def pane_of(tmux: PrivateTmux, pane_id: str) -> PaneRef:
    told = tmux.run("display-message", "-p", "-t", pane_id, "#{start_time} #{pane_pid}")
    start, pid = map(int, told.split())
    return PaneRef(tmux.socket_path, start, pane_id, pid)


def texts(lines: object) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]  # type: ignore[attr-defined]


@pytest.fixture
def pane(tmux: PrivateTmux) -> PaneRef:
    """A pane of thirty lines in which three hundred were printed, some of them red."""
    pane_id = tmux.start("stty -echo -opost; exec cat")
    for n in range(300):
        tmux.write(pane_id, f"\x1b[31mline\x1b[0m {n}\r\n")
    return pane_of(tmux, pane_id)


async def test_lines_above_come_in_colour_as_many_as_were_asked_for(
    tmux: PrivateTmux, pane: PaneRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wait_for(lambda: "line 299" in tmux.screen(pane.pane_id))
    told = await scrollback(tmux.address, pane, lines=1000)
    assert (told.key, told.height, told.history, told.whole) == (pane.key, 30, 271, True)
    assert texts(told.lines)[:2] == ["line 0", "line 1"]
    assert (told.lines[0][0].text, told.lines[0][0].style.fg) == ("line", 1)
    part = await scrollback(tmux.address, pane, lines=10)
    assert (texts(part.lines)[0], len(part.lines), part.whole) == ("line 261", 40, False)
    none = await scrollback(tmux.address, pane, lines=0)
    assert texts(none.lines)[0] == "line 271"
    monkeypatch.setattr(room, "CHARACTERS_MAX", 400)
    few = await scrollback(tmux.address, pane, lines=1000)
    assert texts(few.lines)[0].startswith("line 2") and not few.whole


async def test_a_pane_that_is_gone_or_a_dashboards_own_is_not_read(
    tmux: PrivateTmux, pane: PaneRef
) -> None:
    own = {tmux.tty(pane.pane_id)}
    with pytest.raises(TmuxError, match=DASHBOARD):
        await scrollback(tmux.address, pane, lines=10, skip_ttys=own)
    other = PaneRef(pane.server, pane.server_start, pane.pane_id, pane.pid + 1)
    with pytest.raises(TmuxError, match="is gone: look again"):
        await scrollback(tmux.address, other, lines=10)
    tmux.window()
    tmux.run("kill-pane", "-t", pane.pane_id)
    with pytest.raises(TmuxError):
        await scrollback(tmux.address, pane, lines=10)


async def selected(watcher: Watcher, key: str, text: str) -> Screen:
    """The screen of the selected pane as soon as a text stands on it."""
    watcher.select(key)
    clock = SystemClock()
    limit = clock.monotonic() + 8.0
    while clock.monotonic() < limit:
        for sighting in (await watcher.look()).fresh:
            screen = sighting.screen
            if screen is not None and any(text in line for line in texts(screen.lines)):
                return screen
    raise AssertionError(f"{text} never came")


WIDE = {
    "漢字": 4,
    "e\u0301a\u0300": 2,
    "\u2764\ufe0f": 1,
    "\U0001f600": 2,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467": 2,
    "\U0001f3f3\ufe0f\u200d\U0001f308": 1,
    "\U0001f1e9\U0001f1ea": 2,
    "\ud55c\uae00": 4,
}
"""What is printed, and the cells that tmux gives it."""


async def test_cells_and_cursor_are_those_of_the_pane(tmux: PrivateTmux) -> None:
    pane_id = tmux.start("stty -echo -opost; exec cat")
    for text in WIDE:
        tmux.write(pane_id, f"{text}|\r\n")
    tmux.write(pane_id, "end\x1b[6;2H")
    watcher = Watcher(tmux.address, SystemClock())
    try:
        screen = await selected(watcher, pane_of(tmux, pane_id).key, "end")
    finally:
        await watcher.close()
    at = [cells(line.partition("|")[0]) for line in texts(screen.lines)[: len(WIDE)]]
    assert at == list(WIDE.values())
    assert (screen.cursor, screen.history) == ((1, 5), 0)
    shown = pane_view.lines_of(
        pane_view.PaneView(), screen, pane_view.rows_of(pane_view.PaneView(), screen), 0, 9
    )
    assert text_of(shown[5]).startswith("\U0001f3f3|")
    (turned,) = [text for text, ink in shown[5] if getattr(ink, "reverse", False)]
    assert turned == "|"


async def test_a_cursor_that_moves_is_told_although_no_line_changed(tmux: PrivateTmux) -> None:
    pane_id = tmux.start("stty -echo -opost; exec cat")
    tmux.write(pane_id, "here")
    watcher = Watcher(tmux.address, SystemClock())
    try:
        key = pane_of(tmux, pane_id).key
        before = await selected(watcher, key, "here")
        tmux.write(pane_id, "\x1b[D")
        after = await selected(watcher, key, "here")
    finally:
        await watcher.close()
    assert (before.cursor, after.cursor) == ((4, 0), (3, 0))
    assert before.lines == after.lines


def test_orc_prints_a_screen_and_what_is_above_it(tmux: PrivateTmux, tmp_path: Path) -> None:
    script = tmux.folder / "claude"
    script.symlink_to("/bin/cat")
    pane_id = tmux.start(f"stty -echo -opost; exec {script} -u")
    tmux.write(pane_id, "".join(f"line {n}\r\n" for n in range(50)))
    environ = child_environment() | {"HOME": str(tmp_path)}
    options = ["--socket-path", tmux.socket_path, "--workspace", str(tmp_path / "w")]

    def run(*argv: str) -> tuple[object, str, str]:
        done = orc([*argv, *options], environ, tmp_path)
        return done.code, done.out, done.err

    code, out, _ = run("screen", pane_id)
    assert (code, out.splitlines()[0], out.splitlines()[-1]) == (0, "line 21", "line 49")
    told = json.loads(run("screen", pane_id, "--above", "5", "--json")[1])
    assert (told["lines"][0], told["above"], told["whole"]) == ("line 16", 21, False)
    assert run("screen", pane_id, "--above", "-1")[0] == 2
    assert run("screen", "nobody")[0] == 3
