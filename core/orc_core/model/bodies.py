"""Bodies of documents read as their models, for whoever is about to write one.

Invariant: what does not fit is said with the document, the field, what was found and what the
field takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from orc_core.errors import UsageError
from orc_core.text import clean
from orc_storage.records import Body

_ID_MAX: Final = 63
_FOUND_MAX: Final = 60

Model = TypeVar("Model", bound=BaseModel)


def read_as(model: type[Model], body: Body, remedies: Mapping[str, str]) -> Model:
    """Read a body as a model; raises UsageError naming the first field at fault and its remedy.

    `remedies` says by field what it takes; the model's own words stand in where it is silent.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    id = clean(str(body.get("id", "")), limit=_ID_MAX)
    takes = remedies.get(field, str(first["msg"]))
    if first["type"] == "missing":
        raise UsageError(f"{id}: {field} is missing; it takes {takes}")
    found = clean(repr(first["input"]), limit=_FOUND_MAX)
    raise UsageError(f"{id}: {field} is {found}; it takes {takes}")
