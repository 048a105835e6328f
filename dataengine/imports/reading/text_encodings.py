"""Detects the encoding of a text file from its bytes. Pure.

Tried in this order: a byte order mark; the NUL pattern of UTF-16 and UTF-32; UTF-8 if most of the text beyond ASCII is
valid UTF-8 (damaged bytes then cost their rows); the languages that ``letters.py`` knows; Western or Central European
text, judged by some letters; else whatever charset-normalizer finds for the lines beyond ASCII. Of two encodings that
agree on the text, the larger one is named: cp1252 for Latin-1, cp932 for Shift-JIS, GB18030 for GB2312 and GBK, cp949
for EUC-KR.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from .letters import east_asian, european

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SUPERSETS = {
    "ascii": "utf-8",
    "utf_8": "utf-8",
    "latin_1": "cp1252",
    "iso8859_15": "cp1252",
    "shift_jis": "cp932",
    "shift_jis_2004": "cp932",
    "shift_jisx0213": "cp932",
    "euc_jis_2004": "euc_jp",
    "euc_jisx0213": "euc_jp",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "gb18030",
    "euc_kr": "cp949",
    "big5hkscs": "big5hkscs",
}
UNLIKELY = [
    "utf_7", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "mac_cyrillic", "mac_greek", "mac_iceland", "mac_latin2",
    "mac_roman", "mac_turkish", "cp1125", "kz1048", "ptcp154", "hp_roman8", "iso8859_10", "iso8859_16", "cp1006",
]  # fmt: skip
"""No file is in these; without this list, the library takes Windows' Cyrillic for the old Macintosh's."""
EVIDENCE_BYTES = 64 << 10
WESTERN = frozenset("éèêëàâäáãåçñíìîïóòôöõøúùûüýßæœðþÐÞÉÈÊËÀÂÄÁÃÅÇÑÍÌÎÏÓÒÔÖÕØÚÙÛÜÝÆŒšžŠŽ")
MARKS = frozenset("€£¥¢§°ºª–—‘’‚“”„…«»‹›•·®©™±×µ²³½¼¾¡¿\xa0´‰†")
CP1252_SIGNS = frozenset(bytes([byte]) for byte in b"\x80\x82\x84\x85\x91\x92\x93\x94\x95\x96\x97\x99\x9a\x9c\x9e")
"""Found inside or at the end of words in Western text: quotes, dashes, and s, z and oe with their marks."""
CENTRAL_BYTES = re.compile(rb"[A-Za-z][\xb3\xb9\xbf]|[\xb3\xb9\xbf][a-z]")
"""l, a and z with their Polish marks; in Western text these bytes are superscripts and ¿, not inside words."""
LONE_LETTERS = re.compile(
    rb"(?:(?<=[,;\t|\n\"'])|^)[\xc0\xc4-\xd6\xd8-\xdd\xdf-\xe1\xe4-\xef\xf1-\xf6\xf8-\xfd](?=[,;\t|\n\"']|$)"
)
"""Cells that are one letter of Western text, but for those that damage leaves: the first bytes of such letters in
UTF-8 (\xc2, \xc3), and what is no text (\xff)."""


def detect_encoding(sample: bytes, more: Iterable[bytes] = ()) -> str:
    """The name of the encoding of a text that begins with ``sample``.

    ``more`` are further chunks, looked at only while everything is ASCII (a file may be ASCII for its first megabytes).
    """
    for mark, marked in BOMS:
        if sample.startswith(mark):
            return marked
    if wide := detect_wide(sample[:8192]):
        return wide
    evidence = sample
    if sample.isascii():
        for chunk in more:
            if not chunk.isascii():
                evidence = chunk
                break
        else:
            return "utf-8"
    lines = [line for line in re.split(rb"[\r\n]+", evidence) if not line.isascii()]
    if evidence is not sample or not evidence.endswith((b"\n", b"\r")):
        lines = lines if len(lines) < 2 else lines[:-1]  # the last one may be cut within a character
    may_be_cut = len(lines) == 1 and not LONE_LETTERS.search(lines[0])
    bad = sum(not _is_utf8(line, partial=may_be_cut) for line in lines)
    if bad * 2 < len(lines):
        return "utf-8"
    return _legacy(b"\n".join(lines)[:EVIDENCE_BYTES])


def _is_utf8(line: bytes, *, partial: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line, not partial)
    except UnicodeDecodeError:
        return False
    return True


def detect_wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: text of ASCII in it has NULs at every other (or three of four) places."""
    if len(head) < 4 or not head.count(0):
        return None
    quarter = len(head) // 4
    nuls = [head[place::4].count(0) for place in range(4)]
    if quarter > 1 and min(nuls[1:]) * 10 > quarter * 8 and nuls[0] * 10 < quarter:
        return "utf-32-le"
    if quarter > 1 and min(nuls[:3]) * 10 > quarter * 8 and nuls[3] * 10 < quarter:
        return "utf-32-be"
    half = len(head) // 2
    even, odd = nuls[0] + nuls[2], nuls[1] + nuls[3]
    if odd * 4 > half and even * 20 < half:
        return "utf-16-le"
    if even * 4 > half and odd * 20 < half:
        return "utf-16-be"
    return None


def _legacy(text: bytes) -> str:
    """The 8-bit or multi-byte encoding of lines that are not UTF-8."""
    spelt = east_asian(text)
    if spelt is None:
        spelt = european(text)
    if spelt:
        return spelt
    high = len(re.findall(rb"[\x80-\xff]", text))
    alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", text))
    if alone * 4 >= high * 3:  # accented letters among plain ones: European
        if _is_central(text):
            return "cp1250"
        if _is_turkish(text):
            return "cp1254"
        if _is_mac_roman(text):
            return "mac_roman"
        decoded = [char for char in text.decode("cp1252", "replace") if char > "\x7f"]
        letters = sum(char in WESTERN or char in MARKS for char in decoded)
        if "\ufffd" not in decoded and letters * 10 >= len(decoded) * 8 and _words(text):
            return "cp1252"
        if "\ufffd" in decoded and not re.search(rb"[\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f]", text) and letters:
            return "latin-1"  # has C1 controls, which cp1252 lacks, and nothing that only cp1252 has
    if high < 6:
        return "utf-8"  # a few odd bytes in a file of ASCII: damage, not an encoding
    from charset_normalizer import from_bytes  # heavy, and seldom needed

    best = from_bytes(text, cp_exclusion=UNLIKELY).best()
    if best is None:
        return "cp1252"
    return SUPERSETS.get(best.encoding, best.encoding)


def _is_central(text: bytes) -> bool:
    if len(CENTRAL_BYTES.findall(text)) >= 2:
        return True
    hooks = len(re.findall(rb"[\x8a\x9a\x8e\x9e]", text))
    return bool(hooks) and len(re.findall(rb"[\xec\xf8\xe8\xf9\xef]", text)) >= 2


def _is_turkish(text: bytes) -> bool:
    """Whether bytes occur at which Turkish differs, and the text is not Icelandic (which has accents)."""
    own = len(re.findall(rb"(?<=[A-Za-z])[\xf0\xfd\xfe]|[\xd0\xdd\xde](?=[A-Za-z])|\xfe(?=[a-z])", text))
    return own >= 2 and len(re.findall(rb"[\xe1\xe9\xed\xf3\xfa\xe6]", text)) * 4 < own


def _is_mac_roman(text: bytes) -> bool:
    """Whether letters of words are at bytes that cp1252 lacks, or that are capitals and signs no word has inside.

    Apostrophes and dashes of cp1252 also occur between letters, so they tell nothing.
    """
    inside = re.findall(rb"(?<=[a-z])[\x80-\x9f](?=[a-z]|\b|[;,\t\r\n]|$)", text)
    telling = [byte for byte in inside if byte not in CP1252_SIGNS]
    others = len(re.findall(rb"[\xc0-\xff]", text))
    decoded = [char for char in text.decode("mac_roman") if char > "\x7f"]
    letters = sum(char in WESTERN or char in MARKS for char in decoded)
    return len(telling) >= 2 and len(telling) > others and letters * 10 >= len(decoded) * 9


def _words(text: bytes) -> bool:
    """Whether high bytes stand among words: at least half have a letter or digit next to them, or one byte away."""
    if len(re.findall(rb"[\x80-\xff]", text)) < 4:  # few to judge by: they have to be within words, or cells alone
        return not re.search(rb"(?<![A-Za-z])[\xc0-\xff](?![A-Za-z])", LONE_LETTERS.sub(b"", text))
    near = len(re.findall(rb"[A-Za-z0-9].?[\x80-\xff]|[\x80-\xff](?=.?[A-Za-z0-9])", text))
    return near * 2 >= len(re.findall(rb"[\x80-\xff]", text))
