"""The list of columns in the grid's columns menu."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from django import template
from django.utils.safestring import SafeString

from dataengine.models import Column
from webui.sorting import Order
from webui.templatetags.console import icon, sorted_mark
from webui.templatetags.markup import href_into

register = template.Library()


@register.simple_tag
def column_places(
    columns: Sequence[Column], hidden: Collection[int], order: Order, is_page: object = False
) -> SafeString:
    """An item for each column: to show or hide it, to sort by it, and to move it; in the menu also by dragging.

    ``is_page`` means that the list is on its own page, whose form is submitted as a whole. Templates take seven times
    as long (measured), and every page of the grid contains an item for each column.
    """
    last = len(columns) - 1
    return SafeString(
        "\n".join(
            _place(column, order, is_page=is_page, is_hidden=column.pk in hidden, is_first=n == 0, is_last=n == last)
            for n, column in enumerate(columns)
        )
    )


def _place(column: Column, order: Order, *, is_page: object, is_hidden: bool, is_first: bool, is_last: bool) -> str:
    pk = column.pk
    draggable = "" if is_page else ' draggable="true"'
    grip = "" if is_page else f'<span class="grip" aria-hidden="true">{icon("grip-vertical", "icon-sm")}</span>'
    checked = "" if is_hidden else " checked"
    submits = "" if is_page else " data-submit-on-change"
    sort = _sort(column, order, is_page=is_page) if column.kind.can_be_sorted else ""
    return (
        f'<li id="order-{pk}"{draggable}>{grip}<input type="hidden" name="order" value="{pk}">'
        f'<label class="check"><input class="form-check-input" type="checkbox" name="shown" id="shown-{pk}"'
        f' value="{pk}"{checked}{submits}><span>{escape(column.title)}</span></label>{sort}'
        f"{_button(column, 'up', is_end=is_first)}{_button(column, 'down', is_end=is_last)}</li>"
    )


def _sort(column: Column, order: Order, *, is_page: object) -> str:
    step = order.step(column.name, column.title)
    way = f'href="{escape(step.also)}"' if is_page else href_into("#grid", step.also)
    css = "" if step.state == "none" else " is-sorted"
    offer, mark = escape(step.offer), sorted_mark(step) or icon("arrows-sort", "icon-sm")
    return (
        f'<a {way} class="btn btn-quiet btn-icon-only sort-step{css}" id="sort-{column.pk}" aria-label="{offer}"'
        f' title="{offer}">{mark}</a>'
    )


def _button(column: Column, way: str, *, is_end: bool) -> str:
    at_end = ' aria-disabled="true"' if is_end else ""
    return (
        f'<button class="btn btn-quiet btn-icon-only" name="do" value="{way}-{column.pk}" id="{way}-{column.pk}"'
        f' aria-label="Move {escape(column.title)} {way}"{at_end}>{icon(f"chevron-{way}", "icon-sm")}</button>'
    )
