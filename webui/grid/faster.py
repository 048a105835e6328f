"""What the grid shows while an index that its list needs is being built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict

from dataengine.models import Index, Table
from dataengine.queries.needs import Remedy
from webui.numbers import is_number

_MOST = 10


@dataclass(frozen=True, slots=True)
class Faster:
    """Indexes that are being built; None for one that no longer exists. ``query`` is the grid's.

    With ``waits``, the list itself is not shown until they are ready.
    """

    indexes: Sequence[Index | None]
    query: str
    waits: bool

    @property
    def is_under_way(self) -> bool:
        return any(index is not None and not index.is_over for index in self.indexes)

    @property
    def is_ready(self) -> bool:
        """Whether all are ready."""
        return all(index is not None and index.state == Index.State.COMPLETED for index in self.indexes)

    @property
    def percent(self) -> int:
        """The progress of all together."""
        return int(100 * sum(index.progress for index in self.indexes if index) / len(self.indexes))

    @property
    def asking(self) -> str:
        """The query of the request for the next update."""
        asked = QueryDict(mutable=True)
        asked.setlist("index", [str(index.pk) for index in self.indexes if index])
        asked["query"] = self.query
        if self.waits:
            asked["waits"] = "1"
        return asked.urlencode()

    @property
    def reasons(self) -> list[str]:
        """Which indexes are being built, and why."""
        return [_reason(index) for index in self.indexes if index is not None and not index.is_over]

    @property
    def errors(self) -> list[str]:
        """Why builds failed."""
        return [index.error for index in self.indexes if index is not None and index.state == Index.State.FAILED]


def of_remedies(remedies: Sequence[Remedy], params: QueryDict, *, waits: bool) -> Faster | None:
    """What to show for the indexes that a list lacks; None if none is being built."""
    found = [remedy.index for remedy in remedies if remedy.index is not None and remedy.is_under_way]
    return Faster(found, params.urlencode(), waits) if found else None


def asked_again(table: Table, params: QueryDict) -> Faster:
    """The update of what was shown before."""
    asked = params.getlist("index")[:_MOST]
    keys = [int(text) for text in asked if is_number(text)]
    known = {index.pk: index for index in Index.objects.filter(table=table, pk__in=keys).select_related("column")}
    query = QueryDict(params.get("query", "")).urlencode()
    return Faster([known.get(key) for key in keys] or [None], query, "waits" in params)


def _reason(index: Index) -> str:
    what = f"An index of {index.column.title}" if index.column is not None else "A search index"
    return f"{what} is being built{f', because {index.because}' if index.because else ''}."
