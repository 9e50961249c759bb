"""The parser of `orc`: a word or an option it does not know is answered by the one probably meant.

Invariant: an error names what was typed and what to type instead, under the usage of the command
that was meant; it never lists more than a line holds.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, NoReturn

ELSEWHERE: Final = re.compile(
    r"argument (?P<kind>\w+): invalid choice: (?P<typed>'.*'|\".*\") \(choose from (?P<all>.*)\)",
    re.DOTALL,
)
LISTED_MAX: Final = 16
"""More words than that are looked up by `--help`."""
OPTION: Final = re.compile(r"--[a-z][a-z-]*")


class Grammar(argparse.ArgumentParser):
    """An ArgumentParser, and with it those of all commands below it, that says what was meant."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and exit with 2."""
        if wrong := ELSEWHERE.fullmatch(message):
            typed, kind = wrong["typed"][1:-1], wrong["kind"].lower()
            words = [word.strip(" '\"") for word in wrong["all"].split(",")]
            message = f"no {kind} {typed!r}: {self._instead(typed, words)}"
        super().error(message)

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with a usage error about arguments that nothing takes."""
        typed = unknown[0]
        if not typed.startswith("-"):
            self.error(f"{typed!r} is one argument too many")
        options = sorted(set(OPTION.findall(self.format_help())))
        self.error(f"no option {typed.partition('=')[0]!r}: {self._instead(typed, options)}")

    def _instead(self, typed: str, words: Sequence[str]) -> str:
        if near := get_close_matches(typed.partition("=")[0], words, n=1):
            return f"did you mean {near[0]}?"
        if len(words) <= LISTED_MAX:
            return f"there are {', '.join(words)}"
        return f"`{self.prog} --help` lists them"
