"""The mirror: whole files only, over the bytes that were read, and nobody's edit is lost."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import shutil
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orc_storage import files, inotify, notices, placing
from orc_storage.errors import (
    FileFault,
    FileMoved,
    InvalidId,
    StoreUnavailable,
    UnsafePath,
)
from orc_storage.files import Gift, Mirror, MirrorFile, parse, render

DEADLINE_S = 10.0


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def mirror(folder: Path) -> Mirror:
    folder.mkdir(mode=0o700)
    mirror = Mirror(folder / "files")
    mirror.prepare()
    return mirror


def leftovers(mirror: Mirror) -> list[str]:
    return [path.name for path in (mirror.folder.parent / "tmp").iterdir()]


def test_a_new_file_is_private_and_whole(mirror: Mirror) -> None:
    data = render({"id": "T-1", "title": "Rotate keys"}, 1)
    written = mirror.write("task", "T-1", data, expect_sha256=None)
    assert written == mirror.read("task", "T-1")
    assert (written.data, written.sha256) == (data, sha256(data))
    assert written.path == mirror.folder / "tasks" / "T-1.json"
    assert stat.S_IMODE(written.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(mirror.folder.stat().st_mode) == 0o700
    assert mirror.scan("task") == [written]
    assert mirror.scan("agent") == []
    assert leftovers(mirror) == []


def test_a_file_is_replaced_only_over_the_bytes_that_were_read(mirror: Mirror) -> None:
    first = mirror.write("task", "T-1", b"one", expect_sha256=None)
    second = mirror.write("task", "T-1", b"two", expect_sha256=first.sha256)
    assert second.path.read_bytes() == b"two"
    with pytest.raises(FileMoved, match="was changed since it was read"):
        mirror.write("task", "T-1", b"three", expect_sha256=first.sha256)
    with pytest.raises(FileMoved, match="was changed since it was read"):
        mirror.write("task", "T-1", b"three", expect_sha256=None)
    with pytest.raises(FileMoved, match="is gone since it was read"):
        mirror.write("task", "T-2", b"three", expect_sha256=first.sha256)
    assert second.path.read_bytes() == b"two"
    assert leftovers(mirror) == []


def test_the_same_bytes_are_not_written_again(mirror: Mirror) -> None:
    first = mirror.write("task", "T-1", b"one", expect_sha256=None)
    inode = first.path.stat().st_ino
    assert mirror.write("task", "T-1", b"one", expect_sha256=first.sha256) == first
    assert first.path.stat().st_ino == inode


def test_what_is_wrong_with_one_of_many_files_stays_with_it(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them wait for one fsync of their folder, and none for another's trouble."""
    count = 3 * placing.AT_ONCE
    ids = [f"T-{number}" for number in range(count)]
    first = mirror.write_all([Gift("task", id, b"one", None) for id in ids])
    assert first == [mirror.read("task", id) for id in ids]
    mirror.path("task", "T-1").write_bytes(b"mine")
    synced: list[Path] = []
    draft = placing._draft

    def refuse(one: placing.Placing) -> None:
        if one.id == "T-2":
            raise OSError(errno.ENOSPC, "No space left on device")
        if one.id == "T-3":
            raise OverflowError("too large")
        draft(one)

    monkeypatch.setattr(placing, "sync_folder", synced.append)
    monkeypatch.setattr(placing, "_draft", refuse)
    second = mirror.write_all([Gift("task", id, b"two", sha256(b"one")) for id in ids])
    wrong = {"T-1": FileMoved, "T-2": StoreUnavailable, "T-3": OverflowError}
    for id, became in zip(ids, second, strict=True):
        assert isinstance(became, wrong.get(id, MirrorFile)), (id, became)
        said = b"mine" if id == "T-1" else b"one" if id in wrong else b"two"
        assert mirror.path("task", id).read_bytes() == said
    assert synced == [mirror.folder / "tasks"]
    assert leftovers(mirror) == []


def test_a_folder_that_cannot_be_synced_is_the_matter_of_its_files(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        if folder.name == "tasks":
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(placing, "sync_folder", refuse)
    gifts = [Gift(kind, "X-1", b"one", None) for kind in ("task", "agent")]
    task, agent = mirror.write_all(gifts)
    assert isinstance(task, StoreUnavailable)
    assert isinstance(agent, MirrorFile)


@pytest.mark.parametrize("in_place", [True, False])
def test_an_edit_saved_at_the_last_moment_is_put_back(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, in_place: bool
) -> None:
    first = mirror.write("task", "T-1", b"one", expect_sha256=None)
    swap = placing.swap

    def save_just_before(left: Path, right: Path) -> bool:
        monkeypatch.setattr(placing, "swap", swap)
        if in_place:
            right.write_bytes(b"mine")
        else:
            edit = right.with_suffix(".new")
            edit.write_bytes(b"mine")
            edit.rename(right)
        return swap(left, right)

    monkeypatch.setattr(placing, "swap", save_just_before)
    with pytest.raises(FileMoved, match="was saved while it was being written"):
        mirror.write("task", "T-1", b"two", expect_sha256=first.sha256)
    assert first.path.read_bytes() == b"mine"
    assert leftovers(mirror) == []


def test_an_edit_that_cannot_be_put_back_is_not_thrown_away(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mirror.write("task", "T-1", b"one", expect_sha256=None)
    swap = placing.swap

    def fail_the_second_time(left: Path, right: Path) -> bool:
        monkeypatch.setattr(placing, "swap", refuse)
        right.write_bytes(b"mine")
        return swap(left, right)

    def refuse(left: Path, right: Path) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(placing, "swap", fail_the_second_time)
    with pytest.raises(StoreUnavailable, match="Input/output error"):
        mirror.write("task", "T-1", b"two", expect_sha256=first.sha256)
    (kept,) = leftovers(mirror)
    assert (mirror.folder.parent / "tmp" / kept).read_bytes() == b"mine"


def test_a_file_system_without_swap_is_written_by_rename(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mirror.write("task", "T-1", b"one", expect_sha256=None)
    monkeypatch.setattr("orc_storage.exchange._SWAP", None)
    second = mirror.write("task", "T-1", b"two", expect_sha256=first.sha256)
    assert second.path.read_bytes() == b"two"
    assert leftovers(mirror) == []


def test_remove_takes_only_the_bytes_that_were_read(mirror: Mirror) -> None:
    first = mirror.write("task", "T-1", b"one", expect_sha256=None)
    first.path.write_bytes(b"mine")
    with pytest.raises(FileMoved):
        mirror.remove("task", "T-1", expect_sha256=first.sha256)
    assert first.path.read_bytes() == b"mine"
    mirror.remove("task", "T-1", expect_sha256=sha256(b"mine"))
    mirror.remove("task", "T-1", expect_sha256=sha256(b"mine"))
    assert mirror.scan("task") == []
    assert leftovers(mirror) == []


def test_an_edit_saved_while_removing_stays(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mirror.write("task", "T-1", b"one", expect_sha256=None)
    rename = Path.rename

    def save_just_before(path: Path, target: Path) -> Path:
        path.write_bytes(b"mine")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", save_just_before)
    with pytest.raises(FileMoved, match="it stays"):
        mirror.remove("task", "T-1", expect_sha256=first.sha256)
    assert first.path.read_bytes() == b"mine"
    assert leftovers(mirror) == []


def test_what_is_not_ours_is_passed_over_and_counted(mirror: Mirror, tmp_path: Path) -> None:
    tasks = mirror.folder / "tasks"
    ours = mirror.write("task", "T-1", b"one", expect_sha256=None)
    (tmp_path / "secret").write_bytes(b"secret")
    (tasks / "T-2.json").symlink_to(tmp_path / "secret")
    (tasks / "T-3.json").mkdir()
    os.mkfifo(tasks / "T-4.json")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tasks / "T-5.json"))
    listener.close()
    for name in (".T-6.json.swp", "T-6.json~", "notes.txt", "-T.json", "ä.json", ".json"):
        (tasks / name).write_bytes(b"x")
    assert mirror.scan("task") == [ours]
    assert mirror.ignored == {"task": 10, "agent": 0}
    for id in ("T-2", "T-3", "T-4", "T-5"):
        assert mirror.read("task", id) is None
        with pytest.raises(FileMoved, match="is there already"):
            mirror.write("task", id, b"two", expect_sha256=None)
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert leftovers(mirror) == []


def test_a_file_that_cannot_be_read_is_no_missing_file(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.write("task", "T-1", b"one", expect_sha256=None)

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    (found,) = mirror.scan("task")
    assert (found.id, found.data, found.trouble) == (
        "T-1",
        b"",
        "cannot be read: Permission denied",
    )


def test_a_folder_that_is_gone_is_no_empty_folder(mirror: Mirror) -> None:
    (mirror.folder / "tasks").rmdir()
    with pytest.raises(StoreUnavailable, match="tasks cannot be read"):
        mirror.scan("task")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        mirror.write("task", "T-1", b"one", expect_sha256=None)
    assert leftovers(mirror) == []


def test_a_folder_that_is_a_symlink_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "files").mkdir(parents=True, mode=0o700)
    (folder / "files" / "tasks").symlink_to(tmp_path)
    (folder / "files").chmod(0o700)
    folder.chmod(0o700)
    with pytest.raises(UnsafePath, match="tasks is a symlink"):
        Mirror(folder / "files").prepare()


def test_an_id_never_leaves_its_folder(mirror: Mirror) -> None:
    for id in ("../x", "a/b", "", ".."):
        with pytest.raises(InvalidId):
            mirror.path("task", id)
        with pytest.raises(InvalidId):
            mirror.write("task", id, b"", expect_sha256=None)


def test_old_leftovers_are_swept_and_young_ones_kept(mirror: Mirror) -> None:
    workshop = mirror.folder.parent / "tmp"
    for name, age_s in (("old", 8 * 24 * 3600), ("young", 3600)):
        (workshop / name).write_bytes(b"x")
        at = time.time() - age_s
        os.utime(workshop / name, (at, at))
    mirror.prepare()
    assert leftovers(mirror) == ["young"]


def test_render_puts_first_what_people_look_for() -> None:
    body: dict[str, files.Json] = {
        "zeta": {"b": 1, "a": 2},
        "text": "ü",
        "title": "T",
        "alpha": [],
        "id": "T-1",
    }
    data = render(body, 3)
    assert data.decode() == (
        '{\n  "id": "T-1",\n  "rev": 3,\n  "title": "T",\n  "text": "ü",\n  "alpha": [],\n'
        '  "zeta": {\n    "a": 2,\n    "b": 1\n  }\n}\n'
    )
    assert parse(data, "T-1") == (body, 3)


def test_a_file_without_a_revision_says_so() -> None:
    assert parse(b'\xef\xbb\xbf{"id": "T-1"}', "T-1") == ({"id": "T-1"}, None)


@pytest.mark.parametrize(
    ("data", "text", "line", "column"),
    [
        (b"", "is empty", 1, 1),
        (b" \n\t", "is empty", 1, 1),
        (b'{\n  "id": "T-1",\n  "title": \n}', "is not valid JSON: Expecting value", 4, 1),
        (b'{"id": "T-1"', "is not valid JSON", 1, 13),
        (b"\n [1, 2]", "must be one JSON object", 2, 2),
        (b'{\n "id": "T-2"}', 'its name says "T-1"', 2, 2),
        (b'{"title": "x"}', 'says no id, but its name says "T-1"', 1, 1),
        (b'{"id": "T-1",\n "rev": "2"}', '"rev" must be a whole number', 2, 2),
        (b'{"id": "T-1", "rev": true}', '"rev" must be a whole number', 1, 15),
        (b'{"id": "T-1", "rev": 0}', '"rev" must be a whole number', 1, 15),
        (b'{"id": "T-1",\n "a": 1,\n "a": 2}', 'has "a" twice', 3, 2),
        (b'{"id": "T-1",\n "a": NaN}', "holds NaN", 2, 7),
        (b'{"id": "T-1", "a": 1e999}', "cannot be kept", 1, 1),
        (b'{"id": "T-1", "a": "\\ud800"}', "cannot be kept", 1, 1),
        (b'{"id": "T-1",\n"a": "\xff"}', "is not UTF-8 text", 2, 7),
        (b'{"id": "T-1", "a": ' + b"9" * 5000 + b"}", "cannot be read", 1, 1),
        (b"[" * 100_000, "cannot be read", 1, 1),
        (b" " * (1024 * 1024 + 1), "is larger than 1024 KiB", 1, 1),
    ],
)
def test_a_fault_says_what_is_wrong_and_where(
    data: bytes, text: str, line: int, column: int
) -> None:
    with pytest.raises(FileFault) as caught:
        parse(data, "T-1")
    assert text in caught.value.text
    assert str(caught.value).startswith((f"line {line}, column {column}: ", caught.value.text))
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_huge_file_is_read_no_further_than_its_fault(mirror: Mirror) -> None:
    path = mirror.path("task", "T-1")
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    (found,) = mirror.scan("task")
    assert len(found.data) == files.SIZE_MAX_BYTES + 1
    with pytest.raises(FileFault, match="is larger than"):
        parse(found.data, "T-1")


def as_vim_saves(path: Path, data: bytes) -> None:
    """Away, anew, written, and what was there before removed."""
    aside = path.with_name(path.name + "~")
    path.rename(aside)
    path.write_bytes(data)
    aside.unlink()


def as_most_save(path: Path, data: bytes) -> None:
    draft = path.with_name(".draft")
    draft.write_bytes(data)
    draft.replace(path)


def in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize("save", [as_vim_saves, as_most_save, in_place])
async def test_a_save_is_told_once_and_when_it_is_finished(
    mirror: Mirror, save: Callable[[Path, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However an editor goes about it."""
    monkeypatch.setattr(notices, "BEGUN_S", DEADLINE_S)
    path = mirror.write("task", "T-1", b"one", expect_sha256=None).path
    stop, seen = asyncio.Event(), asyncio.Queue[set[object]]()
    watching = asyncio.create_task(watched(mirror, stop, seen))
    await asyncio.sleep(0)
    save(path, b"two")
    assert await asyncio.wait_for(seen.get(), DEADLINE_S) == {("task", "T-1")}
    path.open("wb").close()
    mirror.path("agent", "end").write_bytes(b"x")
    told = await asyncio.wait_for(seen.get(), DEADLINE_S)
    assert told == {("task", "T-1"), ("agent", "end")}, "one look for what comes together"
    stop.set()
    await asyncio.wait_for(watching, DEADLINE_S)


async def test_what_is_only_begun_is_waited_for(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "BEGUN_S", DEADLINE_S)
    path = mirror.write("task", "T-1", b"one", expect_sha256=None).path
    stop, seen = asyncio.Event(), asyncio.Queue[set[object]]()
    watching = asyncio.create_task(watched(mirror, stop, seen))
    await asyncio.sleep(0)
    with path.open("ab", buffering=0) as file:
        file.write(b"half")
        mirror.path("agent", "end").write_bytes(b"x")
        assert await asyncio.wait_for(seen.get(), DEADLINE_S) == {("agent", "end")}
    assert await asyncio.wait_for(seen.get(), DEADLINE_S) == {("task", "T-1")}
    stop.set()
    await asyncio.wait_for(watching, DEADLINE_S)


async def test_what_is_begun_and_never_finished_is_told_too(mirror: Mirror) -> None:
    path = mirror.write("task", "T-1", b"one", expect_sha256=None).path
    gone = mirror.write("task", "T-2", b"one", expect_sha256=None).path
    stop, seen = asyncio.Event(), asyncio.Queue[set[object]]()
    watching = asyncio.create_task(watched(mirror, stop, seen))
    await asyncio.sleep(0)
    with path.open("ab") as file:
        file.write(b"more")
        file.flush()
        gone.unlink()
        mirror.path("agent", "a").hardlink_to(path)
        told: set[object] = set()
        while told != {("task", "T-1"), ("task", "T-2"), ("agent", "a")}:
            told |= await asyncio.wait_for(seen.get(), DEADLINE_S)
    shutil.rmtree(mirror.folder)
    with pytest.raises(StoreUnavailable, match="is missing"):
        await asyncio.wait_for(watching, DEADLINE_S)
    assert not stop.is_set()


async def test_notices_that_run_over_name_everything(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.write("task", "T-1", b"one", expect_sha256=None)
    mirror.write("agent", "a", b"one", expect_sha256=None)
    stop, seen = asyncio.Event(), asyncio.Queue[set[object]]()
    watching = asyncio.create_task(watched(mirror, stop, seen))
    await asyncio.sleep(0)
    lost = inotify.Notice(-1, inotify.OVERFLOW, "")
    monkeypatch.setattr(inotify.Inotify, "read", lambda self: (os.read(self.fd, 4096), [lost])[1])
    mirror.path("task", "T-1").write_bytes(b"two")
    assert await asyncio.wait_for(seen.get(), DEADLINE_S) == {("task", "T-1"), ("agent", "a")}
    stop.set()
    await asyncio.wait_for(watching, DEADLINE_S)


@pytest.fixture(params=["the kernel tells", "watchfiles looks"])
def teller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How changes are heard of: directly, or where a system has no inotify."""
    if request.param == "watchfiles looks":
        monkeypatch.setattr(inotify.Inotify, "open", lambda _: False)


async def watched(mirror: Mirror, stop: asyncio.Event, seen: asyncio.Queue[set[object]]) -> None:
    async for touched in mirror.watch(stop):
        seen.put_nowait(set(touched))


@pytest.mark.usefixtures("teller")
async def test_an_edit_is_heard_and_our_workshop_is_not(mirror: Mirror) -> None:
    stop = asyncio.Event()
    seen: asyncio.Queue[set[object]] = asyncio.Queue()
    watching = asyncio.create_task(watched(mirror, stop, seen))
    await until_watching(mirror, seen)
    written: MirrorFile = mirror.write("task", "T-1", b"one", expect_sha256=None)
    assert await next_without(seen, ("agent", "probe")) == {("task", "T-1")}
    (mirror.folder / "tasks" / "notes.txt").write_bytes(b"x")
    began = time.monotonic()
    written.path.write_bytes(b"mine")
    assert await next_without(seen, ("agent", "probe")) == {("task", "T-1")}
    assert time.monotonic() - began < 0.5
    stop.set()
    await asyncio.wait_for(watching, DEADLINE_S)


@pytest.mark.usefixtures("teller")
async def test_a_folder_that_comes_back_is_watched_again(mirror: Mirror) -> None:
    stop = asyncio.Event()
    seen: asyncio.Queue[set[object]] = asyncio.Queue()
    watching = asyncio.create_task(watched(mirror, stop, seen))
    await until_watching(mirror, seen)
    (mirror.folder / "tasks").rmdir()
    mirror.prepare()
    path = mirror.path("task", "T-1")
    for _ in range(2):  # the first may only tell that the folder itself came back
        found: set[object] = set()
        deadline = time.monotonic() + DEADLINE_S
        count = 0
        while ("task", "T-1") not in found:
            assert time.monotonic() < deadline, "what is in it is not watched"
            count += 1
            path.write_text(str(count))
            with contextlib.suppress(TimeoutError):
                found |= await asyncio.wait_for(seen.get(), 0.2)
        while not seen.empty():
            seen.get_nowait()
    stop.set()
    await asyncio.wait_for(watching, DEADLINE_S)


@pytest.mark.usefixtures("teller")
async def test_watching_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="is missing"):
        async for _ in Mirror(tmp_path / "nowhere").watch(asyncio.Event()):
            pass


async def until_watching(mirror: Mirror, seen: asyncio.Queue[set[object]]) -> None:
    """Touch a file until the watcher, which starts on a thread, tells of it."""
    deadline = time.monotonic() + DEADLINE_S
    count = 0
    while seen.empty():
        assert time.monotonic() < deadline
        count += 1
        (mirror.folder / "agents" / "probe.json").write_text(str(count))
        try:
            seen.put_nowait(await asyncio.wait_for(seen.get(), 0.2))
        except TimeoutError:
            continue
    seen.get_nowait()


async def next_without(seen: asyncio.Queue[set[object]], name: object) -> set[object]:
    while True:
        touched = await asyncio.wait_for(seen.get(), DEADLINE_S) - {name}
        if touched:
            return touched
