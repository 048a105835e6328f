"""The list of columns in the grid's columns menu."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from dataengine.models import Column
from webui.templatetags.console import icon

register = template.Library()

_BUTTON = (
    '<button class="btn btn-quiet btn-icon-only" name="do" value="{way}-{pk}" id="{way}-{pk}"'
    ' aria-label="Move {title} {way}"{at_end}>{icon}</button>'
)
_PLACE = (
    '<li id="order-{pk}"{draggable}>{grip}<input type="hidden" name="order" value="{pk}">'
    '<label class="check"><input class="form-check-input" type="checkbox" name="shown" id="shown-{pk}" value="{pk}"'
    "{checked}{submits}><span>{title}</span></label>{up}{down}</li>"
)


_DRAGGABLE = mark_safe(' draggable="true"')
_SUBMITS = mark_safe(" data-submit-on-change")
_CHECKED = mark_safe(" checked")
_AT_END = mark_safe(' aria-disabled="true"')


@register.simple_tag
def column_places(columns: Sequence[Column], hidden: Collection[int], is_page: object = False) -> SafeString:
    """An item for each column: to show or hide it, and to move it up or down; in the menu also by dragging.

    ``is_page`` means that the list is on its own page, whose form is submitted as a whole. Templates take seven times
    as long (measured), and every page of the grid contains an item for each column.
    """
    draggable, submits, grip = ("", "", "") if is_page else (_DRAGGABLE, _SUBMITS, _grip())
    last = len(columns) - 1
    places = (
        format_html(
            _PLACE,
            pk=column.pk,
            title=column.title,
            draggable=draggable,
            grip=grip,
            checked="" if column.pk in hidden else _CHECKED,
            submits=submits,
            up=_button(column, "up", is_end=place == 0),
            down=_button(column, "down", is_end=place == last),
        )
        for place, column in enumerate(columns)
    )
    return SafeString("\n".join(places))


def _grip() -> SafeString:
    return format_html('<span class="grip" aria-hidden="true">{}</span>', icon("grip-vertical", "icon-sm"))


def _button(column: Column, way: str, *, is_end: bool) -> SafeString:
    return format_html(
        _BUTTON,
        way=way,
        pk=column.pk,
        title=column.title,
        at_end=_AT_END if is_end else "",
        icon=icon(f"chevron-{way}", "icon-sm"),
    )
