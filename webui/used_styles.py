"""What a stylesheet of a library says about the classes and variables that we use, and nothing else. Pure.

A library has rules for everything that anybody may need. A browser loads, reads and asks all of them at each change of
a page: of Tabler's 635 KB our pages use a tenth.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_WORD = re.compile(r"-{0,2}[A-Za-z_][\w-]*|\d+")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRING = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
_MARK = re.compile(rf"/\*.*?\*/|{_STRING}|[{{}};]", re.DOTALL)
_NESTING = ("@media", "@supports", "@container", "@layer")
_WITHIN = re.compile(r"[(\[][^()\[\]]*[)\]]")
_PARENTHESES = re.compile(r"\([^()]*\)")
_ATTRIBUTE = re.compile(r"\[(data-[\w-]+)")
_CLASS = re.compile(r"\.((?:\\.|[\w-])+)")
_VARIABLE = re.compile(rf"(?<=[{{;])(--[\w-]+):(?:{_STRING}|[^;{{}}\"'])*;?")
_REFERENCE = re.compile(r"var\(\s*(--[\w-]+)")


def words(text: str) -> set[str]:
    """Everything in a template, script, stylesheet or module that can be the name of a class or of a variable."""
    return set(_WORD.findall(text))


def used(css: str, known: Collection[str], without: Collection[str] = ()) -> str:
    """``css`` without the rules for classes and data attributes that ``known`` lacks, and those for ``without``.

    Nor has it variables that then nobody reads. A name inside brackets decides nothing: ``.btn:not(.disabled)`` is
    about buttons, whether or not any is disabled.
    """
    whole, left = "", "".join(_rules(css, frozenset(known), frozenset(without)))
    while left != whole:
        whole, left = left, _read(left, known)
    return left


def _read(css: str, known: Collection[str]) -> str:
    read = {*known, *_REFERENCE.findall(css)}
    return _VARIABLE.sub(lambda found: found[0] if found[1] in read else "", css)


def _rules(css: str, known: frozenset[str], without: frozenset[str]) -> Iterator[str]:
    for head, body in _blocks(css):
        plain = _COMMENT.sub("", head).strip()
        if body is None:
            yield head
        elif plain.startswith(_NESTING):
            if inner := "".join(_rules(body, known, without)):
                yield f"{head}{{{inner}}}"
        elif plain.startswith("@"):
            yield f"{head}{{{body}}}"
        elif kept := [each for each in _selectors(plain) if each.strip() not in without and _is_used(each, known)]:
            yield f"{','.join(kept)}{{{body}}}"


def _blocks(css: str) -> Iterator[tuple[str, str | None]]:
    """Each rule's head and what its braces hold; a statement without braces is a head alone, with its semicolon."""
    depth = start = opened = 0
    for mark in _MARK.finditer(css):
        match mark[0]:
            case "{":
                depth += 1
                if depth == 1:
                    opened = mark.start()
            case "}":
                depth -= 1
                if depth == 0:
                    yield css[start:opened], css[opened + 1 : mark.start()]
                    start = mark.end()
            case ";" if depth == 0:
                yield css[start : mark.end()], None
                start = mark.end()
            case comment if depth == 0 and comment.startswith("/*!"):
                yield css[start : mark.end()], None  # a licence stays, whatever becomes of the rule after it
                start = mark.end()


def _selectors(head: str) -> Iterator[str]:
    depth = start = 0
    for place, mark in enumerate(head):
        if mark in "([":
            depth += 1
        elif mark in ")]":
            depth -= 1
        elif mark == "," and depth == 0:
            yield head[start:place]
            start = place + 1
    yield head[start:]


def _is_used(selector: str, known: frozenset[str]) -> bool:
    while (flat := _PARENTHESES.sub("", selector)) != selector:
        selector = flat
    if any(name not in known for name in _ATTRIBUTE.findall(selector)):
        return False
    while (outside := _WITHIN.sub("", selector)) != selector:
        selector = outside
    return all(name.replace("\\", "") in known for name in _CLASS.findall(selector))
