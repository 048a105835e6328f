"""What would read a file better, if people say so: as options that they have but to give. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypedDict

from dataengine.columns.types import REGISTRY
from dataengine.imports.converting.found import ColumnFinding
from dataengine.imports.converting.patterns import NULL_MARKERS

from .footers import Footer

_SHOWN = 5


class Proposal(TypedDict):
    """Options that would read a file better, if people say so. ``code`` is ``null_words``, ``footer``,
    ``unique_key`` or ``recipe``."""

    code: str
    column: str
    message: str
    counts: dict[str, int]  # of what, how often
    options: dict[str, Any]  # what to give to have it so


def proposals_of(
    columns: Sequence[ColumnFinding], markers: Collection[str] | None, footer: Footer | None, *, skipped: int = 0
) -> list[Proposal]:
    """Words for missing values among values of a type, and rows at the end that are no records."""
    found = [_null_words(column, markers or ()) for column in columns if column.get("null_words")]
    if footer:
        found.append(
            {
                "code": "footer",
                "column": "",
                "message": footer["message"],
                "counts": {"rows": footer["rows"]},
                "options": {"skip_last": skipped + footer["rows"]},
            }
        )
    return found


def _null_words(column: ColumnFinding, markers: Collection[str]) -> Proposal:
    words = column["null_words"]
    cells = sum(words.values())
    said = ", ".join(list(words)[:_SHOWN]) + (", …" if len(words) > _SHOWN else "")
    kind = REGISTRY[column.get("without", column["type"])].label
    message = (
        f"{column['column']}: {cells:,} {'cells say' if cells > 1 else 'cell says'} {said};"
        f" treat as null? “null_values” says so, and the column is “{kind}”"
    )
    known = markers or (NULL_MARKERS if column.get("marked") else ())
    return {
        "code": "null_words",
        "column": column["column"],
        "message": message,
        "counts": dict(words),
        "options": {"null_values": list(dict.fromkeys([*known, *words]))},
    }
