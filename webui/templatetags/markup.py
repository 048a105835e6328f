"""Attributes that several templates share."""

from __future__ import annotations

from html import escape

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def href_into(target: str, *address: object) -> SafeString:
    """The target of a link, for browsers and for htmx, which replaces ``target`` by the answer.

    The parts of the address are joined; the page's URL changes either way. Without ``format_html``, which takes three
    times as long: a page of the grid has fifty such links.
    """
    url = escape("".join(map(str, address)))
    into = f'hx-target="{escape(target)}" hx-swap="outerMorph" hx-push-url="true"'
    return SafeString(f'href="{url}" hx-get="{url}" {into}')


@register.simple_tag
def get_into(target: str, url: str) -> SafeString:
    """The attributes of a form that gets ``url``; htmx replaces ``target`` by the answer."""
    return format_html(
        'action="{0}" method="get" hx-get="{0}" hx-target="{1}" hx-swap="outerMorph" hx-push-url="true"', url, target
    )  # fmt: skip


@register.simple_tag
def post_into(target: str, url: str) -> SafeString:
    """The attributes of a form that posts to ``url``; htmx replaces ``target`` by the answer."""
    return format_html(
        'action="{0}" method="post" hx-post="{0}" hx-target="{1}" hx-swap="outerMorph"', url, target
    )  # fmt: skip


@register.simple_tag
def kept_fresh(target: str, *address: object) -> SafeString:
    """The attributes of an element (itself ``target``) that htmx loads again every second from an address."""
    url = "".join(map(str, address))
    return format_html(
        'hx-get="{0}" hx-trigger="every 1s" hx-target="{1}" hx-swap="outerMorph"', url, target
    )  # fmt: skip
