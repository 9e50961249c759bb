"""`orc backup create|list|verify|restore`.

Invariant: a backup is shown as sound only after it was restored somewhere else and checked there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from orc_cli.going_back import add_going_back, confirmed, go_back
from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, print_json, print_table

if TYPE_CHECKING:
    from orc_storage.backups import Backup
    from orc_storage.recovery import Rehearsal


def register(commands: Commands) -> None:
    backup = commands.add_parser("backup", help="copy the store, check copies, bring one back")
    verbs = backup.add_subparsers(dest="verb", metavar="VERB", required=True)
    command(verbs, "create", create, "copy the store now, while it is in use", json=True)
    command(verbs, "list", list_backups, "list the copies, newest first", json=True)
    verify = command(
        verbs, "verify", verify_backups, "restore a copy elsewhere and check it", json=True
    )
    verify.add_argument("name", metavar="NAME", nargs="?", help="a part of its name, or latest")
    restore = command(verbs, "restore", restore_backup, "bring a copy back", json=True)
    restore.add_argument("name", metavar="NAME", help="a part of its name, or latest")
    restore.add_argument("--exact", action="store_true", help="delete what was made since")
    restore.add_argument(
        "--replace", action="store_true", help="put it in the place of a damaged store"
    )
    add_going_back(restore)


async def create(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        backup = await core.backups.create()
    if args.json:
        print_json(backup_json(backup))
    else:
        print(f"{backup.name}  {_size(backup.size_bytes)}, in {backup.path.parent}")
    return 0


async def list_backups(args: argparse.Namespace) -> int:
    from orc_core.history.backups import listing

    known = await listing(await _folder(args))
    if args.json:
        print_json([backup_json(backup) for backup in known])
        return 0
    rows = [
        (iso(backup.at) or "", backup.reason.value, _size(backup.size_bytes), backup.name)
        for backup in known
    ]
    print_table(rows, empty="no backups: `orc backup create` makes one")
    return 0


async def verify_backups(args: argparse.Namespace) -> int:
    from orc_core.history.backups import find, listing, rehearse

    folder = await _folder(args)
    chosen = [await find(folder, args.name)] if args.name else await listing(folder)
    found = [await rehearse(backup) for backup in chosen]
    if args.json:
        print_json([_rehearsal_json(one) for one in found])
    elif not found:
        print("no backups: `orc backup create` makes one")
    else:
        for one in found:
            print(f"{'bad ' if one.problems else 'good'}  {one.backup.name}  {_holds(one)}")
            for problem in one.problems:
                print(f"      {problem}")
    return 1 if any(one.problems for one in found) else 0


async def restore_backup(args: argparse.Namespace) -> int:
    if args.replace:
        return await _replace(args)
    async with opened(args, cause="orc backup") as core:
        backup = await core.backups.find(args.name)
        plan = await core.backups.plan_restore(backup, exact=args.exact)
        return await go_back(core, args, plan, f"Bring {backup.name} back?")


async def _replace(args: argparse.Namespace) -> int:
    from orc_core.clock import SystemClock
    from orc_core.errors import ReadOnly
    from orc_core.history.backups import rehearse_replacement, replace_damaged

    if args.read_only and not args.dry_run:
        raise ReadOnly("cannot bring a backup back: opened with --read-only")
    folder = await _folder(args)
    found = await rehearse_replacement(folder, args.name)
    if args.dry_run and args.json:
        print_json(_rehearsal_json(found) | {"quarantine": None})
    elif not args.json:
        print(f"the store in {folder} is damaged or gone; its files go to quarantine/")
        print(f"in its place comes {found.backup.name}: {_holds(found)}")
        print("task and agent files keep what they say; what differs is a conflict to decide")
    if args.dry_run:
        return 0
    if not await confirmed(args, f"Put {found.backup.name} in its place?"):
        return 1
    done = await replace_damaged(folder, found.backup.name, SystemClock())
    if args.json:
        print_json(_rehearsal_json(found) | {"quarantine": str(done.quarantine)})
    else:
        print(f"the store is {done.backup.name} again; what it held is in {done.quarantine}")
    return 0


async def _folder(args: argparse.Namespace) -> Path:
    """The workspace's folder: copies are told of however its store is."""
    import os

    from orc_core import workspace

    found = await workspace.find(args.workspace, environ=dict(os.environ), cwd=Path.cwd())
    return found.folder


def backup_json(backup: Backup) -> dict[str, object]:
    """A backup as `--json` prints it."""
    return {
        "name": backup.name,
        "path": str(backup.path),
        "at": iso(backup.at),
        "reason": backup.reason.value,
        "schema": backup.schema,
        "size_bytes": backup.size_bytes,
    }


def _rehearsal_json(one: Rehearsal) -> dict[str, object]:
    return backup_json(one.backup) | {
        "sound": not one.problems,
        "problems": list(one.problems),
        "documents": sum(not document.deleted for document in one.documents),
        "journal_entries": one.entries,
    }


def _holds(one: Rehearsal) -> str:
    held = sum(not document.deleted for document in one.documents)
    plural = "" if held == 1 else "s"
    return f"{held} document{plural}, {one.entries} in the journal"


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
