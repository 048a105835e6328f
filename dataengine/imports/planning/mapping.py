"""Maps the columns of a file onto the columns of a table. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from dataengine.columns.identifiers import derive_identifier, validate_identifier
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.patterns import GUARDED

ADDED_HEADERS = ("_line", "_errors")
"""What rejected.csv adds to a file; ignored when the corrected file comes back."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """``columns[i]`` is the column of the table for the file's i-th column, None if that is ignored.

    ``guarded`` says that the file is a rejected.csv, whose cells may bear a formula guard.
    """

    headers: tuple[str, ...]
    columns: tuple[str | None, ...]
    guarded: bool

    def with_tail(self, headers: Sequence[str]) -> ColumnMapping:
        """The mapping with more columns at the end that are ignored."""
        return replace(self, headers=(*self.headers, *headers), columns=(*self.columns, *(None for _ in headers)))

    def as_dict(self) -> dict[str, str | None]:
        return dict(zip(self.headers, self.columns, strict=True))


@dataclass(frozen=True, slots=True)
class HeaderNames:
    """A file's headers, stripped and made distinct; ``doubled`` tells for each whether it occurred several times."""

    names: tuple[str, ...]
    doubled: tuple[bool, ...]
    guarded: bool
    """Whether the file is a rejected.csv."""


def read_names(headers: Sequence[str], *, has_header: bool) -> HeaderNames:
    """Strip headers and compose them as people type them (NFC); of two equal ones the second becomes ``a_2``."""
    names = [_composed(header.strip()) for header in headers]
    if not has_header:
        return HeaderNames(tuple(names), (False,) * len(names), guarded=False)
    guarded = all(name in names for name in ADDED_HEADERS)
    if guarded:
        names = [name[1:] if re.match(GUARDED, name) else name for name in names]
    counts = Counter(names)
    told_apart: list[str] = []
    for name in names:
        free, number = name, 2
        while free in told_apart or (free != name and free in counts):
            free, number = f"{name}_{number}", number + 1
        told_apart.append(free)
    return HeaderNames(tuple(told_apart), tuple(counts[name] > 1 for name in names), guarded)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def check_order(heading: Sequence[str], width: int, names: Sequence[str]) -> None:
    """Refuse to map by position below a damaged header, unless it still shows that the file has the table's order.

    ``heading`` are the names in it, ``width`` is the number of the file's columns. All but two names have to match,
    counted from the left or from the right.
    """
    said, wanted = [_loose(cell) for cell in heading], [_loose(name) for name in names[:width]]
    left = _agreeing(said, wanted)
    right = min(_agreeing(said[::-1], wanted[::-1]), width - left)
    if len(wanted) < width or left + right < max(1, width - 2):
        reason = f"The header is damaged: it does not name the {width} columns that the rows have. Correct it, or set “has_header” to false if the file has no header."  # noqa: E501
        raise InvalidInput(reason, code="malformed_header", fields={"file": reason})


def _agreeing(first: Sequence[str], second: Sequence[str]) -> int:
    """How many leading items are equal."""
    return next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def map_onto(
    headers: Sequence[str],
    wanted: Mapping[str, str | None] | None,
    columns: Sequence[ColumnSpec],
    *,
    has_header: bool,
    may_lack: bool = False,
) -> ColumnMapping:
    """Map a file's headers onto an existing table's columns.

    By ``wanted``, else by name or label (exactly, then without regard to case, spaces and punctuation), else, if there
    is no header, by position; also by position if the file is the rejected.csv of a file without a header. Raises
    InvalidInput if nothing matches, if the mapping names an unknown header or column, or if the file has nothing for a
    required column without a default (unless ``may_lack``: its rows may update records).
    """
    read = read_names(headers, has_header=has_header)
    stripped, guarded = read.names, read.guarded
    names = {column.name for column in columns}
    chosen = _chosen(stripped, wanted or {}, names)
    taken = {column for column in chosen.values() if column is not None}
    labels = {column.label: column.name for column in columns if column.label}
    loose = {_loose(column.label): column.name for column in columns if column.label}
    loose |= {_loose(column.name): column.name for column in columns}
    order = [column.name for column in columns]
    if guarded and not names.intersection(stripped) and are_numbered(stripped):
        has_header = False
    found: list[str | None] = []
    for place, header in enumerate(stripped):
        if header in chosen:
            found.append(chosen[header])
            continue
        if guarded and header in ADDED_HEADERS:
            found.append(None)
            continue
        if has_header:
            column = header if header in names else labels.get(header, loose.get(_loose(header)))
        else:
            column = order[place] if place < len(order) else None
        if column in taken or (column != header and column in stripped and has_header):
            column = None
        if column is not None and read.doubled[place]:
            reason = f"The header has “{column}” twice. Choose “{header}” or “{header}_2” in “mapping”."
            raise InvalidInput(reason, code="duplicate_headers", fields={"mapping": reason})
        if column is not None:
            taken.add(column)
        found.append(column)
    width = len(stripped) - guarded * len(ADDED_HEADERS)
    if not has_header and width > len(order) and not wanted:
        reason = f"The file has no header and {width} columns; the table has {len(order)}. Map them with “mapping”."
        raise InvalidInput(reason, code="no_matching_columns", fields={"mapping": reason})
    if not taken:
        reason = "No header of the file is a column of the table. Say in “mapping” which column each goes into."
        raise InvalidInput(reason, code="no_matching_columns", fields={"mapping": reason})
    missing = lacking(columns, taken)
    if missing and not may_lack:
        reason = f"The file has no values for the required {_list(missing)}."
        raise InvalidInput(reason, code="missing_columns", fields={"mapping": reason})
    return ColumnMapping(stripped, tuple(found), guarded)


def lacking(columns: Sequence[ColumnSpec], filled: Collection[str | None]) -> list[str]:
    """The columns that a new record needs and that are not ``filled``."""
    return [c.name for c in columns if c.required and c.default is None and c.name not in filled]


def map_new(headers: Sequence[str], wanted: Mapping[str, str | None] | None, *, has_header: bool) -> ColumnMapping:
    """Map a file's headers onto the columns of a table that is to be made from it."""
    read = read_names(headers, has_header=has_header)
    stripped, guarded = read.names, read.guarded
    chosen = _chosen(stripped, wanted or {}, None)
    taken = [validate_identifier(name, what="column", field="mapping") for name in chosen.values() if name is not None]
    found: list[str | None] = []
    for header in stripped:
        if header in chosen:
            found.append(chosen[header])
        elif guarded and header in ADDED_HEADERS:
            found.append(None)
        else:
            column = derive_identifier(header, what="column", taken=taken)
            taken.append(column)
            found.append(column)
    if not any(found):
        raise InvalidInput("No column would be imported.", code="no_columns", fields={"mapping": "All null."})
    return ColumnMapping(stripped, tuple(found), guarded)


def passed_over(headers: Sequence[str], gaps: Collection[str]) -> list[str]:
    """What is said of columns of the file that go nowhere by themselves; ``gaps`` have neither a name nor values."""
    named = [header for header in headers if header not in gaps]
    notes = ["Ignored, since no column has this name: " + ", ".join(named[:20])] if named else []
    if empty := len(headers) - len(named):
        many = f"{empty} columns have" if empty > 1 else "1 column has"
        notes.append(f"{many} neither a name nor a value in the first rows: left out.")
    return notes


def are_numbered(headers: Sequence[str]) -> bool:
    """Whether these are the names given to a file without a header (apart from those that rejected.csv adds)."""
    own = [header for header in headers if header not in ADDED_HEADERS]
    return own == [f"column_{number}" for number in range(1, len(own) + 1)]


def _chosen(headers: Sequence[str], wanted: Mapping[str, str | None], names: set[str] | None) -> dict[str, str | None]:
    chosen = {_composed(header.strip()): column for header, column in wanted.items()}
    unknown = [header for header in chosen if header not in headers]
    if unknown:
        reason = f"The file has no {_list(unknown)}."
        raise InvalidInput(reason, code="unknown_header", fields={"mapping": reason})
    if names is not None:
        strangers = [column for column in chosen.values() if column is not None and column not in names]
        if strangers:
            reason = f"The table has no {_list(strangers)}."
            raise InvalidInput(reason, code="unknown_column", fields={"mapping": reason})
    # Existing columns are compared by exact name; two new ones must not differ in case alone.
    columns = Counter(c if names is not None else c.casefold() for c in chosen.values() if c is not None)
    doubled = [name for name, count in columns.items() if count > 1]
    if doubled:
        reason = f"Two headers are mapped to {_list(doubled)}."
        raise InvalidInput(reason, code="invalid_mapping", fields={"mapping": reason})
    return chosen


def _loose(name: str) -> str:
    """A name without case, spaces and punctuation, or what damage adds."""
    return "".join(char for char in _composed(name).casefold() if char.isalnum()) or name


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{'column' if len(names) == 1 else 'columns'} {shown}{more}"
