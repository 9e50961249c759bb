"""The body of an agent document, checked as it comes in from people, files and other tools.

Invariant: this is the border; past it a body is known to be valid. The names of environment
variables are kept, their values never.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orc_core.model.life import (
    ARGV_MAX,
    LABEL_MAX,
    LIST_MAX,
    NOTE_MAX,
    PATH_MAX,
    WORD_MAX,
    Policy,
    Restart,
)
from orc_storage.documents import ID_PATTERN

Id = Annotated[str, StringConstraints(pattern=f"^{ID_PATTERN.pattern}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=LABEL_MAX)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
CONVERSATION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
Conversation = Annotated[str, StringConstraints(pattern=f"^({CONVERSATION.pattern})?$")]
Path = Annotated[str, StringConstraints(max_length=PATH_MAX)]
Whole = Annotated[int, Field(ge=0, le=2**53)]
Seconds = Annotated[float, Field(ge=0, le=86_400 * 7, strict=False)]


class PanePart(BaseModel):
    """The pane in which it was last seen: all three tell it from a later one."""

    model_config = ConfigDict(extra="allow", strict=True)

    server_start: Whole
    pane_id: Annotated[str, StringConstraints(pattern=r"^%\d{1,9}$")]
    pid: Whole


class PolicyPart(BaseModel):
    """When it is started again, and what it may use."""

    model_config = ConfigDict(extra="allow", strict=True)

    restart: Literal["never", "on-failure", "always"] = "never"
    max_restarts: Annotated[int, Field(ge=0, le=1000)] = 10
    min_uptime_s: Seconds = 10.0
    backoff_s: Seconds = 1.0
    backoff_max_s: Seconds = 60.0
    memory_max: Whole = 0
    kill_after_s: Seconds = 5.0


class AgentBody(BaseModel):
    """The body of an agent document. Its id is the agent's name.

    `origin` tells how it came to be known; `argv` and `cwd` are empty where orc did not start it
    and cannot start it again. `wanted` is what a person last asked for. `conversation` is by what
    the agent finds its last one again. Unknown fields are kept.
    """

    model_config = ConfigDict(extra="allow", strict=True)

    id: Id
    origin: Literal["spawned", "adopted", "registered"] = "spawned"
    kind: Annotated[str, StringConstraints(max_length=31)] = ""
    argv: Annotated[
        list[Annotated[str, StringConstraints(max_length=WORD_MAX)]], Field(max_length=ARGV_MAX)
    ] = []
    cwd: Path = ""
    env: Annotated[list[Variable], Field(max_length=LIST_MAX)] = []
    server: Path = ""
    session: Annotated[str, StringConstraints(max_length=60)] = ""
    labels: Annotated[list[Label], Field(max_length=LIST_MAX)] = []
    capabilities: Annotated[list[Label], Field(max_length=LIST_MAX)] = []
    version: Annotated[str, StringConstraints(max_length=LABEL_MAX)] = ""
    note: Annotated[str, StringConstraints(max_length=NOTE_MAX)] = ""
    instance_of: Annotated[str, StringConstraints(max_length=63)] = ""
    wanted: Literal["running", "stopped"] = "running"
    policy: PolicyPart = PolicyPart()
    pane: PanePart | None = None
    conversation: Conversation = ""


def policy_of(part: PolicyPart) -> Policy:
    """The policy of a body as the core works with it."""
    return Policy(
        restart=Restart(part.restart),
        max_restarts=part.max_restarts,
        min_uptime_s=part.min_uptime_s,
        backoff_s=part.backoff_s,
        backoff_max_s=part.backoff_max_s,
        memory_max=part.memory_max,
        kill_after_s=part.kill_after_s,
    )
