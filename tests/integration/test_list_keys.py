"""Keys of one's own, the view before, and what is done to all that is marked: the real thing."""

from __future__ import annotations

import sys
from pathlib import Path

from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_core.lifecycle.wing import Wishes
from orc_tui import keymap
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.edit import FieldEdit
from orc_tui.screens.menu import Menu
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


PROGRAM = Path(__file__).with_name("programs") / "claude"


async def _fleet(desk: Desk, *names: str) -> None:
    for name in names:
        wishes = Wishes(name=name)
        argv = (sys.executable, str(PROGRAM), "ask")
        await desk.core.lifecycle.spawn(argv, wishes=wishes, cwd=str(desk.folder), taken=set())
    known = desk.app.main.lists["agents"]
    await wait_for(
        lambda: {row.name for row in known.rows.values()} >= set(names),  # type: ignore[union-attr]
        20,
    )


async def test_a_key_acts_on_all_marked_rows_after_one_question(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with seated(tmux, tmp_path) as desk:
        main = desk.app.main
        for number in range(3):
            await desk.task(f"task {number}", priority=number)
        await wait_for(lambda: len(main.lists["tasks"].rows) == 3, 10)
        await desk.press("2", "asterisk", "e")
        await desk.screen(Menu)
        await desk.press("p")
        await desk.screen(FieldEdit)
        await desk.press("9", "enter")
        await desk.says("3 set to priority 9")
        assert not main.lists["tasks"].marks
        await desk.core.history.undo()
        await wait_for(lambda: [t.priority for t in desk.app.snapshot.tasks] == [0, 1, 2], 10)

        await desk.press("g", "space", "space", "x")
        await desk.screen(Dialog)
        await wait_for(lambda: "End 2 tasks" in _text(desk), 10)
        marked = list(main.lists["tasks"].marked)
        assert ", ".join(marked) in _text(desk) and "Cancel them" in _text(desk)
        await desk.press("escape")
        await desk.idle()
        assert len(main.lists["tasks"].marks) == 2
        await desk.press("x")
        await desk.screen(Dialog)
        await desk.press("tab", "tab", "tab", "enter")
        await desk.says("2 deleted")
        await wait_for(lambda: len(desk.app.snapshot.tasks) == 1, 10)
        assert desk.app.snapshot.tasks[0].id not in marked
        await desk.press("z")
        await wait_for(lambda: len(desk.app.snapshot.tasks) == 3, 10)

        await _fleet(desk, "sky", "sea")
        others = {key for key, row in main.lists["agents"].rows.items() if row.is_other}  # type: ignore[union-attr]
        await desk.press("1", "asterisk", "x")
        await desk.screen(Menu)
        await desk.press("s")
        await desk.screen(Dialog)
        await desk.press("tab", "enter")
        await desk.says("2 stopped, 1 refused: ")
        assert main.lists["agents"].marks == others, "what was refused keeps its mark"


def _text(desk: Desk) -> str:
    strips = desk.app.screen._compositor.render_strips()
    return "\n".join("".join(part.text for part in strip) for strip in strips)


async def test_a_dashboard_comes_back_as_it_was_left(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    async with seated(tmux, tmp_path) as desk:
        await desk.press("2", "s", "t", "slash", *"prio:>3", "enter")
    kept = tmp_path / "orc-tui" / "screen.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    async with seated(tmux, tmp_path) as desk:
        tasks = desk.app.main.lists["tasks"]
        await wait_for(lambda: (desk.app.main.pane, tasks.query_text) == ("tasks", "prio:>3"), 10)
        assert tasks.order.column == "task"
    kept.write_text("{")
    async with seated(tmux, tmp_path) as desk:
        await desk.says("put aside as screen.json.aside")
