"""What differs between a file and the recipe that it is imported by. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypedDict

RECIPE_DIFFERS = "recipe_differs"
"""The code of the warning."""
_SHOWN = 10


class FoundRecipe(TypedDict):
    """The recipe that an import went by, and what was different: headers, and columns that are gone or changed."""

    name: str
    new: list[str]
    missing: list[str]
    moved: list[str]
    gone: list[str]
    changed: list[str]


def compared(
    name: str,
    before: tuple[Sequence[str], Mapping[str, str]],
    now: tuple[Sequence[str], Mapping[str, str]],
    wanted: Sequence[str],
) -> FoundRecipe:
    """How a file and its table differ from those of a recipe: ``before`` and ``now`` are headers, and types by column.

    ``wanted`` are the columns that the recipe names.
    """
    headers, types = before
    found, known = now
    common, there = [h for h in headers if h in found], [h for h in found if h in headers]
    kept: set[str] = set()
    for block in SequenceMatcher(None, common, there, autojunk=False).get_matching_blocks():
        kept.update(common[block.a : block.a + block.size])
    return {
        "name": name,
        "new": [header for header in found if header not in headers] if headers else [],
        "missing": [header for header in headers if header not in found],
        "moved": [header for header in there if header not in kept],
        "gone": [column for column in dict.fromkeys(wanted) if column not in known],
        "changed": [column for column, kind in types.items() if column in known and known[column] != kind],
    }


def difference(found: FoundRecipe) -> str:
    """What differs, in a sentence; empty if nothing does."""
    parts = [
        ("new in the file", found["new"]),
        ("missing from it", found["missing"]),
        ("in another place", found["moved"]),
        ("no column any more", found["gone"]),
        ("of another type now", found["changed"]),
    ]
    said = [f"{what}: {_listed(names)}" for what, names in parts if names]
    return f"This differs from the recipe “{found['name']}”. {_capital('; '.join(said))}." if said else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(f"“{name}”" for name in names[:_SHOWN]) + more


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
