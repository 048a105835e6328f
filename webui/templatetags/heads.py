"""The heads of lists that are sorted by them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from django import template
from django.utils.safestring import SafeString

from webui.sorting import Heading
from webui.templatetags.console import icon, sorted_mark
from webui.templatetags.markup import href_into

register = template.Library()

_PICK = (
    '<input class="form-check-input pick-page" type="checkbox" aria-label="Select all records on this page"'
    ' autocomplete="off">'
)


@register.simple_tag
def heads(headings: Iterable[Heading], target: str, longest_id: str = "", picks: object = False) -> SafeString:
    """A ``th`` for each heading; their links replace ``target``. A template takes three times as long (measured).

    ``longest_id`` gives the column of ids its width. ``picks`` means that the records of the page can be chosen there.
    """
    return SafeString("\n".join(_head(head, target, longest_id, picks) for head in headings))


def _head(head: Heading, target: str, longest_id: str, picks: object) -> str:
    is_id = head.column == "id"
    attributes = (
        _attribute("data-column", head.column)
        + _attribute("data-width", head.width)
        + _attribute("data-longest", longest_id if is_id else "")
        + _attribute("class", head.css)
        + _attribute("aria-sort", head.aria_sort)
    )
    pick = _PICK if is_id and picks else ""
    return f'<th scope="col"{attributes}>{pick}{_name(head, target)}{_foot(head) if head.menu else ""}</th>'


def _name(head: Heading, target: str) -> str:
    step, hint, title = head.step, _attribute("title", head.hint), f"<span>{escape(head.title)}</span>"
    if step is None:
        return f'<span class="head"{hint}>{title}</span>'
    marked = "" if step.state == "none" else ' class="is-sorted"'
    link = f"<a {href_into(target, step.alone)}{marked}{hint}>{title}{sorted_mark(step)}</a>"
    if step.also == step.alone:
        return link
    # Followed by Shift+click on the link before it (grid-sort.js); visible only without scripts.
    way, plus = href_into(target, step.also), icon("plus", "icon-sm")
    return f'{link}<a class="sort-also" {way} aria-label="{escape(step.offer)}">{plus}</a>'


def _foot(head: Heading) -> str:
    # The word is drawn by the style sheet: it is no part of the head's name, which is read with every cell.
    return (
        f'<div class="head-foot"><span class="head-type" data-word="{escape(head.word)}">{icon(head.icon)}</span>'
        f'<a class="head-more" href="{escape(head.menu)}" aria-label="Menu of {escape(head.title)}">'
        f"{icon('chevron-down')}</a></div>"
    )


def _attribute(name: str, value: object) -> str:
    return f' {name}="{escape(str(value))}"' if value else ""
