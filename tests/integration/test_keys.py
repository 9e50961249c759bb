"""Typing into real panes: what arrives is what was meant, and nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from clocks import wait_for
from orc_core.errors import TmuxError, TmuxGone, UsageError
from orc_core.tmux.keys import TEXT_MAX, capture, send_keys, send_text
from private_tmux import PrivateTmux

PASTE_ON = "printf '\\033[?2004h'; "


def recorder(path: Path, *, paste: bool = False) -> str:
    """A program that writes every byte it is typed into a file, unechoed."""
    return f"{PASTE_ON if paste else ''}stty raw -echo; printf ready; exec cat > {path}"


async def start_recorder(tmux: PrivateTmux, *, paste: bool = False) -> tuple[str, Path]:
    path = tmux.folder / "typed"
    pane = tmux.start(recorder(path, paste=paste))
    await wait_for(lambda: "ready" in tmux.screen(pane) and path.exists())
    return pane, path


async def test_text_arrives_as_one_bracketed_paste(tmux: PrivateTmux) -> None:
    pane, path = await start_recorder(tmux, paste=True)
    await send_text(tmux.address, pane, "first\nsecond;")
    await send_keys(tmux.address, pane, ("Enter",))
    await wait_for(lambda: path.read_bytes().endswith(b"\r"))
    assert path.read_bytes() == b"\x1b[200~first\nsecond;\x1b[201~\r"
    assert tmux.run("list-buffers") == ""


@pytest.mark.parametrize(
    "text", ["a\x1b[201~rm -rf /\rb", "a\x9b201~b", "a\x1b[20\x001~b", "a\r\nb\x03\x04"]
)
async def test_a_paste_cannot_be_closed_from_inside(tmux: PrivateTmux, text: str) -> None:
    pane, path = await start_recorder(tmux, paste=True)
    await send_text(tmux.address, pane, text)
    await wait_for(lambda: path.read_bytes().endswith(b"\x1b[201~"))
    inside = path.read_bytes().removeprefix(b"\x1b[200~").removesuffix(b"\x1b[201~")
    assert not set(inside) & {0x1B, 0x0D, 0x03, 0x04, 0x00}
    assert inside.startswith(b"a")


@pytest.mark.parametrize(
    "text",
    ["x;", ";", "x\\;", "#(touch P)", "#{pid}", "-n", "=x", "$9", "{last}", "$(touch P)", "`id`"],
)
async def test_text_and_keys_are_literal(tmux: PrivateTmux, text: str) -> None:
    pane, path = await start_recorder(tmux)
    await send_text(tmux.address, pane, text)
    await send_keys(tmux.address, pane, (text, "Enter"))
    await wait_for(lambda: path.read_bytes().endswith(b"\r"))
    assert path.read_bytes() == (text * 2 + "\r").encode()
    assert not (tmux.folder / "P").exists()


async def test_long_text_passes_the_limit_of_arguments(tmux: PrivateTmux) -> None:
    pane, path = await start_recorder(tmux)
    text = "0123456789" * 5000
    await send_text(tmux.address, pane, text)
    await wait_for(lambda: path.stat().st_size >= len(text))
    assert path.read_text() == text
    with pytest.raises(UsageError, match="send it in parts"):
        await send_text(tmux.address, pane, "x" * (TEXT_MAX + 1))


async def test_named_keys(tmux: PrivateTmux) -> None:
    pane, path = await start_recorder(tmux)
    await send_keys(tmux.address, pane, ("Escape", "C-c", "Tab", "2", "yes", "Down", "Enter"))
    await wait_for(lambda: path.read_bytes().endswith(b"\r"))
    assert path.read_bytes() == b"\x1b\x03\t2yes\x1b[B\r"


async def test_capture_reads_the_screen(tmux: PrivateTmux) -> None:
    pane = tmux.start("printf 'a \\033[31mred\\033[0m'; exec cat")
    await wait_for(lambda: "red" in tmux.screen(pane))
    assert (await capture(tmux.address, pane)).startswith("a red\n")
    assert "\x1b[31m" in await capture(tmux.address, pane, colour=True)


async def test_a_pane_that_is_gone_is_an_error_and_leaves_no_buffer(tmux: PrivateTmux) -> None:
    tmux.start()
    with pytest.raises(TmuxError, match="can't find pane"):
        await send_text(tmux.address, "%99", "secret")
    assert tmux.run("list-buffers") == ""
    with pytest.raises(TmuxError, match="can't find pane"):
        await send_keys(tmux.address, "%99", ("Enter",))


@pytest.mark.parametrize("name", ["main", "main:0.0", "%1; kill-server", "", "%", "{last}"])
async def test_a_pane_has_only_a_number(tmux: PrivateTmux, name: str) -> None:
    with pytest.raises(UsageError, match="is no pane"):
        await send_keys(tmux.address, name, ("Enter",))


async def test_no_server_is_started(tmux: PrivateTmux) -> None:
    with pytest.raises(TmuxGone, match="no tmux server"):
        await send_keys(tmux.address, "%0", ("Enter",))
    assert [entry.name for entry in tmux.folder.iterdir()] == []
