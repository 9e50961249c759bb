"""The language of filters: one for lists, commands and the timeline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scene
from orc_core import filters
from orc_core.filters import parse
from orc_core.history import query
from orc_core.model.history import Query
from orc_core.terms import Term, read

FIELDS = ("state", "agent", "prio")
AT = scene.AT


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  Red   blue ", [Term("", ("Red",)), Term("", ("blue",))]),
        ('"two words" -no', [Term("", ("two words",)), Term("", ("no",), True)]),
        ("state:waiting,limited", [Term("state", ("waiting", "limited"))]),
        ("-State:done", [Term("state", ("done",), True)]),
        ('agent:"a b",c', [Term("agent", ("a b", "c"))]),
        ('"state:x"', [Term("", ("state:x",))]),
        ('agent:"open quote', [Term("agent", ("open quote",))]),
        ("state: state:, - -state:", [Term("", ("-",))]),
        ("13:00 a/b:c :x", [Term("", ("13:00",)), Term("", ("a/b:c",)), Term("", (":x",))]),
    ],
)
def test_a_text_is_read(text: str, terms: list[Term]) -> None:
    told = read(text, FIELDS)
    assert (list(told.terms), told.faults) == (terms, ())


def test_a_field_that_there_is_not_is_said_and_taken_as_a_word() -> None:
    told = read("stat:waiting", FIELDS)
    assert told.terms == (Term("", ("stat:waiting",)),)
    assert told.faults == ('no field stat here: state, agent, prio; "a:b" looks for text',)


def names(text: str) -> list[str]:
    told = parse(text, filters.AGENT, AT)
    assert told.faults == ()
    return [one.name for one in scene.agents() if told.matches(filters.of_agent(one))]


def ids(text: str) -> list[str]:
    told = parse(text, filters.TASK, AT)
    assert told.faults == ()
    return [one.id for one in scene.tasks() if told.matches(filters.of_task(one))]


def test_agents_are_found_by_what_they_hold() -> None:
    everybody = names("")
    assert set(names("state:wait,lim")) == {
        one.name for one in scene.agents() if one.state.value in ("waiting", "limited")
    }
    assert set(names("-state:waiting")) == set(everybody) - set(names("state:waiting"))
    assert names("agent:codex") == [name for name in everybody if name.startswith("codex")]
    assert names("task:T-14") == names("TASK:t-14") == ["claude-2"]
    assert names("task:T-1") == [], "an id is found whole"
    assert names("migrate state:permission") == ["claude-2"]
    assert names('"npm run migrate"') == ["claude-2"]
    assert names('"run npm"') == []
    assert len(names("since:5m")) < len(everybody)
    assert set(names("since:5m")) | set(names("until:5m")) == set(everybody)
    assert names("since:5m until:5m") == []
    told = {one.name: one.usage.context for one in scene.agents()}
    assert all(told[name] is None for name in set(everybody) - set(names("context:0..100")))


def test_tasks_are_found_by_number_status_and_label() -> None:
    every = {one.id: one.priority for one in scene.tasks()}
    assert ids("prio:>=9") == [id for id, priority in every.items() if priority >= 9]
    assert ids("prio:<5,9") == [
        id for id, priority in every.items() if priority < 5 or priority == 9
    ]
    assert ids("prio:5..7") == [id for id, priority in every.items() if 5 <= priority <= 7]
    assert ids("status:failed") == ids("state:failed") == ["T-17"]
    assert set(ids("-status:failed prio:12")) == set(ids("prio:12")) - {"T-17"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prio:high", "prio: 'high' is no number: 8, >=8, <3 or 3..8"),
        ("since:noon", "since: 'noon' is no time: give one such as"),
        ("colour:red", "no field colour here: status, state, task"),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_holds(text: str, said: str) -> None:
    told = parse(f"{text} status:failed", filters.TASK, AT)
    assert told.faults[0].startswith(said)
    found = [one.id for one in scene.tasks() if told.matches(filters.of_task(one))]
    assert found in ([], ["T-17"])
    assert found or "colour" in text, "only the field that is not there is looked for as a word"


def test_the_timeline_has_the_same_language() -> None:
    told = query.parse('-actor:you kind:task,agent "two words" since:1h', AT)
    assert told.none_of == (Query(actor=query.person("you")),)
    assert told.any_of == ((Query(kind="task"), Query(kind="agent")),)
    assert (told.words, told.since) == (("two words",), AT - 3600)
    assert query.faults("stat:x actor:y")[0].startswith("no field stat here: since, until, actor")


WORDS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
PIECES = st.one_of(
    WORDS,
    st.builds(
        "{}{}:{}".format,
        st.sampled_from(["", "-", '"', "--"]),
        st.sampled_from([*filters.AGENT, *filters.TASK, "foo", "x9"]),
        st.one_of(
            WORDS, st.sampled_from([">=8", "2h", "13:00", "3..9", '"', ",", '"a,b",c', "99:99"])
        ),
    ),
)


@given(st.lists(PIECES, max_size=8).map(" ".join))
def test_any_text_is_read_and_never_hides_by_accident(text: str) -> None:
    for fields, of, rows in (
        (filters.AGENT, filters.of_agent, scene.agents()),
        (filters.TASK, filters.of_task, scene.tasks()),
    ):
        told = parse(text, fields, AT)
        for row in rows:
            told.matches(of(row))  # type: ignore[operator]
    assert not read(text, ()).terms or text.strip()


@given(st.lists(st.sampled_from(["state:waiting", "agent:codex", "silent", "prio:3"]), max_size=4))
def test_each_term_only_narrows_and_its_negation_is_the_rest(pieces: list[str]) -> None:
    def found(text: str) -> set[str]:
        told = parse(text, filters.AGENT | filters.TASK, AT)
        return {one.key for one in scene.agents() if told.matches(filters.of_agent(one))}

    whole = found("")
    shown = whole
    for count in range(len(pieces)):
        narrower = found(" ".join(pieces[: count + 1]))
        assert narrower <= shown
        shown = narrower
        assert found(f"-{pieces[count]}") == whole - found(pieces[count])
