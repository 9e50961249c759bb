"""Where hooks live: our own folders, and the settings of each agent.

Invariant: naming a place creates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_APP: Final = "orc-tui"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one user. `data` holds our scripts and `spool` what they write.

    `backups` keeps the settings as they were before us; the others are the agents' own.
    """

    data: Path
    spool: Path
    claude: Path
    codex: Path
    opencode: Path
    cursor: Path
    gemini: Path
    aider: Path

    @property
    def hook(self) -> Path:
        return self.data / "orc-hook"

    @property
    def statusline(self) -> Path:
        return self.data / "orc-statusline"

    @property
    def backups(self) -> Path:
        return self.data / "backups"

    @classmethod
    def of(cls, environ: Mapping[str, str], home: Path | None = None) -> Places:
        """The places that an environment names, by XDG rules on macOS too."""
        base = home if home is not None else Path(environ.get("HOME") or "/nonexistent")

        def folder(name: str, default: str) -> Path:
            value = environ.get(name, "")
            return Path(value) if value.startswith("/") else base / default

        return cls(
            data=folder("XDG_DATA_HOME", ".local/share") / _APP / "hooks",
            spool=folder("XDG_STATE_HOME", ".local/state") / _APP / "hooks" / "spool",
            claude=folder("CLAUDE_CONFIG_DIR", ".claude") / "settings.json",
            codex=folder("CODEX_HOME", ".codex") / "hooks.json",
            opencode=folder("XDG_CONFIG_HOME", ".config") / "opencode/plugins/orc-tui.js",
            cursor=base / ".cursor" / "hooks.json",
            gemini=base / ".gemini" / "settings.json",
            aider=base / ".aider.conf.yml",
        )
