"""Recording from the dashboard: begun by name, signed in Live, ended, and played there."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

from clocks import wait_for
from dashboard_desk import seated
from orc_tui import keymap
from orc_tui.screens.menu import Menu
from orc_tui.screens.player import Player
from private_tmux import PrivateTmux


async def test_an_agent_is_recorded_and_played_in_the_dashboard(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    pane_id = tmux.start("stty -echo -opost; exec cat")
    key = f"{tmux.socket_path}:{pane_id}"
    folder = tmp_path / "ws" / "recordings"
    pids: list[int] = []
    try:
        async with seated(tmux, tmp_path) as desk:
            app = desk.app
            await desk.act("recordings", keymap.AGENTS, key)
            await desk.says("there are no recordings")
            await wait_for(lambda: any(one.key == key for one in app.snapshot.agents), 10)
            await desk.act("record", keymap.AGENTS, key)
            await desk.says("is recorded into")
            (file,) = folder.glob("*.cast")
            pids.append(json.loads(file.read_text().split("\n", 1)[0])["orc"]["pid"])
            await wait_for(lambda: app.snapshot.recordings == ((key, False),), 10)
            text = lambda: "\n".join("".join(t for t, _ in line) for line in app.main.live.lines)  # noqa: E731
            await wait_for(lambda: "● rec" in text(), 10)
            tmux.write(pane_id, "on the record")
            await wait_for(lambda: "on the record" in file.read_text(), 10)
            await desk.act("record", keymap.AGENTS, key)
            await desk.screen(Menu)
            await desk.press("p")
            await desk.says("is paused")
            await wait_for(lambda: "‖ rec paused" in text(), 10)
            await desk.act("record", keymap.AGENTS, key)
            await desk.screen(Menu)
            await desk.press("s")
            await desk.says("was recorded for")
            await wait_for(lambda: not app.snapshot.recordings, 10)
            await desk.act("recordings", keymap.AGENTS, key)
            await desk.screen(Menu)
            await desk.press("enter")
            await desk.screen(Player)
            await desk.press("G")
            strips = app.screen._compositor.render_strips()
            assert any("on the record" in "".join(p.text for p in strip) for strip in strips)
            await desk.press("q")
            await desk.idle()
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
