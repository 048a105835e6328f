"""How ``search`` finds records.

Case, accents and width do not matter. Without a search index: the text occurs in any text column or list of
texts; or it equals the value of a number column, a duration, a reference, a UUID column, or the id.

With one, text is looked up in the index. If PostgreSQL has pg_trgm, that finds the same texts. If not, it finds words:
every word of the search has to occur in the record's text columns, and the last one may be the beginning of a word.
Numbers are then compared only with the id and with columns that have an index; all others would have to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, models, transaction
from django.db.models import F, Func, Q, Value

from dataengine.columns import values
from dataengine.models import Column, Index, Table
from dataengine.postgres.backend.reader import reading
from dataengine.postgres.ddl import SEARCHED_CHARACTERS
from dataengine.postgres.text_expressions import Fold, holds, searched, words_query
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.queries.counts import planned_rows
from dataengine.records.model import Record, bound_field

# A search that finds at most so many records is replaced by their ids, whatever the order or page.
RARE = 10_000
_PROBE_SECONDS = 0.2
# The planner expects an unknown word in one of two hundred records, an unknown beginning of one in one of fifty.
_UNKNOWN_SHARE = 0.03


def index_of(table: Table) -> Index | None:
    """The table's search index, if it can be used."""
    index = table.search_index()
    return index if index is not None and index.state == Index.State.COMPLETED else None


def meaning(table: Table) -> str:
    """What a search of this table finds, for users."""
    index = index_of(table)
    if index is None:
        return "Finds the text anywhere in the text columns, and the numbers and ids that equal it."
    numbers = "and the ids and indexed numbers that equal it"
    if index.method == Index.Method.TRIGRAM:
        return f"Finds the text anywhere in the text columns, {numbers}."
    return f"Finds records with all these words in their text columns (the last may be incomplete), {numbers}."


def search_condition(model: type[Record], text: str) -> Q:
    """The records that ``search=text`` finds."""
    index = index_of(model.table)
    if index is None:
        return _found_in_text(model, text) | _found_as_value(model, text, lambda column: True)
    covered = [column for column in model.columns if column.pk in index.covers]
    found = Q(pk__in=[])
    if index.method == Index.Method.TRIGRAM:
        found = _found_in_text(model, text)
        found = found if _is_common(model, found) else _by_id_if_rare(model, found)
    elif words := _words(text):
        # The last word may be incomplete. The complete words are among what that finds, but of them the planner knows
        # how common they are.
        has_words = _HasWords(Document(covered), Value(f"{words} | {words}:*"))
        has_words.is_common = _is_common(model, Q(has_words))
        found = Q(has_words) if has_words.is_common else _by_id_if_rare(model, Q(has_words))
    return found | _found_as_value(model, text, lambda column: column.index_state == Index.ShownState.READY)


def _found_in_text(model: type[Record], text: str) -> Q:
    conditions = [holds(column, "icontains", text) for column in model.columns if column.kind.is_searched_as_text]
    return reduce(or_, conditions, Q(pk__in=[]))


def _found_as_value(model: type[Record], text: str, may_look: Callable[[Column], bool]) -> Q:
    condition = Q(pk__in=[])
    with suppress(ValidationError):
        condition |= Q(pk=values.parse_integer(text))
    for column in model.columns:
        kind = column.kind
        if not kind.is_searched_as_value or not may_look(column):
            continue
        made = bound_field(model, column.attribute)
        with suppress(ValidationError):
            value = kind.parse_searched(made, text)
            condition |= Q((f"{column.attribute}__exact", kind.comparable(made, value)))
    return condition


def _by_id_if_rare(model: type[Record], condition: Q) -> Q:
    """``condition`` as the ids of the records that meet it, if few.

    The planner does not know how rare a word is: it expects any word in one of two hundred records, and would rather
    walk ten million of them in order than look the word up (measured: 20 s instead of 5 ms). It does know which words
    are common; for those, walking in order is right.
    """
    ids = model.objects.order_by().filter(condition).values_list("pk", flat=True)
    try:
        with reading(), time_limit(_PROBE_SECONDS), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('enable_seqscan', 'off', true)")
            found = list(ids[: RARE + 1])
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('enable_seqscan', 'on', true)")
    except OperationalError as error:
        if not timed_out(error):
            raise
        return condition
    if not found:
        return Q(pk__in=[])
    return Q(_AmongIds(found)) if len(found) <= RARE else condition


def _is_common(model: type[Record], condition: Q) -> bool:
    """Whether the planner expects ``condition`` to be commoner than any word it knows nothing about."""
    known = model.table.known
    with reading():
        expected = planned_rows(model.objects.order_by().filter(condition))
        all_records = (known.records if known is not None else 0) or planned_rows(model.objects.order_by())
    return expected > RARE and expected > _UNKNOWN_SHARE * all_records


def _words(text: str) -> str:
    """The words of ``text`` as a query; empty where there is none."""
    with reading(), connection.cursor() as cursor:
        cursor.execute(words_query(text[:SEARCHED_CHARACTERS]))
        row = cursor.fetchone()
    return str(row[0]) if row else ""


class Document(Func):
    """The words of some columns: exactly the expression of ``ddl.words_index``, so that the index can be used."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(*(Fold(searched(column)) for column in columns))

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        compiled = [compiler.compile(expression)[0] for expression in self.source_expressions]
        joined = " || ' ' || ".join(f"coalesce({name}, '')" for name in compiled)
        return f"to_tsvector('simple'::regconfig, left({joined}, {SEARCHED_CHARACTERS}))", ()


class _AmongIds(Func):
    """The records with these ids, as one parameter: with 4,000 of them a list takes a quarter of the CPU (measured)."""

    output_field = models.BooleanField()
    conditional = True
    template = "%(expressions)s::bigint[])"
    arg_joiner = " = ANY("

    def __init__(self, ids: Sequence[int]) -> None:
        super().__init__(F("pk"), Value(f"{{{','.join(map(str, ids))}}}"))


class _HasWords(Func):
    """``document @@ query``. ``is_common`` if PostgreSQL knows that very many have these words: see ``counts.py``."""

    output_field = models.BooleanField()
    conditional = True
    is_common = False
    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
