"""Installing hooks into real files, and taking them out again."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from orc_core.agents.hooks import installation
from orc_core.agents.hooks.installation import AGENTS, plan_install, plan_uninstall
from orc_core.agents.hooks.places import Places
from orc_core.agents.hooks.wanted import is_ours
from orc_core.errors import OrcError, UsageError

NEW = (2, 1, 300)
JSON_AGENTS = ("claude", "codex", "cursor", "gemini")

FOREIGN = {
    "model": "opus",
    "hooks": {
        "Stop": [{"matcher": "", "hooks": [{"type": "command", "command": "~/bin/not-orc-hooks"}]}],
        "stop": [{"command": "say done"}],
    },
    "permissions": {"allow": ["Bash(ls:*)"]},
}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of({"HOME": str(tmp_path / "home dir")})


def install(places: Places, agent: str, **options: Any) -> installation.Plan:
    return installation.install_into(places, agent, version=NEW, **options)


def uninstall(places: Places, agent: str) -> installation.Plan:
    plan = plan_uninstall(agent, places)
    installation.apply([plan], places, install=False)
    return plan


def path_of(places: Places, agent: str, data: str | bytes | None) -> Path:
    path: Path = getattr(places, agent)
    path.parent.mkdir(parents=True)
    if data is not None:
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


STARTS = {
    "missing": None,
    "empty": "",
    "blank": " \n",
    "braces": "{}",
    "foreign": json.dumps(FOREIGN, indent=2),
    "odd indentation": json.dumps(FOREIGN, indent=7) + "\n\n",
    "tabs": json.dumps(FOREIGN, indent="\t"),
    "one line": json.dumps(FOREIGN),
    "carriage returns": json.dumps(FOREIGN, indent=4).replace("\n", "\r\n") + "\r\n",
    "no hooks yet": '{"hooks": {}, "x": [ ]}',
}


@pytest.mark.parametrize("agent", JSON_AGENTS)
@pytest.mark.parametrize("start", STARTS.values(), ids=list(STARTS))
def test_a_round_trip_leaves_the_file_byte_for_byte(
    places: Places, agent: str, start: str | None
) -> None:
    path = path_of(places, agent, start)
    install(places, agent)
    first = path.read_bytes()
    told = json.loads(first)
    assert installation.status(agent, places).state == "installed"
    assert not install(places, agent).change.is_needed
    assert path.read_bytes() == first
    if start and start.strip():
        kept = json.loads(start)
        assert {key: told[key] for key in kept if key != "hooks"} == {
            key: value for key, value in kept.items() if key != "hooks"
        }
        for event, groups in kept["hooks"].items() if "hooks" in kept else ():
            assert told["hooks"][event][: len(groups)] == groups
    uninstall(places, agent)
    assert path.exists() == (start is not None)
    assert start is None or path.read_bytes() == start.encode()
    assert installation.status(agent, places).state == "absent"


@pytest.mark.parametrize("agent", JSON_AGENTS)
def test_a_file_changed_since_keeps_the_change_and_loses_ours(places: Places, agent: str) -> None:
    start = json.dumps(FOREIGN, indent=2)
    path = path_of(places, agent, start)
    install(places, agent)
    path.write_text(path.read_text().replace('"opus"', '"sonnet"'))
    uninstall(places, agent)
    assert path.read_text() == start.replace('"opus"', '"sonnet"')


def test_a_hook_that_a_person_moved_is_still_found(places: Places) -> None:
    path = path_of(places, "claude", json.dumps(FOREIGN))
    install(places, "claude")
    told = json.loads(path.read_text())
    ours = told["hooks"]["Stop"].pop()["hooks"][0]
    told["hooks"]["Stop"][0]["hooks"].append(ours)
    path.write_text(json.dumps(told))
    assert not install(places, "claude").change.is_needed
    uninstall(places, "claude")
    assert json.loads(path.read_text()) == FOREIGN


def test_an_older_installation_is_brought_up_to_date(places: Places, tmp_path: Path) -> None:
    path = path_of(places, "claude", json.dumps(FOREIGN))
    elsewhere = Places.of({"HOME": str(places.claude.parent.parent), "XDG_DATA_HOME": "/old"})
    plan = plan_install("claude", elsewhere, version=(2, 0, 50))
    path.write_bytes(plan.change.after or b"")
    assert installation.status("claude", places).state == "partial"
    install(places, "claude")
    assert installation.status("claude", places).state == "installed"
    hooks = json.loads(path.read_text())["hooks"]
    commands = [hook["command"] for group in hooks["PreToolUse"] for hook in group["hooks"]]
    assert len(commands) == 1 and "/old/" not in commands[0]
    uninstall(places, "claude")
    assert json.loads(path.read_text()) == FOREIGN


@pytest.mark.parametrize("version", [None, (2, 0, 45), (2, 1, 80), NEW])
def test_claude_gets_only_events_that_its_version_knows(
    places: Places, version: tuple[int, ...] | None
) -> None:
    path_of(places, "claude", None)
    installation.install_into(places, "claude", version=version)
    events = set(json.loads(places.claude.read_text())["hooks"])
    assert {"Stop", "UserPromptSubmit", "PermissionRequest"} <= events
    assert ("StopFailure" in events) == (version is not None and version >= (2, 1, 78))
    assert ("PermissionDenied" in events) == (version == NEW)
    assert installation.status("claude", places).state == "installed"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{\n  "a": 1,\n}', "line 2, column 9"),
        ('{"a": 1 // x\n}', "a comment"),
        (b'{"a": "\xff"}', "line 1 is not UTF-8"),
        ("[]", "an object in braces"),
        ('{"hooks": []}', "`hooks` is no object"),
        ('{"hooks": {"Stop": {}}}', "Stop is no list"),
    ],
)
def test_what_cannot_be_read_is_refused_and_stays(
    places: Places, data: str | bytes, said: str
) -> None:
    path = path_of(places, "claude", data)
    before = path.read_bytes()
    with pytest.raises(OrcError, match=said) as refused:
        install(places, "claude")
    assert str(path) in str(refused.value)
    assert "nothing was changed" in str(refused.value)
    assert path.read_bytes() == before
    assert not places.spool.exists()


def test_comments_are_kept_where_the_agent_reads_them(places: Places) -> None:
    start = '{\n  // mine\n  "theme": "x", // dark\n}\n'
    path = path_of(places, "gemini", start)
    install(places, "gemini")
    assert "// mine" in path.read_text() and "// dark" in path.read_text()
    uninstall(places, "gemini")
    assert path.read_text() == start


def test_what_is_in_the_way_is_named(places: Places) -> None:
    places.claude.mkdir(parents=True)
    with pytest.raises(OrcError, match="not a plain file"):
        install(places, "claude")
    assert installation.status("claude", places).state == "unreadable"
    places.codex.parent.write_text("a file where a folder belongs")
    with pytest.raises(OrcError, match=r"\.codex"):
        install(places, "codex")


def test_a_read_only_file_is_left_alone(places: Places) -> None:
    path = path_of(places, "claude", "{}")
    path.chmod(0o444)
    with pytest.raises(OrcError, match=r"read-only: run `chmod u\+w"):
        install(places, "claude")
    assert path.read_text() == "{}"


def test_a_symlink_stays_and_its_target_keeps_its_mode(places: Places, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "claude.json"
    target.parent.mkdir()
    target.write_text("{}")
    target.chmod(0o640)
    path = path_of(places, "claude", None)
    path.symlink_to(target)
    install(places, "claude")
    assert path.is_symlink() and "orc-hook" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [one.name for one in target.parent.iterdir()] == ["claude.json"]
    uninstall(places, "claude")
    assert path.is_symlink() and target.read_text() == "{}"


def test_a_file_that_changed_meanwhile_is_not_overwritten(places: Places) -> None:
    path = path_of(places, "claude", "{}")
    plan = plan_install("claude", places, version=NEW)
    path.write_text('{"a": 1}')
    with pytest.raises(OrcError, match="changed by someone else"):
        installation.apply([plan], places, install=True)
    assert path.read_text() == '{"a": 1}'


def test_planning_writes_nothing_and_tells_the_difference(places: Places, tmp_path: Path) -> None:
    path_of(places, "claude", "{}\n")
    plan = plan_install("claude", places, version=NEW)
    assert "-{}" in plan.change.diff() and '+    "Stop": [' in plan.change.diff()
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [places.claude]


def test_a_status_line_is_wrapped_and_given_back(places: Places) -> None:
    own = '~/bin/line.sh --it\'s "mine" $(date)'
    start = json.dumps({"statusLine": {"type": "command", "padding": 0, "command": own}}, indent=4)
    path = path_of(places, "claude", start)
    install(places, "claude", statusline=True)
    line = json.loads(path.read_text())["statusLine"]
    assert line["padding"] == 0 and line["command"].startswith(f"'{places.statusline}' ")
    assert installation.status("claude", places).statusline
    again = install(places, "claude", statusline=True)
    assert not again.change.is_needed
    assert not install(places, "claude").change.is_needed  # and keeps it without being asked
    path.write_text(path.read_text() + "\n")
    uninstall(places, "claude")
    assert path.read_text() == start + "\n"


@pytest.mark.parametrize("line", ['["a", {}]', '{"command": 1}', '{"command": {"a": 1}}', '"x"'])
def test_a_status_line_that_is_no_command_is_left_alone(places: Places, line: str) -> None:
    path = path_of(places, "claude", f'{{"statusLine": {line}}}')
    with pytest.raises(OrcError, match="left alone"):
        install(places, "claude", statusline=True)
    install(places, "claude")
    assert installation.status("claude", places).state == "installed"
    assert json.loads(path.read_text())["statusLine"] == json.loads(line)


def test_what_a_person_added_to_an_empty_status_line_stays(places: Places) -> None:
    own = {"type": "command", "command": "", "padding": 2}
    path = path_of(places, "claude", json.dumps({"statusLine": own}))
    install(places, "claude", statusline=True)
    path.write_text(path.read_text().replace('"padding": 2', '"padding": 3'))
    uninstall(places, "claude")
    assert json.loads(path.read_text()) == {"statusLine": own | {"padding": 3}}


def test_a_comment_among_our_entries_stays(places: Places) -> None:
    path = path_of(places, "gemini", '{\n  "hooks": {\n    // mine\n  }\n}\n')
    install(places, "gemini")
    path.write_text(path.read_text().replace("{", "{ // later", 1))
    uninstall(places, "gemini")
    assert "// mine" in path.read_text()
    assert installation.status("gemini", places).state == "absent"


def test_a_status_line_of_ours_alone_goes_away_again(places: Places) -> None:
    path = path_of(places, "claude", '{\n  "a": 1\n}')
    install(places, "claude", statusline=True)
    assert json.loads(path.read_text())["statusLine"]["command"] == f"'{places.statusline}'"
    path.write_text(path.read_text() + "\n")
    uninstall(places, "claude")
    assert path.read_text() == '{\n  "a": 1\n}\n'
    with pytest.raises(UsageError, match="--statusline is for claude"):
        plan_install("codex", places, statusline=True)


@pytest.mark.parametrize(
    "start", [None, "", "model: gpt\n", "# mine\nmodel: gpt", "a: 1\r\nb: 2\r\n"]
)
def test_aider_gets_a_marked_block(places: Places, start: str | None) -> None:
    path = path_of(places, "aider", start)
    install(places, "aider")
    text = path.read_bytes().decode()
    assert text.startswith(start or "")
    assert "notifications: true" in text and "orc-hook" in text
    assert installation.status("aider", places).state == "installed"
    assert not install(places, "aider").change.is_needed
    if start:
        path.write_bytes(b"edit-format: diff\n" + path.read_bytes())
        uninstall(places, "aider")
        kept = start if start.endswith("\n") else start + "\n"
        assert path.read_bytes().decode() == "edit-format: diff\n" + kept
    else:
        uninstall(places, "aider")
        assert (path.read_text() if path.exists() else None) == start


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("model: x\nnotifications-command: say\n", "line 2 has a notifications-command"),
        ("notifications: false\n", "line 1 switches notifications off"),
        ("{model: x}\n", "in braces"),
        ("a: 1\n...\n", "line 2: text after"),
    ],
)
def test_aider_settings_that_have_no_room_are_left_alone(
    places: Places, start: str, said: str
) -> None:
    path = path_of(places, "aider", start)
    with pytest.raises(OrcError, match=said):
        install(places, "aider")
    assert path.read_text() == start


def test_aider_with_notifications_on_gets_the_command_alone(places: Places) -> None:
    path = path_of(places, "aider", "notifications: yes\n")
    install(places, "aider")
    assert path.read_text().count("notifications:") == 1


def test_a_plugin_of_someone_else_is_not_touched(places: Places) -> None:
    path = path_of(places, "opencode", "export const Mine = async () => ({})\n")
    with pytest.raises(OrcError, match="not ours"):
        install(places, "opencode")
    assert not uninstall(places, "opencode").change.is_needed
    path.unlink()
    install(places, "opencode")
    assert json.dumps(str(places.hook)) in path.read_text()
    path.write_text(path.read_text() + "// mine\n")
    uninstall(places, "opencode")
    assert not path.exists()


def test_codex_is_told_to_trust(places: Places) -> None:
    path_of(places, "codex", None)
    assert "/hooks" in install(places, "codex").note
    assert "0 of 9 are trusted" in installation.status("codex", places).note
    rows = [
        f'[hooks.state."{places.codex}:{event.lower()}:0:0"]\ntrusted_hash = "x"\n'
        for event in installation.status("codex", places).events
    ]
    places.codex.with_name("config.toml").write_text("\n".join(rows))
    assert installation.status("codex", places).note == ""


def test_a_script_that_was_removed_is_noticed(places: Places) -> None:
    path_of(places, "claude", None)
    install(places, "claude")
    assert stat.S_IMODE(places.hook.stat().st_mode) == 0o700
    assert stat.S_IMODE(places.spool.stat().st_mode) == 0o700
    places.hook.unlink()
    status = installation.status("claude", places)
    assert (status.state, status.note) == (
        "partial",
        "our script is missing or old: install again",
    )
    install(places, "claude")
    assert installation.status("claude", places).state == "installed"


def test_places_follow_the_environment(tmp_path: Path) -> None:
    environ = {
        "HOME": "/h",
        "CLAUDE_CONFIG_DIR": "/c",
        "CODEX_HOME": "/x",
        "XDG_STATE_HOME": "/s",
        "XDG_DATA_HOME": "relative",
    }
    places = Places.of(environ)
    assert str(places.claude) == "/c/settings.json"
    assert str(places.codex) == "/x/hooks.json"
    assert str(places.spool) == "/s/orc-tui/hooks/spool"
    assert str(places.hook) == "/h/.local/share/orc-tui/hooks/orc-hook"
    assert str(Places.of({}).spool).startswith("/nonexistent/")


def test_an_unknown_agent_is_refused_and_those_found_are_known(places: Places) -> None:
    with pytest.raises(UsageError, match="claude, codex"):
        plan_install("emacs", places)
    assert set(installation.present(places)) <= {"aider"}
    places.gemini.parent.mkdir(parents=True)
    assert "gemini" in installation.present(places)
    assert set(AGENTS) == {"claude", "codex", "opencode", "cursor", "gemini", "aider"}


def test_only_our_own_command_is_ours() -> None:
    assert is_ours("/x/orc-hook claude 2>/dev/null || :")
    assert is_ours("'/x y/orc-hook' claude")
    assert not is_ours("/x/orc-hooks claude")
    assert not is_ours("my-orc-hook")
    assert not is_ours(None)


def test_backups_are_private(places: Places) -> None:
    path_of(places, "claude", '{"env": {"KEY": "secret"}}')
    install(places, "claude")
    kept = list(places.backups.iterdir())
    assert [one.read_text() for one in kept] == ['{"env": {"KEY": "secret"}}']
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(places.backups.stat().st_mode) == 0o700
    assert places.claude.stat().st_uid == os.geteuid()
