"""One step of one saga, as effects are told of it.

Invariant: a value; its key is the same for each attempt of a round.
"""

from __future__ import annotations

from dataclasses import dataclass

from orc_core.saga.definition import Step
from orc_storage.sagas import Saga


@dataclass(frozen=True, slots=True)
class Call:
    """One step of one saga; `key` is the same for each attempt of a round."""

    saga: Saga
    step: Step
    number: int
    folder: str

    @property
    def key(self) -> str:
        return f"{self.saga.id}.{self.step.name}.{self.saga.round}"

    @property
    def actor(self) -> str:
        return self.saga.made_by

    @property
    def cause(self) -> str:
        return f"workflow {self.key}"
