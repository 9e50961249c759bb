"""What was chosen for each layer, by file and by command, and how a choice is kept.

Invariant: a choice by command is a document like any other: it has revisions and an act that
takes it back, and whoever leads hears of it from the journal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import ValidationError

from orc_core.errors import UnknownName, UsageError
from orc_core.settings import LayerSettings, Settings, laid_over
from orc_core.sync.paces import Choice, Strategy, choose
from orc_core.text import clean
from orc_storage import acts, documents, salvage
from orc_storage.database import Database, Transaction
from orc_storage.records import Body, Change, Document

KIND: Final = "setting"
ID: Final = "layers"
BUILT_IN: Final = ("file", "tmux")
"""The layers that are on unless they are switched off, in the order in which they are served."""

EVENT_TAKES: Final = "an event is KIND.WHAT, such as task.done or *.add"


class Choices:
    """The choices for the layers of one store over those of the files, `settings`."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._below = {
            name: one.model_dump(exclude_none=True) for name, one in settings.layers.items()
        }
        self._chosen: dict[str, Any] = {}

    async def load(self) -> None:
        """Read what was chosen by command; raises StorageError.

        Where that is damaged, what was chosen before it holds: a layer that was switched off is
        not on for want of knowing.
        """
        found = await self._db.read(lambda conn: salvage.readable(conn, KIND, ID))
        self._chosen = _said(found)

    def of(self, name: str) -> Choice:
        """What is chosen for a layer; one that came by plug-in is off until it is switched on."""
        whole = laid_over(self._below.get(name, {}), self._chosen.get(name, {}))
        return choose(LayerSettings.model_validate(whole), on=name in BUILT_IN)

    def is_lazy(self, kind: str) -> bool:
        """Whether any layer that is on brings a kind in step when it is read only."""
        named = {*BUILT_IN, *self._below, *self._chosen}
        choices = [self.of(name) for name in named]
        return any(one.on and one.of(kind).strategy is Strategy.LAZY for one in choices)

    async def change(
        self, name: str, fields: Mapping[str, Any], *, kind: str = "", actor: str, cause: str
    ) -> Choice:
        """Choose for a layer, or for one kind in it; a field that is None is as in the files.

        Raises UsageError naming the field and what it takes.
        """

        def work(tx: Transaction) -> dict[str, Any]:
            found = documents.get(tx.conn, KIND, ID)
            said = _said(found)
            said[name] = _changed(said.get(name, {}), fields, kind)
            _check(name, said[name])
            body: Body = {"id": ID, "layers": said}
            before = 0 if found is None else found.rev
            if found is not None and found.body == body:
                return said
            made = documents.put(
                tx, KIND, ID, body, rev=before, actor=actor, cause=cause, action="set"
            )
            label = f"set layer {name}"
            acts.record(tx, actor=actor, label=label, changes=(Change(KIND, ID, before, made.rev),))
            return said

        self._chosen = await self._db.write(work)
        return self.of(name)


def check_name(name: str, known: Collection[str]) -> str:
    """Return the name of a layer that there is; raises UnknownName."""
    if name not in known:
        names = ", ".join(known)
        raise UnknownName(f"there is no layer {clean(name, limit=40)!r}; there are {names}")
    return name


def check_kind(name: str, kind: str, known: Collection[str]) -> str:
    """Return a kind that a layer holds; raises UnknownName."""
    if kind not in known:
        kinds = ", ".join(sorted(known)) or "nothing"
        raise UnknownName(f"the layer {name} holds no {clean(kind, limit=40)!r}; it holds {kinds}")
    return kind


def is_about(kind: str, id: str) -> bool:
    """Whether a document is the one that holds the choices."""
    return (kind, id) == (KIND, ID)


def _said(found: Document | None) -> dict[str, Any]:
    """What a document says of each layer; what is not valid there is as if it were not said."""
    whole = {} if found is None else found.body.get("layers")
    if not isinstance(whole, dict):
        return {}
    return {str(name): one for name, one in whole.items() if _is_valid(one)}


def _is_valid(said: object) -> bool:
    try:
        LayerSettings.model_validate(said)
    except ValidationError:
        return False
    return True


def _changed(said: dict[str, Any], fields: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if kind:
        kinds = dict(said.get("kinds", {}))
        kinds[kind] = _changed(kinds.get(kind, {}), fields, "")
        return said | {"kinds": {name: one for name, one in kinds.items() if one}}
    merged = said | dict(fields)
    return {name: value for name, value in merged.items() if value is not None}


def _check(name: str, said: dict[str, Any]) -> None:
    try:
        LayerSettings.model_validate(said)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in fault["loc"])
        found = clean(repr(fault["input"]), limit=60)
        takes = EVENT_TAKES if "events" in fault["loc"] else fault["msg"]
        raise UsageError(f"layer {name}: {field} is {found}: {takes}") from None
