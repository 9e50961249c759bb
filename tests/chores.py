"""How much of a proof is done: little of it in `make test`, all of it in `make faults`."""

from __future__ import annotations

import os
from typing import Final

KILLS: Final = int(os.environ.get("ORC_KILLS", "50"))
"""How often a writing process is killed; other programs are killed a fraction of that."""

EDITS: Final = int(os.environ.get("ORC_EDITS", "1000"))
"""How many edits are made at once by several processes."""

PROCESSES: Final = int(os.environ.get("ORC_PROCESSES", "4"))

EXAMPLES: Final = int(os.environ.get("ORC_EXAMPLES", "1"))
"""By how much more examples are tried than in `make test`."""
