"""The main view against its sketches, line by line and cell by cell."""

from dataclasses import replace

import sketches

import scene
from orc_tui.view_models import agents, conflicts, header, limits, sync, tasks
from orc_tui.view_models.lines import text_of
from stage import Stage


async def test_the_main_view_at_80x24_is_the_sketch() -> None:
    stage = Stage()
    async with stage.run_test(size=(80, 24)) as pilot:
        stage.main._last_key_at = scene.LAST_KEY_AT
        stage.show(replace(scene.snapshot(), screen=scene.short_screen()))
        stage.main.take_digest(scene.digest())
        await stage.settled(pilot)
        assert stage.lines() == sketches.MAIN_80.splitlines()


async def test_the_main_view_at_160x48_is_the_sketch() -> None:
    stage = Stage()
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        lines = stage.lines()
        assert lines[0] == sketches.HEADER_160
        assert [line[:79] for line in lines[1:47]] == sketches.LISTS_160.splitlines()
        right = [line[80:] for line in lines[1:47]]
        assert right[:6] == sketches.LIVE_160_TOP.splitlines()
        assert right[-4:] == sketches.LIVE_160_END.splitlines()


def test_rows_of_agents_are_exact_at_the_width_of_the_sketch() -> None:
    fleet = agents.ordered(scene.agents(), scene.AT)
    at = agents.columns(fleet, 77, boxed=True)
    wanted = [line[2:77].rstrip() for line in sketches.LISTS_160.splitlines()[2:19]]
    first = limits.heads(fleet)
    rows = [agents.row(one, at, scene.AT, first.get(one.key)) for one in fleet]
    assert [text_of(row).rstrip() for row in rows] == wanted


def test_rows_of_tasks_conflicts_and_layers_are_exact() -> None:
    sketch = [line[2:77].rstrip() for line in sketches.LISTS_160.splitlines()]
    found = tasks.ordered(scene.tasks())
    at = tasks.columns(found, 77)
    assert [text_of(tasks.row(one, at, scene.AT)).rstrip() for one in found[:10]] == sketch[22:32]
    clashes = conflicts.ordered(scene.conflicts())
    where = conflicts.columns(clashes, 77)
    drawn = [text_of(conflicts.row(one, where, scene.AT)).rstrip() for one in clashes]
    assert drawn == sketch[34:39]
    assert [text_of(sync.row(one, 76)).rstrip() for one in scene.layers()] == sketch[42:45]


def test_the_header_is_exactly_as_wide_as_the_terminal() -> None:
    for width in range(60, 240):
        line = text_of(header.line(scene.snapshot(), width))
        assert len(line) == width
        assert line.endswith("live ")
