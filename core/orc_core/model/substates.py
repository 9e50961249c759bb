"""Substates: what kind of its state an agent's state is.

Invariant: the vocabulary is closed, so that a rule, a hook and a person mean the same by a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SUBSTATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "answer-cut": "its answer was longer than the model may give",
        "auth-401": "its credentials are refused or have run out",
        "auth-login": "somebody has to sign in first",
        "background-shell": "its turn is over, a command of it runs on",
        "billing": "there is no credit left, or billing fails",
        "compacting": "it is making its context shorter",
        "context-full": "its context is full, it cannot go on as it is",
        "interrupted": "a person stopped it",
        "message-queued": "something was told to it that it reads when this step is over",
        "model-unavailable": "the model it is to use cannot be had",
        "network": "the model's server cannot be reached",
        "overloaded": "the model's server is too busy",
        "plan": "it asks whether its plan is to be carried out",
        "rate-limit": "it asked too often; short waits help",
        "refused": "the model's server refuses what it was sent",
        "retrying": "a call failed and is tried again",
        "server-error": "the model's server failed",
        "stopped": "its process is stopped, as by ctrl+z",
        "subagents": "agents that it started work on",
        "thinking": "the model thinks before it says anything",
        "tool": "it runs a tool",
        "trust": "it asks whether a folder is to be trusted",
        "usage-limit": "the limit of its plan is reached",
    }
)
