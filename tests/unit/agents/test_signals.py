"""What a pane is, how it died, and what is read off its screen and title."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orc_core.agents.endings import death, left_shell, unruled
from orc_core.agents.kinds import kind_of
from orc_core.agents.rules import RuleSet
from orc_core.agents.signals import (
    activity,
    input_text,
    last_prompt,
    signals,
)
from orc_core.model.agent import OTHER, Source, State, Waiting
from orc_core.tmux.watcher import PaneInfo

pytest_plugins = ("agents_on_stage",)

Pane = Callable[..., PaneInfo]
Screen = Callable[[str], tuple[str, ...]]
NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("command", "argv", "kind"),
    [
        ("claude", ["claude"], "claude"),
        ("node", ["claude"], "claude"),
        (
            "node",
            ["node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js", "-c"],
            "claude",
        ),
        ("node", ["node", "/usr/bin/codex"], "codex"),
        ("codex", ["/opt/codex", "resume"], "codex"),
        ("python3", ["python3", "/x/bin/aider", "--model", "m"], "aider"),
        ("python3.11", ["/usr/bin/python3.11", "-m", "aider"], "aider"),
        ("aider", ["aider"], "aider"),
        ("opencode", ["opencode"], "opencode"),
        ("node", ["node", "--no-warnings", "/usr/bin/gemini"], "gemini"),
        ("bash", ["/bin/sh", "/home/me/bin/claude"], "claude"),
        ("node", ["node", "repl.js"], OTHER),
        ("vim", ["vim", "claude.py"], OTHER),
        ("python3", ["python3", "-c", "claude"], OTHER),
        ("less", ["less", "/usr/bin/codex"], OTHER),
        ("zsh", ["-zsh"], OTHER),
        ("git", [], OTHER),
    ],
)
def test_the_kind_is_that_of_the_program(
    rules: RuleSet, pane: Pane, command: str, argv: list[str], kind: str
) -> None:
    assert kind_of(rules, pane(command=command), argv) == kind


def test_a_title_tells_the_kind_of_what_runs_elsewhere_but_not_of_a_shell(
    rules: RuleSet, pane: Pane
) -> None:
    there = pane(command="ssh", title="✳ Claude Code")
    assert kind_of(rules, there, ["ssh", "devbox"]) == "claude"
    left = pane(command="bash", title="✳ Claude Code")
    assert kind_of(rules, left, ["-bash"]) == OTHER


@pytest.mark.parametrize(
    ("kind", "title", "state"),
    [
        ("claude", "⠐ Claude Code", State.WORKING),
        ("claude", "◐ Staging migration", State.WORKING),
        ("claude", "✳ Claude Code", State.IDLE),
        ("codex", "⠙ shop", State.WORKING),
        ("codex", "[ . ] Action Required | shop", State.WAITING),
        ("codex", "shop", None),
        ("gemini", "◇ Ready (shop)", State.IDLE),
    ],
)
def test_titles(rules: RuleSet, pane: Pane, kind: str, title: str, state: State | None) -> None:
    read = signals(rules, kind, pane(title=title), (), NOW)
    assert [signal.state for signal in read.signals] == ([state] if state else [])
    assert all(signal.evidence.source is Source.TITLE for signal in read.signals)


def test_a_working_title_that_stands_still_expires(rules: RuleSet, pane: Pane) -> None:
    info = pane(title="⠐ Claude Code")
    (fresh,) = signals(rules, "claude", info, (), NOW, title_at=NOW - 59).signals
    (stale,) = signals(rules, "claude", info, (), NOW, title_at=NOW - 61).signals
    assert (fresh.expired, stale.expired) == (False, True)
    (idle,) = signals(rules, "claude", pane(title="✳ x"), (), NOW, title_at=NOW - 9999).signals
    assert not idle.expired


def test_evidence_names_rule_and_text(rules: RuleSet, pane: Pane, screen: Screen) -> None:
    (read,) = signals(
        rules, "claude", pane(), screen("claude/error-api-400"), NOW, screen_at=NOW - 5
    ).signals
    assert (read.evidence.rule, read.evidence.at) == ("claude/api-error", NOW - 5)
    assert read.evidence.text == "● API Error: 400 scripted failure"
    assert read.does == "API Error: 400 scripted failure"


def test_a_limit_says_when_it_ends(rules: RuleSet, pane: Pane, screen: Screen) -> None:
    (read,) = signals(rules, "codex", pane(), screen("codex/limited-usage"), NOW).signals
    assert read.state is State.LIMITED
    assert read.does == "try again at 12:18 PM."
    assert 0 < read.resets_at - NOW <= 86_400


@pytest.mark.parametrize(
    ("status", "signal", "state", "text"),
    [
        (137, None, State.CRASHED, "exit 137, killed after 2h04"),
        (None, 9, State.CRASHED, "exit 137, killed after 2h04"),
        (139, None, State.CRASHED, "exit 139, segmentation fault after 2h04"),
        (1, None, State.CRASHED, "exit 1, ended after 2h04"),
        (0, None, State.DONE, "exit 0, ended after 2h04"),
    ],
)
def test_a_dead_pane(
    pane: Pane, status: int | None, signal: int | None, state: State, text: str
) -> None:
    info = pane(dead=True, dead_status=status, dead_signal=signal)
    told = death(info, NOW - 7440, NOW)
    assert told is not None
    assert (told.state, told.does, told.evidence.source) == (state, text, Source.PROC)
    assert death(pane(), NOW, NOW) is None


def test_a_dead_pane_of_which_tmux_says_nothing(pane: Pane) -> None:
    info = pane(dead=True)
    for status, state, text in (
        (9, State.CRASHED, "exit 137, killed after 10m"),
        (256, State.CRASHED, "exit 1, ended after 10m"),
        (0, State.DONE, "exit 0, ended after 10m"),
        (None, State.DONE, "ended after 10m, how is not known"),
    ):
        told = death(info, NOW - 600, NOW, exit_status=status)
        assert told is not None
        assert (told.state, told.does) == (state, text)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Killed", "killed after 4m; bash is left"),
        ("bash: line 1:  4242 Killed                  claude", "killed after 4m; bash is left"),
        ("[1]+  Killed                  claude", "killed after 4m; bash is left"),
        (
            "zsh: segmentation fault (core dumped)  codex",
            "segmentation fault after 4m; bash is left",
        ),
        ("❯ lease doslowKilled", "killed after 4m; bash is left"),
        (" ░Killed   Waiting for openai/lab", "killed after 4m; bash is left"),
        (
            "Traceback (most recent call last):",
            "Traceback (most recent call last) after 4m; bash is left",
        ),
    ],
)
def test_a_crash_that_leaves_the_shell(line: str, text: str) -> None:
    told = left_shell(("● All done", line, "$ "), "/bin/bash", NOW - 240, NOW)
    assert (told.state, told.does) == (State.CRASHED, text)


def test_a_real_kill_under_bash(screen: Screen) -> None:
    told = left_shell(screen("shell/crashed-claude-killed"), "bash", 0.0, NOW)
    assert (told.state, told.does) == (State.CRASHED, "killed; bash is left")


def test_what_ended_at_once_says_so() -> None:
    told = left_shell(("Killed", "$ "), "bash", NOW - 5, NOW)
    assert told.does == "killed within a minute; bash is left"


@pytest.mark.parametrize(
    "line",
    [
        "It was Killed by nobody",
        "the job is Killed",
        "│ Killed   │ 3 │",
        "░ Killed by it",
        "$ exit",
    ],
)
def test_an_end_that_was_no_crash(line: str) -> None:
    told = left_shell((line, "$ "), "bash", NOW - 240, NOW)
    assert (told.state, told.does) == (State.DONE, "ended after 4m; bash is left")


def test_panes_that_no_rule_knows(pane: Pane) -> None:
    told = unruled(pane(command="node"), ["node", "/srv/repl.js"], NOW)
    assert (told.state, told.does) == (State.UNKNOWN, "node repl.js: no rule knows it")
    own = unruled(pane(command="python"), ["python", "/venv/bin/orc-tui", "--demo"], NOW)
    assert (own.state, own.does) == (State.UNKNOWN, "a dashboard: its screen is not shown")
    assert unruled(pane(command="vim"), ["vim", "x"], NOW).does == "vim: no rule knows it"
    assert unruled(pane(command="bash"), ["-bash"], NOW).state is State.IDLE
    script = unruled(pane(command="bash"), ["bash", "/srv/loop.sh"], NOW)
    assert (script.state, script.does) == (State.UNKNOWN, "bash loop.sh: no rule knows it")


def test_what_it_does_and_was_told(rules: RuleSet, screen: Screen) -> None:
    claude = rules.kind("claude")
    codex = rules.kind("codex")
    assert claude is not None
    assert codex is not None
    lines = screen("claude/waiting-permission-bash")
    assert activity(claude, lines) == "Bash  npm run migrate -- --env staging"
    assert last_prompt(claude, lines).startswith("Take T-14.")
    assert last_prompt(claude, screen("claude/idle-after-an-older-error")) == "again"
    assert input_text(claude, screen("claude/idle-after-an-older-error")) == "half a thought"
    assert input_text(claude, screen("claude/idle-turn-ended")) == ""
    assert input_text(claude, lines) is None
    assert activity(codex, screen("codex/idle-turn-ended")) == "All done: the index is built."
    assert last_prompt(codex, screen("codex/working-spinner")) == "please doslow"


def test_a_bar_to_scroll_by_is_no_part_of_what_is_done(rules: RuleSet) -> None:
    opencode = rules.kind("opencode")
    assert opencode is not None
    lines = ("     I remove it.", f"     $ rm -rf build{' ' * 40}█", f"{' ' * 60}█")
    assert activity(opencode, lines) == "rm -rf build"


def test_the_prompt_decides_what_is_waited_for(rules: RuleSet, pane: Pane, screen: Screen) -> None:
    (told,) = signals(rules, "claude", pane(), screen("claude/waiting-question-tool"), NOW).signals
    assert (told.waiting, told.evidence.rule) == (Waiting.QUESTION, "claude/question")


def test_a_shell_is_known_by_its_process_where_tmux_still_names_the_agent(  # type: ignore[no-untyped-def]
    pane,
) -> None:
    assert unruled(pane(command="codex"), ["bash"], NOW).state is State.IDLE
    assert unruled(pane(command="codex"), ["codex"], NOW).state is State.UNKNOWN


@pytest.mark.parametrize("line", ["❯ Killed", "› Killeddex to do anything"])
def test_a_shell_writes_over_the_input_line_of_what_was_killed(line: str) -> None:
    left = ("● I look", line, "lab$ ", "  ? for shortcuts", "  model · ~/shop")
    told = left_shell(left, "bash", 0.0, NOW)
    assert (told.state, told.does) == (State.CRASHED, "killed; bash is left")
    typed = ("❯ Killed the build?", "● It ended", "lab$ ")
    assert left_shell(typed, "bash", 0.0, NOW).state is State.DONE


FOOT = " ■■■■⬝⬝⬝⬝  esc interrupt      ctrl+p commands"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # aider draws its spinner and comes back to it
        (
            ("diff> explain", "", "░█        Waiting for openai/lab"),
            ("diff> explain", "", "=Killed   Waiting for openai/lab", "lab$"),
        ),
        # Gemini's cursor stands in its input line
        (
            ("✦ I look", " >   Type your message or @path/to/file", "▀▀▀▀▀▀", " ~/shop"),
            ("✦ I look", " > Killed your message or @path/to/file", "lab$ ▀", " ~/shop"),
        ),
        # opencode's in an empty one, amid what it drew
        (
            ("  ┃", "  ┃  Ask anything", "  ┃", "  ┃  Build · Scripted", "  ╹▀▀▀▀", FOOT),
            ("  ┃", "  ┃  Killed", "lab$", "  ┃  Build · Scripted", "  ╹▀▀▀▀", FOOT),
        ),
    ],
)
def test_a_shell_writes_amid_what_was_drawn_before(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    told = left_shell(after, "bash", 0.0, NOW, before=[(), before])
    assert (told.state, told.does) == (State.CRASHED, "killed; bash is left")
    alone = left_shell(after, "bash", 0.0, NOW, before=[after])
    assert alone.state is State.DONE


@pytest.mark.parametrize(
    "after",
    [
        ("● Killed the build: it hung", "", "❯ /exit", "", "lab$"),
        ("● I look", "  Killed the build", "", "  It hung", "", "❯ /exit", "lab$"),
        ("● I look", "✻ Waiting", "Killed by nobody", "lab$"),
    ],
)
def test_what_an_agent_says_of_others_is_no_crash_of_its_own(after: tuple[str, ...]) -> None:
    before = ("● I look", "✻ Waiting for it", "", "❯ Try a question", "  ? for shortcuts")
    assert left_shell(after, "bash", 0.0, NOW, before=[(), before]).state is State.DONE
