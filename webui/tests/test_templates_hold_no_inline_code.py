"""The content security policy refuses it; a browser would drop it silently."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# The limit of the whole project.
LINE_LENGTH = 120
FORBIDDEN = {
    "style attribute": re.compile(r"<[^>]*\sstyle\s*="),
    "event handler": re.compile(r"<[^>]*\son[a-z]+\s*="),
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)"),
    "inline style": re.compile(r"<style"),
    "hx-on": re.compile(r"hx-on[:=\s]"),
    "js: value": re.compile(r"=[\"'](?:js|javascript):"),
    "trigger filter": re.compile(r"hx-trigger=\"[^\"]*\["),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_holds(what: str) -> None:
    guilty = [path.name for path in TEMPLATES.rglob("*.html") if FORBIDDEN[what].search(path.read_text())]
    assert guilty == []


def test_no_line_is_too_long_to_read() -> None:
    guilty = [
        f"{path.relative_to(TEMPLATES)}, line {number}: {len(line)} characters"
        for path in TEMPLATES.rglob("*.*")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > LINE_LENGTH
    ]
    assert guilty == []
