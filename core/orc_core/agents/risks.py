"""What makes a command worth a second look before it is approved.

Invariant: a risk only ever adds a warning; that none was found says nothing about safety.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence
from typing import Final

from orc_core.agents.sieve import demand, sought

_RULES: Final = (
    ("rm -rf", r"\brm\s+(?:-\w+\s+|--\w+\s+)*(?:-\w*[rR]|--recursive\b)"),
    ("force push", r"\bgit\b.{0,80}\bpush\b.{0,200}(?:--force|\s-\w*f|\s\+[\w./-])"),
    ("loses work", r"\bgit\b.{0,80}\b(?:reset\s+--hard|clean\s+-\w*f|filter-branch)"),
    ("sudo", r"(?:^|[\s;&|(`$\"'])(?:sudo|doas|su)\s"),
    ("runs a download", r"\b(?:curl|wget)\b.{0,300}\|\s*(?:sudo\s+)?(?:[\w/]{0,40}/)?"
     r"(?:(?:ba|z|da|fi|k)?sh\b|python|perl|ruby|node)"),
    ("overwrites a device", r"\bdd\b.{0,200}\bof=/dev/|\bmkfs|>\s*/dev/(?:sd|nvme|disk|mmc)"),
    ("opens permissions", r"\bchmod\s+(?:-\w+\s+)*(?:0?777|a\+rwx)"),
    ("drops data", r"(?i)\b(?:drop\s+(?:table|database|schema)|truncate\s+table)\b"),
    ("kills processes", r"\b(?:kill\s+-9|killall|pkill)\b|\btmux\b.{0,40}\bkill-"),
)  # fmt: skip
_COMPILED: Final = tuple((name, re.compile(one), demand(one)) for name, one in _RULES)
OUTSIDE: Final = "a path outside the work tree"

_PATH: Final = re.compile(r"(?<![\w:/.@=~-])(?:~|\.\.|/)(?:/?[\w.@%+,~-]+)*/?|(?<==)/[\w./@-]+")
_HARMLESS: Final = re.compile(
    r"^(?:/dev/(?:null|stdin|stdout|stderr|tty|fd/\d+)|/(?:usr/)?(?:local/)?s?bin/[\w.+-]+|/)$"
)
TEXT_MAX: Final = 20_000


def risks(lines: Sequence[str], *, cwd: str = "", home: str = "") -> tuple[str, ...]:
    """The names of the risk rules that a prompt's text matches, in a fixed order.

    Lines are also read as one, since a long command wraps. `cwd` is where the agent works.
    """
    text = "\n".join(lines)[:TEXT_MAX]
    joined = " ".join(line.strip() for line in lines)[:TEXT_MAX]
    seek = sought(f"{text}\n{joined}")
    names = [
        name
        for name, rule, wants in _COMPILED
        if seek(wants) and (rule.search(text) or rule.search(joined))
    ]
    if cwd and any(_outside(path, cwd, home) for path in _PATH.findall(text)):
        names.append(OUTSIDE)
    return tuple(names)


def _outside(path: str, cwd: str, home: str) -> bool:
    if _HARMLESS.match(path):
        return False
    if path.startswith("~"):
        if not home:
            return True
        path = home + path[1:]
    full = os.path.normpath(os.path.join(cwd, path))  # noqa: PTH118 (text only: nothing is opened)
    return full != cwd and not full.startswith(cwd.rstrip("/") + "/")
