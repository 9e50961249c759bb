"""opencode in the lab: one made-up provider, and nothing that asks the network.

Words of `setup`: `no-key` (no provider at all), `yolo` (nothing is asked).
"""

from __future__ import annotations

import json
from typing import Any, Final

from tests.lab.opencode_scenes import SCENARIOS
from tests.lab.programs import Program
from tests.lab.roster import LabAgent, Launch, Place

CONTEXT: Final = 200_000


def prepare(place: Place) -> Launch:
    """Write `opencode.json`; the key is made up."""
    settings: dict[str, Any] = {
        "autoupdate": False,
        "share": "disabled",
        "permission": {} if "yolo" in place.setup else {"bash": "ask", "edit": "ask"},
    }
    if "no-key" not in place.setup:
        model = {"name": "Scripted", "limit": {"context": CONTEXT, "output": 8000}}
        options = {"baseURL": f"{place.url}/v1", "apiKey": "made-up"}
        settings |= {
            "model": "lab/scripted",
            "small_model": "lab/scripted",
            "enabled_providers": ["lab"],
            "provider": {
                "lab": {
                    "npm": "@ai-sdk/openai-compatible",
                    "name": "Lab",
                    "options": options,
                    "models": {"scripted": model, "other": model | {"name": "Other"}},
                }
            },
        }
    folder = place.home / ".config" / "opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.json").write_text(json.dumps(settings), encoding="utf-8")
    env = {
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
    }
    return Launch((), env)


AGENT: Final = LabAgent(
    id="opencode",
    command="opencode",
    program=Program(
        package="opencode-ai",
        versions=("1.18.33", "1.3.2"),
        # npm may be told to run no install scripts, which link the program of this machine;
        # what stands in `opencode-ai` is a script that starts it.
        binaries=("node_modules/opencode-[dlw]*/bin/opencode",),
    ),
    prepare=prepare,
    scenarios=SCENARIOS,
)
