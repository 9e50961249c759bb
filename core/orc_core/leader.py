"""Who syncs a workspace, and what the leader tells the others.

Invariant: at most one process holds `leader.lock`, and the kernel frees it when that process
dies. The bulletin is a copy for reading; nothing is decided by it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from orc_core.model.health import Layer, LayerState
from orc_core.text import clean
from orc_storage.lock import FileLock

LOCK_NAME = "leader.lock"
BULLETIN_NAME = "health.json"
BULLETIN_MAX_BYTES = 4 * 1024 * 1024
RETRY_S = 0.2
TMUX = "tmux"
NO_LEADER = "no dashboard syncs this workspace: run `orc sync --once`"

_LAYERS: TypeAdapter[tuple[Layer, ...]] = TypeAdapter(tuple[Layer, ...])


def lock(folder: Path) -> FileLock:
    """The lock that elects the leader of the workspace in `folder`."""
    return FileLock(folder / LOCK_NAME)


def post(folder: Path, layers: Sequence[Layer]) -> None:
    """Publish the leader's view of its layers; a failure to write is no failure of the sync."""
    target = folder / BULLETIN_NAME
    draft = folder / f".{BULLETIN_NAME}.{os.getpid()}"
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps([asdict(layer) for layer in layers]), encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(target)


def read(folder: Path, *, led: bool, stall: str = "") -> tuple[Layer, ...]:
    """The last bulletin; without a leader its states are `unknown`, its faults stand.

    `stall` says that there is a leader, and why it does nothing: then it is the same.
    """
    try:
        layers = tuple(map(_cleaned, _LAYERS.validate_json(_bulletin(folder / BULLETIN_NAME))))
    except (OSError, ValidationError):
        layers = ()
    if led and not stall:
        return layers
    known = layers or (Layer("file", LayerState.UNKNOWN, "realtime", 0.0, 0, 0),)
    return tuple(
        replace(
            layer,
            state=layer.state if layer.state is LayerState.OFF else LayerState.UNKNOWN,
            behind_s=0.0,
            queued=0,
            trouble=stall or layer.trouble or NO_LEADER,
            rests_s=0.0,
        )
        for layer in known
        if layer.strategy
    )


def _bulletin(path: Path) -> bytes:
    """The bytes of the bulletin; whatever else stands there keeps nobody waiting."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as file:
        return file.read(BULLETIN_MAX_BYTES)


def _cleaned(layer: Layer) -> Layer:
    faults = tuple(
        replace(fault, id=clean(fault.id, limit=80), text=clean(fault.text))
        for fault in layer.faults
    )
    return replace(
        layer,
        name=clean(layer.name, limit=40),
        strategy=clean(layer.strategy, limit=40),
        trouble=clean(layer.trouble),
        faults=faults,
    )


def with_store_trouble(layers: Sequence[Layer], trouble: str, at: float) -> tuple[Layer, ...]:
    """The layers, with the store offline where it is known to be in trouble."""
    if not trouble:
        return tuple(layers)
    known = [layer for layer in layers if layer.name == "store"]
    store = known[0] if known else Layer("store", LayerState.OFFLINE, "", 0.0, 0, 0)
    store = replace(store, state=LayerState.OFFLINE, trouble=trouble, trouble_at=at)
    return (*(layer for layer in layers if layer.name != "store"), store)


def with_publishing(servers: Sequence[Layer], below: Sequence[Layer]) -> tuple[Layer, ...]:
    """The lines of the tmux servers, the first with how publishing to panes goes, and the rest.

    A server that cannot be watched shows that first.
    """
    told = next((layer for layer in below if layer.name == TMUX), None)
    rest = tuple(layer for layer in below if layer.name != TMUX)
    if told is None or not servers:
        return (*servers, *rest)
    first, *others = servers
    is_well = first.state is LayerState.OK
    known = told.state not in (LayerState.UNKNOWN, LayerState.STARTING)
    newest = max(first, told, key=lambda layer: layer.trouble_at if layer.trouble else 0.0)
    line = replace(
        told,
        name=first.name,
        state=told.state if is_well and known else first.state,
        behind_s=max(first.behind_s, told.behind_s),
        trouble=newest.trouble if newest.trouble_at else first.trouble,
        trouble_at=newest.trouble_at,
    )
    return (line, *others, *rest)
