"""Which of the encodings of European and East Asian languages makes words of a text's bytes. Pure.

A text is decoded in each of them, and its letters are compared with the alphabets of languages that are written in it:
what the right one makes Łódź is £ódŸ in another, which no language spells.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

_LANGUAGES: dict[str, str] = {
    "German": "äöüß", "French": "éèêëàâçîïôûùœæ", "Spanish": "áéíñóúü", "Portuguese": "áâãàçéêíóôõú",
    "Italian": "àèéìòù", "Dutch": "éëïèü", "Nordic": "åäöæøé", "Icelandic": "áðéíóúýþæö", "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž", "Slovak": "áäčďéíĺľňóôŕšťúýž", "Hungarian": "áéíóöőúüű", "Romanian": "ăâîşţ",
    "Croatian": "čćđšž", "Turkish": "çğıöşüâİ",
}  # fmt: skip
"""The letters beyond ASCII of each language, in lower case."""
_RUSSIAN, _UKRAINIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ"
_COMMON_CYRILLIC, _COMMON_GREEK = frozenset("оеаинтсрвлкмдпуіи"), frozenset("αιοετσνηυρπκλμςάήίόέ")
_WEST = ("German", "French", "Spanish", "Portuguese", "Italian", "Dutch", "Nordic")
_CENTRE = ("Polish", "Czech", "Slovak", "Hungarian", "Romanian", "Croatian", "German")
_BY_ENCODING: dict[str, tuple[str, ...]] = {
    "cp1252": (*_WEST, "Icelandic", "West"), "cp1250": (*_CENTRE, "Centre"), "cp1254": ("Turkish",),
    "mac_roman": (*_WEST, "West"), "iso8859_15": (*_WEST, "West"), "iso8859_2": (*_CENTRE, "Centre"),
    "cp850": (*_WEST, "West"), "cp852": (*_CENTRE, "Centre"), "cp1251": ("Russian", "Ukrainian"),
    "koi8_r": ("Russian",), "koi8_u": ("Ukrainian",), "cp866": ("Russian",), "iso8859_5": ("Russian", "Ukrainian"),
    "cp1253": ("Greek",), "iso8859_7": ("Greek",),
}  # fmt: skip
"""Likely ones first: of two that read a text alike, that one is taken."""
_MARKS = frozenset("€£¥¢§°ºª–—‘’‚“”„…«»‹›•·®©™±×µ²³½¼¾¡¿\xa0´‰†№")
_WORD = re.compile(r"[^\W\d_]+")
_OTHERS = re.compile(r"[^\x00-\x7f]")
_KANA = re.compile(r"[\u3041-\u30fc]")
_AMONG_LETTERS = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f]|[^\x00-\x7f](?=[A-Za-z])")
_ENOUGH = 8 << 10
"""Bytes of lines beyond ASCII by which a language is known."""
_SURE, _PLAUSIBLE = 0.75, 0.8
_EAST = ("cp932", "cp949", "euc_jp", "gb18030", "big5", "big5hkscs")
"""Of two that read a text equally well, the first is taken: Chinese is hardly ever nothing but common Korean."""
_FEWEST, _FEWEST_EASTERN = 2, 3
_FEW = 4
"""Fewer characters beyond ASCII tell something only if they stand in words of which the beginning is plain."""


@lru_cache(1)
def _alphabets() -> dict[str, dict[str, float]]:
    """By language: what each letter speaks for it."""
    found = {name: dict.fromkeys(letters, 1.0) for name, letters in _LANGUAGES.items()}
    found["West"] = {letter: 0.9 for name in _WEST for letter in _LANGUAGES[name]}
    found["Centre"] = {letter: 0.85 for name in _CENTRE for letter in _LANGUAGES[name]}
    for name, letters, common in (
        ("Russian", _RUSSIAN, _COMMON_CYRILLIC),
        ("Ukrainian", _UKRAINIAN, _COMMON_CYRILLIC),
        ("Greek", _GREEK, _COMMON_GREEK),
    ):
        found[name] = {letter: 1.0 if letter in common else 0.75 for letter in letters}
    return found


def european(text: bytes) -> str | None:
    """The single-byte encoding in which the bytes of a text spell some language; None where none surely does."""
    text = text[:_ENOUGH]
    best: tuple[float, str] | None = None
    for encoding, languages in _BY_ENCODING.items():
        try:
            decoded = text.decode(encoding)
        except UnicodeDecodeError:
            continue
        others = _OTHERS.findall(decoded)
        words = [(word, count) for word, count in Counter(_WORD.findall(decoded)).items() if not word.isascii()]
        if len(others) < _FEWEST or (len(others) < _FEW and not any(word[0].isascii() for word, _ in words)):
            continue
        score = max(_score(words, _alphabets()[language]) for language in languages) + _signs(decoded)
        score /= len(others)
        if best is None or score > best[0] + 1e-9:
            best = score, encoding
    return best[1] if best is not None and best[0] >= _SURE else None


def _score(words: Sequence[tuple[str, int]], alphabet: dict[str, float]) -> float:
    """What the words speak for a language: 1 for each letter of it, less for others and for odd words."""
    own_script = "а" in alphabet or "α" in alphabet
    score = 0.0
    for word, count in words:
        strange = [char for char in word if char > "\x7f"]
        mixed = own_script and len(strange) < len(word)
        crowded = not own_script and len(strange) > 3 and len(strange) * 2 > len(word)
        uneven = not (word.islower() or word.isupper() or (word[:1].isupper() and word[1:].islower()))
        each = sum(alphabet.get(char, alphabet.get(char.lower(), -1.0)) for char in strange)
        each -= word.count("õ") - word.count("õe")  # which is what Hungarian looks like in Western Europe
        if len(word) == 1 and not own_script:  # as letters, signs and dashes of other encodings look like words
            each *= 0.5
        score += count * (each - len(strange) * (2.0 * mixed + 0.3 * crowded + uneven))
    return score


def _signs(decoded: str) -> float:
    """The same for what is no letter, which hardly stands within words."""
    score = 0.0
    inner = Counter(re.findall(r"(?<=[^\W\d_])[^\w\s\x00-\x7f](?=[^\W\d_])", decoded))
    for mark, count in Counter(re.findall(r"[^\w\x00-\x7f]|[\x80-\x9f]", decoded)).items():
        free = count - (inner[mark] if mark not in "’·–" else 0)
        score += (0.8 if mark in _MARKS else -1.0) * free - 2.0 * (count - free)
    return score


def east_asian(text: bytes) -> str | None:
    """The encoding in which nearly all of a text beyond ASCII is common Japanese, Chinese or Korean.

    None if there is none, and an empty text if it is Japanese or Chinese and does not show which.
    """
    best: tuple[float, str] | None = None
    rival = 0.0
    for encoding in _EAST:
        try:
            decoded = text.decode(encoding)
        except UnicodeDecodeError:
            continue
        others = _OTHERS.findall(decoded)
        if len(others) < _FEWEST_EASTERN:
            return None
        # Letters of ours stand in words of their own.
        others = [*_OTHERS.findall(_AMONG_LETTERS.sub("a", decoded)), *"\x80" * len(_AMONG_LETTERS.findall(decoded))]
        share = sum(_is_common(char, encoding) for char in others) / len(others)
        if encoding == "euc_jp" and not _KANA.search(decoded):
            rival = share  # hardly ever is Japanese without these, but then it may be Chinese, too
        elif share >= _PLAUSIBLE and (best is None or share > best[0]):
            best = share, encoding
    if best is None:
        return None
    return "" if best[1] == "gb18030" and rival >= best[0] else best[1]


def _is_common(char: str, encoding: str) -> bool:
    """Whether a character is one of those that make up most texts: by where the standards have put it."""
    code = ord(char)
    if 0x3000 <= code <= 0x303F or 0xFF01 <= code <= 0xFF5E:
        return True
    if encoding == "cp949":
        return 0xAC00 <= code <= 0xD7A3 and char.encode("cp949")[0] in range(0xB0, 0xC9)
    if encoding in ("cp932", "euc_jp") and 0x3041 <= code <= 0x30FC:
        return True
    if not 0x4E00 <= code <= 0x9FFF:
        return False
    lead = char.encode(encoding)[0]
    match encoding:
        case "gb18030":
            return 0xB0 <= lead <= 0xD7 and char.encode(encoding)[1] >= 0xA1
        case "big5" | "big5hkscs":
            return 0xA4 <= lead <= 0xC6
        case "cp932":
            return 0x88 <= lead <= 0x97
        case _:
            return 0xB0 <= lead <= 0xCF
