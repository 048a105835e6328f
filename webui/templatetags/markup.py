"""Attributes that several templates share."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def href_into(target: str, *address: object) -> SafeString:
    """The target of a link, for browsers and for htmx, which replaces ``target`` by the answer.

    The parts of the address are joined; the page's URL changes either way.
    """
    url = "".join(map(str, address))
    return format_html(
        'href="{0}" hx-get="{0}" hx-target="{1}" hx-swap="outerMorph" hx-push-url="true"', url, target
    )  # fmt: skip
