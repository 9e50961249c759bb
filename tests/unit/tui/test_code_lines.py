"""What Live says over an agent's screen about the code it works on."""

from __future__ import annotations

from dataclasses import replace

import scene
from orc_core.model.agent import State
from orc_core.model.code import Clash, Code, FileOverlap, Forecast, Touch, TreeState
from orc_tui.view_models import live
from orc_tui.view_models.code import branch
from orc_tui.view_models.lines import text_of

HERE = scene.code().trees[0].repository
AGENT = replace(scene.agent("claude-2", State.WORKING, 4, task="T-14"))
TREES, PLACES = scene.code().trees, scene.code().places


def head(code: Code, width: int = 90) -> list[str]:
    lines = live.agent_head(AGENT, None, scene.AT, width, scene.HOME, code)
    return [text_of(line).rstrip() for line in lines]


def touch(agent: str, task: str = "") -> Touch:
    return Touch(agent, scene.AT, TREES[0].top, task=task)


def forecast(left: str, right: str, *clashes: Clash) -> Forecast:
    return Forecast(HERE, left, right, "a1", "b2", clashes)


def test_the_branch_and_what_is_not_committed_stand_beside_the_folder() -> None:
    assert head(scene.code())[1].split("   ")[1:3] == ["~/src/shop-t14", "feat/orders +214 -38"]
    assert len(head(scene.code())) == len(head(Code())) == 2
    assert "feat" not in head(Code())[1]
    (one,) = [text_of(branch(replace(TREES[1], untracked_count=3)))]
    assert one == "feat/price 3 new rebase"
    assert branch(TreeState("/x", trouble="git is too old")) == branch(None) == ()


def test_files_that_others_are_in_are_named_and_the_rest_counted() -> None:
    paths = [b"src/cart/price.ts", b"b\x1b[31m", b"c", b"d"]
    shared = [
        FileOverlap(HERE, path, (touch("claude-2"), touch("codex-1", "T-09"))) for path in paths
    ]
    others = FileOverlap(HERE, b"elsewhere", (touch("codex-1"), touch("codex-2")))
    told = head(Code(TREES, (others, *shared), places=PLACES))
    assert told[2:] == [
        "src/cart/price.ts  codex-1 (T-09) is in it, too",
        "b  codex-1 (T-09) is in it, too",
        "and 2 more: `orc code overlap`",
    ]


def test_a_merge_that_will_conflict_is_told_before_anybody_merges() -> None:
    told = (
        forecast("main", "feat/orders"),
        forecast("feat/price", "feat/orders", Clash(b"src/price.ts", 2), Clash(b"x", 1)),
        forecast("feat/orders", "feat/mail", Clash(b"y", 1)),
        forecast("feat/price", "feat/mail", Clash(b"z", 1)),
        replace(forecast("feat/orders", "x", Clash(b"q", 1)), repository="/other"),
    )
    assert head(Code(TREES, (), told, PLACES))[2:] == [
        "will conflict with feat/price and 1 other  in src/price.ts and 1 more"
    ]
