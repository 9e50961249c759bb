"""`orc export`, `orc import`.

Invariant: a file that is being written has no name until it is whole and on disk; an import that
meets a conflict writes nothing unless it was told whose side to take.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from orc_cli.options import Commands, command, opened
from orc_cli.output import counts, iso, print_json

if TYPE_CHECKING:
    from orc_core.chronicle.importing import ImportReport
    from orc_core.hub import Core

_STANDARD = "-"


def register(commands: Commands) -> None:
    export = command(commands, "export", write_export, "write everything as NDJSON", json=True)
    export.add_argument(
        "--output", default=_STANDARD, metavar="FILE", help="where to (default -, standard output)"
    )
    bring = command(commands, "import", read_export, "bring an export's documents in", json=True)
    bring.add_argument("file", metavar="FILE", help="an export, or - for standard input")
    bring.add_argument("--dry-run", action="store_true", help="say what would change")
    bring.add_argument(
        "--take", choices=("import", "store"), default="", help="whose side where both changed"
    )


async def write_export(args: argparse.Namespace) -> int:
    async with opened(args) as core:
        if args.output == _STANDARD:
            await _to_standard_output(core)
            return 0
        with _draft(Path(args.output)) as file:
            header = await core.chronicle.export(file)
    if args.json:
        print_json(asdict(header) | {"made_at": iso(header.made_at), "file": args.output})
    else:
        print(f"{args.output}: {_held(header.counts)}")
    return 0


def _held(lines: Mapping[str, int]) -> str:
    """What people look for in an export; its other lines serve an import."""
    told = []
    for kind, one, many in (
        ("revision", "revision", "revisions"),
        ("entry", "journal entry", "journal entries"),
        ("conflict", "conflict", "conflicts"),
        ("checkpoint", "checkpoint", "checkpoints"),
    ):
        if count := lines.get(kind, 0):
            told.append(f"{count} {one if count == 1 else many}")
    return ", ".join(told) or "nothing"


async def _to_standard_output(core: Core) -> None:
    # Set aside first: a reader that is slow must not hold up the store.
    with tempfile.TemporaryFile() as spool:
        await core.chronicle.export(spool)
        spool.seek(0)
        sys.stdout.flush()
        for line in spool:
            # Where output is caught as text there are no bytes below it.
            if hasattr(sys.stdout, "buffer"):
                sys.stdout.buffer.write(line)
            else:
                sys.stdout.write(line.decode())


@contextmanager
def _draft(target: Path) -> Iterator[BinaryIO]:
    """A file beside `target` that takes its name once it is whole and on disk."""
    fd, name = tempfile.mkstemp(".part", f".{target.name}.", target.parent)
    draft = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
            file.flush()
            os.fsync(fd)
        draft.replace(target)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


@contextmanager
def _source(name: str) -> Iterator[BinaryIO]:
    from orc_core.errors import OrcError

    if name == _STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 (closed below; what its reader raises is not ours)
    except OSError as error:
        raise OrcError(f"{name} cannot be read: {error.strerror}") from None
    with file:
        yield file


async def read_export(args: argparse.Namespace) -> int:
    from orc_core.errors import OrcError
    from orc_storage.errors import BadExport

    async with opened(args, create=not args.dry_run, cause="orc import") as core:
        try:
            with _source(args.file) as source:
                report = await core.chronicle.bring(source, take=args.take, dry_run=args.dry_run)
        except BadExport as error:
            raise OrcError(f"{args.file}: {error}") from None
    if args.json:
        print_json(_report_json(report))
    else:
        _print(report, dry_run=args.dry_run)
    return 1 if report.conflicts else 0


def _report_json(report: ImportReport) -> dict[str, object]:
    shown = [asdict(one) for one in report.landings if one.fate.value != "same"]
    return {"done": report.done, "counts": dict(report.counts), "documents": shown}


def _print(report: ImportReport, *, dry_run: bool) -> None:
    for one in report.landings:
        if one.fate.value != "same":
            fields = f": {', '.join(one.fields)}" if one.fields else ""
            print(f"  {one.kind} {one.id}  {one.fate.value}{fields}")
    told = counts(report.counts)
    if report.conflicts:
        print(f"{told}; nothing was written: both sides changed what is named a conflict")
        print("look at them, then repeat with --take import or --take store")
    elif dry_run:
        print(f"would be: {told}")
    else:
        changed = sum(report.counts.get(fate, 0) for fate in ("added", "changed", "deleted"))
        print(told + ("; `orc undo` takes it back" if changed else ""))
