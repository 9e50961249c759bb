"""Audit and Messages over a real store: what was done and said is found there."""

from __future__ import annotations

from pathlib import Path

from clocks import wait_for
from dashboard_desk import Desk, seated
from orc_tui.screens.audit import AuditView
from orc_tui.screens.dialog import Dialog
from orc_tui.screens.fleet import FleetView
from orc_tui.screens.messages import MessagesView
from orc_tui.screens.timeline import TimelineView
from private_tmux import PrivateTmux


def text(desk: Desk) -> str:
    strips = desk.app.screen._compositor.render_strips()
    return "\n".join("".join(part.text for part in strip).rstrip() for strip in strips)


async def sees(desk: Desk, *wanted: str) -> None:
    try:
        await wait_for(lambda: all(one in text(desk) for one in wanted), 10)
    except BaseException as error:
        error.add_note(text(desk))
        raise


async def test_what_was_done_is_found_in_the_audit_and_what_was_said_in_the_messages(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start()
    async with seated(tmux, tmp_path) as desk:
        made = await desk.task("Invoices as PDF", priority=3)
        await desk.press("7")
        await desk.says("there is no Alerts view in this version")

        await desk.press("9")
        await desk.screen(AuditView)
        await sees(desk, made.id, "not verified yet", "Entry 1", "actor    you", "hash ")
        entries = await desk.core.chronicle.page(limit=50)
        await sees(desk, f"1 of {len(entries)}", entries[0].hash[:16])

        await desk.press("V")
        await desk.screen(Dialog)
        await sees(desk, "The journal is intact", f"entry {entries[0].seq}")
        await desk.press("escape")
        await sees(desk, f"✓ intact, {len(entries)} entries")

        # What comes is shown while the cursor is on the newest entry, and waits while held.
        await desk.core.tasks.edit(made.id, {"priority": 7})
        await sees(desk, f"{made.id}@2", f"1 of {len(entries) + 1}")
        await desk.press("f")
        await desk.core.tasks.edit(made.id, {"priority": 8})
        await sees(desk, "holding, 1 newer")
        assert f"{made.id}@3" not in text(desk)
        await desk.press("f")
        await sees(desk, f"{made.id}@3")

        await desk.press("slash", *"since:nonsense", "enter")
        await sees(desk, "'nonsense' is no time")
        await desk.press("slash", "ctrl+u", *f"task:{made.id}", "enter")
        await sees(desk, f"/task:{made.id}", "1 of 3")
        await desk.press("enter")
        await wait_for(lambda: "9 Audit" not in text(desk), 10)
        await sees(desk, '"sha256"')
        await desk.press("escape", "escape")
        await sees(desk, "9 Audit")
        await desk.press("5")
        await desk.screen(TimelineView)
        await desk.press("9")
        await desk.screen(AuditView)
        assert sum(isinstance(one, TimelineView) for one in desk.app.screen_stack) == 0
        await desk.press("escape")
        await desk.screen(type(desk.app.main))

        await desk.act("undo", "tasks")
        await desk.says("z takes it back" if "z takes" in desk.told else "undone")
        await desk.act("messages", "tasks")
        await desk.screen(MessagesView)
        await sees(desk, "there is no Alerts view in this version", "Messages")
        await desk.press("slash", *"alerts", "enter")
        await sees(desk, "1 of 1", "/alerts")
        await desk.press("slash", *"zzz", "enter")
        await sees(desk, "no message holds that: Esc shows all")
        await desk.press("escape")
        await sees(desk, f"1 of {len(desk.app.said)}")
        await desk.press("2")
        await desk.screen(type(desk.app.main))
        assert desk.app.main.pane == "tasks"


async def test_the_fleet_shows_the_screens_of_what_is_in_view_in_colour(
    tmux: PrivateTmux, tmp_path: Path
) -> None:
    tmux.start("printf '\\033[31mripe berry\\033[0m\\n'; exec cat")
    other = tmux.run("new-window", "-P", "-F", "#{pane_id}", "printf 'plain leaf\\n'; exec cat")
    async with seated(tmux, tmp_path) as desk:
        await wait_for(lambda: len(desk.app.snapshot.agents) == 2, 10)
        await desk.press("F")
        await desk.screen(FleetView)
        await sees(desk, "ripe berry", "plain leaf")
        previews = desk.app.snapshot.previews
        (red,) = [s.style.fg for one in previews for s in one.lines[0] if "ripe" in s.text]
        assert red == 1
        tmux.run("send-keys", "-t", other.strip(), "new leaf", "Enter")
        await sees(desk, "new leaf")
        await desk.press("escape")
        await desk.screen(type(desk.app.main))
        await wait_for(lambda: not desk.app.snapshot.previews, 10)
        await desk.press("F")
        await desk.screen(FleetView)
        await sees(desk, "ripe berry", "new leaf")
        await desk.press("enter")
        await desk.screen(type(desk.app.main))
        assert desk.app.main.zoomed
        await sees(desk, "0 Live")
