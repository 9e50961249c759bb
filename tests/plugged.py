"""Distributions made for a test, whose entry points bring layers."""

from __future__ import annotations

import textwrap
from pathlib import Path

SOUND = """
    from memory_layer import MemoryLayer

    def make(context):
        assert "task" in context.kinds and context.workspace.is_dir()
        return MemoryLayer("whatever")
"""


def install(folder: Path, name: str, source: str, *, entry: str = "make") -> None:
    """Lay a distribution into a folder of sys.path: a module, and an entry point to it."""
    module = f"plugged_{folder.name.replace('-', '_')}_{name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(textwrap.dedent(source))
    facts = folder / f"{module}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[orc_tui.layers]\n{name} = {module}:{entry}\n")
