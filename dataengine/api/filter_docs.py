"""The filters of record lists in the OpenAPI schema, from the registry of column types."""

from __future__ import annotations

from collections import defaultdict

from django.utils.functional import lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from dataengine.columns.types import REGISTRY
from dataengine.queries.filters import MOST_ALTERNATIVES

_MEANINGS = {
    "exact": "equals (the same as the bare column name)",
    "ne": "does not equal, or has no value",
    "in": "is one of several, separated by commas; of a list: has any of them",
    "isnull": "has no value (true) or has a value (false)",
    "lt": "is less than",
    "lte": "is at most",
    "gt": "is more than",
    "gte": "is at least",
    "range": "is between two values, both included, separated by a comma",
    "contains": "contains; of a list: has this text, or all texts of a JSON array",
    "icontains": "contains; case, accents and width do not matter",
    "startswith": "starts with",
    "istartswith": "starts with; case, accents and width do not matter",
    "endswith": "ends with",
    "iregex": "matches a regular expression of PostgreSQL, in upper or lower case",
    "year": "is in this year",
    "month": "is in this month (1 to 12)",
    "day": "is on this day of the month (1 to 31)",
}


def _description() -> str:
    types: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for kind in REGISTRY.values():
        types[kind.lookups].append(kind.name)
    lines = [
        "Any number of filters, each `<column>=value` or `<column>__<lookup>=value`; a record has to meet all of them.",
        f"With `match=any` one is enough (of at most {MOST_ALTERNATIVES}); `search` and `_import` hold either way.",
        "Then a lower and an upper limit of one column, no text, with values between them are one condition:",
        "`n__gte=5&n__lt=10&b=true&match=any` keeps records with n from 5 to below 10, and those where b is true.",
        "An unknown column or lookup gives a 400 that names it.",
        "Texts are compared in the order in which they are sorted: case, accents and width do not matter at first, and",
        "numbers count by their size. An empty value means the empty text for `exact` and `ne` of texts; other filters",
        "without a value are ignored. `_import=71` keeps the records that import 71 made.",
        "",
        *(f"- `{lookup}`: {meaning}" for lookup, meaning in _MEANINGS.items()),
        "",
        "The lookups of a column depend on its type:",
        "",
        *(f"- {', '.join(names)}: {', '.join(f'`{name}`' for name in lookups)}" for lookups, names in types.items()),
    ]
    return "\n".join(lines)


FILTERS = OpenApiParameter(
    name="filters",
    type=OpenApiTypes.OBJECT,
    location=OpenApiParameter.QUERY,
    description=lazy(_description, str)(),
    style="form",
    explode=True,
    examples=[],
)
"""One parameter for all: an exploded object is any number of ``name=value``."""
