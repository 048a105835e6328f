"""Tags and filters of the console's templates: icons, numbers, sizes, durations."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import ordinal
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dataengine.imports.reading.kinds import ACCEPTED
from dataengine.queries.references import Referrer
from webui import changes, words
from webui.imports.outcomes import besides, state_of
from webui.sorting import Step, query_string

_NUMBERED = '{}<span class="sort-place" aria-hidden="true">{}</span> <span class="visually-hidden">sorted {}, {}</span>'

_SYMBOL = re.compile(r'<symbol id="([\w-]+)"[^>]*>(.*?)</symbol>', re.DOTALL)
_PATH = re.compile(r"<path [^>]*/>")

register = template.Library()
register.filter("way_back", changes.way_back)
register.filter("outcome", state_of)
register.filter("besides", besides)
for _filter in (words.number, words.about, words.size, words.duration, words.seconds, words.plural):
    register.filter(_filter.__name__, _filter)


@register.simple_tag
@cache
def icon(name: str, css: str = "") -> SafeString:
    """A Tabler icon. Only decoration: its meaning is also given in words.

    Its drawing is in the page: of one that the page refers to, a browser makes a copy for each that it shows, after
    another request.
    """
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', css, _drawings()[name]
    )


@cache
def _drawings() -> dict[str, SafeString]:
    """The icons by name, as the sprite has them, from which scripts draw. The first path only marks the size."""
    sprite = Path(settings.BASE_DIR, "static", "icons.svg").read_text()
    return {name: SafeString("".join(_PATH.findall(drawn)[1:])) for name, drawn in _SYMBOL.findall(sprite)}


@register.simple_tag
def accepted_files() -> str:
    """The ends of the names of files that can be imported, as a file field has them."""
    return ACCEPTED


@register.simple_tag(takes_context=True)
def with_query(context: template.RequestContext, **changes: Any) -> str:
    """The page's query string with some parameters changed, or dropped if the change is None."""
    return query_string(context["request"].GET, changes)


@register.simple_tag
def sorted_mark(step: Step) -> SafeString:
    """The direction in which a list is sorted by a column, and the column's number if there are several."""
    if step.state == "none":
        return SafeString("")
    arrow = icon("arrow-up" if step.state == "ascending" else "arrow-down", "icon-sm")
    return arrow if not step.place else format_html(_NUMBERED, arrow, step.place, ordinal(step.place), step.state)


@register.simple_tag
def referring(who: Referrer, pk: int | None = None) -> str:
    """The grid's query for the records that refer to record ``pk``, or to any."""
    return urlencode({f"{who.column.name}__exact": pk} if pk else {f"{who.column.name}__isnull": "false"})
