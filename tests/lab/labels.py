"""Shots by what they show, named as scenes tell it."""

from __future__ import annotations

from typing import Any, Final

from tests.lab.script import Shot

from orc_core.model.agent import State, Waiting

FINISHED: Final = (State.DONE,)


def working(name: str, **more: Any) -> Shot:
    return Shot(name, State.WORKING, **more)


def asks(name: str, waiting: Waiting = Waiting.PERMISSION, **more: Any) -> Shot:
    return Shot(name, State.WAITING, waiting, **more)


def quiet(name: str, **more: Any) -> Shot:
    return Shot(name, State.IDLE, **more)


def failed(name: str, **more: Any) -> Shot:
    return Shot(name, State.ERROR, **more)


def menu(name: str, **more: Any) -> Shot:
    """A view that the operator opened over an idle conversation."""
    return Shot(name, State.IDLE, hold=True, **more)
