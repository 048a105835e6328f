"""Parquet files as CSV text, some rows at a time. Pure.

The file says what type each column has, and a new table takes it. Values become text exactly: decimals and numbers
digit by digit, moments with a zone in UTC, lists and structs as JSON. What has no text (bytes, durations) is left out,
and said. Pages that would unpack to more than an honest one does are refused before they are unpacked.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.exceptions import InvalidInput

from .archives import SourceLimits, check_unpacked
from .parquet_pages import broken, pages
from .reader import NULL, Caution, Reader

MAX_PAGE = 128 << 20
MAX_PAGES = 512 << 20
"""Bytes of the largest pages of all columns together: so much may be unpacked at a time."""
MAX_NESTED = 1_000_000
"""Values on a page of lists or structs, which become Python's."""
MAX_TEXT = 64 << 20
"""Bytes of the texts that become lines at a time."""
BATCH_ROWS = 8192
NESTED_BATCH_ROWS = 256
_STRING_LIMIT, _CONTAINER_LIMIT = 16 << 20, 1_000_000


class ParquetRows(Reader):
    """Raises InvalidInput ``broken_archive``, ``bomb``, ``too_large``, ``too_many_columns`` or ``no_columns``."""

    first_line = 0

    def __init__(self, file: BinaryIO, limits: SourceLimits) -> None:
        self._stored = file
        self._size = file.seek(0, io.SEEK_END)
        self._file = _opened(file)
        with _damage_told():
            schema = self._file.schema_arrow
        if len(schema) > MAX_COLUMNS:
            raise InvalidInput(
                f"The file has {len(schema):,} columns; a table can have at most {MAX_COLUMNS:,}.",
                code="too_many_columns",
            )
        from .parquet_values import is_nested, is_text, sql_type

        self._types = [sql_type(field.type) for field in schema]
        self._names = schema.names
        self._places = [place for place, said in enumerate(self._types) if said is not None]
        self._is_nested = any(is_nested(field.type) for field in schema)
        if not self._places:
            raise InvalidInput("The file has no column whose values have a text.", code="no_columns")
        self._check_pages(limits)
        # With texts as they are stored: each once, and numbers of them, so that a batch cannot explode.
        self._reader = _opened(file, [field.name for field in schema if is_text(field.type)])

    @property
    def types(self) -> Mapping[str, str]:
        names = self._names
        twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
        return {names[place]: str(self._types[place]) for place in self._places if names[place] not in twice}

    @property
    def warnings(self) -> list[Caution]:
        left = [f"“{name}” ({self._file.schema_arrow.field(place).type})" for place, name in enumerate(self._names)
                if self._types[place] is None]  # fmt: skip
        if not left:
            return []
        return [Caution("columns_left_out", f"Left out, for their values have no text: {', '.join(left[:20])}.")]

    def csv_chunks(self, read: Callable[[int], None]) -> Iterator[bytes]:
        from .parquet_values import lines_of, quoted_names

        yield quoted_names(self._names[place] for place in self._places)
        total, done = max(self._file.metadata.num_rows, 1), 0
        rows = NESTED_BATCH_ROWS if self._is_nested else BATCH_ROWS
        with _damage_told():
            for batch in self._reader.iter_batches(batch_size=rows, use_threads=False):
                columns = [batch.column(place) for place in self._places]
                yield from lines_of(columns, NULL, MAX_TEXT)
                done += len(batch)
                read(self._size * done // total)

    def _check_pages(self, limits: SourceLimits) -> None:
        size = self._size
        unpacked = 0
        metadata = self._file.metadata
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            together = 0
            for place in range(row_group.num_columns if row_group.num_rows else 0):
                chunk = row_group.column(place)
                start = chunk.data_page_offset
                if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                    start = min(start, chunk.dictionary_page_offset)
                if start < 0 or chunk.total_compressed_size < 0 or start + chunk.total_compressed_size > size:
                    raise broken()
                is_nested = chunk.path_in_schema != metadata.schema.column(place).name
                largest = 0
                for page in pages(self._stored, start, chunk.total_compressed_size):
                    unpacked += page.unpacked
                    largest = max(largest, page.unpacked)
                    if page.unpacked > MAX_PAGE or (is_nested and page.values > MAX_NESTED):
                        raise InvalidInput("A page of the file is larger than any honest one.", code="bomb")
                together += largest
            if together > MAX_PAGES:
                raise InvalidInput("The file's pages are too large to be read at a time.", code="too_large")
            check_unpacked(unpacked, size, limits)


def _opened(file: BinaryIO, texts: Sequence[str] = ()) -> Any:
    """``texts`` are the columns that are read as dictionaries."""
    import pyarrow.parquet as pq  # heavy, and few files are such

    with _damage_told():
        return pq.ParquetFile(
            file,
            read_dictionary=list(texts),
            buffer_size=1 << 20,
            thrift_string_size_limit=_STRING_LIMIT,
            thrift_container_size_limit=_CONTAINER_LIMIT,
        )


class _damage_told:  # noqa: N801  (a context manager, as contextlib's are)
    """Whatever pyarrow raises of a file is that the file is damaged."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, (pa.ArrowException, OSError, ValueError, KeyError)):
            raise InvalidInput(f"The Parquet file is damaged: {str(error)[:200]}", code="broken_archive") from error
