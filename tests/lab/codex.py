"""Codex in the lab: a home with a model provider of its own, which needs no account.

Words of `setup`: `no-key` (the usual provider, nobody signed in), `untrusted`, `read-only` (edits
need permission), `impatient` (nothing is tried again).
"""

from __future__ import annotations

from typing import Final

from tests.lab.codex_scenes import SCENARIOS
from tests.lab.programs import Program
from tests.lab.roster import LabAgent, Launch, Place

_PROVIDER: Final = """\
model = "gpt-5-codex"
model_provider = "lab"
approval_policy = "on-request"
sandbox_mode = "{sandbox}"
check_for_update_on_startup = false

[model_providers.lab]
name = "lab"
base_url = "{url}/v1"
wire_api = "responses"
requires_openai_auth = false
request_max_retries = {retries}
stream_max_retries = {retries}
"""
_TRUST: Final = """
[projects."{work}"]
trust_level = "trusted"
"""


def prepare(place: Place) -> Launch:
    """Write `config.toml`."""
    folder = place.home / ".codex"
    folder.mkdir()
    text = "check_for_update_on_startup = false\n"
    if "no-key" not in place.setup:
        retries = 0 if "impatient" in place.setup else 4
        sandbox = "read-only" if "read-only" in place.setup else "workspace-write"
        text = _PROVIDER.format(url=place.url, sandbox=sandbox, retries=retries)
    if "untrusted" not in place.setup:
        text += _TRUST.format(work=place.work)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return Launch((), {"CODEX_HOME": str(folder)})


AGENT: Final = LabAgent(
    id="codex",
    command="codex",
    program=Program(
        package="@openai/codex",
        versions=("0.169.0", "0.151.0"),
        binaries=(
            "node_modules/@openai/codex-*/vendor/*/bin/codex",
            "node_modules/@openai/codex-*/vendor/*/codex/codex",
        ),
    ),
    prepare=prepare,
    scenarios=SCENARIOS,
)
