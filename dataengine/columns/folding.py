"""Which letters differ only in case, accents or width, by Unicode 15.0.

``postgres/text_functions.py`` makes SQL functions from these tables. Indexes contain their results, so the tables must
never change: a later version of Unicode needs new tables, functions and indexes. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# first..last/step+difference, in hexadecimal but for the difference.
_RUN = re.compile(r"([0-9a-f]+)(?:\.\.([0-9a-f]+))?(/2)?([+-][0-9]+)?")

# Marks over, under or through letters: all characters with a combining class except viramas and vowel signs.
_MARKS = """
    300..33f 342 345..34e 350..36f 483..487 591..5bd 5bf..5c1/2 5c2..5c4/2 5c5..5c7/2 610..61a 64b..65f 670 6d6..6dc
    6df..6e4 6e7..6e8 6ea..6ed 711 730..74a 7eb..7f3 7fd 816..819 81b..823 825..827 829..82d 859..85b 898..89f
    8ca..8e1 8e3..8ff 93c 951..954 9bc 9fe a3c abc b3c c3c cbc e48..e4b ec8..ecb f18..f19 f35..f39/2 f82..f83 f86..f87
    fc6 1037 108d 135d..135f 17dd 18a9 1939..193b 1a17..1a18 1a75..1a7c 1a7f 1ab0..1abd 1abf..1ace 1b34 1b6b..1b73
    1be6 1c37 1cd0..1cd2 1cd4..1ce0 1ce2..1ce8 1ced 1cf4 1cf8..1cf9 1dc0..1dff 20d0..20dc 20e1 20e5..20f0 2cef..2cf1
    2de0..2dff 302a..302f 3099..309a a66f a674..a67d a69e..a69f a6f0..a6f1 a8e0..a8f1 a92b..a92d a9b3 aab0..aab2/2
    aab3..aab4 aab7..aab8 aabe..aabf aac1 fb1e fe20..fe2f 101fd 102e0 10376..1037a 10a0d..10a0f/2 10a38..10a3a
    10ae5..10ae6 10d24..10d27 10eab..10eac 10efd..10eff 10f46..10f50 10f82..10f85 110ba 11100..11102 11173 111ca 11236
    112e9 1133b..1133c 11366..1136c 11370..11374 11446 1145e 114c3 115c0 116b7 1183a 11943 11d42 16af0..16af4
    16b30..16b36 16ff0..16ff1 1bc9e 1d165..1d169 1d16d..1d172 1d17b..1d182 1d185..1d18b 1d1aa..1d1ad 1d242..1d244
    1e000..1e006 1e008..1e018 1e01b..1e021 1e023..1e024 1e026..1e02a 1e08f 1e130..1e136 1e2ae 1e2ec..1e2ef
    1e4ec..1e4ef 1e8d0..1e8d6 1e944..1e94a
"""

# Capital letters and other variants of a letter, each with its distance to the small letter. Without ASCII.
_CASE = """
    c6+32 d0+32 d8+32 de+32 110+1 126+1 141+1 14a+1 152+1 166+1 181+210 182..184/2+1 186+206 187+1 189..18a+205 18b+1
    18e+79 18f+202 190+203 191+1 193+205 194+207 196+211 197+209 198+1 19c+211 19d+213 19f+214 1a2..1a4/2+1 1a6+218
    1a7+1 1a9+218 1ac+1 1ae+218 1b1..1b2+217 1b3..1b5/2+1 1b7+219 1b8+1 1bc+1 1e4+1 1f6-97 1f7-56 21c+1 220-130
    222..224/2+1 23a+10795 23b+1 23d-163 23e+10792 241+1 243-195 244+69 245+71 246..24e/2+1 370..372/2+1 376+1 37f+116
    391..3a1+32 3a3..3a9+32 3c2+1 3cf+8 3d8..3ee/2+1 3f7+1 3fa+1 3fd..3ff-130 402..404/2+80 405..406+80 408..40b+80
    40f+80 410..418+32 41a..42f+32 460..474/2+1 478..480/2+1 48a..4be/2+1 4c0+15 4c3..4cd/2+1 4d4+1 4d8+1 4e0+1 4e8+1
    4f6+1 4fa..52e/2+1 531..556+48 10a0..10c5+7264 10c7+7264 10cd+7264 13f8..13fd-8 1c80-6222 1c81-6221 1c82-6212
    1c83..1c84-6210 1c85-6211 1c86-6204 1c87-6180 1c88+35267 1c90..1cba-3008 1cbd..1cbf-3008 1efa..1efe/2+1 2132+28
    2183+1 2c00..2c2f+48 2c60+1 2c62-10743 2c63-3814 2c64-10727 2c67..2c6b/2+1 2c6d-10780 2c6e-10749 2c6f-10783
    2c70-10782 2c72+1 2c75+1 2c7e..2c7f-10815 2c80..2ce2/2+1 2ceb..2ced/2+1 2cf2+1 a640..a66c/2+1 a680..a69a/2+1
    a722..a72e/2+1 a732..a76e/2+1 a779..a77b/2+1 a77d-35332 a77e..a786/2+1 a78b+1 a78d-42280 a790..a792/2+1
    a796..a7a8/2+1 a7aa-42308 a7ab-42319 a7ac-42315 a7ad-42305 a7ae-42308 a7b0-42258 a7b1-42282 a7b2-42261 a7b3+928
    a7b4..a7c2/2+1 a7c4-48 a7c5-42307 a7c6-35384 a7c7..a7c9/2+1 a7d0+1 a7d6..a7d8/2+1 a7f5+1 ab70..abbf-38864
    10400..10427+40 104b0..104d3+40 10570..1057a+39 1057c..1058a+39 1058c..10592+39 10594..10595+39 10c80..10cb2+64
    118a0..118bf+32 16e40..16e5f+32 1e900..1e921+34
"""

# The same for those that NFKD replaces (full width, Roman numerals).
_COMPATIBLE_CASE = """
    b5+775 132+1 13f+1 17f-268 1c4+2 1c5+1 1c7+2 1c8+1 1ca+2 1cb+1 1f1+2 1f2+1 3d0-30 3d1-25 3d5-15 3d6-22 3f0-54
    3f1-48 3f4-60 3f5-64 3f9-7 2160..216f+16 24b6..24cf+26 ff21..ff3a+32
"""

# The zeros of the decimal digits of other scripts.
_ZEROS = """
    660 6f0 7c0 966 9e6 a66 ae6 b66 be6 c66 ce6 d66 de6 e50 ed0 f20 1040 1090 17e0 1810 1946 19d0 1a80 1a90 1b50 1bb0
    1c40 1c50 a620 a8d0 a900 a9d0 a9f0 aa50 abf0 104a0 10d30 11066 110f0 11136 111d0 112f0 11450 114d0 11650 116c0
    11730 118e0 11950 11c50 11d50 11da0 11f50 16a60 16ac0 16b50 1e140 1e2f0 1e4f0 1e950
"""

_SHARP_S = {"ß": "ss", "ẞ": "ss"}
_LIGATURES = {"ŉ": "ʼn", "և": "եւ", "ẚ": "aʾ"} | {
    "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st",
    "ﬓ": "մն", "ﬔ": "մե", "ﬕ": "մի", "ﬖ": "վն", "ﬗ": "մխ",
}  # fmt: skip
# Letters that Unicode does not decompose, and what people type instead.
_PLAIN_LETTERS = {
    "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th",
}  # fmt: skip


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Every code point of a table, with its difference."""
    for first, last, step, difference in _RUN.findall(text):
        for point in range(int(first, 16), int(last or first, 16) + 1, 2 if step else 1):
            yield point, int(difference or 0)


def _letters(text: str) -> dict[str, str]:
    return {chr(point): chr(point + difference) for point, difference in _runs(text)}


MARKS = "".join(chr(point) for point, _ in _runs(_MARKS))
"""Characters to remove if accents do not matter."""

_SMALL = _letters(_CASE)
LETTERS: dict[str, str] = (
    _SMALL | {letter: _PLAIN_LETTERS[small] for letter, small in _SMALL.items() if small in _PLAIN_LETTERS}
    | _PLAIN_LETTERS | _SHARP_S
    | {chr(zero + digit): str(digit) for zero, _ in _runs(_ZEROS) for digit in range(10)}
)  # fmt: skip
"""Replacements for non-ASCII letters and digits if neither case nor accents matter, after NFKD and without marks."""

CASES: dict[str, str] = _SMALL | _letters(_COMPATIBLE_CASE) | _SHARP_S | _LIGATURES
"""The same if only case does not matter, after NFD."""

_ALL_CASES = str.maketrans({**CASES, **{chr(point): chr(point + 32) for point in range(ord("A"), ord("Z") + 1)}})


def without_case(text: str) -> str:
    """Equal for texts that differ only in case; the same as ``case_key`` in PostgreSQL."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFD", text).translate(_ALL_CASES)
