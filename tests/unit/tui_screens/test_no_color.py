"""NO_COLOR: no colour is written, and text never has the colour of its ground."""

from __future__ import annotations

import pytest

from dialog_scenes import CONFLICTS, NOW, TITLES
from dialog_stage import Stage
from orc_tui.screens.conflict import ConflictView


async def test_no_colour_leaves_the_terminal_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stage = Stage(ConflictView(CONFLICTS, at="C-7", titles=TITLES, taken={}, now=NOW))
    async with stage.run_test() as pilot:
        await pilot.pause()
        seen = [
            segment.style for strip in stage.screen._compositor.render_strips() for segment in strip
        ]
        styles = [style for style in seen if style is not None]
        assert styles
        assert all(style.color is None or style.color.is_default for style in styles)
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
