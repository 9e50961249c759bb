"""Gemini CLI in the lab: a made-up key, one model, and nothing that asks the network.

Words of `setup`: `no-key` (no way to sign in was chosen), `untrusted`, `yolo` (nothing is asked),
`single` (one process, where it else starts itself anew below a launcher).
"""

from __future__ import annotations

import json
from typing import Any, Final

from tests.lab.geminicli_scenes import SCENARIOS
from tests.lab.programs import Program
from tests.lab.roster import LabAgent, Launch, Place

MODEL: Final = "gemini-2.5-flash"
"""A model by name: with the automatic choice it asks another one which to take."""


def prepare(place: Place) -> Launch:
    """Write `.gemini/settings.json` and the list of trusted folders; the key is made up."""
    settings: dict[str, Any] = {
        "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "security": {"folderTrust": {"enabled": True}},
    }
    env = {"GOOGLE_GEMINI_BASE_URL": place.url}
    if "no-key" not in place.setup:
        settings["security"]["auth"] = {"selectedType": "gemini-api-key"}
        env["GEMINI_API_KEY"] = "made-up"
    if "single" in place.setup:
        env["GEMINI_CLI_NO_RELAUNCH"] = "true"
    folder = place.home / ".gemini"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    if "untrusted" not in place.setup:
        trusted = json.dumps({str(place.work): "TRUST_FOLDER"})
        (folder / "trustedFolders.json").write_text(trusted, encoding="utf-8")
    yolo = ("--yolo",) if "yolo" in place.setup else ()
    return Launch(("--model", MODEL, *yolo), env)


AGENT: Final = LabAgent(
    id="gemini",
    command="gemini",
    program=Program(
        package="@google/gemini-cli",
        versions=("0.61.0", "0.40.1", "0.20.2"),
        binaries=(
            "node_modules/@google/gemini-cli/bundle/gemini.js",
            "node_modules/@google/gemini-cli/dist/index.js",
        ),
    ),
    prepare=prepare,
    scenarios=SCENARIOS,
)
