"""The content of a table's columns at a glance: missing values, a histogram, or the commonest values.

A profile is of a whole table or of the records that a list has. From a sample of whole pages it takes the same time at
any size; of records that are few, all are read. Each bar tells which filters of the lists' grammar select it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import OperationalError
from django.db.models import QuerySet
from psycopg.errors import LockNotAvailable

from dataengine.columns import text_lists
from dataengine.models import Column, Table
from dataengine.postgres.backend.reader import reading
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.profiles import buckets
from dataengine.profiles.buckets import Edges
from dataengine.profiles.samples import Sample, Span, Top

SECONDS = 0.9
"""The time limit for the profiles of all columns of a table."""

_LENGTH_SECONDS = 0.3
MOST_VALUES = 8
MOST_COLUMNS = 100
# A value that only one in so many records has tells nothing about a column.
_RARE = 200


@dataclass(frozen=True, slots=True)
class Bar:
    """A number of records in the sample, and the filters that select them as ``{lookup: value}``.

    ``height`` is between 0 and 1, the highest bar's. An open bar has the values beyond the others.
    """

    words: str
    count: int
    height: float
    filters: Mapping[str, str]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """One column in a sample: ``values`` of its ``size`` records have a value, ``distinct`` different ones (None: not
    counted; ``is_more``: at least so many). ``extent`` tells from where to where the values of a histogram reach.

    If hardly any value occurs twice, the bars of a text column are of lengths in characters (``is_of_lengths``), which
    select nothing.
    """

    column: Column
    size: int
    values: int
    bars: Sequence[Bar] = ()
    is_histogram: bool = False
    distinct: int | None = None
    is_more: bool = False
    extent: str = ""
    is_of_lengths: bool = False

    @property
    def missing(self) -> int:
        return self.size - self.values

    def with_most(self, most: int) -> Profile:
        """The same with at most so many values, unless it is a histogram."""
        return self if self.is_histogram else replace(self, bars=self.bars[:most])


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of columns. ``size`` of about ``total`` records were sampled, or all if ``is_whole``."""

    columns: Sequence[Profile]
    size: int
    total: int
    is_whole: bool

    def scaled(self, count: int) -> int:
        """About how many records of the table ``count`` records of the sample represent."""
        return count if self.is_whole or not self.size else round(count * self.total / self.size)


def profiles(
    table: Table,
    columns: Sequence[Column],
    *,
    most: int = MOST_VALUES,
    found: QuerySet[Any] | None = None,
) -> Profiles | None:
    """The profiles of ``columns``, or of the first ``MOST_COLUMNS`` of them; None if they take too long.

    ``most`` is how many of the commonest values have a bar. ``found`` are the records to look at, if not all.
    """
    columns = columns[:MOST_COLUMNS]
    try:
        with reading(), time_limit(SECONDS):
            sample = Sample(table, columns, found)
            spans = sample.spans([column for column in columns if column.kind.chart in buckets.HISTOGRAMS])
            edges = {
                column: limits
                for column in columns
                if (reach := spans[column.pk].reach) and (limits := buckets.edges_of(column.kind.chart, reach))
            }
            histograms, tops = sample.counts(
                {column: found.texts for column, found in edges.items()},
                [column for column in columns if column.kind.chart in {"values", "items"}],
                most=most,
            )
    except OperationalError as error:
        # Somebody is changing the table at this moment; the charts are not worth waiting for.
        if not timed_out(error) and not isinstance(error.__cause__, LockNotAvailable):
            raise
        return None
    made = []
    for column in columns:
        span = spans[column.pk]
        if column in edges:
            made.append(_histogram(column, sample.size, span, edges[column], histograms[column.pk]))
        elif column.pk in tops:
            made.append(_top_values(column, sample.size, span, tops[column.pk]))
        else:
            made.append(Profile(column, sample.size, span.values))
    dull = [profile.column for profile in made if _is_dull(profile)]
    if dull:
        lengths = _lengths(sample, dull)
        made = [_with_lengths(profile, lengths.get(profile.column.pk, {})) for profile in made]
    return Profiles(made, sample.size, sample.total, sample.is_whole)


def _is_dull(profile: Profile) -> bool:
    """Whether nothing but the lengths of the values can be drawn."""
    return profile.column.kind.is_text and profile.values > 1 and not profile.bars


def _lengths(sample: Sample, columns: Sequence[Column]) -> Mapping[int, Mapping[int | None, int]]:
    """How long the texts of ``columns`` are; nothing if that takes too long, which all other charts need not."""
    try:
        with reading(), time_limit(_LENGTH_SECONDS):
            return sample.lengths(columns)
    except OperationalError as error:
        if not timed_out(error):
            raise
        return {}


def _with_lengths(profile: Profile, lengths: Mapping[int | None, int]) -> Profile:
    """``profile`` with bars for the lengths of its texts; ``lengths`` has their numbers, None that of the longest."""
    known = sorted((length, count) for length, count in lengths.items() if length is not None)
    apart = lengths.get(None, 0)
    total = sum(count for _, count in known)
    if not total:
        return profile
    reach = []
    for share in (0, 0.01, 0.99, 1):
        passed, place = 0, 0
        while place < len(known) - 1 and (passed := passed + known[place][1]) < share * total:
            place += 1
        reach.append(str(known[place][0]))
    edges = buckets.edges_of("whole numbers", reach)
    if edges is None:
        return profile
    limits = [int(text) for text in edges.texts]
    counts = [0] * (len(limits) + 1)
    for length, count in known:
        counts[bisect_right(limits, length)] += count
    counts[-1] += apart
    words = [edges.below, *edges.words, f"{edges.texts[-1]} or more"]
    highest = max(counts)
    bars = [
        Bar(f"{text} characters", count, count / highest, {}, is_open=number in {0, len(limits)})
        for number, (text, count) in enumerate(zip(words, counts, strict=True))
        if count or 0 < number < len(limits)
    ]
    extent = f"{known[0][0]} or more" if apart else edges.extent
    return replace(profile, bars=bars, is_histogram=True, is_of_lengths=True, extent=f"{extent} characters")


def _histogram(column: Column, size: int, span: Span, edges: Edges, counts: Mapping[int, int]) -> Profile:
    texts = edges.texts
    highest = max(counts.values(), default=1)
    bars = []
    if counts.get(0):
        bars.append(Bar(edges.below, counts[0], counts[0] / highest, {"lt": texts[0]}, is_open=True))
    for number, words in enumerate(edges.words, start=1):
        filters = {"exact": texts[number - 1]}
        if not edges.are_values:
            filters = {"gte": texts[number - 1], "lt": texts[number]}
        count = counts.get(number, 0)
        bars.append(Bar(words, count, count / highest, filters))
    beyond = counts.get(len(texts), 0)
    if beyond:
        bars.append(Bar(edges.beyond, beyond, beyond / highest, {"gte": texts[-1]}, is_open=True))
    return Profile(column, size, span.values, bars, is_histogram=True, extent=edges.extent)


def _top_values(column: Column, size: int, span: Span, top: Top) -> Profile:
    highest = top.values[0].records if top.values else 1
    # If nearly all values are different, like names and addresses, none is common enough for a bar.
    is_telling = column.kind.has_few_values or (highest > 1 and highest * _RARE >= span.values)
    is_of_items = column.kind.chart == "items"
    bars = [
        Bar(
            column.kind.value_words.get(value.text, value.text) or "empty text",
            value.records,
            value.records / highest,
            {"contains": text_lists.as_operand(value.text)} if is_of_items else {"exact": value.text},
        )
        for value in top.values
    ]
    is_more = top.records < span.values
    return Profile(column, size, span.values, bars if is_telling else [], distinct=top.distinct, is_more=is_more)
