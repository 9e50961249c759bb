"""Dialog, menu, line and fields: what they give back, and what they refuse."""

from __future__ import annotations

import pytest
from textual import events

from dialog_scenes import PLAN
from dialog_stage import Stage
from orc_tui.screens.dialog import Dialog, Option
from orc_tui.screens.edit import FIELDS, Edited, FieldEdit, field_for, text_for
from orc_tui.screens.line import LineArea, LineInput, Typed
from orc_tui.screens.menu import Menu
from orc_tui.screens.newtask import NewTask, Wanted
from orc_tui.screens.palette import Palette

END = (Option("done", "Done"), Option("cancelled", "Cancel the task"))


def an_end() -> Dialog:
    return Dialog("End T-14 Staging migration", END, lines=("1 task, now running.",))


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        (["enter"], None),
        (["escape"], None),
        (["q"], None),
        (["tab", "enter"], "done"),
        (["right", "right", "enter"], "cancelled"),
        (["l", "l", "l", "enter"], None),
        (["shift+tab", "enter"], "cancelled"),
        (["tab", "left", "enter"], None),
    ],
)
async def test_cancel_has_the_focus_and_only_moving_on_leaves_it(
    keys: list[str], result: str | None
) -> None:
    stage = Stage(an_end())
    async with stage.run_test() as pilot:
        assert "1 task, now running." in stage.text
        await pilot.press(*keys)
        assert stage.results == [result]


async def test_no_letter_decides_a_dialog() -> None:
    stage = Stage(an_end())
    async with stage.run_test() as pilot:
        await pilot.press(*"ydnxoDCR", "space", "delete")
        assert stage.results == []


async def test_a_click_on_a_word_takes_it() -> None:
    stage = Stage(an_end())
    async with stage.run_test(size=(80, 24)) as pilot:
        lines = stage.text.split("\n")
        row = next(n for n, line in enumerate(lines) if " Done " in line)
        left, top = (80 - len(lines[0])) // 2, (24 - len(lines)) // 2
        await pilot.click(offset=(left + lines[row].index("Done"), top + row))
        await pilot.pause()
        assert stage.results == ["done"]


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (60, 15)])
async def test_a_plan_shows_what_is_not_touched_first_then_three_lists(
    size: tuple[int, int],
) -> None:
    stage = Stage(Dialog("Roll back task T-14", [Option("go", "Roll back")], plan=PLAN))
    async with stage.run_test(size=size) as pilot:
        seen = stage.text
        assert seen.index("files are not touched") < seen.index("comes back")
        for _ in range(40):
            await pilot.press("J")
            seen += stage.text
        assert seen.index("comes back") < seen.index("stays as it is")
        assert "cannot be taken back" in seen and "- Staging migration, orders" in seen
        assert "Roll back" in stage.text, "the choices stay in view"
        await pilot.press("tab", "enter")
        assert stage.results == ["go"]


@pytest.mark.parametrize(
    ("keys", "result"),
    [(["enter"], "title"), (["j", "enter"], "text"), (["p"], "priority"), (["q"], None)],
)
async def test_a_menu_gives_one_back(keys: list[str], result: str | None) -> None:
    options = [Option("title", "title", "t"), Option("text", "text"), Option("priority", "p", "p")]
    stage = Stage(Menu("Edit T-14", options, ["Staging migration"]))
    async with stage.run_test() as pilot:
        assert "Staging migration" in stage.text
        await pilot.press(*keys)
        assert stage.results == [result]


async def test_a_long_menu_follows_its_cursor() -> None:
    stage = Stage(Menu("Commands", [Option(str(n), f"command {n}") for n in range(60)]))
    async with stage.run_test(size=(80, 24)) as pilot:
        await pilot.press(*["j"] * 40)
        assert "› " in stage.text and "command 40" in stage.text
        assert len(stage.text.split("\n")) <= 24


VERBS = [
    Option("attach", "attach", "a"),
    Option("adopt", "adopt"),
    Option("quit", "quit", "q"),
    Option("refresh", "refresh", "ctrl+r"),
]
HELP = ["attach to its pane", "it keeps its name", "close", "look again"]


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        ([*"adopt", "enter"], "adopt"),
        ([*"NAME", "enter"], "adopt"),
        ([*"pane", "space", *"its", "enter"], "attach"),
        ([*"pane", "space", *"keeps", "enter"], None),
        ([*"attx", "backspace", "enter"], "attach"),
        ([*"zz", "ctrl+u", "down", "down", "enter"], "quit"),
        ([*"a", "up", "option-0"], "attach"),
        (["q", "escape"], None),
        ([*"ado", "ctrl+r", "option-3", "enter"], "adopt"),
        (["ctrl+r", "escape"], None),
    ],
)
async def test_a_palette_takes_letters_for_a_name(keys: list[str], result: str | None) -> None:
    stage = Stage(Palette("Commands", VERBS, HELP))
    async with stage.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        if result is None and keys[-1] == "enter":
            assert "nothing is called that" in stage.text and not stage.results
        else:
            assert stage.results == [result]


async def test_enter_sends_the_line_and_ctrl_j_breaks_it() -> None:
    stage = Stage(LineInput("claude-2"))
    async with stage.run_test() as pilot:
        await pilot.press(*"one", "ctrl+j", *"two", "enter")
        assert stage.results == [Typed("one\ntwo", send=True)]


async def test_escape_keeps_the_draft_and_an_empty_line_sends_nothing() -> None:
    stage = Stage(LineInput("claude-2", draft="half a"))
    async with stage.run_test() as pilot:
        await pilot.press(*" line", "escape")
        assert stage.results == [Typed("half a line", send=False)]
    stage = Stage(LineInput("claude-2"))
    async with stage.run_test() as pilot:
        await pilot.press("space", "enter")
        assert stage.results == [Typed(" ", send=False)]


async def test_up_recalls_and_down_comes_back_to_the_draft() -> None:
    stage = Stage(LineInput("claude-2", draft="draft", recall=("first", "second")))
    async with stage.run_test() as pilot:
        area = stage.screen.query_one(LineArea)
        shown = []
        for key in ("up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            shown.append(area.text)
        assert shown == ["second", "first", "first", "second", "draft", "draft"]


async def test_the_line_says_to_whom_and_shows_no_markup() -> None:
    stage = Stage(LineInput("[red]claude[/", note="T-14 [/bold]"))
    async with stage.run_test():
        frame = stage.screen.query_one(".frame")
        assert frame.border_title is not None
        assert "red" in str(frame.border_title)


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("title", "  Two   words ", "Two words"),
        ("priority", " 11 ", 11),
        ("labels", "shop, orders,,", ["shop", "orders"]),
        ("assignee", "", ""),
        ("text", "a\nb", "a\nb"),
    ],
)
def test_fields_are_read_as_the_model_wants_them(name: str, typed: str, value: object) -> None:
    assert FIELDS[name].read(typed) == value


@pytest.mark.parametrize(
    ("name", "typed", "fault"),
    [
        ("title", "   ", "title: "),
        ("title", "x" * 201, "title: "),
        ("priority", "soon", "priority is a whole number, not 'soon'"),
        ("priority", "16", "priority: "),
        ("labels", "x" * 81, "labels: "),
        ("depends_on", "../etc", "depends_on: "),
    ],
)
def test_what_the_model_refuses_is_named(name: str, typed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        FIELDS[name].read(typed)


def test_unknown_fields_are_json_and_go_round() -> None:
    field = field_for("meta.size")
    for value in ({"a": [1, None]}, "text", 3, None):
        assert field.read(text_for(field, value)) == value
    with pytest.raises(ValueError, match="not JSON"):
        field.read("{")
    for name in ("title", "priority", "labels"):
        value = {"title": "A", "priority": 3, "labels": ["x", "y"]}[name]
        assert FIELDS[name].read(text_for(FIELDS[name], value)) == value  # type: ignore[arg-type]


async def test_a_fault_is_shown_and_nothing_given_back_until_it_is_mended() -> None:
    stage = Stage(FieldEdit("T-14", FIELDS["priority"], 5))
    async with stage.run_test() as pilot:
        await pilot.press("backspace", *"99", "enter")
        assert stage.results == []
        fault = stage.screen.query_one(".fault")
        assert "priority" in str(fault.render())
        await pilot.press("backspace", "enter")
        assert stage.results == [Edited(9)]


async def test_escape_changes_nothing() -> None:
    stage = Stage(FieldEdit("T-14", FIELDS["title"], "Old"))
    async with stage.run_test() as pilot:
        await pilot.press(*"new", "escape")
        assert stage.results == [None]


async def test_a_new_task_wants_a_title() -> None:
    stage = Stage(NewTask())
    async with stage.run_test() as pilot:
        await pilot.press("enter")
        assert stage.results == []
        await pilot.press(*"Invoices as PDF", "tab", "backspace", *"9x", "enter")
        assert stage.results == []
        await pilot.press("backspace", "enter")
        assert stage.results == [Wanted("Invoices as PDF", 9)]


HOSTILE = "a\x1b]52;c;QQ==\x07\x9b31m\u202eb"


async def test_a_field_shows_no_escapes_of_the_value_it_edits_or_of_what_is_pasted() -> None:
    stage = Stage(FieldEdit("T-14", FIELDS["title"], HOSTILE))
    async with stage.run_test() as pilot:
        area = stage.screen.query_one(LineArea)
        assert area.text == "ab"
        area.post_message(events.Paste(HOSTILE))
        await pilot.pause()
        await pilot.press("enter")
        assert stage.results == [Edited("abab")]


def test_a_hostile_value_is_spelled_out_and_goes_round() -> None:
    field = field_for("meta")
    shown = text_for(field, {HOSTILE: HOSTILE})
    assert shown.isascii()
    assert shown.isprintable()
    assert field.read(shown) == {HOSTILE: HOSTILE}
