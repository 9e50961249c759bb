"""Typing into a pane, and reading it once.

Invariant: text is cleaned and travels over stdin into a buffer of its own, never through a
shell, a format or the argument list; a bracketed paste cannot be closed from inside; Enter is
a separate act. A pane is named by its number alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from typing import Final

from orc_core.errors import TmuxError, UsageError
from orc_core.text import clean
from orc_core.tmux.server import Address, run, run_chain

TEXT_MAX: Final = 64_000
KEYS_MAX: Final = 64

_PANE: Final = re.compile(r"%\d{1,9}")
_NAMED: Final = re.compile(
    r"(?:[CSM]-){0,3}(?:Enter|Escape|Tab|BTab|Space|BSpace|DC|IC|Up|Down|Left|Right|Home|End"
    r"|PageUp|PageDown|PPage|NPage|F(?:[1-9]|1[0-2]))|(?:[CM]-){1,2}[a-z]"
)


async def send_text(address: Address, pane_id: str, text: str, *, timeout_s: float = 5.0) -> None:
    """Paste text into a pane, without Enter.

    It arrives as one bracketed paste where the program asked for that. Raises `UsageError` for
    a text that is too long; the `Tmux…` errors as they are. After `TmuxTimeout` it is not known
    whether the text arrived.
    """
    target = _checked(pane_id)
    safe = clean(text, limit=TEXT_MAX + 1, newlines=True)
    if len(safe) > TEXT_MAX:
        raise UsageError(f"the text is longer than {TEXT_MAX} characters: send it in parts")
    if not safe:
        return
    name = f"orc-{secrets.token_hex(8)}"
    commands = (
        ("load-buffer", "-b", name, "-"),
        ("paste-buffer", "-p", "-r", "-d", "-b", name, "-t", target),
    )
    try:
        await run_chain(address, commands, stdin=safe.encode(), timeout_s=timeout_s)
    except (TmuxError, asyncio.CancelledError):
        with contextlib.suppress(TmuxError):
            await run(address, "delete-buffer", "-b", name, timeout_s=1.0)
        raise


async def send_keys(
    address: Address, pane_id: str, keys: tuple[str, ...], *, timeout_s: float = 5.0
) -> None:
    """Press keys in a pane: names such as `Enter`, `Escape`, `C-c`; anything else literally."""
    target = _checked(pane_id)
    if len(keys) > KEYS_MAX:
        raise UsageError(f"more than {KEYS_MAX} keys at once: send them in parts")
    commands = [
        ("send-keys", "-t", target, key)
        if _NAMED.fullmatch(key)
        else ("send-keys", "-t", target, "-l", "--", clean(key, limit=200))
        for key in keys
        if key
    ]
    if commands:
        await run_chain(address, commands, timeout_s=timeout_s)


async def capture(
    address: Address, pane_id: str, *, colour: bool = False, timeout_s: float = 5.0
) -> str:
    """Read the visible screen of a pane, raw: pass it to `screen.parse_lines` or `text.clean`."""
    options = ("-p", "-e") if colour else ("-p",)
    return await run(
        address, "capture-pane", *options, "-t", _checked(pane_id), timeout_s=timeout_s
    )


def _checked(pane_id: str) -> str:
    if not _PANE.fullmatch(pane_id):
        raise UsageError(f"{clean(pane_id, limit=40)!r} is no pane: tmux calls them %0, %1, …")
    return pane_id
