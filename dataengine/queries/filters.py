"""Filters of records: one grammar for API and console.

``<column>=value`` and ``<column>__<lookup>=value``; ``search=text``; ``_import=number``. Records meet all of them; with
``match=any`` one of those by columns is enough, while search and import still narrow the list. A column's
type decides which lookups it has (``columns/types``). Filters address the model by ``column.attribute``, so no word of
a user's ever becomes a keyword of the ORM.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import DataError, OperationalError, connection, models
from django.db.models import Q
from django.http import QueryDict

from dataengine.columns import displays, types, values
from dataengine.columns.identifiers import composed
from dataengine.exceptions import InvalidInput, shown
from dataengine.models import Column, Index, Table
from dataengine.postgres.backend.reader import reading
from dataengine.postgres.text_expressions import CASELESS, beginnings, compares, equals, holds, is_null, starts
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.queries.needs import Use
from dataengine.queries.provenance import made_by
from dataengine.queries.search import search_condition
from dataengine.records.model import Record, bound_field, record_model

# Parameters of lists that are not filters. A column with such a name is filtered as ``page__exact``.
RESERVED = frozenset(
    {
        "table_name", "page", "limit", "order_by", "order_direction", "nulls", "search", "count", "cursor", "format",
        "match",
    }
)  # fmt: skip
MATCH = "match"
"""The parameter that says whether records meet ``all`` conditions or ``any``."""
MOST_ALTERNATIVES = 50
"""Each of them may cost a scan of its own."""
IMPORT = "_import"
"""The parameter that selects the records that an import made."""
_DATE_PARTS = {"year": range(1, 10_000), "month": range(1, 13), "day": range(1, 32)}
_LOWER, _UPPER = frozenset({"gt", "gte"}), frozenset({"lt", "lte"})
_COMPARISONS = _LOWER | _UPPER
_BEGINNINGS = frozenset({"startswith", "istartswith"})
_LISTS = frozenset({"in", "range"})
_ID_LOOKUPS = types.ID.lookups
# PostgreSQL takes many seconds to compile some long regular expressions, before it compares anything.
_COMPILE_SECONDS = 0.5
EMPTY_TEXTS = frozenset({"exact", "ne"})
"""Lookups of texts for which an empty value means the empty text."""
# Forms submit empty filters; all others of these are ignored, but for lists, which programs write.
_EMPTY: tuple[Any, ...] = (None, "", [], ())

type Parse = Callable[[object], Any]


class ValueField(forms.Field):
    """One value, or several, read by the rules of a column's type; None for no filter."""

    def __init__(
        self, *, parse: Parse, is_list: bool = False, size: int | None = None, takes_empty: bool = False, **kwargs: Any
    ) -> None:
        """``takes_empty``: the empty text is a value, too."""
        super().__init__(**kwargs)
        self.size = size
        self.parse = parse
        self.is_list = is_list
        self.takes_empty = takes_empty

    def clean(self, value: Any) -> Any:
        if value in _EMPTY and not (self.takes_empty and value == ""):
            if self.is_list and value is not None:  # of none of them, not of all records
                raise ValidationError("Give at least one value, or leave this filter out.")
            return None
        if not self.is_list:
            return self.parse(value)
        items = [self.parse(item) for item in _items(value)]
        if self.size is not None and len(items) != self.size:
            raise ValidationError(f"Give {self.size} values, separated by commas.")
        return items


class ValueFilter(django_filters.Filter):
    """Compares one column (None: ``id``); ``ne`` keeps records without a value, as in “everything but”."""

    field_class = ValueField

    def __init__(self, *args: Any, column: Column | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.column = column

    def filter(self, qs: models.QuerySet[Record], value: Any) -> models.QuerySet[Record]:
        return qs if value is None else qs.filter(self.condition(value))

    def condition(self, value: Any) -> Q:
        """What records have to meet."""
        condition = self._condition(value)
        if self.exclude:
            return ~condition
        if self.lookup_expr in _COMPARISONS:
            # Django drops a comparison that every number of the type passes, which would let NULL pass too.
            return condition & is_null(self.column, self.field_name, False)
        return condition

    def can_be_helped(self, value: Any) -> bool:
        """Whether an index might find the records with this value."""
        if self.lookup_expr in _BEGINNINGS:
            return value is not None and bool(beginnings(value))
        return value is not None and not self.exclude

    def _condition(self, value: Any) -> Q:
        column, lookup = self.column, self.lookup_expr
        if lookup == "isnull":
            return is_null(column, self.field_name, value)
        if column is None or not column.kind.is_text or self.exclude:
            return Q((f"{self.field_name}__{lookup}", value))
        if lookup in {"exact", "in"}:
            return equals(column, value if lookup == "in" else [value])
        if lookup in _COMPARISONS or lookup == "range":
            return compares(column, lookup, value)
        if lookup in CASELESS:
            return holds(column, lookup, value)
        if lookup == "startswith":
            return starts(column, value)
        return Q((f"{self.field_name}__{lookup}", value))


class SearchFilter(django_filters.Filter):
    """Keeps the records in which the text occurs (see ``search.py``)."""

    field_class = ValueField

    def filter(self, qs: models.QuerySet[Record], value: Any) -> models.QuerySet[Record]:
        return qs if value is None else qs.filter(search_condition(qs.model, value))


class ImportFilter(django_filters.Filter):
    """Keeps the records that an import made, by its number."""

    field_class = ValueField

    def filter(self, qs: models.QuerySet[Record], value: Any) -> models.QuerySet[Record]:
        return qs if value is None else qs.filter(made_by(qs.model.table, value))


class RecordFilterSet(django_filters.FilterSet):
    """The filters that ``data`` names, for one record model.

    A table of 20 columns has some 250 possible filters; only those asked for are made.
    """

    record_model: ClassVar[type[Record]]

    def __init__(
        self, data: Mapping[str, Any] | None = None, queryset: models.QuerySet[Record] | None = None, **kwargs: Any
    ) -> None:
        given, self.refused = _unfold(data or {})
        asked = (data or {}).get(MATCH) or "all"
        self.is_any = asked == "any"
        if asked not in ("all", "any"):
            self.refused[MATCH] = [f"Give all or any; to filter by a column with this name, use {MATCH}__exact."]
        elif self.is_any and len(given) > MOST_ALTERNATIVES:
            self.refused[MATCH] = [f"With any, give at most {MOST_ALTERNATIVES} conditions."]
        self.base_filters: dict[str, django_filters.Filter] = {}
        for name in given:
            try:
                self.base_filters[name] = make_filter(self.record_model, name)
            except InvalidInput as error:
                self.refused.update(error.fields)
        super().__init__(given, self.record_model.objects.all() if queryset is None else queryset, **kwargs)

    @property
    def problems(self) -> dict[str, list[str]]:
        """What is wrong, by parameter; empty if nothing is."""
        invalid = {name: [str(text) for text in texts] for name, texts in self.errors.items()}
        return {**self.refused, **invalid}

    @property
    def is_filtered(self) -> bool:
        """Whether there are any filters at all."""
        return not self.problems and any(value is not None for value in self.form.cleaned_data.values())

    def filter_queryset(self, queryset: models.QuerySet[Record]) -> models.QuerySet[Record]:
        """The records that meet all filters, or, with ``match=any``, one of those by columns and all others."""
        if not self.is_any:
            found: models.QuerySet[Record] = super().filter_queryset(queryset)
            return found
        asked = self.form.cleaned_data
        by_columns: list[tuple[ValueFilter, Any]] = []
        for name, made in self.filters.items():
            if not isinstance(made, ValueFilter):
                queryset = made.filter(queryset, asked[name])
            elif asked[name] is not None:
                by_columns.append((made, asked[name]))
        alternatives = _alternatives(by_columns)
        return queryset.filter(reduce(or_, alternatives)) if alternatives else queryset

    def used(self) -> list[Use]:
        """All comparisons with columns; none if one of several alternatives cannot be looked up."""
        asked = self.form.cleaned_data
        by_columns = [(made, asked[name]) for name, made in self.filters.items() if isinstance(made, ValueFilter)]
        if self.is_any and not all(made.can_be_helped(value) for made, value in by_columns if value is not None):
            return []
        every, are_several = self.record_model.objects.order_by(), len(self.filters) > 1
        return [
            Use(made.field_name, made.lookup_expr, made.filter(every, value) if are_several else None)
            for made, value in by_columns
            if made.can_be_helped(value)
        ]

    def beginnings(self) -> dict[Column, str]:
        """By column: with what the texts of all records that match begin, whatever their case."""
        made_of = ((name, made) for name, made in self.filters.items() if isinstance(made, ValueFilter))
        return {
            made.column: self.form.cleaned_data[name]
            for name, made in made_of
            if made.lookup_expr in _BEGINNINGS and not (made.exclude or self.is_any) and made.column is not None
            if self.form.cleaned_data[name]
        }

    def missing(self) -> Column | None:
        """A column that is NULL in all records that match, if an index holds them in the order of their ids."""
        for name, made in self.filters.items():
            if not isinstance(made, ValueFilter) or made.lookup_expr != "isnull" or made.exclude or self.is_any:
                continue
            column = made.column
            if self.form.cleaned_data[name] is True and column is not None and column.kind.can_be_sorted:
                return column if column.sort_state == Index.ShownState.READY else None
        return None

    def records(self) -> models.QuerySet[Record]:
        """The records that match. Raises InvalidInput that names every parameter at fault."""
        problems = self.problems
        if problems:
            first = next(iter(problems.items()))
            raise InvalidInput(f"{first[0]}: {first[1][0]}", code="invalid_filter", fields=problems)
        found: models.QuerySet[Record] = self.qs
        return found


def record_filterset(table: Table | type[Record]) -> type[RecordFilterSet]:
    """The filter set of a table's records; pass the record model if you have it."""
    model = record_model(table) if isinstance(table, Table) else table
    return type(f"{model.__name__}FilterSet", (RecordFilterSet,), {"record_model": model, "__module__": __name__})


def takes_empty_text(model: type[Record], name: str) -> bool:
    """Whether an empty value of this filter means the empty text."""
    made = make_filter(model, name)
    return bool(made.extra.get("takes_empty"))


def make_filter(model: type[Record], name: str) -> django_filters.Filter:
    """The filter for the name of a parameter. Raises InvalidInput for an unknown column or lookup."""
    name = composed(name)
    if name == "search":
        return SearchFilter(parse=_search_text, label="Search")
    columns = {column.name: column for column in model.columns}
    if name == IMPORT and name not in columns:
        return ImportFilter(parse=_import_number, label="Import")
    column_name, lookup = name, "exact"
    if name not in columns and name != "id":
        column_name, separator, lookup = name.rpartition("__")
        if not separator:
            column_name, lookup = name, "exact"
    column = columns.get(column_name)
    if column is None and column_name != "id":
        raise _unknown(name, f"There is no column “{shown(column_name)}”.")
    kind = column.kind if column else types.ID
    offered = kind.lookups if column else _ID_LOOKUPS
    if lookup not in offered:
        what = f"the type of “{column_name}” is {kind.label.lower()}" if column else "“id” is a number"
        raise _unknown(name, f"{what}; its lookups are {', '.join(offered)}, not “{shown(lookup)}”.")
    attribute = column.attribute if column else "id"
    return ValueFilter(
        field_name=attribute,
        lookup_expr="exact" if lookup == "ne" else kind.orm_lookups.get(lookup, lookup),
        exclude=lookup == "ne",
        label=f"{column.title if column else 'id'} {lookup}",
        parse=_parser(kind, bound_field(model, attribute), lookup, displays.reader(column.display) if column else None),
        column=column,
        is_list=lookup in _LISTS,
        takes_empty=kind.is_text and lookup in EMPTY_TEXTS,
        size=2 if lookup == "range" else None,
    )


def _parser(
    kind: types.ColumnType, made: models.Field[Any, Any], lookup: str, read: Callable[[str], str] | None
) -> Parse:
    """The parser for a lookup's text. A closure, because django-filter deep-copies its filters.

    ``read`` takes off what the column shows around its numbers.
    """
    if lookup == "isnull":
        return values.parse_boolean
    if lookup in _DATE_PARTS:
        bounds = _DATE_PARTS[lookup]
        return lambda text: values.parse_integer(text, bounds)
    if lookup == "iregex":
        return _regular_expression
    if read is not None:
        return lambda text: kind.parse_operand(made, read(text) if isinstance(text, str) else text, lookup)
    return lambda text: kind.parse_operand(made, text, lookup)


def _regular_expression(text: object) -> str:
    """Check a regular expression by asking PostgreSQL; nothing else knows its dialect."""
    pattern = _search_text(text)
    try:
        with reading(), time_limit(_COMPILE_SECONDS), connection.cursor() as cursor:
            cursor.execute("SELECT '' ~* %s", [pattern])
    except DataError as error:
        raise ValidationError("PostgreSQL does not understand this regular expression.") from error
    except OperationalError as error:
        if not timed_out(error):
            raise
        raise ValidationError("This regular expression is too complex.") from error
    return pattern


def _import_number(text: object) -> int:
    return values.parse_integer(text, range(1, 1 << 63))


def _search_text(text: object) -> str:
    if not isinstance(text, str | int | float) or "\0" in str(text):
        raise ValidationError("Remove the null character.")
    return str(text)


def _items(value: Any) -> list[Any]:
    """The values of a list: a JSON list as it is, text as one CSV record, so that values may contain commas."""
    if isinstance(value, list | tuple):
        return list(value)
    try:
        return next(csv.reader([str(value)], strict=True, skipinitialspace=True), [])
    except csv.Error as error:
        raise ValidationError("Separate values by commas; put a value with a comma in double quotes.") from error


def _unfold(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The filters among the parameters, and the errors for those given twice that take one value."""
    given: dict[str, Any] = {}
    refused: dict[str, list[str]] = {}
    for name in data:
        if name in RESERVED and name != "search":
            continue
        many = data.getlist(name) if isinstance(data, QueryDict) else [data[name]]
        if name.endswith(("__in", "__range")):
            given[name] = many[0] if len(many) == 1 else many
        elif len(set(map(str, many))) > 1:
            refused[name] = ["This filter is given twice; to match any of several values, use __in."]
        else:
            given[name] = many[-1]
    return given, refused


def _alternatives(asked: Sequence[tuple[ValueFilter, Any]]) -> list[Q]:
    """The conditions of which one is enough.

    A lower and an upper limit of one column, no text, are together one if there is anything between them: either alone
    would let nearly everything pass. The other way round, “below 5” and “above 10” are two.
    """
    found: list[Q] = []
    limits: dict[str, tuple[frozenset[str], Any, int, str]] = {}
    for made, value in asked:
        condition, side = made.condition(value), _LOWER if made.lookup_expr in _LOWER else _UPPER
        is_limit = made.lookup_expr in _COMPARISONS and (made.column is None or not made.column.kind.is_text)
        if is_limit and (other := limits.get(made.field_name)) is not None and other[0] is not side:
            low, high = (other[1], value) if side is _UPPER else (value, other[1])
            if low < high or (low == high and {made.lookup_expr, other[3]} == {"gte", "lte"}):
                found[other[2]] &= condition
                continue
        if is_limit:
            limits[made.field_name] = (side, value, len(found), made.lookup_expr)
        found.append(condition)
    return found


def _unknown(name: str, reason: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_filter", fields={shown(name): reason})
