"""What an agent did, as the tabs History and Figures tell it."""

from __future__ import annotations

from dataclasses import replace

import scene
from orc_core.model.activity import Activity
from orc_core.model.agent import Agent
from orc_tui.messages import ActivityWanted
from orc_tui.view_models import activity, live
from orc_tui.view_models.lines import Line, text_of, width_of
from stage import Stage, until

WIDTH = 76
ASKS = next(one for one in scene.agents() if one.name == "claude-2")


def history(told: Activity | None, agent: Agent = ASKS, width: int = WIDTH) -> list[Line]:
    return activity.history_lines(agent, told, scene.AT, width, scene.HOME)


def texts(lines: list[Line]) -> list[str]:
    return [text_of(line).rstrip() for line in lines]


def test_states_and_prompts_stand_in_one_order_newest_first_with_their_source() -> None:
    rows = texts(history(scene.activity()))
    first = "14:28  ◆ waiting     4m  asks"
    assert rows[0].startswith(first) and rows[0].endswith("hook claude/PermissionRequest")
    assert rows[1].startswith("14:23  ● working     5m  took up work")
    assert rows[2].startswith("14:20  ▲ error       3m  failed")
    at = rows.index(next(row for row in rows if row.startswith("13:31  ❯ “Take T-14.")))
    assert rows[at + 2].endswith("…")  # a long prompt is cut at three lines
    assert rows[at + 1].startswith("         ")
    assert rows[rows.index("Thu 19 Nov") + 1].startswith("20:12  ○ idle     13h02  is ready")


def test_files_are_told_newest_first_by_their_way_from_the_folder_or_home() -> None:
    rows = texts(history(scene.activity()))
    at = rows.index("files it was at")
    assert rows[at + 1 :] == [
        "14:12  db/migrations/0042_orders_total_cents.sql",
        "14:02  ~/.claude/plans/orders.md",
        "13:37  db/migrations/0041_orders.sql",
    ]


def test_without_hooks_it_says_how_to_have_them_and_of_another_agent_nothing() -> None:
    bare = Activity(ASKS.key)
    told = " ".join(texts(history(bare)))
    assert "no state of it was written down yet" in told
    assert "orc hooks install claude" in told
    assert texts(history(replace(bare, key="else"))) == [activity.ASKED]
    assert texts(history(None)) == [activity.ASKED]


def test_figures_name_what_they_count_and_since_when() -> None:
    rows = texts(activity.figure_lines(ASKS, scene.activity(), WIDTH))
    told = "\n".join(rows)
    assert "context       62 %" in told
    assert "active        4h16  of 4h29 that were seen" in told
    assert "● working     4h16" in told
    assert "▲ error         3m  ━─" in told  # what is more than nothing is seen
    assert "prompts          2  since 09:12, by its hooks" in told
    assert "states           6  changes today, 1 of them errors" in told
    assert "new screens  1,412  since 12:10, 20,918 lines of it" in told


def test_what_nothing_tells_is_no_zero() -> None:
    other = replace(ASKS, usage=replace(ASKS.usage, context=None))
    rows = texts(activity.figure_lines(other, Activity(ASKS.key), WIDTH))
    told = "\n".join(rows)
    assert "Nothing tells what claude-2 uses" in told
    assert "no state of it was written down today" in told
    assert not any(word in told for word in ("prompts", "new screens", "runs for", "context"))


def test_no_line_is_wider_than_its_place() -> None:
    for width in (51, WIDTH, 120):
        made = history(scene.activity(), width=width)
        made += activity.figure_lines(ASKS, scene.activity(), width)
        assert max(map(width_of, made)) <= width, width


def test_a_click_finds_the_name_of_a_tab_and_nothing_beside_it() -> None:
    edge: Line = (("╭─ 0 Live  Why not ─── ", "accent"), *live.tabs("Why"), (" ─╮", "accent"))
    text = text_of(edge)
    at = text.index("History")
    assert [live.tab_at(edge, x) for x in (at - 1, at, at + 6, at + 7)] == [
        "",
        "History",
        "History",
        "",
    ]
    assert live.tab_at(edge, text.rindex("Why")) == "Why"
    short: Line = (("╭─ ", "accent"), *live.tabs("Screen", 22), (" ─╮", "accent"))
    assert text_of(short) == "╭─ [Screen] Why Hist Fig ─╮"
    assert live.tab_at(short, text_of(short).index("Fig")) == "Figures"
    assert live.tab_at(edge, text.index("Why")) == ""


def test_tabs_yield_where_there_is_little_room_and_the_active_one_stays() -> None:
    told = {room: text_of(live.tabs("History", room)) for room in (40, 29, 22, 10)}
    assert told == {
        40: "Screen  Why [History] Figures",
        29: "Screen  Why [History] Figures",
        22: "Screen Why [Hist] Fig",
        10: "[History]",
    }


async def test_the_core_is_asked_once_and_again_when_the_agent_went_on() -> None:
    stage = Stage()
    whole = scene.snapshot()

    def asked() -> list[str]:
        return [one.agent_key for one in stage.said if isinstance(one, ActivityWanted)]

    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(whole)
        await stage.settled(pilot)
        assert asked() == []
        edge = stage.lines()[1]
        await pilot.click("#live", offset=(edge.rindex("History") - edge.rindex("╭"), 0))
        await until(pilot, lambda: any("files it was at" in line for line in stage.lines()))
        assert "[History]" in stage.lines()[1]
        stage.show(whole)
        await stage.settled(pilot)
        assert asked() == [ASKS.key]
        went_on = replace(ASKS, since=scene.AT)
        agents = tuple(went_on if one.key == ASKS.key else one for one in whole.agents)
        stage.show(replace(whole, agents=agents))
        await until(pilot, lambda: asked() == [ASKS.key] * 2)
