"""`orc compact`: the oldest of the journal into archives.

Invariant: `--dry-run` changes nothing; what was archived is named.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from orc_cli.options import Commands, command, opened
from orc_cli.output import print_json

if TYPE_CHECKING:
    from orc_core.chronicle.compacting import Compaction

_MB = 1024 * 1024


def register(commands: Commands) -> None:
    compact = command(commands, "compact", archive, "archive the oldest of the journal", json=True)
    compact.add_argument(
        "--keep-days",
        type=float,
        metavar="N",
        help="younger ones stay (default: keep_days of config.toml, 30)",
    )
    compact.add_argument("--dry-run", action="store_true", help="say what would be archived")


async def archive(args: argparse.Namespace) -> int:
    from orc_core.errors import ReadOnly, UsageError

    if args.keep_days is not None and not 0.0 <= args.keep_days < math.inf:
        raise UsageError("--keep-days takes a number of days, 0 or more")
    if args.read_only and not args.dry_run:
        raise ReadOnly("cannot compact: opened with --read-only")
    async with opened(args) as core:
        done = await core.chronicle.compact(keep_days=args.keep_days, dry_run=args.dry_run)
    if args.json:
        print_json(asdict(done) | {"dry_run": args.dry_run})
    else:
        _print(done, dry_run=args.dry_run)
    return 0


def _print(done: Compaction, *, dry_run: bool) -> None:
    verb = "would be archived" if dry_run else "archived"
    about = "about " if dry_run else ""
    print(f"{done.entries} entries and {done.revisions} revisions {verb}")
    for name in done.archives:
        print(f"  {name}")
    before, after, limit = (n / _MB for n in (done.bytes_before, done.bytes_after, done.limit))
    print(f"store: {before:.1f} MB before, {about}{after:.1f} MB after, limit {limit:.0f} MB")
    if done.over:
        print("it is over its limit, and what is left is needed: raise max_mb in config.toml")
