"""The one way a body becomes text.

Invariant: equal bodies give equal text, so a hash over it is a hash of the body.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, cast

from orc_storage.errors import InvalidBody
from orc_storage.records import Body, Json

_encode: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def encode(value: Json) -> str:
    """Return `value` as compact JSON with sorted keys.

    Raises InvalidBody for NaN, infinities, lone surrogates and what JSON has no form for.
    """
    try:
        text = _encode(value)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidBody(f"not storable as JSON: {error}") from None
    return text


def decode(text: str) -> Any:
    """Return the value that `encode` made `text` of."""
    return json.loads(text)


def decode_body(text: str) -> Body:
    """Return the object that `encode` made `text` of."""
    return cast(Body, json.loads(text))


def decode_object(text: str) -> Body:
    """Return the object that `text` is, {} where it is none any more."""
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def digest(text: str) -> str:
    """Return the SHA-256 of `text` in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
