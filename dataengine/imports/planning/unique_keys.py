"""Which column of a new table may tell its records apart: proposed, never decided. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dataengine.columns.types import ColumnSpec

from .proposals import Proposal

FEWEST_ROWS = 2
"""A column of a single row has no value twice, whatever it is."""
_MOST = 3
"""So many columns are looked at; each has to be read once more."""
_KERNELS = frozenset({"text", "integer", "uuid", "pattern"})
"""Measures, moments and documents may all differ and still are no names of anything."""
# The commonest first. Whole words, so that “paid” is no “id” and “postcode” no “code”.
_WORDS = (
    ("id", "ids", "uuid", "guid", "key", "pk"),
    ("sku", "isbn", "ean", "gtin", "iban", "vin", "asin", "slug", "barcode", "username", "login"),
    ("email", "mail"),
    ("code", "number", "no", "nr", "num", "ref", "reference", "nummer", "numero", "kennung", "matricule"),
)
_OTHERS_KEY = len(_WORDS)
_WORD = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]*")


def candidates(specs: Sequence[ColumnSpec]) -> list[ColumnSpec]:
    """The columns whose names say that they name things, the likeliest first; none where one is unique already."""
    if any(spec.unique for spec in specs):
        return []
    ranked = [
        (rank, place)
        for place, spec in enumerate(specs)
        if spec.kind.can_be_unique and spec.kind.kernel in _KERNELS and (rank := _rank(spec, place)) is not None
    ]
    return [specs[place] for _, place in sorted(ranked)[:_MOST]]


def _rank(spec: ColumnSpec, place: int) -> int | None:
    """How likely a column is a key by its name: 0 is likeliest."""
    words = [word.lower() for word in _WORD.findall((spec.label or spec.name).replace("-", ""))]
    if spec.type == "email":
        words.append("email")
    found = next((rank for rank, known in enumerate(_WORDS) if words and words[-1] in known), None)
    if found is None:
        return None
    # `id` and `order_id` lead their own tables; `customer_id` further on rather refers to another.
    return _OTHERS_KEY if place > 0 and found == 0 and len(words) > 1 else found


def proposal_for(column: str, rows: int, *, is_whole: bool = True) -> Proposal:
    """What to say of a column whose values all differ, and the option that holds it to that."""
    where = f"the {rows:,} rows" if is_whole else f"the first {rows:,} rows"
    return {
        "code": "unique_key",
        "column": column,
        "message": f"{column}: no two of {where} have the same value; “unique” keeps it so",
        "counts": {"rows": rows},
        "options": {"unique": [column]},
    }
