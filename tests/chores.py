"""How much of a proof is done: little of it in `make test`, all of it in `make faults`."""

from __future__ import annotations

import os
from typing import Final

KILLS: Final = int(os.environ.get("ORC_KILLS", "50"))
"""How often a writing process is killed; other programs are killed a fraction of that."""

EDITS: Final = int(os.environ.get("ORC_EDITS", "1000"))
"""How many edits are made at once by several processes."""

PROCESSES: Final = int(os.environ.get("ORC_PROCESSES", "4"))

LOSSES: Final = int(os.environ.get("ORC_POWER_LOSSES", "60"))
"""How often the power goes, in each mode of the store."""

MACHINES: Final = int(os.environ.get("ORC_MACHINES", "8"))
"""How many runs of a model and several processes are tried."""

FAULT_STRIDE: Final = int(os.environ.get("ORC_FAULT_STRIDE", "8"))
"""Which steps or operations fail in turn: each one in `make faults`, each eighth in `make test`."""

TREES: Final = int(os.environ.get("ORC_TREES", "6"))
"""How many generated work trees go back and there again."""

COMMITS_S: Final = float(os.environ.get("ORC_COMMITS_S", "3"))
"""For how long an agent commits beside us."""

DAMAGES: Final = int(os.environ.get("ORC_DAMAGES", "64"))
"""How many stores are damaged, each another way; every fourth opens a dashboard as well."""
