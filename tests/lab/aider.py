"""aider in the lab: a made-up key, edits as diffs, and no question about anything else.

Words of `setup`: `new` (it asks about its release notes), `no-key`.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any, Final

from tests.lab.aider_scenes import SCENARIOS
from tests.lab.programs import Program
from tests.lab.roster import LabAgent, Launch, Place

MODEL: Final = "openai/lab"
IDENTITY: Final = ("-c", "user.name=Lab", "-c", "user.email=lab@example.org")
QUIET: Final = (
    "--no-check-update",
    "--no-show-model-warnings",
    "--analytics-disable",
    "--no-gitignore",
    "--no-detect-urls",
)


def prepare(place: Place) -> Launch:
    """Commit the folder, whose files it then knows, and write the prices that it would fetch."""
    facts: dict[str, Any] = {
        "max_input_tokens": 64_000,
        "max_output_tokens": 4_000,
        "input_cost_per_token": 1e-6,
        "output_cost_per_token": 2e-6,
        "litellm_provider": "openai",
        "mode": "chat",
    }
    for words in (("add", "."), ("commit", "--quiet", "-m", "a shop")):
        subprocess.run(
            ["git", *IDENTITY, *words],
            cwd=place.work,
            env={"HOME": str(place.home), "PATH": os.environ["PATH"]},
            timeout=20.0,
            check=True,
        )
    caches = place.home / ".aider" / "caches"
    caches.mkdir(parents=True)
    prices = json.dumps({MODEL: facts})
    (caches / "model_prices_and_context_window.json").write_text(prices, encoding="utf-8")
    argv = ["--model", MODEL, "--edit-format", "diff", *QUIET]
    if "new" not in place.setup:
        argv.append("--no-show-release-notes")
    if "no-key" not in place.setup:
        argv += ["--openai-api-key", "made-up", "--openai-api-base", f"{place.url}/v1"]
    return Launch(tuple(argv), {"LITELLM_LOCAL_MODEL_COST_MAP": "True"})


AGENT: Final = LabAgent(
    id="aider",
    command="aider",
    program=Program(
        package="aider-chat",
        versions=("0.86.2",),
        binaries=("venv/bin/aider",),
        registry="pip",
    ),
    prepare=prepare,
    scenarios=SCENARIOS,
)
