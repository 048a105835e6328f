"""Dialects: how a text file says cells, rows and characters; given, or detected from its start.

Pure: knows sources, no models. The rules of detection are documented at ``detect``.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dataengine.exceptions import InvalidInput
from dataengine.imports.reading.source import SAMPLE_BYTES, Source, to_utf8
from dataengine.imports.reading.text_encodings import detect_encoding

from .grammar import Grammar
from .sample import Reading, header_is_damaged, looks_like_header, preamble, read_sample, weak

DELIMITERS: dict[str, float] = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 1.0, ":": 0.7, " ": 0.6}
"""What is looked for, and how much less a delimiter counts that often stands in text."""
NO_TEXT = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
"""What Python calls encodings but no file is in."""
SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?\r?\n', re.IGNORECASE)
"""What Excel writes and reads on a first line."""
REJECTED_HEADER = re.compile(rb'[^\r\n]*?([,;\t|])"?_line"?\1"?_errors"?[\r\n]')
"""How a rejected.csv begins."""
MAX_SKIP_ROWS = 1_000_000
ASCII_SCAN_BYTES = 512 << 20
"""How far a file of ASCII is read on for its first other character."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read one source file.

    ``skip_rows`` counts physical lines before the header (or before the first row where there is none).
    ``escape`` stands before a character that is to be taken literally; doubling the quote always works too.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    encoding: str = "utf-8"
    has_header: bool = True
    skip_rows: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For showing and for storing with a job."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DialectOptions:
    """What a person fixed; ``None`` means: detect. ``quote=""`` and ``escape=""`` mean: there is none."""

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    encoding: str | None = None
    has_header: bool | None = None
    skip_rows: int | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> DialectOptions:
        """Take the dialect's keys out of import options and check them.

        Raises InvalidInput that names the option (code ``invalid_option`` or ``unknown_encoding``).
        """
        values = {name: options.get(name) for name in ("delimiter", "quote", "escape", "encoding")}
        for name, value in values.items():
            if value is None or (name in ("quote", "escape") and value == ""):
                continue
            if not isinstance(value, str):
                raise _invalid(name, "has to be text")
            if name != "encoding" and len(value) != 1:
                raise _invalid(name, "has to be exactly one character")
            if name != "encoding" and (value in "\r\n\0" or 0xD800 <= ord(value) <= 0xDFFF):
                raise _invalid(name, "cannot be a line break or NUL")
            if name == "encoding":
                check_encoding(value)
        taken = [values[name] for name in ("delimiter", "quote", "escape") if values[name]]
        if values["delimiter"] is not None and values["delimiter"] in taken[1:]:
            raise _invalid("delimiter", "cannot be the quote or the escape too")
        has_header = options.get("has_header")
        if has_header is not None and not isinstance(has_header, bool):
            raise _invalid("has_header", "has to be true or false")
        skip_rows = options.get("skip_rows")
        if skip_rows is not None and (isinstance(skip_rows, bool) or not isinstance(skip_rows, int)):
            raise _invalid("skip_rows", "has to be a whole number of lines")
        if skip_rows is not None and not 0 <= skip_rows <= MAX_SKIP_ROWS:
            raise _invalid("skip_rows", f"has to be from 0 to {MAX_SKIP_ROWS:,}")
        return cls(**values, has_header=has_header, skip_rows=skip_rows)


def check_encoding(name: str) -> str:
    """The canonical name of a text encoding that Python knows; raises InvalidInput ``unknown_encoding``."""
    reason = f"There is no text encoding {name[:40]!r}."
    try:
        codec = codecs.lookup(name)
        if codec.name in NO_TEXT or not name.isascii():  # Python passes over what is not
            raise LookupError(codec.name)
        b"a,b\n".decode(codec.name, "replace")  # refuses base64 and its like
    except (LookupError, ValueError, UnicodeError) as error:
        raise InvalidInput(reason, code="unknown_encoding", fields={"encoding": reason}) from error
    return codec.name


def _invalid(name: str, what: str) -> InvalidInput:
    return InvalidInput(f"{name} {what}.", code="invalid_option", fields={name: f"{name} {what}."})


def detect(source: Source, overrides: DialectOptions | None = None) -> Dialect:
    """Find the dialect of ``source`` from its first megabyte; what ``overrides`` fixes is not looked for.

    - *Encoding*: see ``encodings.py``. A file that begins in ASCII is read on until something else turns up.
    - *Delimiter and quote*: of comma, semicolon, tab, bar, colon, space and both quotes, that pair under which the most
      records have the same number of cells and the most cells look like values. In doubt comma (tab for ``.tsv``) and
      ``"``. No quote at all only where quotes never enclose a cell and most rows would fail.
    - *Escape*: a backslash if rows fail without it that pass with it, it stands before quotes and hardly anything
      else, and quotes are doubled more seldom. (Otherwise it is text, and the odd one before a quote is damage.)
    - *Preamble*: leading records of at most half the usual width, or padded to it with empty cells (``skip_rows``).
    - *Header*: see ``detection.looks_like_header``; in doubt there is one, but ``header_is_damaged``.

    Raises InvalidInput ``empty_file`` where there is nothing but blank lines, and what reading the source raises.
    """
    fixed = overrides or DialectOptions()
    sample = source.sample()
    complete = len(sample) < SAMPLE_BYTES
    if mark := _mark_of_rejected_csv(sample):
        # What was said of the file that the rows come from does not hold for this one.
        fixed = DialectOptions(mark, quote='"', escape="", has_header=True, skip_rows=0)
    if source.kind == "xlsx":
        encoding, fixed = "utf-8", replace(fixed, delimiter=",", quote='"', escape="")
    elif fixed.encoding is not None:
        encoding = check_encoding(fixed.encoding)
    else:
        encoding = detect_encoding(sample, () if complete else _rest(source))
    text = b"".join(to_utf8(iter([sample]), encoding))
    if not complete:
        text = text[: text.rfind(b"\n") + 1] or text
    if not text.strip():
        raise InvalidInput("The file holds no header and no rows.", code="empty_file")
    skipped = fixed.skip_rows or 0
    separator = SEPARATOR_LINE.match(text) if fixed.skip_rows is None and source.kind == "text" else None
    if separator and (fixed.delimiter is None or fixed.delimiter.encode() == separator.group(1)):
        fixed = replace(fixed, delimiter=separator.group(1).decode("latin-1"))
        skipped = 1
    sheet = source.lines_are_records
    text = _without_lines(text, skipped, sheet=sheet)
    dialect, reading = _best(text, fixed, source.filename, complete=complete)
    if sheet:
        reading = read_sample(text, Grammar(dialect, None), complete=complete, sheet=True)
    if fixed.skip_rows is None and reading.records and (leading := preamble(reading, dialect.delimiter)):
        skipped += leading
        reading.records = [
            record for record, line in zip(reading.records, reading.lines, strict=True) if line >= leading
        ]
        reading.head = []
    has_header = fixed.has_header
    if has_header is None:
        damaged = not sheet and header_is_damaged(reading)
        has_header = not damaged and (not reading.records or looks_like_header(reading.records, reading.width))
    return replace(dialect, encoding=encoding, skip_rows=skipped, has_header=has_header)


def _mark_of_rejected_csv(sample: bytes) -> str | None:
    """The delimiter of a rejected.csv, known by how its header ends: ours, or a spreadsheet's that it was mended in."""
    head = sample[: 64 << 10].lstrip(codecs.BOM_UTF8)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head[: len(head) // 2 * 2].decode("utf-16", "replace").encode("utf-8", "replace")
    found = REJECTED_HEADER.match(head)
    return found[1].decode() if found else None


def _rest(source: Source) -> itertools.islice[bytes]:
    """The chunks after the sample (cut at the same place only by luck, which does not matter)."""
    chunks = SAMPLE_BYTES // (1 << 20)
    return itertools.islice(source.open_bytes(), chunks, chunks + ASCII_SCAN_BYTES // (1 << 20))


def _without_lines(text: bytes, count: int, *, sheet: bool) -> bytes:
    grammar = Grammar(Dialect(), None)
    at = 0
    for _ in range(count):
        if at >= len(text):
            break
        at = grammar.row_end(text, at, final=True) if sheet else grammar.line_end(text, at, final=True)[1]
    return text[at:]


def _best(text: bytes, fixed: DialectOptions, filename: str, *, complete: bool) -> tuple[Dialect, Reading]:
    """The dialect that explains the sample best, and the sample as it reads it."""
    usual = "\t" if re.search(r"\.(?:tsv|tab)\b", filename, re.IGNORECASE) else ","
    if fixed.delimiter is not None:
        delimiters = {fixed.delimiter: 1.0}
    else:
        delimiters = {usual: 1.0} | {
            mark: weight for mark, weight in DELIMITERS.items() if mark.encode() in text and not _prose(text, mark)
        }
    quotes = [mark for mark in ('"', "'") if mark != fixed.delimiter] if fixed.quote is None else [fixed.quote or None]
    escape = fixed.escape or None
    best: tuple[float, Dialect, Reading] | None = None
    for quote, (delimiter, weight) in itertools.product(quotes, delimiters.items()):
        if quote and quote.encode() not in text and quote != quotes[0]:
            continue
        dialect = Dialect(delimiter, quote, escape)
        reading = read_sample(text, Grammar(dialect, None), complete=complete)
        if (weight < 1 and weak(reading, delimiter)) or (quote != quotes[0] and not reading.enclosed):
            continue
        score = reading.score * weight
        if best is None or score > best[0] * 1.02:
            best = (score, dialect, reading)
    assert best is not None  # the usual delimiter is always tried
    _, dialect, reading = best
    if fixed.delimiter is None and (reading.width <= 1 or _prose(text, dialect.delimiter)):
        # One column: a delimiter that does not stand in it.
        free = [mark for mark in (usual, ",", "\t", ";", "|") if mark.encode() not in text]
        dialect = replace(dialect, delimiter=free[0] if free else usual)
        reading = read_sample(text, Grammar(dialect, None), complete=complete)
    if fixed.delimiter is None and fixed.quote is None and f'{dialect.delimiter} "'.encode() in text:
        # ``a, "b, c"``: what separates cells is a comma and a space.
        spaced = Dialect(f"{dialect.delimiter} ", '"', escape)
        other = read_sample(text, Grammar(spaced, None), complete=complete)
        if other.regular * 10 > 9 and other.regular > reading.regular:
            dialect, reading = spaced, other
    if fixed.escape is None and dialect.quote and b"\\" + dialect.quote.encode() in text:
        escaped = replace(dialect, escape="\\")
        other = read_sample(text, Grammar(escaped, None), complete=complete)
        if other.regular > reading.regular and other.faults < reading.faults and _escapes(text, dialect):
            dialect, reading = escaped, other
    if fixed.quote is None and reading.faults >= 5 and reading.faults > len(reading.records):
        bare = replace(dialect, quote=None)
        other = read_sample(text, Grammar(bare, None), complete=complete)
        if other.score > reading.score and not _encloses(other):
            dialect, reading = bare, other
    return dialect, reading


def _prose(text: bytes, delimiter: str) -> bool:
    """Whether a comma or semicolon only ever stands as in sentences, and not in the first line."""
    if delimiter not in ",;":
        return False
    first = text.split(b"\n", 1)[0]
    mark = delimiter.encode()
    return mark not in first and text.count(mark) == text.count(mark + b" ")


def _escapes(text: bytes, dialect: Dialect) -> bool:
    """Whether backslashes are an escape: before quotes for the most part, which are not doubled as often."""
    quote, delimiter = str(dialect.quote).encode(), dialect.delimiter.encode()
    escaped = Counter(re.findall(rb"\\(N(?![^\W_])|(?s:.))", text))
    others = sum(escaped.values()) - sum(escaped[known] for known in (quote, b"\\", b"N"))
    bare = re.sub(rb"\\(?s:.)", b"", text)
    inside, pair = rb"[^\r\n" + re.escape(delimiter) + rb"]", re.escape(quote * 2)
    doubled = len(re.findall(rb"(?<=" + inside + rb")" + pair + rb"|" + pair + rb"(?=" + inside + rb")", bare))
    return escaped[quote] > doubled and escaped[quote] >= 10 * others


def _encloses(reading: Reading) -> bool:
    """Whether any cell stands in double quotes."""
    return any(len(cell) > 1 and cell[0] == cell[-1] == '"' for record in reading.records for cell in record)
