"""Claude Code in the lab: its home without onboarding, and the word of its session file.

Words of `setup`: `no-key` (no credentials at all), `account` (a plan, not a key), `untrusted`,
`impatient` (few retries), `auto` (newer versions may offer to let a model permit).
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, Final

from tests.lab.claude_scenes import SCENARIOS
from tests.lab.programs import Program
from tests.lab.roster import LabAgent, Launch, Place

MADE_UP_KEY: Final = "sk-ant-lab-0000-0000-made-up-for-the-lab-0000"

SETTINGS: Final = {"permissions": {"defaultMode": "default", "disableAutoMode": "disable"}}
"""Newer versions would let a model decide what needs no permission."""

ACCOUNT: Final = {
    "claudeAiOauth": {
        "accessToken": "sk-ant-oat01-made-up-for-the-lab",
        "refreshToken": "sk-ant-ort01-made-up-for-the-lab",
        "expiresAt": 4_000_000_000_000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
        "rateLimitTier": "default_claude_max_5x",
    }
}
"""An account with a plan, made up: only such accounts have usage limits."""


def prepare(place: Place) -> Launch:
    """Write `.claude.json` and `.claude/settings.json`; the key is made up."""
    state: dict[str, Any] = {
        "numStartups": 3,
        "theme": "dark",
        "autoUpdates": False,
        "hasCompletedOnboarding": True,
        "lastOnboardingVersion": place.version,
        "lastReleaseNotesSeen": place.version,
        "customApiKeyResponses": {"approved": [MADE_UP_KEY[-20:]], "rejected": []},
        "projects": {
            str(place.work): {
                "hasTrustDialogAccepted": "untrusted" not in place.setup,
                "hasCompletedProjectOnboarding": True,
                "allowedTools": [],
            }
        },
    }
    (place.home / ".claude.json").write_text(json.dumps(state), encoding="utf-8")
    folder = place.home / ".claude"
    folder.mkdir()
    settings = {} if "auto" in place.setup else SETTINGS
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    env = {
        "ANTHROPIC_BASE_URL": place.url,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
    }
    if "impatient" in place.setup:
        env["CLAUDE_CODE_MAX_RETRIES"] = "1"
    if "account" in place.setup:
        (folder / ".credentials.json").write_text(json.dumps(ACCOUNT), encoding="utf-8")
    elif "no-key" not in place.setup:
        env["ANTHROPIC_API_KEY"] = MADE_UP_KEY
    return Launch((), env)


def level(place: Place) -> str:
    """The status of the one session file, with what it waits for left out."""
    for path in Path(place.home / ".claude" / "sessions").glob("*.json"):
        with contextlib.suppress(OSError, ValueError):
            return str(json.loads(path.read_text(encoding="utf-8")).get("status", ""))
    return ""


AGENT: Final = LabAgent(
    id="claude",
    command="claude",
    program=Program(
        package="@anthropic-ai/claude-code",
        versions=("2.1.197", "2.1.329"),
        # npm may be told to run no install scripts: the package's own start script would miss them.
        binaries=("node_modules/@anthropic-ai/claude-code-*/claude",),
    ),
    prepare=prepare,
    scenarios=SCENARIOS,
    level=level,
)
