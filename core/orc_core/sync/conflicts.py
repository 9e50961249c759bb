"""The conflicts of a workspace: look at them, decide them, put them off.

Invariant: each decision is one transaction with its revision, its base and the act that takes
it back; a conflict whose sides moved on is superseded, never decided by what it used to say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orc_core.clock import Clock
from orc_core.errors import OrcError, Overlap, UnknownName, UsageError
from orc_core.model.history import Chosen, ManyReport, Report, Tally, spelled
from orc_core.sync import decisions
from orc_core.sync.hunks import side_lines
from orc_core.sync.merge import lines_value
from orc_core.sync.paths import MISSING, Value, hunk_number
from orc_core.sync.policies import (
    SETTING,
    SETTING_ID,
    STRATEGIES,
    Owner,
    Policy,
    check_strategy,
    check_subject,
    read_strategies,
)
from orc_core.sync.rules import Rules, policy_of
from orc_core.sync.statistics import MERGED, Figures, count
from orc_core.sync.wording import brief, place, word
from orc_core.text import clean
from orc_storage import acts, conflicts, counters, documents
from orc_storage.database import Connection, Database, Transaction
from orc_storage.records import OPERATOR, WAITING, Body, Change, Conflict, ConflictState, Deed, Json

SIDES: Final = ("left", "right", "both", "base")
TAKES: Final = (*SIDES, "value")


@dataclass(frozen=True, slots=True)
class _Decided:
    value: Value
    changes: tuple[Change, ...]


class Conflicts:
    """The conflicts of one store; `rules` are those of each kind of document."""

    def __init__(self, db: Database, clock: Clock, rules: Mapping[str, Rules]) -> None:
        self.db = db
        self._clock = clock
        self._rules = rules
        self._policy = policy_of(next(iter(rules.values()), None))

    async def listing(self) -> list[Conflict]:
        """Return all conflicts, decided and superseded ones too, in the order of opening."""
        return await self.db.read(conflicts.listing)

    async def get(self, id: str) -> Conflict:
        """Return one conflict, found without regard to case; raises UnknownName."""
        return await self.db.read(lambda conn: find(conn, id))

    async def resolve(self, id: str, take: str, *, value: Json = None, actor: str) -> Report:
        """Decide a conflict: `take` is left, right, base, or value with the value to write.

        Of lines of a text both can be taken, those of the left side first; as a value, "" takes
        them out.

        Raises UnknownName, UsageError (not open, or not a valid body), IllegalMove, and
        Overlap where the store moved on, with the conflict that now stands in its place.
        """
        if take not in TAKES:
            raise UsageError(f"take is {take!r}; it is one of {', '.join(TAKES)}")

        def work(tx: Transaction) -> Report | Overlap:
            conflict = find(tx.conn, id)
            decided = self._resolve(tx, conflict, take, value, actor)
            if isinstance(decided, Overlap):
                return decided  # not raised: the successor has to be committed
            where = place(conflict.doc, conflict.path)
            label = f"resolve {conflict.id}, {where}"
            _record(tx, actor, Deed.DECIDE, label, (conflict.id,), decided.changes)
            text = f"{conflict.id}: {where} {_came_to_be(conflict, take, decided.value)}"
            return Report(text, undoable=True, rev=_rev(decided.changes))

        report = await self.db.write(work)
        if isinstance(report, Overlap):
            raise report
        return report

    async def resolve_all(
        self, take: str, *, actor: str, ids: Collection[str] | None = None
    ) -> ManyReport:
        """Decide many at once, one way, as one act: those named, else all that are open.

        What cannot be decided so stays, and the report says why. Raises UnknownName, UsageError.
        """
        if take not in SIDES:
            raise UsageError(f"take is {take!r}; it is one of {', '.join(SIDES)}")

        def work(tx: Transaction) -> ManyReport:
            if ids is None:
                opens = conflicts.listing(tx.conn, states={ConflictState.OPEN})
                wanted = [conflict.id for conflict in opens]
            else:
                wanted = [find(tx.conn, id).id for id in ids]
            choices = [Chosen(id, take) for id in dict.fromkeys(wanted)]
            return self._resolve_many(tx, choices, actor)

        return await self.db.write(work)

    async def resolve_chosen(self, choices: Sequence[Chosen], *, actor: str) -> ManyReport:
        """Decide several, each in its own way, as one act; the report says what stays, and why.

        Raises UnknownName, UsageError.
        """
        for choice in choices:
            if choice.take not in TAKES:
                raise UsageError(f"take is {choice.take!r}; it is one of {', '.join(TAKES)}")
        return await self.db.write(lambda tx: self._resolve_many(tx, choices, actor))

    def _resolve_many(self, tx: Transaction, choices: Sequence[Chosen], actor: str) -> ManyReport:
        done: list[str] = []
        left: list[str] = []
        changes: list[Change] = []
        for choice in choices:
            conflict = find(tx.conn, choice.id)  # lines move as others are decided
            try:
                decided = self._resolve(tx, conflict, choice.take, choice.value, actor)
            except OrcError as error:
                left.append(str(error))
                continue
            if isinstance(decided, Overlap):
                left.append(str(decided))
                continue
            done.append(conflict.id)
            changes += decided.changes
        takes = {choice.take for choice in choices}
        how = f"take {takes.pop()}" if len(takes) == 1 else "each in its own way"
        if done:
            label = f"resolve {spelled(done)}: {how}"
            _record(tx, actor, Deed.DECIDE, label, tuple(done), tuple(changes))
        return ManyReport(tuple(done), tuple(left), how)

    def _resolve(
        self, tx: Transaction, conflict: Conflict, take: str, value: Json, actor: str
    ) -> _Decided | Overlap:
        """Decide one; Overlap says that another stands in its place by now."""
        if conflict.state not in WAITING:
            raise UsageError(f"{conflict.id} {_is_over(conflict)}")
        if not decisions.still_stands(tx.conn, conflict):
            return _superseded(conflict, decisions.succeed(tx, conflict))
        wanted = wanted_value(conflict, take, value)
        rules = decisions.rules_of(self._rules, conflict)
        changes = decisions.decide(tx, conflict, take, wanted, actor=actor, rules=rules)
        return _Decided(wanted, changes)

    async def figures(self) -> Figures:
        """Count what was found, what decided it and what waits."""

        def read(conn: Connection) -> Figures:
            merged = counters.total(conn, MERGED)
            return count(conflicts.listing(conn), merged=merged, now=self._clock.now())

        return await self.db.read(read)

    async def policy(self) -> Policy:
        """Return the owners and strategies in force, those set by command too."""
        return await self.db.read(self._policy.as_set)

    async def set_strategy(self, subject: str, strategy: str | None, *, actor: str) -> Report:
        """Set what is done in KIND or KIND.FIELD from now on; None takes the setting back.

        What waits already goes on waiting. Raises UsageError.
        """
        where = check_subject(subject, self._rules)
        wanted = None if strategy is None else check_strategy(strategy)

        def work(tx: Transaction) -> Report:
            found = documents.get(tx.conn, SETTING, SETTING_ID)
            told: Body = {"id": SETTING_ID} if found is None else dict(found.body)
            before = read_strategies(told.get(STRATEGIES))
            after = {key: kept for key, kept in before.items() if key != where}
            if wanted is not None:
                after[where] = wanted
            rule = replace(self._policy, commanded=after).rule(where)
            text = f"{where}: {rule.strategy}, by {rule.source}"
            if rule.owner is not Owner.PEOPLE:
                text += f"; it is owned by {_the(rule.owner)}, which goes before it"
            if after == before:
                return Report(f"{text}: nothing to change", undoable=False)
            told[STRATEGIES] = {key: kept.value for key, kept in sorted(after.items())}
            rev = 0 if found is None else found.rev
            label = f"set the strategy of {where} to {rule.strategy}"
            written = documents.put(
                tx, SETTING, SETTING_ID, told, rev=rev, actor=actor, cause=label
            )
            change = Change(SETTING, SETTING_ID, rev, written.rev)
            acts.record(tx, actor=actor, label=label, changes=(change,))
            return Report(text, undoable=True, rev=written.rev)

        return await self.db.write(work)

    async def undo_resolution(self, id: str, *, actor: str) -> Report:
        """Take a decision back: the conflict is open again and each side has its own value.

        Raises UnknownName, UsageError where it is not resolved, Overlap where somebody changed
        the field since.
        """

        def work(tx: Transaction) -> Report:
            conflict = find(tx.conn, id)
            rules = decisions.rules_of(self._rules, conflict)
            changes = decisions.reopen(tx, conflict, actor=actor, rules=rules)
            last = acts.last(tx.conn, actor, "done")
            own = (Deed.DECIDE, (conflict.id,))
            if last is not None and (last.deed, last.conflicts) == own:
                acts.mark(tx, last.seq, "undone")
            else:
                label = f"reopen {conflict.id}"
                _record(tx, actor, Deed.REOPEN, label, (conflict.id,), changes)
            text = f"{conflict.id} is open again: {place(conflict.doc, conflict.path)}"
            return Report(text, undoable=True, rev=_rev(changes))

        return await self.db.write(work)

    async def defer(self, id: str, until: float, *, actor: str) -> Report:
        """Put a conflict off until `until`, in seconds since the epoch.

        Raises UnknownName, and UsageError where it is decided or the time is over.
        """
        tally = await self.defer_many([id], until, actor=actor)
        if tally.refused:
            raise UsageError(tally.refused[0])
        return Report(f"{tally.done[0]} is put off", undoable=True)

    async def defer_many(self, ids: Sequence[str], until: float, *, actor: str) -> Tally:
        """Put several off until `until` as one act; what is decided stays, and says why.

        Raises UnknownName, and UsageError where the time is over.
        """
        if until <= self._clock.now():
            which = clean(spelled(ids), limit=80)
            raise UsageError(f"{which} can be put off to a later time only")

        def work(tx: Transaction) -> Tally:
            named = [find(tx.conn, id) for id in ids]
            found = list({one.id: one for one in named}.values())
            done = tuple(one.id for one in found if one.state in WAITING)
            for conflict in found:
                if conflict.id in done:
                    postpone(tx, replace(conflict, deferred_until=until))
            if done:
                _record(tx, actor, Deed.DEFER, f"defer {spelled(done)}", done)
            refused = tuple(
                f"{one.id} is {one.state}: there is nothing to put off"
                for one in found
                if one.state not in WAITING
            )
            return Tally(done, refused, "put off")

        return await self.db.write(work)


def find(conn: Connection, id: str) -> Conflict:
    """Return a conflict by its id; raises UnknownName."""
    found = conflicts.get(conn, id)
    if found is None:
        raise UnknownName(
            f"no conflict goes by {clean(id, limit=80)!r}: `orc conflicts` lists them"
        )
    return found


def turn(
    tx: Transaction,
    conflict: Conflict,
    deed: Deed,
    *,
    is_undo: bool,
    actor: str,
    rules: Rules | None,
) -> tuple[Change, ...]:
    """Undo or redo what an act did to a conflict; nothing where that is so already.

    Raises UsageError and Overlap as `reopen` and `decide_again` do.
    """
    if deed is Deed.DEFER:
        if is_undo and conflict.state is ConflictState.DEFERRED:
            call_back(tx, conflict)
        elif not is_undo and conflict.state is ConflictState.OPEN:
            postpone(tx, conflict)
        return ()
    if (deed is Deed.DECIDE) is not is_undo:
        if conflict.state is ConflictState.RESOLVED:
            return ()
        return decisions.decide_again(tx, conflict, actor=actor, rules=rules)
    if conflict.state in WAITING:
        return ()
    return decisions.reopen(tx, conflict, actor=actor, rules=rules)


def postpone(tx: Transaction, conflict: Conflict) -> None:
    """Mark a conflict as put off until its `deferred_until`."""
    conflicts.update(tx, replace(conflict, state=ConflictState.DEFERRED))


def call_back(tx: Transaction, conflict: Conflict) -> None:
    """Open a conflict that was put off."""
    conflicts.update(tx, replace(conflict, state=ConflictState.OPEN))


def list_due(conn: Connection, now: float) -> list[Conflict]:
    """Return what was put off until `now` or earlier, in seconds since the epoch."""
    deferred = conflicts.listing(conn, states={ConflictState.DEFERRED})
    return [conflict for conflict in deferred if conflict.deferred_until <= now]


def call_back_due(tx: Transaction, now: float) -> None:
    """Open again what was put off until `now` or earlier."""
    for conflict in list_due(tx.conn, now):
        call_back(tx, conflict)


def _record(
    tx: Transaction,
    actor: str,
    deed: Deed,
    label: str,
    ids: tuple[str, ...],
    changes: tuple[Change, ...] = (),
) -> None:
    acts.record(tx, actor=actor, deed=deed, label=label, changes=changes, conflicts=ids)


def wanted_value(conflict: Conflict, take: str, value: Json) -> Value:
    """Return what a decision is for; raises UsageError where it cannot be taken."""
    if take == "left":
        return decisions.held(conflict.left)
    if take == "right":
        return decisions.held(conflict.right)
    if take == "base":
        return decisions.agreed(conflict)
    if not hunk_number(conflict.path):
        if take == "both":
            raise UsageError(f"{conflict.id} is one value, not lines of a text: take one side")
        return value
    if take == "both":
        return lines_value((*side_lines(conflict.left), *side_lines(conflict.right)))
    return MISSING if value == "" else value


def _came_to_be(conflict: Conflict, take: str, wanted: Value) -> str:
    """Say what a decision made of the field, and whose value that is."""
    source = _sources(conflict).get(take)
    return f"is {brief(wanted)}" + (f", from the {source}" if source else "")


def _sources(conflict: Conflict) -> dict[str, str]:
    """What a person calls each side, by the word that a decision keeps."""
    return {"left": conflict.left.layer, "right": conflict.right.layer, "base": "base"}


def _superseded(conflict: Conflict, successor: Conflict | None) -> Overlap:
    where = place(conflict.doc, conflict.path)
    if successor is None:
        return Overlap(f"{conflict.id} is over: both sides of {where} agree by now")
    now = word(decisions.held(successor.right))
    return Overlap(
        f"{conflict.id} is superseded by {successor.id}: the store has {now} for {where} since:"
        f" decide {successor.id}"
    )


def _is_over(conflict: Conflict) -> str:
    """Say that a conflict is decided, and by whom, to somebody who comes second."""
    if conflict.state is not ConflictState.RESOLVED:
        return f"is {conflict.state}: there is nothing to decide"
    by = "you" if conflict.decided_by == OPERATOR else clean(conflict.decided_by, limit=60)
    source = _sources(conflict).get(conflict.decision)
    took = f"took the {source}" if source else "decided"
    return f"is resolved: {by} {took} already; `orc conflicts undo {conflict.id}` opens it again"


def _the(owner: Owner) -> str:
    return "the task machine" if owner is Owner.MACHINE else str(owner)


def _rev(changes: tuple[Change, ...]) -> int:
    return changes[-1].to_rev if changes else 0
