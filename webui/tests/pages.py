"""Pages as a browser reads them: elements with attributes and words, however a template breaks its lines."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

_VOID = {"br", "hr", "img", "input", "link", "meta", "option"}


@dataclass
class Element:
    """An element of a page. ``text`` is all that stands in it, with the spaces and line breaks of its template."""

    tag: str
    attributes: dict[str, str]
    text: str = ""

    @property
    def words(self) -> str:
        """What a reader sees of the text."""
        return " ".join(self.text.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.found.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if any(element.tag == tag for element in self.open):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def elements(html: str, tag: str, **attributes: str) -> list[Element]:
    """The elements of ``html`` with that tag and those attributes, in order; ``data_x`` stands for ``data-x``."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    return [element for element in reader.found if element.tag == tag and wanted.items() <= element.attributes.items()]


def element(html: str, tag: str, **attributes: str) -> Element:
    """The one element that there is."""
    [found] = elements(html, tag, **attributes)
    return found


def all_words(html: str) -> str:
    """All the text of a page or a part of one."""
    return element(f"<all-of-it>{html}</all-of-it>", "all-of-it").words
