"""Attributes that several templates write alike."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def href_into(target: str, *address: object) -> SafeString:
    """Where a link leads, to a browser and to htmx, which puts the answer in the place of ``target``.

    The parts of the address are joined; the page's own address changes with it either way.
    """
    url = "".join(map(str, address))
    return format_html(
        'href="{0}" hx-get="{0}" hx-target="{1}" hx-swap="outerMorph" hx-push-url="true"', url, target
    )  # fmt: skip
