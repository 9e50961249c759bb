"""Options of panes on a real server: what is read, and that nothing is overwritten or expanded."""

from __future__ import annotations

import pytest

from orc_core.errors import TmuxError
from orc_core.tmux import options
from orc_core.tmux.options import AGENT, NOTE, TASK, Setting, read, render, write
from orc_core.tmux.server import Address
from private_tmux import PrivateTmux

ODD = (
    "plain words",
    "50% of it, at 10:00 {or #{so}} #(date) #S #[fg=red] 'quoted' \"twice\" \\ back; $HOME ~",
    "ends with ;",
    "ends with \\",
    "-g starts like an option",
    "Ünïcödé 漢字 🙂 ＃",
    "#",
    "%H:%M",
    "}#}",
    ",#,",
)


@pytest.mark.parametrize("text", ODD)
async def test_any_text_is_kept_as_it_is_and_written_over_itself_alone(
    tmux: PrivateTmux, text: str
) -> None:
    pane = tmux.start()
    listing = await read(tmux.address)
    await write(tmux.address, listing, [Setting(pane, NOTE, None, text)])
    assert (await read(tmux.address)).panes[pane].values[NOTE] == text
    text = render(text)
    assert await write(tmux.address, listing, [Setting(pane, NOTE, None, text)]) == 1
    listing = await read(tmux.address)
    assert listing.panes[pane].values[NOTE] == text
    await write(tmux.address, listing, [Setting(pane, NOTE, text + "x", "other")])
    assert (await read(tmux.address)).panes[pane].values[NOTE] == text
    await write(tmux.address, listing, [Setting(pane, NOTE, text, "other")])
    assert (await read(tmux.address)).panes[pane].values[NOTE] == "other"
    await write(tmux.address, listing, [Setting(pane, NOTE, "other", None)])
    assert tmux.run("show-options", "-p", "-t", pane) == ""


async def test_what_somebody_set_in_between_stays(tmux: PrivateTmux) -> None:
    pane = tmux.start()
    listing = await read(tmux.address)
    tmux.run("set-option", "-p", "-t", pane, TASK, "T-9")
    await write(
        tmux.address, listing, [Setting(pane, TASK, "", "T-1"), Setting(pane, AGENT, "", "a")]
    )
    values = (await read(tmux.address)).panes[pane].values
    assert (values[TASK], values[AGENT]) == ("T-9", "a")


async def test_a_server_that_is_another_by_now_is_not_written_to(tmux: PrivateTmux) -> None:
    pane = tmux.start()
    listing = await read(tmux.address)
    tmux.kill()
    tmux.start()
    with pytest.raises(TmuxError, match="another server"):
        await write(tmux.address, listing, [Setting(pane, TASK, "", "T-1")])
    assert tmux.run("show-options", "-p", "-t", pane) == ""


async def test_more_than_goes_at_once_is_left_for_the_next_time(tmux: PrivateTmux) -> None:
    pane = tmux.start()
    listing = await read(tmux.address)
    settings = [Setting(pane, NOTE, "", "x" * 400)] * 60
    written = await write(tmux.address, listing, settings)
    assert 0 < written < 60


async def test_a_server_says_whether_it_is_ours(tmux: PrivateTmux) -> None:
    tmux.start()
    assert not (await read(tmux.address)).is_ours
    tmux.run("set-option", "-s", options.OURS, "1")
    assert (await read(tmux.address)).is_ours


async def test_control_characters_do_not_part_a_value(tmux: PrivateTmux) -> None:
    pane = tmux.start()
    tmux.run("set-option", "-p", "-t", pane, NOTE, "one\ntwo\x1b[31m")
    assert (await read(tmux.address)).panes[pane].values[NOTE] == "one two [31m"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\n lines  ", "two lines"),
        ("see #12, #(date) #{pid} #[fg=red] ##", "see #12, ＃(date) ＃{pid} ＃[fg=red] ＃＃"),
        ("a\x1b[2Jb", "ab"),
        ("back\\", "back"),
    ],
)
def test_a_text_is_published_so_that_tmux_expands_nothing_in_it(text: str, shown: str) -> None:
    assert render(text) == shown


async def test_nothing_is_written_where_no_pane_can_be(tmux: PrivateTmux) -> None:
    with pytest.raises(TmuxError, match="nothing that we publish"):
        await write(
            Address(tmux.socket_path),
            options.Listing(1, 1, True, {}),
            [Setting("%x", TASK, "", "")],
        )
