"""`orc` run through its entry inside the process of a test, which spares the interpreter's start.

Invariant: a command sees the environment and the folder that it is given, and nothing else of
the test's own.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from orc_cli.main import main


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to."""

    code: object
    out: str
    err: str


def orc(argv: Sequence[str], environ: Mapping[str, str], folder: Path) -> Done:
    """Run one command; from a test with a loop of its own, in a thread."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in os.environ.keys() - environ.keys():
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        try:
            code: object = main(argv)
        except SystemExit as refused:
            code = refused.code
    return Done(code, out.getvalue(), err.getvalue())
