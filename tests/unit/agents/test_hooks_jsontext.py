"""Edits inside a JSON text: what is not named keeps its bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orc_core.agents.hooks import jsontext
from orc_core.agents.hooks.jsontext import JsonFault

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(NAMES, VALUES, max_size=5),
    st.sampled_from([None, 0, 2, 4, "\t"]),
    st.booleans(),
    VALUES,
)
def test_what_was_put_in_comes_out_again(
    body: dict[str, object], indent: int | str | None, ascii_only: bool, value: object
) -> None:
    body = {"hooks": {"Stop": [1, {"a": []}]}, **body, "last": {"x": [2]}}
    text = json.dumps(body, indent=indent, ensure_ascii=ascii_only)
    for path in (["new-name"], ["last", "y"], ["last", "x", -1]):
        if path == ["new-name"] and "new-name" in body:
            continue
        more = jsontext.insert(text, path, value)
        assert jsontext.parse(more).value == json.loads(more)
        at = len(body["last"]["x"]) if path[-1] == -1 else path[-1]  # type: ignore[index,call-overload]
        assert jsontext.remove(more, [*path[:-1], at]) == text


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{ }\n",
        "{\n}\n",
        '\ufeff{"a": 1}',
        '{"a":1,"b":[1,2]}',
        '{\r\n    "a": {\r\n        "b": "\\u00e9 \\"x\\" // no comment"\r\n    }\r\n}\r\n',
        '{\n\t"a": [\n\t\t1,\n\t\t2\n\t]\n}',
    ],
)
def test_an_edit_keeps_every_other_byte(text: str) -> None:
    more = jsontext.insert(text, ["hooks"], {"Stop": [{"command": "x"}]})
    assert json.loads(more.removeprefix("\ufeff"))["hooks"] == {"Stop": [{"command": "x"}]}
    assert ("\r\n" in text) == ("\r\n" in more)
    assert more.replace("\r\n", "").count("\n") == 0 or "\r\n" not in text
    back = jsontext.remove(more, ["hooks"])
    assert json.loads(back.removeprefix("\ufeff")) == json.loads(text.removeprefix("\ufeff"))
    if '"' in text:
        assert back == text


def test_comments_stay_where_they_may_stand() -> None:
    text = '{\n  // mine, "quoted"\n  "a": 1, // one, two\n  "b": [1, 2,], /* end */\n}\n'
    more = jsontext.insert(text, ["hooks"], {}, comments=True)
    for piece in ('// mine, "quoted"', "// one, two", "[1, 2,]", "/* end */"):
        assert piece in more
    back = jsontext.remove(more, ["hooks"], comments=True)
    assert jsontext.parse(back, comments=True).value == {"a": 1, "b": [1, 2]}
    less = jsontext.remove(more, ["a"], comments=True)
    assert jsontext.parse(less, comments=True).value == {"b": [1, 2], "hooks": {}}


@pytest.mark.parametrize(
    ("text", "line", "trouble"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', 3, "a comma"),
        ('{"a": 1} // x', 1, "a comment"),
        ('{\n  "a": [1,\n  2,]\n}', 3, "a comma after the last"),
        ("", 1, "the end of the file"),
        ('{"a"', 1, "a colon"),
        ('{"a": "x\ny"}', 1, "a value"),
        ("{'a': 1}", 1, "double quotes"),
        ('{\n"\\q": 1}', 2, "a name with a broken escape"),
        ('{"a": 1}{', 1, "more text"),
        ("[" * 5000, 1, "nested deeper"),
    ],
)
def test_what_is_no_json_is_named_by_its_line(text: str, line: int, trouble: str) -> None:
    with pytest.raises(JsonFault, match=trouble) as fault:
        jsontext.parse(text)
    assert fault.value.line == line


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a": 1 // mine\n, "x": 2}', '{"a": 1 // mine\n}'),
        ('{"a": 1, // mine\n "x": 2}', '{"a": 1 // mine\n}'),
        ('{"a": 1, /* mine */ "x": 2}', '{"a": 1 /* mine */}'),
        ('{"x": 2 /* mine */, "a": 1}', '{/* mine */ "a": 1}'),
        ('{"x": 2 // mine\n, "a": 1}', '{// mine\n "a": 1}'),
        ('{ /* mine */ "x": 2, }', "{ /* mine */  }"),
        ('{"x": 2 /* a, b */ , }', "{ /* a, b */  }"),
        ('{"x": 2, }', "{}"),
    ],
)
def test_what_is_taken_out_leaves_comments_and_json_that_can_be_read(text: str, left: str) -> None:
    back = jsontext.remove(text, ["x"], comments=True)
    assert back == left
    jsontext.parse(back, comments=True)


def test_an_edit_does_not_go_into_another_kind_of_value() -> None:
    for path in (["a", "b"], ["a", -1]):
        with pytest.raises(JsonFault, match="another kind"):
            jsontext.insert('{"a": 1}', path, 1)


def test_a_list_has_no_member_of_a_name() -> None:
    assert jsontext.parse("[1, 2]").child("command") is None
    assert jsontext.parse("1").child("command") is None
