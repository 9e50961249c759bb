"""Which sockets are taken for servers of ours, and how often anybody looks."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orc_core.tmux.discovery import SERVERS_MAX, SETTLE_LOOKS, Discovery, short_names
from orc_core.tmux.server import Address
from private_tmux import Sockets


class Listeners:
    """Sockets that somebody listens at, or no longer."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack

    def listen(self, name: str) -> str:
        path = self.folder / name
        made = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        made.bind(str(path))
        made.listen()
        return str(path)

    def dead(self, name: str) -> None:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(self.folder / name))


@pytest.fixture
def listeners(sockets: Sockets) -> Iterator[Listeners]:
    with ExitStack() as stack:
        yield Listeners(sockets.folder, stack)


async def found(discovery: Discovery, *known: str) -> list[str]:
    return [address.socket_path for address in await discovery.look(known)]


async def test_only_sockets_of_ours_that_somebody_listens_at_are_servers(
    sockets: Sockets, listeners: Listeners, tmp_path: Path
) -> None:
    work, api = listeners.listen("work"), listeners.listen("api")
    listeners.dead("dead")
    (sockets.folder / "note").write_text("no socket")
    (sockets.folder / "link").symlink_to(work)
    before = sorted(sockets.folder.iterdir())
    assert await found(Discovery(sockets.environ)) == [api, work]
    assert await found(Discovery(sockets.environ), work) == [api]
    assert sorted(sockets.folder.iterdir()) == before


async def test_a_known_server_is_not_found_again_by_another_path(
    sockets: Sockets, listeners: Listeners
) -> None:
    work = listeners.listen("work")
    (sockets.root / "there").symlink_to(sockets.folder)
    assert await found(Discovery(sockets.environ), f"{sockets.root}/there/work") == []
    assert await found(Discovery(sockets.environ), f"{sockets.root}/there/other") == [work]


@pytest.mark.parametrize("foreign", ["folder", "socket"])
async def test_nothing_of_others_is_looked_into(
    sockets: Sockets, listeners: Listeners, monkeypatch: pytest.MonkeyPatch, foreign: str
) -> None:
    listeners.listen("work")
    discovery = Discovery(sockets.environ)
    # Who we are is asked for the folder first, then for what is in it.
    us, others = os.getuid(), os.getuid() + 1
    asked = iter([others, us] if foreign == "folder" else [us, others])
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: next(asked))
        assert await found(discovery) == []
    assert len(await found(discovery)) == 1


async def test_a_folder_behind_a_link_is_nobodys(sockets: Sockets, listeners: Listeners) -> None:
    listeners.listen("work")
    linked = sockets.root / "linked"
    linked.mkdir()
    (linked / sockets.folder.name).symlink_to(sockets.folder)
    assert await found(Discovery({"TMUX_TMPDIR": str(linked)})) == []
    assert await found(Discovery({"TMUX_TMPDIR": str(sockets.root / "none")})) == []


async def test_a_folder_that_did_not_change_is_not_read_again(
    sockets: Sockets, listeners: Listeners
) -> None:
    discovery = Discovery(sockets.environ)
    for _ in range(SETTLE_LOOKS + 1):
        assert await found(discovery) == []
    was = sockets.folder.stat()
    work = listeners.listen("work")
    os.utime(sockets.folder, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert await found(discovery) == []
    os.utime(sockets.folder, ns=(was.st_atime_ns, was.st_mtime_ns + 1))
    assert await found(discovery) == [work]


async def test_a_socket_that_nobody_listens_at_yet_is_looked_at_again(
    sockets: Sockets,
) -> None:
    discovery = Discovery(sockets.environ)
    with socket.socket(socket.AF_UNIX) as slow:
        slow.bind(str(sockets.folder / "slow"))
        assert await found(discovery) == []
        slow.listen()
        assert await found(discovery) == [str(sockets.folder / "slow")]


async def test_there_is_a_bound_and_what_is_beyond_is_counted(
    sockets: Sockets, listeners: Listeners
) -> None:
    for number in range(SERVERS_MAX + 3):
        listeners.listen(f"s{number:03}")
    discovery = Discovery(sockets.environ)
    assert len(await found(discovery, "/elsewhere/own")) == SERVERS_MAX - 1
    assert discovery.left_out == 4


def test_servers_go_by_short_names_that_tell_them_apart(sockets: Sockets) -> None:
    paths = [f"{sockets.folder}/work", "/run/a/s", "/run/b/s", "/srv/a/s", "/run/Work"]
    names = short_names(map(Address, paths), sockets.environ)
    assert names == {
        paths[0]: "work",
        paths[1]: "/run/a/s",
        paths[2]: "b/s",
        paths[3]: "/srv/a/s",
        paths[4]: "run/Work",
    }
    odd = f"{sockets.folder}/\x1b[31mred"
    assert short_names([Address(odd)], sockets.environ)[odd].isprintable()
