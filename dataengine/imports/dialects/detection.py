"""Finds the dialect of a source file from its beginning. Pure: knows sources, no models."""

from __future__ import annotations

import codecs
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import SEPARATOR_LINE, Dialect, DialectOptions, check_encoding
from dataengine.imports.reading.drawings import Drawing, drawing_of, unwrapped, without_lines
from dataengine.imports.reading.source import SAMPLE_BYTES, Source, to_utf8
from dataengine.imports.reading.text_encodings import detect_encoding

from .grammar import Grammar
from .head_lines import are_groups, are_groups_of_groups, name_together, name_with_two_above, tells_units
from .preamble import is_at_the_end, preamble
from .sample import (
    ParsedSample,
    are_decimals,
    header_is_damaged,
    is_ruled,
    looks_like_header,
    plainly_a_header,
    read_sample,
    usual_width,
    weak,
)

DELIMITERS: dict[str, float] = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 1.0, ":": 0.7, " ": 0.6}
"""The delimiters that are tried, and how much less one counts that is common in text."""


REJECTED_HEADER = re.compile(rb'[^\r\n]*?([,;\t|])"?_line"?\1"?_errors"?[\r\n]')
"""How a rejected.csv begins."""


ASCII_SCAN_BYTES = 512 << 20
"""How far a file that begins in ASCII is read in search of the first other character."""


def detect(source: Source, overrides: DialectOptions | None = None) -> Dialect:
    """Find the dialect of ``source`` from its first megabyte; whatever ``overrides`` sets is not detected.

    - *Encoding*: see ``reading/text_encodings.py``. A file that begins in ASCII is read on until another character
      turns up.
    - *Delimiter and quote*: of comma, semicolon, tab, bar, colon, space and both quotes, the pair under which the most
      records have the same number of cells and the most cells look like values. If in doubt, comma (tab for ``.tsv``)
      and ``"``. No quote only if quotes never enclose a cell and most rows would fail with one.
    - *Escape*: a backslash, if rows pass with it that fail without it, if it hardly ever stands before anything but
      quotes, and if quotes are doubled less often. (Otherwise it is text, and a rare one before a quote is damage.)
    - *Preamble*: the lines before the widest block of records of one shape (``skip_rows``); see ``preamble``.
    - *Header*: see ``sample.looks_like_header``; if in doubt there is one, except where ``header_is_damaged``.

    Raises InvalidInput ``empty_file`` if there are only blank lines, and whatever reading the source raises.
    """
    fixed = overrides or DialectOptions()
    sample = source.sample()
    complete = len(sample) < SAMPLE_BYTES
    if mark := _mark_of_rejected_csv(sample):
        # Options meant for the file that the rows come from do not apply to this one.
        fixed = DialectOptions(mark, quote='"', escape="", has_header=True, skip_rows=0)
    if source.first_line == 0:
        return Dialect()  # the file itself says what its columns are called
    if source.lines_are_records:
        encoding, fixed = "utf-8", replace(fixed, delimiter=",", quote='"', escape="")
        if source.header_line is not None and fixed.skip_rows is None:
            fixed = replace(fixed, skip_rows=source.header_line - 1, has_header=fixed.has_header is not False)
    elif fixed.encoding is not None:
        encoding = check_encoding(fixed.encoding)
    else:
        encoding = detect_encoding(sample, () if complete else _rest(source))
    text = b"".join(to_utf8(iter([sample]), encoding))
    if not complete:
        text = text[: text.rfind(b"\n") + 1] or text
    if not text.strip():
        raise InvalidInput("The file has neither a header nor rows.", code="empty_file")
    source.drawing = None
    drawing = drawing_of(text, has_names=fixed.has_header is not False) if source.kind == "text" else None
    if drawing and fixed.delimiter in (None, drawing.bar):
        source.drawing = drawing
        text = b"".join(without_lines(iter([text]), drawing))
        # Quotes are text there: nothing that is drawn is in quotes.
        fixed = replace(
            fixed,
            delimiter=drawing.bar,
            quote=fixed.quote or "",
            escape=fixed.escape or "",
            has_header=fixed.has_header is not False,
        )
    elif source.kind == "text" and fixed.delimiter is None and fixed.quote in (None, '"') and (mark := _wrapped(text)):
        source.drawing = Drawing(mark, is_wrapped=True)
        text = unwrapped(text)
        fixed = replace(fixed, delimiter=mark, quote='"')
    skipped = fixed.skip_rows or 0
    separator = SEPARATOR_LINE.match(text) if fixed.skip_rows is None and source.kind == "text" else None
    if separator and (fixed.delimiter is None or fixed.delimiter.encode() == separator.group(1)):
        fixed = replace(fixed, delimiter=separator.group(1).decode("latin-1"))
        skipped = 1
    sheet = source.lines_are_records
    text = _without_lines(text, skipped, sheet=sheet)
    if sheet:
        dialect = Dialect()
        parsed = read_sample(text, Grammar(dialect, None), complete=complete, sheet=True)
    else:
        dialect, parsed = _best(text, fixed, source.filename, complete=complete)
    above: list[list[str]] = []
    if fixed.skip_rows is None and parsed.records and (leading := preamble(parsed, dialect.delimiter)):
        skipped += leading
        found = dict(zip(parsed.lines, parsed.records, strict=True))
        above = [found[line] for line in (leading - 1, leading - 2) if line in found]
        parsed.records = [record for record, line in zip(parsed.records, parsed.lines, strict=True) if line >= leading]
        parsed.width = usual_width(parsed.records)
        parsed.head = []
    has_header = fixed.has_header
    if has_header is None:
        damaged = not sheet and header_is_damaged(parsed)
        has_header = not damaged and (not parsed.records or looks_like_header(parsed.records, parsed.width))
    if has_header and parsed.records:
        dialect = _with_head(replace(dialect, has_header=True), parsed, above, fixed, sheet=sheet)
        skipped -= (dialect.grouped + dialect.grouped_twice) * bool(above)
    ruled = has_header and not sheet and is_ruled(parsed)
    drawn = source.drawing is not None and not source.drawing.is_wrapped
    return replace(dialect, encoding=encoding, skip_rows=skipped, has_header=has_header, ruled=ruled, drawn=drawn)


def _with_head(
    dialect: Dialect, parsed: ParsedSample, above: Sequence[Sequence[str]], fixed: DialectOptions, *, sheet: bool
) -> Dialect:
    """The dialect with what else belongs to the header: lines ``above`` the names, the nearest first, or one below."""
    records, names = parsed.records, 0
    twice = grouped = False
    if above:
        twice = len(above) > 1 and are_groups_of_groups(above[1], above[0], records[0])
        grouped = twice or are_groups(above[0], records[0])
    elif not sheet:
        twice = name_with_two_above(records, parsed.width)
        grouped = twice or name_together(records, parsed.width)
        names = grouped + twice
    if sheet:
        twice = grouped = False  # it says itself which cells are merged: a gap in it is a gap
    has_units = fixed.has_units
    if has_units is None:
        header, *below = records[names:]
        has_units = len(below) > 1 and tells_units(header, below[0], below[1:])
    return replace(dialect, grouped=grouped, grouped_twice=twice, has_units=has_units)


def _mark_of_rejected_csv(sample: bytes) -> str | None:
    """The delimiter of a rejected.csv, recognised by the end of its header: ours, or that of a spreadsheet program."""
    head = sample[: 64 << 10].lstrip(codecs.BOM_UTF8)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head[: len(head) // 2 * 2].decode("utf-16", "replace").encode("utf-8", "replace")
    found = REJECTED_HEADER.match(head)
    return found[1].decode() if found else None


def _rest(source: Source) -> itertools.islice[bytes]:
    """The chunks after the sample (a gap or overlap at the cut does not matter)."""
    chunks = SAMPLE_BYTES // (1 << 20)
    return itertools.islice(source.head.chunks(), chunks, chunks + ASCII_SCAN_BYTES // (1 << 20))


def _without_lines(text: bytes, count: int, *, sheet: bool) -> bytes:
    grammar = Grammar(Dialect(), None)
    at = 0
    for _ in range(count):
        if at >= len(text):
            break
        at = grammar.row_end(text, at, final=True) if sheet else grammar.line_end(text, at, final=True)[1]
    return text[at:]


def _wrapped(text: bytes) -> str | None:
    """What divides cells within the lines, if each line but maybe the header is in quotes as a whole.

    Spreadsheets make such files of ones that were opened undivided. Within their quotes they have to be a flawless
    table, and not sentences or names in one column.
    """
    lines = [line for line in text[: 64 << 10].splitlines()[:200] if line.strip()]
    if len(lines) < 3 or not lines[1].startswith(b'"'):
        return None
    bare = [unwrapped(line) for line in lines[: -1 if len(text) > 64 << 10 else None]]
    if any(line == given for line, given in zip(bare[1:], lines[1:], strict=False)):
        return None
    inner = b"\n".join(bare) + b"\n"
    for mark in (",", ";", "\t", "|"):
        divider = mark.encode()
        if divider not in bare[0] or inner.count(divider) == inner.count(divider + b" "):
            continue
        parsed = read_sample(inner, Grammar(Dialect(mark), None), complete=True)
        names = parsed.records[0] if parsed.records else []
        is_table = parsed.width > 2 or plainly_a_header(parsed.records, parsed.width)
        if is_table and not parsed.faults and parsed.regular == 1 and len(set(names)) == len(names):
            return mark
    return None


def _best(text: bytes, fixed: DialectOptions, filename: str, *, complete: bool) -> tuple[Dialect, ParsedSample]:
    """The dialect that fits the sample best, and the sample parsed with it."""
    usual = "\t" if re.search(r"\.(?:tsv|tab)\b", filename, re.IGNORECASE) else ","
    taken = (fixed.quote, fixed.escape)
    if fixed.delimiter is not None:
        delimiters = {fixed.delimiter: 1.0}
    else:
        usual = usual if usual not in taken else next(mark for mark in DELIMITERS if mark not in taken)
        delimiters = {usual: 1.0} | {
            mark: weight
            for mark, weight in DELIMITERS.items()
            if mark.encode() in text and mark not in taken and not _prose(text, mark)
        }
    quotes = [mark for mark in ('"', "'") if mark != fixed.delimiter] if fixed.quote is None else [fixed.quote or None]
    escape = fixed.escape or None
    best: tuple[float, Dialect, ParsedSample] | None = None
    for quote, (delimiter, weight) in itertools.product(quotes, delimiters.items()):
        if quote and quote.encode() not in text and quote != quotes[0]:
            continue
        dialect = Dialect(delimiter, quote, escape)
        parsed = read_sample(text, Grammar(dialect, None), complete=complete)
        if (weight < 1 and weak(parsed, delimiter)) or (quote != quotes[0] and parsed.enclosed < 2):
            continue
        score = parsed.score * weight
        if best is None or score > best[0] * 1.02:
            best = (score, dialect, parsed)
    assert best is not None  # the usual delimiter is always tried
    _, dialect, parsed = best
    if fixed.delimiter is None and complete and (found := _behind_a_preamble(text, dialect, parsed, delimiters)):
        dialect, parsed = found
    elif fixed.delimiter is None and (
        parsed.width <= 1 or _prose(text, dialect.delimiter) or are_decimals(parsed, dialect.delimiter)
    ):
        # One column: any delimiter that does not occur in it.
        free = [mark for mark in (usual, ",", "\t", ";", "|") if mark.encode() not in text and mark not in taken]
        dialect = replace(dialect, delimiter=free[0] if free else usual)
        parsed = read_sample(text, Grammar(dialect, None), complete=complete)
    if fixed.delimiter is None and fixed.quote is None and f'{dialect.delimiter} "'.encode() in text:
        # ``a, "b, c"``: cells are separated by a comma and a space.
        spaced = Dialect(f"{dialect.delimiter} ", '"', escape)
        other = read_sample(text, Grammar(spaced, None), complete=complete)
        if other.regular * 10 > 9 and other.regular > parsed.regular:
            dialect, parsed = spaced, other
    if fixed.escape is None and dialect.quote and b"\\" + dialect.quote.encode() in text:
        escaped = replace(dialect, escape="\\")
        other = read_sample(text, Grammar(escaped, None), complete=complete)
        if other.regular > parsed.regular and other.faults < parsed.faults and _escapes(text, dialect):
            dialect, parsed = escaped, other
    none_fits = complete and len(parsed.records) <= 1 < parsed.faults
    if fixed.quote is None and (parsed.faults >= 5 or none_fits) and parsed.faults > len(parsed.records):
        bare = replace(dialect, quote=None)
        other = read_sample(text, Grammar(bare, None), complete=complete)
        opens = none_fits and any(cell.lstrip().startswith('"') for record in other.records for cell in record)
        if other.score > parsed.score and not opens and not _encloses(other):
            dialect, parsed = bare, other
    return dialect, parsed


def _behind_a_preamble(
    text: bytes, found: Dialect, parsed: ParsedSample, delimiters: Iterable[str]
) -> tuple[Dialect, ParsedSample] | None:
    """Another delimiter than the one found, under which a few lines at the end are a table: see ``is_at_the_end``.

    Titles and keys may be more than the rows below them, so what fits most lines is not what fits the table.
    """
    best: tuple[Dialect, ParsedSample] | None = None
    is_weak = found.delimiter in ": "
    if parsed.width > 1 and parsed.regular == 1 and not is_weak:
        return best
    for delimiter in delimiters:
        if delimiter in ": " or (delimiter == found.delimiter and parsed.width > 1):
            continue
        dialect = replace(found, delimiter=delimiter)
        other = read_sample(text, Grammar(dialect, None), complete=True)
        is_wider = best is None or len(other.records[-1]) > len(best[1].records[-1])
        if is_at_the_end(other, parsed, usual_is_weak=is_weak) and is_wider:
            best = dialect, other
    return best


def _prose(text: bytes, delimiter: str) -> bool:
    """Whether a comma or semicolon is only used as in sentences, and not in the first line."""
    if delimiter not in ",;":
        return False
    first = text.split(b"\n", 1)[0]
    mark = delimiter.encode()
    return mark not in first and text.count(mark) == text.count(mark + b" ")


def _escapes(text: bytes, dialect: Dialect) -> bool:
    """Whether backslashes are an escape: mostly before quotes, which are doubled less often."""
    quote, delimiter = str(dialect.quote).encode(), dialect.delimiter.encode()
    escaped = Counter(re.findall(rb"\\(N(?![^\W_])|(?s:.))", text))
    others = sum(escaped.values()) - sum(escaped[known] for known in (quote, b"\\", b"N"))
    bare = re.sub(rb"\\(?s:.)", b"", text)
    inside, pair = rb"[^\r\n" + re.escape(delimiter) + rb"]", re.escape(quote * 2)
    doubled = len(re.findall(rb"(?<=" + inside + rb")" + pair + rb"|" + pair + rb"(?=" + inside + rb")", bare))
    return escaped[quote] > doubled and escaped[quote] >= 10 * others


def _encloses(parsed: ParsedSample) -> bool:
    """Whether any cell is enclosed in double quotes."""
    return any(len(cell) > 1 and cell[0] == cell[-1] == '"' for record in parsed.records for cell in record)
