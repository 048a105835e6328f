"""The table of docs/changing-tables.md says of every pair of types what the registry says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataengine.columns.types import REGISTRY, ColumnType

DOCS = Path(__file__).resolve().parents[2] / "docs" / "changing-tables.md"
PARAMETERS: dict[str, dict[str, Any]] = {
    "varchar": {"length": 1},
    "choice": {"choices": ["a"]},
    "choices": {"choices": ["a"]},
    "reference": {"references": "t"},
}


def named(kinds: list[ColumnType]) -> str:
    return " ".join(f"`{kind.sql_names[0]}`" for kind in kinds)


def row(kind: ColumnType) -> str:
    """``| `DATE` | what holds all its values | what each is checked for |``."""
    verdicts: dict[str, list[ColumnType]] = {"lossless": [], "checked": [], "refused": []}
    for other in REGISTRY.values():
        if other is not kind:
            verdicts[kind.change_into(other, PARAMETERS.get(other.name, {}))].append(other)
    checked = named(verdicts["checked"]) if verdicts["refused"] else "all others"
    return f"| `{kind.sql_names[0]}` | {named(verdicts['lossless'])} | {checked} |"


def test_the_table_of_pairs_is_that_of_the_registry() -> None:
    said = {line.split("|")[1].strip(): line for line in DOCS.read_text().splitlines() if line.startswith("| `")}
    for kind in REGISTRY.values():
        expected = row(kind)
        assert said.get(f"`{kind.sql_names[0]}`", "").split() == expected.split(), f"in {DOCS.name} write\n{expected}"
