"""What a browser or a program says of itself, in a few words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataengine.services.sessions import Client

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request

# In this order: Edge and Opera also say that they are Chrome, and Chrome that it is Safari.
_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:HeadlessChrome|Chrome|CriOS|Chromium)/")),
    ("Safari", re.compile(r"\bVersion/[\d.]+ .*\bSafari/")),
)
_SYSTEMS = (
    ("Android", re.compile(r"\bAndroid\b")),
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac OS X\b|\bMacintosh\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
)


def client_named(request: Request | HttpRequest) -> Client:
    """What is kept of where a request comes from."""
    # What does not print is nothing that a list could show, and PostgreSQL takes no NUL.
    device = "".join(char for char in request.headers.get("User-Agent", "") if char.isprintable())
    return Client(device[:300], str(request.META.get("REMOTE_ADDR", ""))[:45])


def device_named(agent: str) -> str:
    """``Firefox on Linux``; the beginning of the text itself where it is no browser that we know."""
    browser = next((name for name, mark in _BROWSERS if mark.search(agent)), "")
    system = next((name for name, mark in _SYSTEMS if mark.search(agent)), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or agent.strip()[:60] or "Unknown device"
