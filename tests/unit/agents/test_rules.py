"""Rule files: what is refused, and that the message says where and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orc_core.agents.backtracking import steps
from orc_core.agents.patterns import compiled, safe_pattern
from orc_core.agents.rules import BUILT_IN, RuleFault, check, load, load_sound, rule_folders

GOOD = """
[agent]
id = "mine"
label = "Mine"
commands = ['mine']

[[rule]]
id = "busy"
source = "screen"
any = ['^busy']
state = "working"
"""


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_built_in_rules_load() -> None:
    built_in = {"aider", "claude", "codex", "gemini", "opencode"}
    assert {kind.id for kind in load().kinds} >= built_in


def test_a_folder_adds_and_replaces_by_file_name(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD.replace('"mine"', '"claude"'), "claude.toml")
    rules = load([tmp_path, tmp_path / "absent"])
    assert rules.kind("mine") is not None
    claude = rules.kind("claude")
    assert claude is not None
    assert (claude.agent.label, claude.path) == ("Mine", tmp_path / "claude.toml")


def test_rules_stand_strongest_first() -> None:
    for kind in load().kinds:
        priorities = [rule.priority for rule in kind.rules]
        assert priorities == sorted(priorities, reverse=True)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("any = ['^busy']", "any = ['(a+)+$']", "rule[busy].any[0]: a repetition inside"),
        ("any = ['^busy']", r"any = ['(x[)]|b*y){2,}']", "rule[busy].any[0]: a repetition inside"),
        ("any = ['^busy']", "any = ['(']", "rule[busy].any[0]: not a regular expression"),
        ("any = ['^busy']", "", "rule[busy]: give it a pattern"),
        ('state = "working"', 'state = "sleeping"', "rule[busy].state: "),
        ('state = "working"', 'state = "waiting"', "rule[busy]: `waiting` names"),
        ('state = "working"', 'state = "working"\nhold = true', "rule[busy]: a rule either"),
        (
            'state = "working"',
            "state = \"working\"\ndoes = 'x'",
            "rule[busy]: `does` needs a group",
        ),
        ('source = "screen"', 'source = "title"', 'rule[busy]: `region = "title"`'),
        (
            'state = "working"',
            'state = "working"\nsubstate = "asleep"',
            "rule[busy].substate: no su",
        ),
        ('state = "working"', 'hold = true\nsubstate = "tool"', "rule[busy]: `substate` tells"),
        ('source = "screen"', 'source = "smell"', "rule[busy].source: "),
        ('label = "Mine"', 'label = "Mine"\ncolour = "red"', "agent.colour: "),
        ('id = "mine"', 'id = "other"', "agent.id: other is what no rule knows"),
        ('id = "mine"', 'id = "codex"', "agent.id: codex is also described by"),
        ("[agent]", "[agent", "not TOML"),
    ],
)
def test_a_fault_names_file_field_and_remedy(tmp_path: Path, old: str, new: str, told: str) -> None:
    write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(RuleFault) as fault:
        load([tmp_path])
    text = str(fault.value)
    assert told in text
    assert "mine.toml" in text
    assert "\n" not in text


def test_repetitions_side_by_side_and_bounded_ones_are_fine(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("^busy", r"^a+(b+c)?[(+)*]{1,3}(\(+|d{2}){1,4}$"))
    assert load([tmp_path]).kind("mine") is not None


def test_own_rules_lie_in_the_settings_folder() -> None:
    assert rule_folders({"HOME": "/h"}) == (Path("/h/.config/orc-tui/rules"),)
    assert rule_folders({"XDG_CONFIG_HOME": "/c"}) == (Path("/c/orc-tui/rules"),)
    assert BUILT_IN.is_dir()


def test_a_broken_file_leaves_the_rules_before_it(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    before = load_sound([tmp_path])
    assert before.faults == ()
    write(tmp_path, GOOD.replace("^busy", "("))
    after = load_sound([tmp_path], before, now=5.0)
    assert after.kind("mine") is before.kind("mine")
    (fault,) = after.faults
    assert "mine.toml: rule[busy].any[0]: not a regular expression" in fault
    assert fault.endswith("until then these rules stand as they were")
    assert (after.trouble, after.faults_at) == (fault, 5.0)
    fresh = load_sound([tmp_path])
    assert fresh.kind("mine") is None


def test_the_built_in_rules_stand_in_for_a_broken_file(tmp_path: Path) -> None:
    write(tmp_path, "[agent", "claude.toml")
    write(tmp_path, GOOD.replace('"mine"', '"codex"'))
    rules = load_sound([tmp_path])
    assert {kind.path.parent for kind in rules.kinds} == {BUILT_IN}
    first, second = rules.faults
    assert "until then the built-in rules stand" in first
    assert "agent.id: codex is also described by" in second
    assert rules.trouble.endswith("(and 1 more: see `orc doctor`)")


def test_a_pipe_in_the_place_of_a_rule_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mine.toml")
    (fault,) = load_sound([tmp_path]).faults
    assert "mine.toml: cannot be read" in fault and "not a plain file" in fault


@pytest.mark.parametrize(
    "pattern",
    [
        "(a|ab)*c",
        r"(?:\w|\d)+!",
        "(a?b?a?)*c",
        "(?:a{1,9}){1,9}b",
        "(?:a?){40}a{40}",
        "(?i)((a|A))+b",
        "(?x)(a+ ) *b",
    ],
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"take for ever|flag x"):
        safe_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        ".*.*.*x",
        r"\s+\s+\s+$x?",
        "(.*)(.*)(.*)x",
        "a*a*a*b",
        "(?i)[ab]*[bc]*[ab]*x",
        "x|^.*.*.*.*y",
    ],
)
def test_a_pattern_that_shares_a_line_in_too_many_ways_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"ways on one line .*: begin it with \^, or bound"):
        safe_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [
        ("x", 400),
        ("^x", 1),
        (".*x", 80_000),
        ("^.*foo.*bar", 80_000),
        (".*foo.*bar", 10_666_666),
        (r"\s*foo\s*bar", 80_000),  # what comes between them cannot be shared
        (r"^[^)]*\)[^]]*\]", 400),
        ("^(a{,3}){3}b", 1),
        ("^(.{0,60}|x)y", 60),
        ("^(?=.*a)(?!.*b)", 160_000 // 2),
    ],
)
def test_the_ways_of_a_pattern_are_counted(pattern: str, ways: int) -> None:
    assert steps(pattern, 400) == ways


def test_a_fault_names_file_rule_pattern_and_remedy(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("'^busy'", "'.*.*.*busy'"))
    (fault,) = load_sound([tmp_path]).faults
    assert "mine.toml: rule[busy].any[0]: .*.*.*busy may be tried in" in fault
    assert "begin it with ^, or bound what repeats, as .{0,60} for .*" in fault


@pytest.mark.parametrize("path", sorted(BUILT_IN.glob("*.toml")), ids=lambda path: path.stem)
def test_the_rules_that_ship_keep_what_is_asked_of_all(path: Path) -> None:
    """They are not looked at again whenever they are read."""
    assert check(path).id == path.stem


def test_the_rules_that_ship_are_compiled_when_they_are_needed() -> None:
    compiled.cache_clear()
    assert load().kinds
    assert compiled.cache_info().currsize == 0


@pytest.mark.parametrize(
    "pattern", ["(foo|bar)+", r"(?i)x(\d+[smh] ?){1,4}$", r"(?:\[|\()+a", "(a|b)c*", "[(a|a)*]+b?"]
)
def test_a_pattern_that_repeats_what_is_told_apart_is_fine(pattern: str) -> None:
    assert safe_pattern(pattern) == pattern
