"""The look of the scripted agents: the markers of the real ones, on every size of screen."""

from __future__ import annotations

import re

import pytest

from orc_core.demo.programs.aider import AiderFace
from orc_core.demo.programs.claude import ClaudeFace
from orc_core.demo.programs.codex import CodexFace
from orc_core.demo.programs.face import Face
from orc_core.demo.programs.ink import cells, cut, wrapped
from orc_core.demo.programs.keys import Key
from orc_core.demo.programs.play import Phase, Play
from orc_core.demo.programs.stories import SCENES

SGR = re.compile(r"\x1b\[[0-9;]*m")


def face_of(name: str) -> Face:
    if name.startswith("claude"):
        return ClaudeFace()
    return CodexFace("shop") if name.startswith("codex") else AiderFace()


def started(name: str) -> tuple[Play, Face]:
    face = face_of(name)
    play = Play(SCENES[name], 0.0, letters=face.letters, line_answers=face.line_answers)
    return play, face


def drawn(play: Play, face: Face, now: float, width: int = 120, height: int = 40) -> str:
    return "\n".join(SGR.sub("", line) for line in face.frame(play, now, width, height).lines)


@pytest.mark.parametrize(
    ("name", "at_s", "markers"),
    [
        ("claude-1", 1.0, ["Thinking…", "esc to interrupt", "❯"]),
        (
            "claude-2",
            20.0,
            ["Do you want to proceed?", "❯ 1. Yes", "3. No, and", "Esc to cancel · Tab to amend"],
        ),
        ("claude-3", 20.0, ["You've hit your session limit · resets 4pm"]),
        ("claude-4", 20.0, ["✻ Brewed for 8s", "? for shortcuts"]),
        (
            "codex-1",
            20.0,
            [
                "Would you like to run the following command?",
                "$ npm run db:reset",
                "› 1. Yes, proceed (y)",
                "Press enter to confirm or esc to cancel",
            ],
        ),
        ("codex-2", 20.0, ["Working (20s • esc to interrupt)"]),
        ("codex-3", 20.0, ["─ Worked for 9s", "› Ask Codex"]),
        ("aider-1", 20.0, ["Traceback (most recent call last):"]),
        ("aider-2", 20.0, ["(Y)es/(N)o/(D)on't ask again [Yes]:"]),
    ],
)
def test_each_scene_shows_its_markers_within_20_s(
    name: str, at_s: float, markers: list[str]
) -> None:
    play, face = started(name)
    play.advance(at_s)
    screen = drawn(play, face, at_s)
    assert [marker for marker in markers if marker not in screen] == []


def test_within_20_s_every_phase_is_on_the_screen() -> None:
    phases = set()
    for name in SCENES:
        play, _ = started(name)
        play.advance(20.0)
        phases.add(play.phase)
    assert phases == set(Phase)


def test_titles_tell_busy_from_waiting_as_the_real_ones_do() -> None:
    claude, face = started("claude-2")
    claude.advance(1.0)
    assert re.match(r"^[⠀-⣿] ", face.title(claude, 1.0))
    claude.advance(20.0)
    assert face.title(claude, 20.0).startswith("✳ ")
    codex, face = started("codex-1")
    codex.advance(1.0)
    assert re.match(r"^[⠀-⣿] shop$", face.title(codex, 1.0))
    codex.advance(20.0)
    assert "Action Required" in face.title(codex, 20.0)


def test_an_interrupt_reads_as_the_real_ones_do() -> None:
    for name, words in (
        ("claude-1", "Interrupted · What should Claude do instead?"),
        ("codex-2", "Conversation interrupted - tell the model what to do differently"),
    ):
        play, face = started(name)
        play.advance(3.0)
        play.press(Key("escape"), 3.0)
        assert words in drawn(play, face, 3.0)


@pytest.mark.parametrize("name", sorted(SCENES))
@pytest.mark.parametrize(("width", "height"), [(20, 4), (60, 12), (120, 40), (250, 90)])
def test_every_screen_fits(name: str, width: int, height: int) -> None:
    play, face = started(name)
    for now in range(0, 120, 3):
        play.advance(float(now))
        frame = face.frame(play, float(now), width, height)
        assert len(frame.lines) <= height
        if width >= 60:  # below that the facts behind a spinner are cut by the terminal
            assert max(cells(SGR.sub("", line)) for line in frame.lines) <= width
        if frame.cursor:
            assert 0 <= frame.cursor[0] < width
            assert frame.cursor[1] < height


def test_text_is_cut_and_wrapped_by_cells() -> None:
    assert cut("世界世界", 5) == "世界…"
    assert cut("short", 5) == "short"
    assert wrapped("one two three", 12, first="> ", rest="  ") == ["> one two", "  three"]
