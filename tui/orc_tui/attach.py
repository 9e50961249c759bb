"""Leaving for an agent's pane and coming back.

Invariant: whatever happens to the client that was started, the dashboard goes on afterwards.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from textual.app import App, SuspendNotSupported

from orc_core.errors import TmuxError
from orc_core.model.attach import AttachPlan, How
from orc_core.text import clean

DEADLINE_S: Final = 5.0
"""For everything but the nested client, which lasts as long as the person stays."""
_ERROR_MAX: Final = 300


async def attach(app: App[Any], plan: AttachPlan, name: str) -> None:
    """Go to the agent's pane; a nested client returns when it was left.

    Raises `TmuxError` with tmux's own words, after the dashboard is back.
    """
    if plan.how is How.SWITCH:
        await asyncio.to_thread(_run, plan.argv, b"")
        return
    fault = ""
    # Awaiting in `suspend` is safe only while nothing is drawn, hence the batch; a fault that
    # left the block would keep the terminal suspended, hence it is carried out as text.
    try:
        with app.batch_update(), app.suspend():
            fault = await asyncio.to_thread(_nest, plan, name)
    except SuspendNotSupported:
        fault = "this terminal cannot be handed over: attach from another one"
    if plan.after_argv:
        await asyncio.to_thread(_run, plan.after_argv, plan.after_stdin)
    if fault:
        raise TmuxError(fault)


def _nest(plan: AttachPlan, name: str) -> str:
    """Run the client on our terminal until it is left; the fault in one line, "" for none."""
    try:
        out = sys.__stdout__
        if out is not None:
            out.write(f"{clean(name, limit=80)}: {plan.way_back} comes back to orc\r\n")
            out.flush()
        env = {key: value for key, value in os.environ.items() if key not in plan.unset}
        done = subprocess.run(plan.argv, env=env, stderr=subprocess.PIPE, check=False)
        if done.returncode == 0:
            return ""
        words = clean(done.stderr, limit=_ERROR_MAX).strip()
        return f"tmux: {words or f'the client ended with {done.returncode}'}"
    except OSError as error:
        return f"tmux cannot be run: {error.strerror}"


def _run(argv: Sequence[str], stdin: bytes) -> None:
    """Run one short tmux command. Raises `TmuxError`."""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, timeout=DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise TmuxError(f"tmux did not answer in {DEADLINE_S:g} s") from None
    except OSError as error:
        raise TmuxError(f"tmux cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        words = clean(done.stderr, limit=_ERROR_MAX).strip()
        raise TmuxError(f"tmux: {words or 'failed without a word'}")
