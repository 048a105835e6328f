"""Pages as a browser reads them: elements with attributes and words, however a template breaks its lines.

``read(answer)`` is a page or a part of one. What a reader sees is asked by ``"words" in page``, everything else by
its elements; ``page.source`` is for what must not be anywhere, not even in an attribute.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = {"br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
_WITHIN_A_LINE = {"a", "abbr", "b", "code", "em", "i", "kbd", "mark", "small", "span", "strong", "time", "wbr"}


@dataclass(repr=False, eq=False)
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    pieces: list[str] = field(default_factory=list)
    """The text of the whole page; that of the element is from ``start`` to ``end``."""
    start: int = 0
    end: int | None = None
    inside: list[Element] = field(default_factory=list)
    """All elements in it, in order, at any depth."""
    by_tag: dict[str, list[Element]] = field(default_factory=lambda: defaultdict(list))
    """The same, by tag."""

    def __eq__(self, other: object) -> bool:
        """Whether it is the same element, of this page or of another."""
        if not isinstance(other, Element):
            return NotImplemented
        mine, theirs = ((one.tag, one.attributes, one.text, one.inside) for one in (self, other))
        return mine == theirs

    @property
    def text(self) -> str:
        """Its whole text, with the spaces and line breaks of the template."""
        return "".join(self.pieces[self.start : self.end])

    @property
    def words(self) -> str:
        """What a reader sees of the text."""
        return " ".join(self.text.split())

    def __repr__(self) -> str:
        return f"<{self.tag or 'page'}: {self.words[:2_000]}>"

    def __contains__(self, words: str) -> bool:
        return words in self.words

    def __getitem__(self, attribute: str) -> str:
        return self.attributes[attribute]

    def elements(self, tag: str, **attributes: str) -> list[Element]:
        """The elements in it with a tag and attributes, in order; ``data_x`` stands for ``data-x``."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [one for one in self.by_tag.get(tag, ()) if wanted.items() <= one.attributes.items()]

    def element(self, tag: str, **attributes: str) -> Element:
        """The only element."""
        found = self.elements(tag, **attributes)
        assert len(found) == 1, f"{len(found)} elements {tag} {attributes} in: {self.words}"
        return found[0]

    def words_of(self, tag: str, **attributes: str) -> list[str]:
        """The visible text of each."""
        return [one.words for one in self.elements(tag, **attributes)]

    def values(self, tag: str, attribute: str, **attributes: str) -> list[str]:
        """An attribute of all elements that have it."""
        found = self.elements(tag, **attributes)
        return [one[attribute] for one in found if attribute in one.attributes]

    def value(self, name: str) -> str:
        """The value of the form's field with this name."""
        selects = self.elements("select", name=name)
        if selects:
            [chosen] = [one["value"] for one in selects[0].elements("option") if "selected" in one.attributes]
            return chosen
        areas = self.elements("textarea", name=name)
        if areas:
            return areas[0].text.removeprefix("\n")
        return self.element("input", name=name).attributes.get("value", "")


@dataclass(repr=False, eq=False)
class Page(Element):
    """A whole response; ``source`` is its text."""

    source: str = ""

    @property
    def outermost(self) -> Element:
        """The root element; the first one, if messages follow it."""
        return self.inside[0]

    def records(self) -> list[dict[str, str]]:
        """The grid's rows: the text of each cell, by column."""
        rows = [row for row in self.elements("tr") if re.fullmatch(r"r-?\d+", row.attributes.get("id", ""))]
        return [{cell.attributes.get("data-label", ""): cell.words for cell in row.elements("td")} for row in rows]

    def cell(self, record: int, column: str) -> Element:
        """One of the grid's cells."""
        return self.element("tr", id=f"r{record}").element("td", data_label=column)


def read(answer: Any) -> Page:
    """The page that ``answer`` (a response of the test client, or the text of one) is."""
    source = answer if isinstance(answer, str) else answer.content.decode()
    reader = _Reader(source)
    reader.feed(source)
    reader.close()
    return reader.page


def fields_of(page: Page) -> dict[str, str]:
    """What a browser would send of a page's form, without buttons."""
    found: dict[str, str] = {}
    for one in page.elements("input"):
        if one.attributes.get("type") in {"checkbox", "radio"} and "checked" not in one.attributes:
            continue
        if one.attributes.get("name"):
            unsaid = "on" if one.attributes.get("type") == "checkbox" else ""
            found[one["name"]] = one.attributes.get("value", unsaid)
    for area in page.elements("textarea"):
        found[area["name"]] = area.text.removeprefix("\n")
    for select in page.elements("select"):
        chosen = [option["value"] for option in select.elements("option") if "selected" in option.attributes]
        found[select["name"]] = chosen[0] if chosen else select.elements("option")[0]["value"]
    return found


class _Reader(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.page = Page("", {}, self.pieces, source=source)
        self.open: list[Element] = [self.page]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == self.open[-1].tag == "option":  # its end tag may be missing
            self._close()
        self._break_line(tag)
        here = len(self.pieces)
        element = Element(tag, {name: value or "" for name, value in attrs}, self.pieces, here)
        for outer in self.open:
            outer.inside.append(element)
            outer.by_tag[tag].append(element)
        if tag in _VOID:
            element.end = here
        else:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if any(element.tag == tag for element in self.open):
            while self._close().tag != tag:
                pass
        self._break_line(tag)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def _close(self) -> Element:
        element = self.open.pop()
        element.end = len(self.pieces)
        return element

    def _break_line(self, tag: str) -> None:
        if tag not in _WITHIN_A_LINE:
            self.handle_data(" ")
