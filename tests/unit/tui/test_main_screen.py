"""The main view under keys, mouse, resizes and a moving fleet."""

from dataclasses import replace

import pytest
from textual.geometry import Region

import scene
from orc_core.model.agent import Agent, State
from orc_core.model.health import LinkState
from orc_core.model.snapshot import Part, Snapshot, Span
from orc_tui.messages import Seen, Selected
from orc_tui.view_models.lines import Line
from orc_tui.widgets.canvas import Canvas
from stage import Stage, until

SIZE = (80, 24)


def named(snapshot: Snapshot, name: str) -> Agent:
    return next(agent for agent in snapshot.agents if agent.name == name)


def changed(snapshot: Snapshot, who: str, /, **fields: object) -> Snapshot:
    fleet = tuple(
        replace(agent, **fields) if agent.name == who else agent for agent in snapshot.agents
    )
    return replace(snapshot, agents=fleet)


def names_in_view(stage: Stage) -> list[str]:
    roll = stage.main.lists["agents"].roll
    known = {agent.key: agent.name for agent in stage.main.snapshot.agents}
    return [known[key] for key in roll.visible]


# -- sizes ------------------------------------------------------------------------------------


async def test_every_size_is_drawn_and_a_small_one_says_so() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        for width, height in ((60, 15), (79, 23), (119, 40), (121, 16), (220, 60)):
            await pilot.resize_terminal(width, height)
            for pane in ("agents", "tasks", "sync", "live"):
                stage.main.zoomed = pane == "live"
                stage.main.focus_pane(pane)
                await stage.settled(pilot)
                assert max(len(line) for line in stage.lines()) <= width
                assert "? keys" in stage.lines()[-1]
        for width, height in ((59, 24), (80, 14), (50, 3)):
            await pilot.resize_terminal(width, height)
            await stage.settled(pilot)
            shown = [line for line in stage.lines() if line]
            assert shown == [f"terminal too small: {width}x{height}, orc-tui needs 60x15"[:width]]
        await pilot.resize_terminal(*SIZE)
        stage.main.zoomed = False
        stage.main.focus_pane("agents")
        await stage.settled(pilot)
        assert "claude-2" in stage.lines()[2]


# -- empty ------------------------------------------------------------------------------------


async def test_without_a_server_the_screen_says_how_to_get_one() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.empty())
        await stage.settled(pilot)
        text = " ".join(" ".join(stage.lines()).split())
        assert f"no tmux server at {scene.SOCKET}: start one with `tmux`" in text
        assert "or see the demo with `orc-tui --demo`" in text
        assert "no tasks yet: N makes one" in text


async def test_with_a_server_but_no_agent_the_screen_says_how_to_start_one() -> None:
    stage = Stage()
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(scene.empty(LinkState.LIVE))
        await stage.settled(pilot)
        text = " ".join(stage.lines())
        assert "no agents: start one in a tmux pane" in text
        assert "no conflicts" in text


# -- what the operator may trust ----------------------------------------------------------------


async def test_hostile_text_is_drawn_as_it_is() -> None:
    stage = Stage()
    hostile = changed(scene.snapshot(), "claude-2", does="[/] [bold]#(rm) $(x) {0} %s", name="[/x")
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(hostile)
        await pilot.press("w")
        await stage.settled(pilot)
        assert "[/] [bold]#(rm) $(x) {0} %s" in "\n".join(stage.lines())


async def test_panes_that_no_rule_knows_stand_last_and_are_counted_apart() -> None:
    stage = Stage()
    whole = replace(scene.snapshot(), agents=(*scene.others(), *scene.agents()))
    async with stage.run_test(size=(160, 60)) as pilot:
        stage.show(whole)
        await stage.settled(pilot)
        lines = stage.lines()
        assert "· 2 other" in lines[0]
        assert names_in_view(stage)[-2:] == ["ops:1", "ops:2"]
        assert "· other    ops:1" in "\n".join(lines)


# -- focus and layers ---------------------------------------------------------------------------


async def test_the_foot_of_live_holds_whole_words() -> None:
    stage = Stage()
    async with stage.run_test(size=(120, 36)) as pilot:
        stage.show(changed(scene.snapshot(), "claude-2", agrees=False))
        await stage.settled(pilot)
        foot = next(line for line in stage.lines() if "the screen disagrees" in line)
        assert foot.endswith("following ─╯") and "waiting: permission" not in foot


async def test_each_escape_undoes_exactly_one_layer() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("slash", *"codex", "enter", "enter")
        assert stage.main.zoomed
        assert stage.main.pane == "live"
        await pilot.press("escape")
        assert (stage.main.zoomed, stage.main.pane) == (False, "agents")
        assert names_in_view(stage) == ["codex-1", "codex-2", "codex-3", "codex-4"]
        await pilot.press("escape")
        assert len(stage.main.lists["agents"].roll.keys) == 17
        await pilot.press("escape")
        assert "nothing to go back from: q quits" in stage.told
        await pilot.press("q")
        assert stage.acts == [("quit", "agents", scene.key_of("codex-1"))] or stage.acts[-1][0] == (
            "quit"
        )


async def test_a_filter_knows_its_keys_and_shows_itself() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("slash", *"state:waiting agent:codex", "enter")
        await stage.settled(pilot)
        assert names_in_view(stage) == ["codex-1"]
        assert "/state:waiting agent:codex" in stage.lines()[1]
        await pilot.press("slash", "x", "escape")
        await stage.settled(pilot)
        assert len(stage.main.lists["agents"].roll.keys) == 17


async def test_only_what_needs_you() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("exclamation_mark")
        await stage.settled(pilot)
        assert len(stage.main.lists["agents"].roll.keys) == 7
        assert "1 Agents  ! only what needs you" in "\n".join(stage.lines())
        await pilot.press("exclamation_mark")
        assert len(stage.main.lists["agents"].roll.keys) == 17


async def test_live_follows_the_focused_list() -> None:
    stage = Stage()
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(replace(scene.snapshot(), layers=scene.broken_layers()))
        for key, words in (
            ("2", ("0 Live  T-17", "Import the 2023 price list")),
            ("3", ("0 Live  C-7", "o  claude-2", "t  codex-1", "B  base  revision 11")),
            ("4", ("0 Live  tmux", "no faults")),
            ("1", ("0 Live  claude-2", "Do you want to proceed?")),
        ):
            await pilot.press(key)
            await stage.settled(pilot)
            text = "\n".join(line[80:] for line in stage.lines())
            for word in words:
                assert word in text
        await pilot.press("4", "j")
        await stage.settled(pilot)
        text = "\n".join(line[80:] for line in stage.lines())
        assert "T-11.json line 4 column 3: expected `,`: mend it" in text


async def test_at_80_columns_a_focused_list_gets_the_rows_of_live() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("2")
        await stage.settled(pilot)
        lines = stage.lines()
        assert lines[11].startswith("─ 2 Tasks ")
        assert lines[12].startswith("›✗ failed   T-17 12 Import the 2023 price list")
        assert lines[20].startswith(" 0 Live")


async def test_a_task_is_read_whole_and_escape_returns_to_the_list() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("2", "slash", *"T-14", "enter", "enter")
        await stage.settled(pilot)
        text = "\n".join(stage.lines())
        assert "needs       database, staging" in text
        assert "3. Switch reads to the new column." in text
        await pilot.press("escape")
        assert stage.main.pane == "tasks"


# -- rows keep their place ------------------------------------------------------------------------


async def test_rows_are_sorted_anew_only_when_hands_are_off() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("j", "j")
        before = names_in_view(stage)
        moved = changed(scene.snapshot(), "claude-1", state=State.WAITING, since=scene.AT - 900)
        stage.show(moved)
        await stage.settled(pilot)
        assert names_in_view(stage) == before
        assert stage.main.row_key == scene.key_of("claude-5")
        stage.time += 3.0
        stage.show(moved)
        await until(pilot, lambda: names_in_view(stage)[0] == "claude-1")
        assert stage.main.row_key == scene.key_of("claude-5")


async def test_rows_sort_themselves_two_seconds_after_the_last_key() -> None:
    stage = Stage(quiet_s=0.05)
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("j")
        stage.show(changed(scene.snapshot(), "claude-1", state=State.WAITING, since=0.0))
        stage.time += 1.0
        await until(pilot, lambda: names_in_view(stage)[0] == "claude-1", turns=5000)


async def test_a_done_agent_is_seen_when_it_was_looked_at() -> None:
    stage = Stage(quiet_s=0.01)
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press(*"jjjjjj")
        assert stage.main.row_key == scene.key_of("gemini-1")
        await until(pilot, lambda: any(isinstance(one, Seen) for one in stage.said), turns=5000)


async def test_the_next_that_needs_you_goes_round() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        seen = []
        for _ in range(8):
            await pilot.press("full_stop")
            seen.append(getattr(stage.main.row, "name", ""))
        assert seen[:2] == ["codex-1", "claude-5"]
        assert seen[6] == "claude-2"
        assert seen[7] == "codex-1"
        await pilot.press("comma", "comma")
        assert getattr(stage.main.row, "name", "") == "gemini-1"


# -- keys that act, and keys that cannot -----------------------------------------------------------


async def test_a_key_leaves_as_an_act_with_pane_and_row() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("y", "0", "i", "2", "N", "3", "o", "enter", "4", "r")
        key = scene.key_of("claude-2")
        assert stage.acts == [
            ("answer", "agents", key),
            ("type", "live", key),
            ("new", "tasks", "T-17"),
            ("take-left", "conflicts", "C-7"),
            ("open", "conflicts", "C-7"),
            ("again", "sync", "tmux"),
        ]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("G", "y"), "aider-2 is idle: it asks nothing"),
        (("o",), "o does nothing in Agents; it acts in Conflicts"),
        (("2", "j", "a"), "nobody works on T-23"),
        (("2", "j", "r"), "T-23 is ready: only what failed is tried again"),
        (("3", "G", "t"), "C-6 is resolved: z takes a decision back"),
        (("2", "f"), "f does nothing in Tasks; it acts in Agents, Live and Audit"),
    ],
)
async def test_a_key_that_cannot_act_says_why(keys: tuple[str, ...], told: str) -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press(*keys)
        await stage.settled(pilot)
        assert stage.told[-1] == told
        assert told in stage.lines()[-1]
        assert stage.acts == []


async def test_the_mouse_selects_opens_and_presses_keys() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        await pilot.click(offset=(20, 9))
        assert stage.main.row_key == scene.key_of("claude-6")
        await pilot.click(offset=(50, 3))
        assert stage.acts == [("answer", "agents", scene.key_of("codex-1"))]
        column = stage.lines()[-1].index("w why")
        await pilot.click(offset=(column, 23))
        assert stage.main.live.tab == "Why"


# -- Live -----------------------------------------------------------------------------------------


async def test_holding_moves_nothing_and_following_goes_on() -> None:
    stage = Stage()
    whole = scene.snapshot()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(whole)
        await stage.settled(pilot)
        before = stage.lines()[12:19]
        await pilot.press("f")
        assert whole.screen is not None
        fresh = replace(whole.screen, lines=(*whole.screen.lines, (Span("more", scene.PLAIN),)))
        stage.show(replace(whole, screen=fresh), Part.SCREEN)
        await stage.settled(pilot)
        assert stage.lines()[12:19] == before
        await pilot.press("f")
        await stage.settled(pilot)
        assert stage.lines()[18] == "more"


async def test_live_scrolls_and_shifts() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("K", "K")
        await stage.settled(pilot)
        assert stage.lines()[18] == "   3. No, and tell Claude what to do differently (esc)"
        await pilot.press("J", "J", "greater_than_sign")
        await stage.settled(pilot)
        assert stage.lines()[18] == "cancel · Tab to amend · ctrl+e to explain"
        await pilot.press("less_than_sign", "less_than_sign")
        await stage.settled(pilot)
        assert stage.lines()[18] == " Esc to cancel · Tab to amend · ctrl+e to explain"


async def test_selecting_an_agent_is_told_once() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        stage.show(scene.snapshot())
        await pilot.press("j")
        await pilot.pause()
        rows = [(one.pane, one.row_key) for one in stage.said if isinstance(one, Selected)]
        assert rows[-2:] == [
            ("agents", scene.key_of("claude-2")),
            ("agents", scene.key_of("codex-1")),
        ]


# -- painting -------------------------------------------------------------------------------------


async def test_only_changed_cells_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[tuple[str, Region]] = []
    refresh = Canvas.refresh

    def spy(self: Canvas, *regions: Region, **kind: bool) -> Canvas:
        painted.extend((self.id or "", region) for region in regions)
        if not regions:
            painted.append((self.id or "", self.size.region))
        return refresh(self, *regions, **kind)

    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        monkeypatch.setattr(Canvas, "refresh", spy)
        stage.main.draw_all()
        assert painted == []
        stage.main.snapshot = changed(scene.snapshot(), "claude-1", does="Bash  npm test -- card")
        stage.main.draw_all()
        assert painted == [("agents", Region(54, 9, 1, 1))]


async def test_what_did_not_change_is_not_even_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    draw = Canvas.draw

    def spy(self: Canvas, lines: list[Line]) -> int:
        drawn.append(self.id or "")
        return draw(self, lines)

    stage = Stage()
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(scene.snapshot())
        await until(pilot, lambda: stage.main.is_resting, turns=5000)
        selected = named(scene.snapshot(), "claude-2")
        assert stage.main.row == selected
        monkeypatch.setattr(Canvas, "draw", spy)
        stage.show(changed(stage.main.snapshot, "claude-1", does="Bash  npm test"), Part.AGENTS)
        assert {"agents"} == set(drawn) & {"agents", "tasks", "conflicts", "sync", "live"}
        await until(pilot, lambda: stage.main.is_resting, turns=5000)
        drawn.clear()
        stage.show(changed(stage.main.snapshot, "claude-2", does="asks"), Part.AGENTS)
        assert {"agents", "live"} == set(drawn) & {"agents", "tasks", "conflicts", "sync", "live"}
        await until(pilot, lambda: stage.main.is_resting, turns=5000)
        drawn.clear()
        stage.show(stage.main.snapshot, Part.TASKS)
        assert {"tasks", "live"} == set(drawn) & {"agents", "tasks", "conflicts", "sync", "live"}


async def test_the_first_change_paints_at_once_and_later_ones_are_gathered() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await until(pilot, lambda: stage.main.is_resting, turns=5000)
        stage.show(changed(scene.snapshot(), "claude-1", does="first"))
        assert "first" in str(stage.main.lists["agents"].lines)
        stage.show(changed(scene.snapshot(), "claude-1", does="second"))
        assert "second" not in str(stage.main.lists["agents"].lines)
        await until(pilot, lambda: "second" in str(stage.main.lists["agents"].lines), turns=5000)


async def test_the_change_of_one_part_does_not_wait_for_that_of_another() -> None:
    stage = Stage()

    def title(text: str) -> None:
        tasks = tuple(replace(task, title=text) for task in scene.snapshot().tasks)
        stage.show(replace(scene.snapshot(), tasks=tasks), Part.TASKS)

    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await until(pilot, lambda: stage.main.is_resting, turns=5000)
        stage.show(scene.snapshot(), Part.LAYERS)
        title("first")
        assert "first" in str(stage.main.lists["tasks"].lines)
        title("second")
        assert "second" not in str(stage.main.lists["tasks"].lines)
        await until(pilot, lambda: "second" in str(stage.main.lists["tasks"].lines), turns=5000)


async def test_the_view_stands_still_under_a_dialog_and_catches_up() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await pilot.press("question_mark")
        await stage.settled(pilot)
        text = "\n".join(stage.lines())
        assert "Keys of Agents" in text
        assert "answer yes: opens the card" in text
        stage.show(changed(scene.snapshot(), "claude-1", does="behind the dialog"))
        assert "behind" not in str(stage.main.lists["agents"].lines)
        await pilot.press("escape")
        await until(pilot, lambda: "behind" in str(stage.main.lists["agents"].lines))


async def test_ages_step_with_the_clock() -> None:
    stage = Stage()
    async with stage.run_test(size=SIZE) as pilot:
        stage.show(scene.snapshot())
        await stage.settled(pilot)
        stage.time += 60.0
        stage.main._step()
        await stage.settled(pilot)
        assert "claude-2     5m" in stage.lines()[2]


async def test_ascii_draws_nothing_else_around_the_screens() -> None:
    stage = Stage(ascii_only=True)
    async with stage.run_test(size=(160, 48)) as pilot:
        stage.show(replace(scene.snapshot(), screen=None, layers=scene.broken_layers()))
        await pilot.press("2", "question_mark")
        await stage.settled(pilot)
        assert "\n".join(stage.lines()).isascii()
        await pilot.press("escape", "1", "w")
        await stage.settled(pilot)
        text = "\n".join(stage.lines())
        assert text.isascii()
        assert "! waiting" in text
        assert "! file" in text
