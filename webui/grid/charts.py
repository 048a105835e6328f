"""The small charts under the grid's heads: the label of each bar, and the filter that it applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from django.http import QueryDict

from dataengine.columns import displays
from dataengine.models import Column
from dataengine.profiles.profiles import Bar, Profile, Profiles
from dataengine.queries.references import Labels
from webui.grid.filters import filtering, query_for
from webui.words import about, plural

HEIGHT = 40
"""Height of the highest bar, in the drawing's units."""
# Small bars are drawn large enough to be seen.
_LEAST = 2.0
_LEAST_SHARE = 0.03


class Drawn(NamedTuple):
    """A bar: its label, its place in the drawing, and the query to which it links ('' if none).

    ``range`` is the query for ranges that begin or end with it, also where it has no records.
    """

    name: str
    height: str
    top: str
    query: str
    is_current: bool
    css: str
    range: str = ""


class Chart(NamedTuple):
    """The chart under one head. ``caption`` and ``missing`` are texts; ``missing_bar`` links to records with no value.

    ``filled`` is the percentage of records with a value: the length of the base line.
    """

    title: str
    css: str
    bars: Sequence[Drawn]
    filled: str
    caption: str
    missing: str
    missing_bar: Drawn | None
    # The column's name in filters.
    name: str = ""


def charts(found: Profiles, params: QueryDict, labels: Labels) -> list[Chart]:
    """The charts of ``found``, with links that keep the grid's other ``params``."""
    return [_chart(found, profile, params, labels.get(profile.column.attribute, {})) for profile in found.columns]


def reference_ids(found: Profiles) -> dict[Column, list[int | None]]:
    """The ids in the charts of reference columns."""
    return {
        profile.column: [int(bar.filters["exact"]) for bar in profile.bars]
        for profile in found.columns
        if profile.column.references_id is not None
    }


def _chart(found: Profiles, profile: Profile, params: QueryDict, named: Mapping[int, str]) -> Chart:
    column = profile.column
    present = filtering(params, column)
    rest = query_for(params, column)

    def drawn(words: str, count: int, height: float, filters: Mapping[str, str], css: str = "") -> Drawn:
        wanted = {f"{column.name}__{lookup}": value for lookup, value in filters.items()}
        is_current = bool(wanted) and present == wanted
        pairs = rest if is_current else [*rest, *wanted.items()]
        records = found.scaled(count)
        amount = plural(records, "record,records") if found.is_whole else f"{about(records)} records"
        tall = max(HEIGHT * height, _LEAST) if count else 0
        query = f"?{urlencode(pairs)}" if count and filters else ""
        reach = f"?{urlencode(wanted)}" if wanted and not query else ""
        name = f"{column.title} {words}, {amount}"
        return Drawn(name, f"{tall:.1f}", f"{HEIGHT - tall:.1f}", query, is_current, css, reach)

    bars = [
        drawn(_shown(column, _words(bar, named)), bar.count, bar.height, bar.filters, "bar-open" if bar.is_open else "")
        for bar in profile.bars
    ]
    gone = drawn("null", profile.missing, 0, {"isnull": "true"}) if profile.missing else None
    css = "chart-lengths" if profile.is_of_lengths else "" if profile.is_histogram else "chart-values"
    return Chart(
        column.title,
        css,
        bars,
        _filled(profile),
        _caption(profile, found),
        _share(profile.missing, profile.size),
        gone,
        column.name,
    )


def _filled(profile: Profile) -> str:
    share = profile.values / profile.size if profile.size else 1.0
    return f"{100 * (share if share in {0, 1} else min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)):.1f}"


def _words(bar: Bar, called: Mapping[int, str]) -> str:
    return called.get(int(bar.filters["exact"]), bar.words) if called else bar.words


def _shown(column: Column, words: str) -> str:
    """Numbers in ``words`` as the column shows them."""
    write = displays.writer(column.display)
    return words if write is None else displays.within(write, words)


def _caption(profile: Profile, found: Profiles) -> str:
    if profile.is_of_lengths:
        is_each = profile.distinct == profile.values
        return f"{'all different, ' if is_each else ''}{profile.extent}"
    if profile.is_histogram:
        return _shown(profile.column, profile.extent)
    if profile.distinct is None or not profile.values:
        return ""
    if not profile.distinct:
        return "long texts"
    kind = profile.column.kind
    if told := kind.told_value:
        count = sum(bar.count for bar in profile.bars if bar.filters == {"exact": told})
        return f"{_percent(count, profile.values)} {kind.value_words.get(told, told)}"
    if profile.distinct == profile.values > 1 and kind.chart != "items":
        return "all different"
    # A sample does not contain every value.
    is_all = found.is_whole or (profile.bars and len(profile.bars) == profile.distinct)
    least = "" if is_all and not profile.is_more else "+"
    return f"{profile.distinct:,}{least} value{'' if profile.distinct == 1 else 's'}"


def _share(missing: int, size: int) -> str:
    if not missing:
        return ""
    return "all null" if missing == size else f"{_percent(missing, size)} null"


def _percent(part: int, whole: int) -> str:
    """``part`` of ``whole`` in percent, never rounded to nothing or everything."""
    if part in {0, whole}:
        return "100%" if part else "0%"
    percent = 100 * part / whole
    return "<1%" if percent < 1 else f"{min(round(percent), 99)}%"
