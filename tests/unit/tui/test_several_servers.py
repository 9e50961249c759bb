"""How several servers look: the header's link, the lines of the sync pane, the rows of agents."""

from __future__ import annotations

from dataclasses import replace

import pytest

import scene
from orc_core.model.health import Layer, LayerState, Link, LinkState
from orc_tui.view_models import agents, header, live, sync, why
from orc_tui.view_models.lines import text_of


@pytest.mark.parametrize(
    ("link", "told"),
    [
        (Link(LinkState.STALE, 12.0), "stale 12s"),
        (Link(LinkState.STALE, 12.0, server="work"), "work: stale 12s"),
        (Link(LinkState.STALE, 3.0, server="2 of 3"), "2 of 3: stale 3s"),
        (Link(LinkState.GONE), "tmux gone"),
        (Link(LinkState.GONE, server="work"), "work: gone"),
        (Link(LinkState.SYNC, server="work"), "work: sync"),
        (Link(LinkState.GONE, server="a-very-long-name"), "a-very-long…: gone"),
        (Link(LinkState.LIVE, read_only=True), "read-only"),
        (Link(LinkState.STALE, 1.0, read_only=True), "stale 1s"),
    ],
)
def test_the_header_names_the_server_only_where_not_all_are_unwell(link: Link, told: str) -> None:
    assert header.link(link)[0] == told
    shown = text_of(header.line(replace(scene.snapshot(), link=link), 80))
    assert shown.rstrip().endswith(told) and len(shown) == 80


def layer(name: str, state: LayerState = LayerState.OK) -> Layer:
    return Layer(name, state, "realtime", 0.0, 0, 0)


def summary(*layers: Layer) -> str:
    return " ".join(text_of(sync.summary(layers, 80)).split())


def test_servers_that_are_well_are_one_sign_and_the_others_have_their_own() -> None:
    file = layer("file")
    assert summary(layer("tmux"), file) == "✓ tmux ✓ file 0 queued 0 failed"
    three = [layer("tmux"), layer("tmux work"), layer("tmux api")]
    assert summary(*three, file) == "✓ tmux x3 ✓ file 0 queued 0 failed"
    three[1] = layer("tmux work", LayerState.DEGRADED)
    assert summary(*three, file) == "✓ tmux x2 ▲ tmux work ✓ file 0 queued 0 failed"
    three[2] = layer("tmux api", LayerState.OFFLINE)
    assert summary(*three, file).startswith("✓ tmux ▲ tmux work ✗ tmux api ✓ file")
    three[0] = layer("tmux", LayerState.OFFLINE)
    assert summary(*three, file).startswith("✗ tmux ▲ tmux work ✗ tmux api ✓ file")


def test_names_of_layers_get_the_room_they_need_and_no_more() -> None:
    few, many = [layer("tmux"), layer("file")], [layer("tmux"), layer("tmux elsewhere-far-away")]
    assert (sync.name_width(few), sync.name_width([]), sync.name_width(many)) == (6, 6, 16)
    for width in (40, 76, 120):
        name = sync.name_width(many)
        heading = text_of(sync.heading(width + 1, name))
        shown = text_of(sync.row(many[1], width, name))
        assert heading.index("state") == 1 + shown.index("ok")
        assert len(shown) == max(width, 35 + name + (10 if width >= 71 else 0))


def test_an_agent_says_where_it_is_and_that_its_server_is_silent() -> None:
    here = scene.agents()[0]
    away = replace(here, server="work", stale_since=scene.AT - 180.0)
    assert (here.place, away.place) == (here.where, f"work:{here.where}")
    at = agents.columns([here, away], 120, boxed=True)
    assert (
        at.where == max(12, len(away.place)) and agents.columns([here], 120, boxed=True).where == 12
    )
    row = text_of(agents.row(away, at, scene.AT))
    assert away.place in row and row.rstrip().endswith("stale   3m")
    assert agents.summary(away, scene.AT)[1].endswith("· stale 3m")
    assert "stale" not in text_of(agents.row(here, at, scene.AT))
    told = [text_of(line) for line in why.own_lines(away, scene.AT)]
    assert any(line.startswith("its server  does not answer since") for line in told)
    assert any(away.place in line for line in told)
    head = [text_of(line) for line in live.agent_head(away, None, scene.AT, 80, "/home/x")]
    assert head[1].startswith(away.place)


def test_the_store_s_trouble_begins_with_what_is_wrong_and_not_with_a_long_path() -> None:
    path = "/home/ada/.local/state/orc-tui/default/store.db"
    trouble = f"{path} is locked by another process: see who holds it"
    store = replace(layer("store", LayerState.DEGRADED), trouble=trouble)
    shown = text_of(sync.row(store, 80))
    assert "  store.db is locked by" in shown and "/home" not in shown
    other = replace(layer("tmux"), trouble="no tmux server at /run/default")
    assert "  no tmux server at /run" in text_of(sync.row(other, 80))
