"""Workflows carried through with real programs: order, bounds, wishes, owners, entries."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from clocks import wait_for
from orc_core.clock import SystemClock
from orc_core.errors import IllegalMove
from orc_core.saga import argv
from orc_core.saga.definition import Action, Definition, Patch, Step
from orc_core.saga.runner import Runner, is_free, owner_of
from orc_core.tasks.desk import Tasks
from orc_core.workflows import Workflows
from orc_storage import journal, sagas
from orc_storage.database import Database
from orc_storage.records import OPERATOR, Filter
from orc_storage.sagas import FenceLost, Phase, Saga, State, Wish

ENVIRON = {"PATH": "/usr/bin:/bin"}


@pytest_asyncio.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    async with await Database.open(tmp_path / "w", runtime=runtime) as opened:
        yield opened


@pytest.fixture
def wing(db: Database) -> Workflows:
    return Workflows.of(db, SystemClock(), ENVIRON, "me")


def sh(name: str, doing: str, undoing: str = "", **more: object) -> Step:
    undo = Action(run=["sh", "-c", undoing]) if undoing else None
    fields = {"retries": 0, **more}
    return Step(name=name, run=["sh", "-c", doing], undo=undo, **fields)  # type: ignore[arg-type]


def made(*steps: Step, timeout_s: float = 60.0) -> Definition:
    return Definition(name="x", step=list(steps), timeout_s=timeout_s)


async def entries(db: Database, id: str) -> list[str]:
    found = await db.read(lambda conn: journal.page(conn, Filter(kind="workflow", id=id)))
    return [f"{one.action} {one.detail.get('step', '')}".strip() for one in reversed(found)]


async def test_two_steps_leave_six_entries(db: Database, wing: Workflows, tmp_path: Path) -> None:
    begun = await wing.begin(made(sh("a", "true"), sh("b", "echo hi")), tmp_path)
    ended = await wing.wait(begun.id)
    assert ended.state is State.COMPLETED and ended.owner == ""
    assert await entries(db, begun.id) == ["start", "do a", "done a", "do b", "done b", "completed"]
    assert [one.output for one in ended.steps] == ["", "hi"]


async def test_a_failure_undoes_in_reverse_and_says_what_failed(
    db: Database, wing: Workflows, tmp_path: Path
) -> None:
    steps = [sh(n, f"echo do {n} >> log", f"echo undo {n} >> log") for n in "abc"]
    kept = sh("k", "echo do k >> log")
    fails = sh("d", "echo no such host; exit 7", "echo undo d >> log")
    begun = await wing.begin(made(*steps, kept, fails), tmp_path)
    ended = await wing.wait(begun.id)
    assert ended.state is State.ROLLED_BACK
    assert ended.reason == "d: sh ended with 7: no such host"
    assert (tmp_path / "log").read_text().split("\n")[4:] == ["undo c", "undo b", "undo a", ""]
    assert [one.phase for one in ended.steps][3:] == [Phase.KEPT, Phase.FAILED]


async def test_an_undo_that_fails_is_told_and_tried_again_when_asked(
    wing: Workflows, tmp_path: Path
) -> None:
    steps = [sh("a", "touch a", "rm a"), sh("b", "true", "test -e may"), sh("c", "exit 1")]
    ended = await wing.wait((await wing.begin(made(*steps), tmp_path)).id)
    assert ended.state is State.FAILED and not (tmp_path / "a").exists()
    assert [one.phase for one in ended.steps][:2] == [Phase.UNDONE, Phase.UNDO_FAILED]
    (tmp_path / "may").touch()
    await wing.ask(ended.id, Wish.ROLLBACK)
    assert (await wing.wait(ended.id)).state is State.ROLLED_BACK


async def test_what_takes_too_long_is_ended_with_its_children_and_undone(
    wing: Workflows, tmp_path: Path
) -> None:
    slow = sh("a", "sleep 60 & echo $! > pid; touch a; wait", "rm a", timeout_s=0.5)
    ended = await wing.wait((await wing.begin(made(slow), tmp_path)).id)
    assert ended.state is State.ROLLED_BACK and ended.reason == "a: it took longer than 0.5 s"
    assert not (tmp_path / "a").exists()
    pid = int((tmp_path / "pid").read_text())
    await wait_for(lambda: not sagas_alive(pid))
    whole = await wing.begin(made(sh("a", "sleep 60"), timeout_s=0.3), tmp_path)
    assert (await wing.wait(whole.id)).reason == "a: the workflow took longer than 0.3 s"


def sagas_alive(pid: int) -> bool:
    return not is_free(f"{pid}.{owner_of(pid).partition('.')[2]}", "")


async def test_a_person_pauses_cancels_and_says_yes(
    db: Database, wing: Workflows, tmp_path: Path
) -> None:
    gate = Step(name="ok", gate="Go on?")
    begun = await wing.begin(made(sh("a", "touch a", "rm a"), gate, sh("c", "touch c")), tmp_path)
    with pytest.raises(IllegalMove, match="waits for nobody"):
        await wing.answer(begun.id, "approve")
    running = asyncio.create_task(wing.wait(begun.id))
    await _until(wing, begun.id, lambda saga: saga.steps[1].phase is Phase.DOING)
    await wing.ask(begun.id, Wish.PAUSE)
    await wing.answer(begun.id, "approve")
    paused = await _until(wing, begun.id, lambda saga: saga.state is State.PAUSED)
    assert not (tmp_path / "c").exists() and paused.owner == ""
    await wing.resume(begun.id)
    assert (await running).state is State.COMPLETED
    await wing.ask(begun.id, Wish.ROLLBACK)
    assert (await wing.wait(begun.id)).state is State.ROLLED_BACK
    assert not (tmp_path / "a").exists()

    other = await wing.begin(made(sh("a", "touch b; sleep 60", "rm b")), tmp_path)
    running = asyncio.create_task(wing.wait(other.id))
    await wait_for((tmp_path / "b").exists)
    await wing.ask(other.id, Wish.CANCEL)
    assert (await running).state is State.ABORTED
    assert (tmp_path / "b").exists(), "cancelling leaves what was done"
    await wing.ask(other.id, Wish.ROLLBACK)
    assert (await wing.wait(other.id)).state is State.ROLLED_BACK
    assert not (tmp_path / "b").exists()
    assert "ask cancel" in await entries(db, other.id)


async def _until(wing: Workflows, id: str, holds: Callable[[Saga], bool]) -> Saga:
    async with asyncio.timeout(10):
        while True:
            if holds(found := await wing.get(id)):
                return found


async def test_fifty_at_once_keep_to_themselves(wing: Workflows, tmp_path: Path) -> None:
    async def one(number: int) -> State:
        place = tmp_path / f"f{number}"
        place.mkdir()
        last = "exit 1" if number % 2 else "true"
        steps = [sh("a", "echo $ORC_KEY > a", "rm a"), sh("b", "true"), sh("c", last)]
        return (await wing.wait((await wing.begin(made(*steps), place)).id)).state

    states = await asyncio.gather(*map(one, range(50)))
    for number, state in enumerate(states):
        held = list((tmp_path / f"f{number}").iterdir())
        assert state is (State.ROLLED_BACK if number % 2 else State.COMPLETED)
        assert len(held) == (0 if number % 2 else 1)
    keys = {(tmp_path / f"f{n}" / "a").read_text() for n in range(0, 50, 2)}
    assert len(keys) == 25


async def test_whoever_lost_it_does_nothing_more(
    db: Database, wing: Workflows, tmp_path: Path
) -> None:
    """Another took a saga on while this one stood still: its effect is ended, its write refused."""
    begun = await wing.begin(made(sh("a", "sleep 60"), sh("b", "touch b")), tmp_path)
    running = asyncio.create_task(wing.runner.run(begun.id))
    stale = await _until(wing, begun.id, lambda saga: saga.steps[0].phase is Phase.DOING)
    taken = await db.write(lambda tx: sagas.claim(tx, begun.id, owner="1.1", was=stale.owner))
    assert taken is not None and taken.fence == stale.fence + 1
    await asyncio.wait_for(running, 10)
    with pytest.raises(FenceLost):
        await db.write(lambda tx: sagas.save(tx, stale, stale, ()))
    assert (await wing.get(begun.id)).steps[0].phase is Phase.DOING
    assert not (tmp_path / "b").exists()
    assert await db.write(lambda tx: sagas.claim(tx, begun.id, owner="2.2", was="9.9")) is None


async def test_a_patch_is_written_once_and_taken_back_alone(
    db: Database, wing: Workflows, tmp_path: Path
) -> None:
    tasks = Tasks(db)
    await tasks.add("Cart", actor=OPERATOR, cause="x", priority=3, labels=["old"])
    patch = Patch(task="T-1", set={"priority": 9, "labels": ["new"]})
    steps = [Step(name="p", patch=patch), sh("c", "test -e may")]
    begun = await wing.begin(made(*steps), tmp_path)
    ended = await wing.wait(begun.id)
    task = await tasks.get("T-1")
    assert ended.state is State.ROLLED_BACK and (task.priority, task.labels) == (3, ("old",))
    await wing.retry(begun.id)
    (tmp_path / "may").touch()
    assert (await wing.wait(begun.id)).state is State.COMPLETED
    await tasks.edit("T-1", {"priority": 12}, actor=OPERATOR, cause="x")
    await wing.ask(begun.id, Wish.ROLLBACK)
    assert (await wing.wait(begun.id)).state is State.ROLLED_BACK
    task = await tasks.get("T-1")
    assert (task.priority, task.labels) == (12, ("old",)), "what somebody else set since is theirs"


async def test_a_leader_runs_what_is_there_and_nobody_else_does(
    db: Database, wing: Workflows, tmp_path: Path
) -> None:
    leads = False
    begun = await wing.begin(made(sh("a", "touch a")), tmp_path)
    following = asyncio.create_task(Runner(wing.outside).follow(lambda: leads))
    try:
        leads = True
        await _until(wing, begun.id, lambda saga: saga.state is State.COMPLETED)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def test_an_owner_is_free_when_its_process_is_over() -> None:
    assert is_free("", "x") and is_free("4194304.7", "x")
    assert not is_free(owner_of(os.getpid()), "x")
    assert is_free(f"{os.getpid()}.1", "x"), "its number was given to another process"


async def test_a_program_gets_its_words_as_they_are_and_ends_with_its_group(
    tmp_path: Path,
) -> None:
    here = str(tmp_path)
    ran = await argv.run(["printf", "%s|", "a b", "$(id)", "*"], environ=ENVIRON, folder=here)
    assert ran == argv.Ran(0, "a b|$(id)|*|")
    ran = await argv.run(["nowhere"], environ=ENVIRON, folder=here)
    assert ran.code == 127
    ran = await argv.run(["sh", "-c", "yes | head -c 999999"], environ=ENVIRON, folder=here)
    assert len(ran.output) <= argv.OUTPUT_MAX
    left = "sleep 60 & echo $!"
    ran = await argv.run(["sh", "-c", left], environ=ENVIRON, folder=here)
    await wait_for(lambda: not sagas_alive(int(ran.output)))
