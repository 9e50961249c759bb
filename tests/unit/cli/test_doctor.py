"""`orc doctor` on what a person set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orc_cli.main import main


def test_the_doctor_tells_of_keys_that_clash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    own = tmp_path / "config" / "orc-tui" / "config.toml"
    own.parent.mkdir(parents=True)

    def keys() -> list[tuple[str, str]]:
        main(["doctor", "--json", "--socket-path", str(tmp_path / "none")])
        found = json.loads(capsys.readouterr().out)
        return [(one["verdict"], one["found"]) for one in found if one["check"] == "keys"]

    own.write_text('[keys]\nwhy = "W"\n')
    assert keys() == [("ok", "no key is bound twice in one pane")]
    own.write_text('[keys]\nwhy = "z"\nanser = "Y"\n')
    told = keys()
    assert [verdict for verdict, _ in told] == ["fail", "fail"]
    assert told[0][1].startswith(f"{own}: keys.anser: there is no such action: did you mean answer")
    assert told[1][1].startswith(f"{own}: keys.why: `z` is undo everywhere already")
