"""`orc audit list`, `orc audit verify`, `orc audit mend`.

Invariant: the first two look and change nothing; `mend` writes over nothing that is sound.
`verify` exits with 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table, word

if TYPE_CHECKING:
    from orc_storage.audit import Examination
    from orc_storage.mends import Mend
    from orc_storage.records import Body, Entry

_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
_DETAIL_MAX = 60
_MENDABLE = ("document", "row")


def register(commands: Commands) -> None:
    audit = commands.add_parser("audit", help="list and verify everything that was done")
    verbs = audit.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = command(verbs, "list", list_entries, "list the journal, newest first", json=True)
    listing.add_argument("--kind", default="", metavar="KIND", help="task, agent, …")
    listing.add_argument("--id", default="", metavar="ID", help="of one document")
    listing.add_argument("--actor", default="", metavar="WHO", help="by one actor")
    listing.add_argument(
        "--since", default="", metavar="WHEN", help="13:00, 15m, 2h, 7d, or a date and time"
    )
    listing.add_argument(
        "--limit", type=int, default=50, metavar="N", help="default 50, at most 1000"
    )
    listing.add_argument(
        "--before", type=int, default=0, metavar="SEQ", help="go on below this entry"
    )
    verify = command(verbs, "verify", verify_store, "look for damage and tampering", json=True)
    verify.add_argument(
        "--head", metavar="SEQ:HASH", help="a head that you kept elsewhere must be in the chain"
    )
    mend = command(
        verbs, "mend", mend_document, "bring back what is left of a damaged document", json=True
    )
    mend.add_argument("kind", metavar="KIND", help="task, agent, …, or conflict")
    mend.add_argument("id", metavar="ID")
    mend.add_argument("--rev", type=int, default=0, metavar="N", help="this revision of it")
    mend.add_argument("--dry-run", action="store_true", help="show it and change nothing")


async def list_entries(args: argparse.Namespace) -> int:
    from orc_core.history.query import person
    from orc_core.terms import moment
    from orc_storage.records import Filter

    since = moment(args.since, time.time()) if args.since else 0.0
    wanted = Filter(kind=args.kind, id=args.id, actor=person(args.actor), since=since)
    async with opened(args) as core:
        found = await core.chronicle.page(wanted, before=args.before, limit=args.limit)
        archived = await core.chronicle.archives()
    more = found[-1].seq if len(found) >= args.limit and found[-1].seq > 1 else None
    if args.json:
        files = [f"archive/{segment.file}" for segment in archived]
        entries = [entry_json(entry) for entry in found]
        print_json({"entries": entries, "before": more, "archives": files})
        return 0
    print_table([entry_row(entry) for entry in found], empty="no entries")
    if more is not None:
        print(f"older ones: --before {more}", file=sys.stderr)
    elif archived:
        where = f"archive/{archived[-1].file}" + (" and before" if len(archived) > 1 else "")
        print(f"entries 1 to {archived[-1].last_seq} are in {where}", file=sys.stderr)
    return 0


def entry_json(entry: Entry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "at": iso(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "kind": entry.kind or None,
        "id": entry.id or None,
        "rev": entry.rev or None,
        "detail": entry.detail,
        "prev_hash": entry.prev_hash,
        "hash": entry.hash,
    }


def entry_row(entry: Entry) -> tuple[str, ...]:
    """One entry in clean columns, for people."""
    about = f"{entry.kind} {entry.id}".strip()
    return (
        f"{entry.seq:>6}",
        iso(entry.at) or "",
        word(entry.actor),
        word(entry.action),
        word(f"{about}, revision {entry.rev}" if entry.id and entry.rev else about)
        if about
        else "",
        _brief(entry.detail),
    )


def _brief(detail: Body) -> str:
    """Why it was done, else what else is known; checksums are for machines."""
    from orc_core.text import fit

    if isinstance(cause := detail.get("cause"), str):
        return word(cause) if cause else ""
    told = {name: value for name, value in detail.items() if not name.endswith("sha256")}
    text = word(told) if told else ""
    return fit(text, _DETAIL_MAX) if len(text) > _DETAIL_MAX else text


def _mended(one: Mend) -> str:
    """What was damaged once and is mended since, as a person reads it."""
    count = len(one.revs)
    return f"{one.kind} {one.id} on {iso(one.at)} ({count} revision{'s' * (count != 1)})"


async def mend_document(args: argparse.Namespace) -> int:
    async with opened(args, cause="orc audit mend") as core:
        done = await core.chronicle.mend(args.kind, args.id, rev=args.rev, dry_run=args.dry_run)
    if args.json:
        print_json(asdict(done) | {"dry_run": args.dry_run})
        return 0
    as_what = f", as revision {done.rev}" if done.rev else ""
    done_word = "would come back" if args.dry_run else "is back"
    print(word(f"{done.kind} {done.id} {done_word}{as_what}, from {done.source}"))
    if not done.is_whole:
        print("it may not be what was there last: what layers hold beside it, you decide")
    return 0


async def verify_store(args: argparse.Namespace) -> int:
    from orc_core.errors import UsageError

    noted = None
    if args.head is not None:
        given = _HEAD.fullmatch(args.head)
        if given is None:
            raise UsageError("--head takes SEQ:HASH as `orc audit verify` prints it")
        noted = (int(given[1]), given[2])
    async with opened(args) as core:
        done = await core.chronicle.examine(noted=noted)
    if args.json:
        print_json(_examination_json(done))
    else:
        _print_examination(done)
    return 1 if done.findings else 0


def _examination_json(done: Examination) -> dict[str, object]:
    return {
        "intact": not done.findings,
        "entries": done.entries,
        "head": {"seq": done.seq, "hash": done.hash},
        "anchored": done.anchored,
        "anchor": None
        if done.anchor is None
        else {
            "epoch": done.anchor.epoch,
            "seq": done.anchor.seq,
            "hash": done.anchor.hash,
            "at": iso(done.anchor.at),
        },
        "findings": [asdict(finding) for finding in done.findings],
        "mended": [asdict(one) | {"at": iso(one.at)} for one in done.mended],
    }


def _print_examination(done: Examination) -> None:
    for finding in done.findings:
        print(f"wrong   {word(finding.text)}")
    for one in done.mended:
        print(f"mended  {word(_mended(one))}")
    print(f"head    {done.seq}:{done.hash}")
    if done.anchor is None:
        print("anchor  none yet: a journal that was cut off or written anew would not show")
    else:
        print(
            f"anchor  entry {done.anchor.seq} of {iso(done.anchor.at)},"
            f" {done.anchored} compared in all"
        )
    names = {(one.kind, one.id) for one in done.findings if one.check in _MENDABLE}
    for kind, id in sorted(names):
        print(f"mend    {word(f'`orc audit mend {kind} {id}` brings back what is left of it')}")
    if done.findings and all(finding.is_beside for finding in done.findings):
        print(f"{len(done.findings)} wrong beside the store, which is intact itself")
    elif done.findings:
        print(
            f"{len(done.findings)} wrong: `orc backup verify` says which copies are right, and"
            " `orc backup restore NAME --replace` puts one in its place and keeps what is there"
        )
    else:
        print(f"intact  {done.entries} entries, each follows the one before it")
