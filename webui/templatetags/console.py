"""Tags and filters of the console's templates: icons, numbers, sizes, durations."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dataengine.queries.references import Referrer
from webui import changes

register = template.Library()
register.filter("way_back", changes.way_back)

_BYTE_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_KEEP_EXACT_BELOW = 50_000


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A Tabler icon out of the sprite. Decoration only: what it says is said in words beside it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css, static("icons.svg"), name,
    )  # fmt: skip


@register.filter
def number(value: float | None) -> str:
    """``336776`` -> ``336,776``."""
    return "" if value is None else f"{value:,.0f}"


@register.filter
def about(value: int | None) -> str:
    """An estimate as people say it: ``about 10.0 million``, ``about 120,000``."""
    if value is None:
        return ""
    if value >= 1_000_000:
        power, word = (1_000_000_000, "billion") if value >= 999_950_000 else (1_000_000, "million")
        return f"about {value / power:.1f} {word}"
    digits = max(len(str(value)) - 3, 0)
    return f"about {round(value, -digits):,}"


@register.filter
def size(value: int | None) -> str:
    """``31053312`` -> ``31.1 MB``."""
    if value is None:
        return ""
    amount, unit = float(value), 0
    while amount >= 1000 and unit < len(_BYTE_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} bytes" if unit == 0 else f"{amount:.1f} {_BYTE_UNITS[unit]}"


@register.filter
def duration(seconds: float | None) -> str:
    """``75.2`` -> ``1 min 15 s``; below ten seconds with one decimal."""
    if seconds is None or math.isnan(seconds):
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


@register.filter
def seconds(elapsed: float) -> str:
    """How long something has been going on, without the decimals of ``duration``: they would only flicker."""
    return duration(math.floor(elapsed)) if elapsed >= 10 else f"{math.floor(elapsed)} s"


@register.filter
def plural(count: int, forms: str) -> str:
    """``3|plural:"row,rows"`` -> ``3 rows``, with thousands separated."""
    one, many = forms.split(",")
    return f"{count:,} {one if count == 1 else many}"


@register.simple_tag(takes_context=True)
def with_query(context: template.RequestContext, **changes: Any) -> str:
    """The page's own query string with some parameters changed, or dropped where the change is None."""
    query: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.simple_tag
def referring(who: Referrer, pk: int | None = None) -> str:
    """The query of the grid that shows the records that refer: to the record ``pk``, or to any."""
    return urlencode({f"{who.column.name}__exact": pk} if pk else {f"{who.column.name}__isnull": "false"})
