"""Keys of a person's own, and the view before: the dashboard on a real store and server."""

from __future__ import annotations

from pathlib import Path

from clocks import wait_for
from dashboard_desk import seated
from orc_tui import keymap
from orc_tui.screens.timeline import TimelineView
from private_tmux import PrivateTmux


async def test_keys_of_the_settings_are_bound_and_the_view_before_comes_back(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    own = tmp_path / ".config" / "orc-tui" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[keys]\nview-before = "f9"\ntimeline = ["-"]\n')
    async with seated(tmux, tmp_path) as desk:
        await wait_for(lambda: desk.app.keyboard.key_of("view-before") == "f9", 10)
        await desk.act("view-before", keymap.AGENTS)
        await desk.says("no other view was open yet")
        await desk.press("5")
        await desk.says("5 does nothing in Agents")
        await desk.press("minus")
        await desk.screen(TimelineView)
        await desk.press("f9")
        await desk.screen(type(desk.app.main))
        await desk.press("f9")
        await desk.screen(TimelineView)
        await desk.press("escape")


async def test_keys_that_clash_end_the_dashboard_with_the_line_to_mend(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    own = tmp_path / ".config" / "orc-tui" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[keys]\nwhy = "z"\n')
    async with seated(tmux, tmp_path) as desk:
        await wait_for(lambda: desk.app.return_code == 1, 10)
