"""Lists filtered and sorted by keys: what is typed, what is said, what stays under the cursor."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scene
from orc_core.model.task import Status
from orc_core.text import clean
from orc_tui import keymap
from orc_tui.view_models.lines import Line, marked_up, text_of, width_of
from orc_tui.view_models.lists import Entry, TasksList, in_order, is_quiet
from orc_tui.view_models.order import COLUMNS, TREE, Order, arranged, headed
from stage import Stage


def names(stage: Stage) -> list[str]:
    pane = stage.main.lists["agents"]
    return [row.name for row in pane.rows.values()]  # type: ignore[union-attr]


async def test_a_filter_narrows_as_it_is_typed_and_says_what_is_wrong() -> None:
    stage = Stage()
    async with stage.run_test(size=(100, 30)) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("slash", *"state:lim")
        await stage.settled(pilot)
        assert stage.lines()[-1].startswith(" /state:lim") and stage.lines()[-1].endswith("2 of 17")
        assert names(stage) == ["claude-3", "claude-4"]
        await pilot.press(*" colr:red")
        await stage.settled(pilot)
        assert "no field colr here: state, agent, kind" in stage.lines()[-1]
        assert "nothing matches: Esc shows all" in "\n".join(stage.lines())
        await pilot.press("enter")
        assert stage.told[-1].startswith("no field colr here: ")
        await pilot.press("escape")
        assert len(names(stage)) == 17
        await pilot.press("slash", *"-state:waiting npm", "enter")
        await stage.settled(pilot)
        assert "/-state:waiting npm" in stage.lines()[1]
        assert names(stage) == ["claude-6", "claude-1"]


async def test_what_a_word_found_is_underlined() -> None:
    stage = Stage()
    async with stage.run_test(size=(100, 30)) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("slash", *"NPM agent:claude-2", "enter")
        await stage.settled(pilot)
        pane = stage.main.lists["agents"]
        marked = [
            text for line in pane.lines for text, ink in line if "underline" in str(ink).split()
        ]
        assert marked == ["claude-2", "npm"]


shown_texts = st.text(max_size=9).map(clean)
"""What is drawn was cleaned."""


@given(st.lists(st.tuples(shown_texts, st.just("text"))).map(tuple), st.text(min_size=1))
def test_underlining_leaves_the_text_as_it_is(line: Line, word: str) -> None:
    import re

    found = re.compile(re.escape(word), re.IGNORECASE)
    shown = marked_up(line, found)
    assert (text_of(shown), width_of(shown)) == (text_of(line), width_of(line))


async def test_a_column_is_chosen_turned_round_and_given_up() -> None:
    stage = Stage()
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        own = names(stage)
        at = stage.main.lists["agents"].roll.cursor
        await pilot.press("s", "a")
        await stage.settled(pilot)
        assert names(stage) == sorted(own, key=lambda name: (name[:5], int(name[-1])))
        assert stage.main.lists["agents"].roll.cursor == at, "the cursor stays on its row"
        assert "agent↑" in stage.lines()[2] and "1 Agents  by agent ↑ ─" in stage.lines()[1]
        await pilot.press("s")
        await stage.settled(pilot)
        assert "now ↑, again turns it" in "\n".join(stage.lines())
        await pilot.press("a")
        await stage.settled(pilot)
        assert names(stage) == sorted(own, key=lambda name: (name[:5], int(name[-1])))[::-1]
        assert "agent↓" in stage.lines()[2]
        # What comes while keys are pressed does not move rows; a choice does, at once.
        gone = scene.snapshot().agents[1:]
        stage.show(replace(scene.snapshot(), agents=gone))
        await pilot.press("s", "n")
        await stage.settled(pilot)
        assert names(stage) == [name for name in own if name in {one.name for one in gone}]
        await pilot.press("2", "s", "i")
        await stage.settled(pilot)
        assert "by title ↑" in "\n".join(stage.lines()) and "title↑" in "\n".join(stage.lines())
        await pilot.press("4", "s")
        assert stage.told[-1] == "s does nothing in Sync; it acts in Agents, Tasks and Conflicts"


@pytest.mark.parametrize("pane", COLUMNS)
def test_every_column_has_a_key_of_its_own_and_sorts_both_ways(pane: str) -> None:
    keys = [one.key for one in COLUMNS[pane]]
    assert len({*keys, "n", "j", "k", "q"}) == len(keys) + 4
    whole = scene.snapshot()
    rows = {"agents": whole.agents, "tasks": whole.tasks, "conflicts": whole.conflicts}[pane]
    for column in COLUMNS[pane]:
        order = Order().chosen(column.id)
        one = arranged(rows, lambda row: row, pane, order)  # type: ignore[arg-type, return-value]
        other = arranged(rows, lambda row: row, pane, order.chosen(column.id))  # type: ignore[arg-type, return-value]
        assert sorted(map(id, one)) == sorted(map(id, other)) == sorted(map(id, rows))
        values = [column.value(row) for row in one]
        assert values == [column.value(row) for row in other][::-1]
        assert order.chosen(column.id).chosen(column.id) == order
        assert order.chosen("") == Order()


def test_an_arrow_never_moves_a_column() -> None:
    line: Line = (("   state    agent     for task why", "dim"),)
    for column in COLUMNS[keymap.AGENTS]:
        shown = headed(line, keymap.AGENTS, Order(column.id))
        assert width_of(shown) == width_of(line)
    assert "agent↑" in text_of(headed(line, keymap.AGENTS, Order("agent")))
    assert headed(line, keymap.AGENTS, Order("context")) == line


async def test_agents_that_do_nothing_are_folded_into_one_line() -> None:
    stage = Stage()
    whole = replace(scene.snapshot(), agents=(*scene.agents(), *scene.others()))
    async with stage.run_test(size=(160, 60)) as pilot:
        stage.show(whole)
        await stage.settled(pilot)
        everybody = names(stage)
        stage.main.fold()
        await stage.settled(pilot)
        pane = stage.main.lists["agents"]
        assert len(pane.roll.keys) < len(everybody)
        idle = [one for one in whole.agents if is_quiet(one)]
        told = f"· {len(idle) - 2} idle, 2 other folded: Enter unfolds"
        assert told in "\n".join(stage.lines())
        await pilot.press("G", "space", "asterisk", "a")
        assert stage.told[-1] == "there is no row here to do that to"
        assert "fold" not in pane.marks and len(pane.marks) == len(pane.roll.keys) - 1
        await pilot.press("slash", *"ops:1", "enter")
        await stage.settled(pilot)
        assert names(stage) == ["ops:1"], "a filter looks at those that are folded"
        await pilot.press("escape", "G", "enter")
        await stage.settled(pilot)
        assert names(stage) == everybody and not stage.main.zoomed


def test_tasks_stand_under_what_they_wait_for() -> None:
    one, other = scene.snapshot().tasks[:2]
    tasks = [
        replace(one, id="T-1", title="Cart", depends_on=("T-2",), fault="", pending=False),
        replace(other, id="T-2", title="Prices", depends_on=(), status=Status.READY, fault=""),
    ]
    model = TasksList()
    entries = [Entry(one.id, one, False) for one in tasks]
    grown = in_order(entries, keymap.TASKS, Order(TREE))
    drawn = model.draw(entries, grown, 70, scene.snapshot().at, boxed=True)
    rows = [text_of(row) for row in drawn.rows]
    assert [" Prices" in rows[0], " └ Cart" in rows[1]] == [True, True]
    assert {width_of(row) for row in drawn.rows} == {69}, "all but the sign of the cursor"
    turned = in_order(entries, keymap.TASKS, Order(TREE, is_reversed=True))
    assert [one.key for one in turned] == ["T-1", "T-2"]
