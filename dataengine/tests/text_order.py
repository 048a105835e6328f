"""What ``sort_key`` and ``fold`` mean, said once more in Python and by other means, for tests to compare with."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import strategies as st

# Viramas and the signs of vowels are no accents.
_KEPT = {0, 9, 84, 91, 103, 118, 129, 130, 132}
_PLAIN = str.maketrans({
    "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th",
})  # fmt: skip


def folded(text: str) -> str:
    """Without case, accents and width, the digits of all scripts as ASCII's."""
    bare = [char for char in unicodedata.normalize("NFKD", text) if unicodedata.combining(char) in _KEPT]
    plain = "".join(bare).casefold().translate(_PLAIN)
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)


def place(text: str) -> tuple[list[tuple[int, int]], str]:
    """Compares as texts of no more than 300 characters are sorted."""
    pieces = re.findall("[0-9]+|[^0-9]", folded(text).replace("\x01", ""))
    return [(ord("0"), int(piece)) if piece[0] in "0123456789" else (ord(piece), 0) for piece in pieces], text


# Every version of Unicode that there is about knows these, and the same of them.
_KNOWN = st.characters(
    exclude_categories=("Cs", "Cn"), exclude_characters="\0"
).filter(lambda char: unicodedata.ucd_3_2_0.category(char) != "Cn")  # fmt: skip
_TRICKY = st.sampled_from([
    *"abzABZ019 -_%.\x01\x02~", "é", "E\u0301", "ä", "Ａ", "ß", "ẞ", "İ", "ı", "Ø", "ł", "Æ", "ﬁ", "²", "½", "①", "Σ",
    "ς", "Й", "й", "Ё", "Ա", "Ⴀ", "ᏸ", "が", "か", "ｶﾞ", "ไ", "\u0e39", "\u094d", "\u05b0", "٣", "९", "００",
    "0007", "123456789", "12345678901234567890", "\u0345", "\U0001d7d8", "\U0001f600", "ά", "Ǆ",
])  # fmt: skip
TEXTS = st.lists(_TRICKY | _KNOWN, max_size=12).map("".join)
"""Texts that are short enough for all of them to count."""


def written_otherwise(text: str) -> set[str]:
    """The same text in other forms of Unicode, cases and widths."""
    wide = re.sub("[!-~]", lambda found: chr(ord(found[0]) + 0xFEE0), text)
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    return forms | {text.upper(), text.lower(), wide}
