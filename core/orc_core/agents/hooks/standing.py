"""Where an agent stands after the events that it has told of.

Invariant: pure. The newest event decides, except that the end of one tool does not answer the
question about another. Every word expires: an event tells what was, not what is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from orc_core.agents.hooks.events import Event, Happening
from orc_core.agents.limits import reset_at
from orc_core.model.activity import Deed, Deeds
from orc_core.model.agent import Evidence, Signal, Source, State, Waiting

OPEN_TOOLS_MAX: Final = 32
FILES_MAX: Final = 32
PROMPTS_MAX: Final = 32
_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0

LASTS_S: Final = {
    Happening.BEGAN: 10.0,
    Happening.ENDED: 10.0,
    Happening.PROMPT: 2 * _MINUTE_S,
    Happening.TOOL: 10 * _MINUTE_S,
    Happening.TOOL_DONE: 2 * _MINUTE_S,
    Happening.ANSWERED: 2 * _MINUTE_S,
    Happening.BUSY: 2 * _MINUTE_S,
    Happening.COMPACTING: 5 * _MINUTE_S,
    Happening.PERMISSION: 12 * _HOUR_S,
    Happening.QUESTION: 12 * _HOUR_S,
    Happening.STOPPED: 12 * _HOUR_S,
    Happening.INTERRUPTED: 12 * _HOUR_S,
    Happening.IDLE: 12 * _HOUR_S,
    Happening.FAILED: 12 * _HOUR_S,
}
"""How long each kind of event is believed while nothing else is heard. A model may think for two
minutes without a word, a tool run for ten; a prompt stands until it is answered."""

_STATES: Final = {
    Happening.BEGAN: State.STARTING,
    Happening.ENDED: State.DONE,
    Happening.PROMPT: State.WORKING,
    Happening.TOOL: State.WORKING,
    Happening.TOOL_DONE: State.WORKING,
    Happening.ANSWERED: State.WORKING,
    Happening.BUSY: State.WORKING,
    Happening.COMPACTING: State.WORKING,
    Happening.PERMISSION: State.WAITING,
    Happening.QUESTION: State.WAITING,
    Happening.STOPPED: State.DONE,
    Happening.INTERRUPTED: State.IDLE,
    Happening.IDLE: State.IDLE,
    Happening.FAILED: State.ERROR,
}
_WAITING: Final = {
    Happening.PERMISSION: Waiting.PERMISSION,
    Happening.QUESTION: Waiting.QUESTION,
}
_LIMITS: Final = ("rate_limit", "billing_error")
_ERRORS: Final = {
    "authentication_failed": "auth-401",
    "oauth_org_not_allowed": "auth-401",
    "billing_error": "billing",
    "invalid_request": "refused",
    "max_output_tokens": "answer-cut",
    "model_not_found": "model-unavailable",
    "overloaded": "overloaded",
    "rate_limit": "rate-limit",
    "server_error": "server-error",
}
"""The names that Claude Code gives to failures, in our words."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the events of one agent add up to: the last that counts, and what is worth keeping.

    `open` holds the calls that began and did not end, `deeds` what it was told and what tools
    were pointed at. `transcript` is where the agent says that it writes its conversation.
    """

    last: Event | None = None
    prompt: str = ""
    session: str = ""
    transcript: str = ""
    open: tuple[str, ...] = ()
    deeds: Deeds = field(default_factory=Deeds)

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(one.text for one in self.deeds.files)

    def signal(self, now: float, resets_at: float = 0.0) -> Signal | None:
        """The word of the last event; `resets_at` is when the limit ends, where that is told."""
        event = self.last
        if event is None:
            return None
        state = _STATES[event.what]
        substate, does = "", event.does
        expired = now - event.at > LASTS_S[event.what]
        if event.what is Happening.FAILED:
            state = State.LIMITED if event.error in _LIMITS else State.ERROR
            substate = _ERRORS.get(event.error, "")
            does = event.said or event.does or event.error
        elif event.what is Happening.COMPACTING:
            substate = "compacting"
        elif event.what is Happening.STOPPED:
            does = event.said
            if event.background:
                state, substate = State.IDLE, "background-shell"
                does = f"{event.background} in the background"
        elif event.what is Happening.ENDED:
            does = "the session ended"
        elif event.what is Happening.BEGAN and event.reason == "clear":
            state = State.IDLE
        if state is State.LIMITED and resets_at <= event.at:
            resets_at = reset_at(event.said or event.error, event.at) or 0.0
        limited = state is State.LIMITED and resets_at > event.at
        return Signal(
            evidence=Evidence(Source.HOOK, f"{event.agent}/{event.name}", event.at, event.does),
            state=state,
            waiting=_WAITING.get(event.what, Waiting.NONE),
            does=does,
            expired=expired or (limited and now > resets_at),
            attended=event.what in (Happening.INTERRUPTED, Happening.IDLE),
            substate=substate,
            resets_at=resets_at if limited else 0.0,
        )


def standing(events: Iterable[Event], before: Standing | None = None) -> Standing:
    """Where an agent stands after further events, given oldest first."""
    now = before if before is not None else Standing()
    for event in events:
        now = _after(now, event)
    return now


def _after(now: Standing, event: Event) -> Standing:
    if event.what is Happening.STATUS_LINE:
        return now
    now = replace(now, deeds=_noted(now.deeds, event))
    if event.nested and not _is_asking(event) and not _answers(now, event):
        # An agent inside the agent: of what it does only its questions are for the operator.
        return now
    last = now.last
    opened = now.open
    if event.what is Happening.TOOL and event.tool_id:
        opened = (*opened, event.tool_id)[-OPEN_TOOLS_MAX:]
    elif event.what in (Happening.PROMPT, Happening.STOPPED, Happening.BEGAN):
        opened = ()
    now = replace(
        now,
        prompt=event.prompt or now.prompt,
        session=event.session if event.session and not event.nested else now.session,
        transcript=event.transcript if not event.nested else now.transcript,
        open=opened,
    )
    if not _counts(now, last, event):
        return now
    if event.what is Happening.TOOL_DONE:
        now = replace(now, open=tuple(one for one in now.open if one != event.tool_id))
    return replace(now, last=event)


def _noted(deeds: Deeds, event: Event) -> Deeds:
    """What an agent did, with this event of it."""
    files, prompts = deeds.files, deeds.prompts
    if event.file:
        files = (*(one for one in files if one.text != event.file), Deed(event.at, event.file))
    told = event.what is Happening.PROMPT and not event.nested and bool(event.prompt)
    if told:
        prompts = (*prompts, Deed(event.at, event.prompt))
    return Deeds(
        since=deeds.since or event.at,
        prompts=prompts[-PROMPTS_MAX:],
        files=files[-FILES_MAX:],
        prompted=deeds.prompted + told,
        calls=deeds.calls + (event.what is Happening.TOOL),
        failures=deeds.failures + (event.what is Happening.FAILED),
    )


def _counts(now: Standing, last: Event | None, event: Event) -> bool:
    """Whether an event says where the agent stands, after what it said before."""
    if event.what is Happening.BEGAN and event.reason == "compact":
        return False
    if event.what is Happening.ENDED and event.reason in ("clear", "resume"):
        return False
    if last is None:
        return True
    if event.what is Happening.TOOL_DONE and _is_asking(last):
        # Calls run side by side: one that began before the question does not answer it.
        return _answers(now, event) or event.tool_id not in now.open
    if event.what is Happening.PERMISSION and event.name == "Notification":
        return not _is_asking(last)
    if event.what is Happening.PERMISSION and last.what is Happening.QUESTION:
        return event.tool != last.tool
    if event.what is Happening.STOPPED:
        # Why a turn ended says more than the stop that comes with it.
        return last.what not in (Happening.FAILED, Happening.INTERRUPTED)
    if event.what is Happening.BUSY:
        return not _is_asking(last)
    if event.what is Happening.IDLE:
        return _STATES[last.what] is State.WORKING
    return True


def _is_asking(event: Event) -> bool:
    return event.what in (Happening.PERMISSION, Happening.QUESTION)


def _answers(now: Standing, event: Event) -> bool:
    """Whether the end of a call is that of the call that was asked about."""
    last = now.last
    if last is None or not _is_asking(last):
        return False
    if event.what is not Happening.TOOL_DONE:
        return event.what is Happening.ANSWERED
    return event.tool == last.tool and event.does == last.does
