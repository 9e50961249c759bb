"""Workflows as lines: every line fits at every width, and says what a person has to know."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialog_scenes import NOW
from orc_core.saga.standing import undoing
from orc_storage.sagas import Phase, Saga, State, Step, Wish
from orc_tui.view_models import workflows
from orc_tui.view_models.lines import text_of, width_of
from workflow_scenes import COMPLETED, FAILED, GATED, SAGAS

WIDTHS = st.integers(60, 200)
TEXT = st.text(max_size=120)


@st.composite
def steps(draw: st.DrawFn, number: int) -> Step:
    attempts, at = draw(st.integers(0, 9_999)), draw(st.sampled_from([0.0, NOW]))
    kind, phase = draw(st.sampled_from(["run", "gate", "wait_task"])), draw(st.sampled_from(Phase))
    name, reason = draw(TEXT), draw(TEXT)
    return Step(number, name, kind, 3, True, phase, attempts, "", "", "", reason, at, at + 1e5)


@st.composite
def sagas(draw: st.DrawFn) -> Saga:
    rows = tuple(draw(steps(number)) for number in range(draw(st.integers(0, 4))))
    body = {"step": [{"name": one.name, "gate": draw(TEXT)} for one in rows]}
    state, wish = draw(st.sampled_from(State)), draw(st.sampled_from(Wish))
    made = (NOW - draw(st.integers(0, 10**8)), draw(TEXT))
    id, name, reason = f"S-{draw(st.integers(1, 10**7))}", draw(TEXT), draw(TEXT)
    return Saga(id, name, body, state, wish, reason, "", 0, 2, 0.0, *made, NOW, rows)  # type: ignore[arg-type]


@given(sagas(), WIDTHS)
def test_every_line_fits(saga: Saga, width: int) -> None:
    assert width_of(workflows.row(saga, NOW, width)) <= width
    for room in (width, width // 2 - 4):
        assert all(width_of(line) <= room for line in workflows.detail(saga, room))


def test_a_row_says_state_step_age_and_who() -> None:
    line = text_of(workflows.row(GATED, NOW, 78))
    assert all(part in line for part in ("◆", "S-4", "ship", "RUNNING ask", "4m", "you"))
    assert "you" not in text_of(workflows.row(GATED, NOW, 50))


def test_the_detail_tells_question_reason_attempts_and_the_way_back() -> None:
    told = "\n".join(text_of(line) for line in workflows.detail(GATED, 76))
    assert "asks: Put 1.2 on staging?" in told
    assert "rolling back undoes, in this order: tag, build" in told
    assert "2 attempts" in told and "3.2 s" in told
    broken = "\n".join(text_of(line) for line in workflows.detail(FAILED, 40))
    assert "put ended with 7: no such host" in broken and "rollback: incomplete" in broken


def test_a_preview_has_the_words_of_the_shell() -> None:
    assert workflows.preview(GATED, "rollback") == [undoing(GATED)]
    assert undoing(GATED) in workflows.preview(GATED, "cancel")[1]
    assert workflows.preview(COMPLETED, "retry")[0] == "every step is done"


def test_a_filter_takes_every_word() -> None:
    assert [one.id for one in workflows.found(SAGAS, "ship RUNNING")] == ["S-4"]
