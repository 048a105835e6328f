"""What the beginning of a source file tells: its dialect, its header, whether rows follow, and the first rows. Pure.

It belongs to the dialects because it answers for them; ``reading`` knows bytes and no grammar. It needs nothing that
converts cells: web processes do no more than this.
"""

from __future__ import annotations

from functools import cached_property
from typing import BinaryIO

from dataengine.exceptions import InvalidInput
from dataengine.imports.reading.reader import ColumnsAppeared
from dataengine.imports.reading.source import Source, open_source

from . import header
from .detection import detect
from .dialect import DialectOptions

SURVEYED = 64 << 20
"""Characters; more than what becomes the head of a file whose rows name its columns."""


class Opening:
    """The beginning of a source, read once. ``given`` are the options that set the dialect.

    ``headers`` are the names of the columns as written, or ``column_1 …``. ``damaged_header`` is the line where a
    header would be in a file that was found to have none; if it names all columns, ``headers`` are those names.

    Raises InvalidInput if there is neither a header nor rows, or if the header cannot be read.
    """

    def __init__(self, source: Source, given: DialectOptions) -> None:
        self.source = source
        self.dialect = detect(source, given)
        found = header.read_header(source, self.dialect)
        self.headers = found.names
        if given.encoding and (odd := next((name for name in found.names if "\ufffd" in name), None)):
            reason = f"The header is not in {given.encoding}: “{odd[:80]}”."
            raise InvalidInput(reason, code="invalid_encoding", fields={"encoding": reason})
        self.empty_tail = found.empty_tail
        self.is_indexed = found.is_indexed
        self.below_the_header = found.below
        self.lines_of_head = found.said
        self.damaged_header = self._damaged_header(given)
        named = {name for name in self.damaged_header if name}
        if len(self.damaged_header) == len(self.headers) == len(named):
            self.headers = self.damaged_header

    @cached_property
    def has_rows(self) -> bool:
        """Whether anything but blank lines follows the header: that is a row, or will be rejected as one."""
        return header.has_rows(self.source, self.dialect)

    @cached_property
    def first_records(self) -> list[list[str]]:
        """The first few hundred rows of the file as text, without damaged ones."""
        return header.first_records(self.source, self.dialect, len(self.headers))

    @cached_property
    def empty_places(self) -> frozenset[int]:
        """The places of columns that have no name in the file, nor a value in its first few hundred rows."""
        nameless = {place for place, name in enumerate(self.headers) if name == f"column_{place + 1}"}
        filled = {place for place in nameless for record in self.first_records if record[place].strip()}
        return frozenset(nameless - filled)

    @property
    def gaps(self) -> frozenset[str]:
        """The headers of these, if there is a header that could have named them."""
        return frozenset(self.headers[place] for place in self.empty_places if self.dialect.has_header)

    def _damaged_header(self, given: DialectOptions) -> list[str]:
        if self.dialect.has_header or given.has_header is not None or self.source.lines_are_records:
            return []
        guessed = given.skip_rows is None
        return header.damaged_header(self.source, self.dialect, width=len(self.headers), preamble=guessed) or []


def examine(file: BinaryIO, filename: str, given: DialectOptions) -> Opening:
    """Recognise the file: kind, dialect, header. Raises InvalidInput if it cannot be imported at all."""
    source = open_source(file, filename, encoding=given.encoding, delimiter=given.delimiter, sheet=given.sheet)
    try:
        opening = Opening(source, given)
        has_rows = opening.has_rows
    except ColumnsAppeared:  # not among the first names, yet among the first rows
        source.survey(SURVEYED)
        opening = Opening(source, given)
        has_rows = opening.has_rows
    if not has_rows:
        # Rows of nothing but formulas without results are blank, too.
        reason = " ".join(["The file has a header but no rows.", *(warning.message for warning in source.warnings)])
        raise InvalidInput(reason, code="no_rows", fields={"file": reason if source.warnings else "It has no rows."})
    source.bytes_read = 0
    return opening
