"""What was changed, said to the user together with a way back.

The message carries the address of its undoing, so that it works after a redirect, in a part of the page, and without
a script.
"""

from __future__ import annotations

from typing import NamedTuple

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest
from django.shortcuts import resolve_url

from dataengine.models import Table
from dataengine.services.audit import Trail


class WayBack(NamedTuple):
    """A button that takes a change back: what it says, and where it posts to."""

    word: str
    url: str


def tell(request: HttpRequest, text: str, table: Table, trail: Trail, *, word: str = "Undo") -> None:
    """Say ``text`` to the user, and offer to undo the event that a service left in ``trail``."""
    url = resolve_url("console:undo", table.name, trail[-1].pk) if trail else ""
    messages.success(request, text, extra_tags=f"{word} {url}" if url else "")


def way_back(message: Message) -> WayBack | None:
    """What ``tell`` put into a message."""
    word, _, url = (message.extra_tags or "").partition(" ")
    return WayBack(word, url) if url else None
