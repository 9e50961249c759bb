"""Definitions: what is wrong in a file is said with its line and field."""

from __future__ import annotations

import pytest

from orc_core.errors import UsageError
from orc_core.saga.definition import Action, Definition, Step, of_body, parse

HEAD = 'name = "x"\n[params]\nwho = "me"\nall = "a b"\n'


def read(text: str, **values: str) -> Definition:
    return parse(HEAD + text, "f.toml", values)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[step]]\nname = 'a'\nrun = []\n", "f.toml, line 7: step 1.run: List should have"),
        ("[[step]]\nname = 'a'\nrum = ['x']\n", "line 7: step 1.rum: there is no such key: did"
         " you mean run?"),
        ("[[step]]\nname = 'a'\nrun = ['x']\nundo = { rn = ['y'] }\n", "line 8: step 1.undo.rn"),
        ("[[step]]\nname = 'a'\n", "line 5: step 1: give exactly one of run, gate, patch"),
        ("[[step]]\nname = 'a'\nrun = ['x']\ngate = 'ok?'\n", "not run and gate"),
        ("[[step]]\nname = 'a'\nrun = ['x']\nretries = 99\n", "line 8: step 1.retries"),
        ("[[step]]\nname = 'a'\nrun = ['x']\nneeds = ['bb']\n[[step]]\nname = 'b'\nrun = ['y']\n",
         "a needs bb, which is no step: did you mean b?"),
        ("[[step]]\nname = 'a'\nrun = ['x']\nneeds = ['b']\n"
         "[[step]]\nname = 'b'\nrun = ['y']\nneeds = ['a']\n", "a cycle of needs: a -> b -> a"),
        ("[[step]]\nname = 'a'\nrun = ['x']\n[[step]]\nname = 'a'\nrun = ['y']\n", "two steps"),
        ("[[step]]\nname = 'a'\nrun = ['${wh}']\n", "${wh} is no parameter: did you mean who?"),
        ("[[step]]\nname = 'a\n", "f.toml: "),
        ("", "step: Field required"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_field(text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        read(text)
    assert told in str(error.value) and str(error.value).startswith("f.toml")


def test_parameters_are_filled_in_everywhere() -> None:
    step = "[[step]]\nname = 'a'\nrun = ['echo', '${who}', '$${who}']\n"
    assert read(step).step[0].run == ["echo", "me", "${who}"]
    assert read(step, who="you").step[0].run == ["echo", "you", "${who}"]
    with pytest.raises(UsageError, match="no parameter wo: did you mean who"):
        read(step, wo="x")
    with pytest.raises(UsageError, match="needs a value for who: --set who=VALUE"):
        read(step, who="")


def test_steps_are_written_out_for_each_word_and_neighbours_go_together() -> None:
    made = read(
        "[[step]]\neach = 'all'\nname = 'stop'\nrun = ['${each}', '${who}']\n"
        "[[step]]\neach = 'all'\nname = 'look'\nrun = ['${each}']\n"
    )
    assert [one.name for one in made.step] == ["stop-a", "look-a", "stop-b", "look-b"]
    assert made.step[2].run == ["b", "me"]


def test_what_is_needed_goes_first_and_else_the_order_of_the_file_stands() -> None:
    made = read(
        "[[step]]\nname = 'c'\nrun = ['x']\nneeds = ['b']\n[[step]]\nname = 'a'\nrun = ['x']\n"
        "[[step]]\nname = 'b'\nrun = ['x']\n"
    )
    assert [one.name for one in made.step] == ["a", "b", "c"]


def test_one_made_in_python_is_the_same_as_one_of_a_file() -> None:
    text = "timeout_s = 5\n[[step]]\nname = 'a'\nrun = ['x']\nundo = { run = ['y'] }\n"
    of_file = parse('name = "x"\n' + text, "f", {})
    ours = Definition(
        name="x", timeout_s=5, step=[Step(name="a", run=["x"], undo=Action(run=["y"]))]
    )
    assert of_file == ours
    assert of_body(ours.body("/tmp")) == (ours, "/tmp")
