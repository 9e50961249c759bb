"""The documented keys are those of the program."""

from pathlib import Path

from orc_tui.key_table import document

KEYS = Path(__file__).parents[3] / "docs" / "keys.md"


def test_the_documented_table_is_that_of_the_registry() -> None:
    said = KEYS.read_text(encoding="utf-8")
    assert said == document(), "make it anew: python -m orc_tui.key_table > docs/keys.md"
