"""Which column of the file goes into which column of the table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataengine.column_types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.identifiers import derive_identifier, validate_identifier

ADDED_HEADERS = ("_line", "_errors")
"""What rejected.csv adds to a file; ignored when the mended file comes back."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """``columns[i]`` is the column that the file's i-th column goes into, None for one that is passed over.

    ``guarded`` says that the file is a rejected.csv, whose cells may bear a formula guard.
    """

    headers: tuple[str, ...]
    columns: tuple[str | None, ...]
    guarded: bool

    def as_dict(self) -> dict[str, str | None]:
        return dict(zip(self.headers, self.columns, strict=True))


def check_headers(headers: Sequence[str]) -> bool:
    """Refuse headers that name no or the same column twice; say whether the file is a rejected.csv."""
    counts = Counter(header.strip() for header in headers)
    doubled = [header for header, count in counts.items() if count > 1]
    if "" in counts:
        place = [header.strip() for header in headers].index("") + 1
        raise InvalidInput(
            f"Column {place} of the file has no name in the header.",
            code="empty_header",
            fields={"file": "unnamed column"},
        )
    if doubled:
        names = ", ".join(f"“{header}”" for header in doubled[:5])
        raise InvalidInput(
            f"The header names a column twice: {names}.",
            code="duplicate_headers",
            fields={"file": f"The header names a column twice: {names}."},
        )
    return all(name in counts for name in ADDED_HEADERS)


def map_onto(
    headers: Sequence[str], wanted: Mapping[str, str | None] | None, columns: Sequence[ColumnSpec], *, has_header: bool
) -> ColumnMapping:
    """Map a file's headers onto an existing table's columns.

    By ``wanted``, else by name (letter for letter, then without regard to case, spaces, hyphens and underscores), else,
    without a header, by position. Raises InvalidInput where nothing matches, where the mapping names what is not there,
    or where a required column without a default gets nothing.
    """
    guarded = check_headers(headers) if has_header else False
    stripped = tuple(header.strip() for header in headers)
    names = {column.name for column in columns}
    chosen = _chosen(stripped, wanted or {}, names)
    taken = {column for column in chosen.values() if column is not None}
    loose = {_loose(column.name): column.name for column in columns}
    order = [column.name for column in columns]
    found: list[str | None] = []
    for place, header in enumerate(stripped):
        if header in chosen:
            found.append(chosen[header])
            continue
        if guarded and header in ADDED_HEADERS:
            found.append(None)
            continue
        if has_header:
            column = header if header in names else loose.get(_loose(header))
        else:
            column = order[place] if place < len(order) else None
        if column in taken or (column != header and column in stripped and has_header):
            column = None
        if column is not None:
            taken.add(column)
        found.append(column)
    if not has_header and len(stripped) > len(order) and not wanted:
        reason = f"The file has {len(stripped)} columns and no header; the table has {len(order)}."
        raise InvalidInput(reason, code="no_matching_columns", fields={"mapping": reason})
    if not taken:
        reason = "No header of the file is a column of the table; say which goes where in “mapping”."
        raise InvalidInput(reason, code="no_matching_columns", fields={"mapping": reason})
    missing = [c.name for c in columns if c.required and c.default is None and c.name not in taken]
    if missing:
        reason = f"The file has nothing for the required {_list(missing)}."
        raise InvalidInput(reason, code="missing_columns", fields={"mapping": reason})
    return ColumnMapping(stripped, tuple(found), guarded)


def map_new(headers: Sequence[str], wanted: Mapping[str, str | None] | None, *, has_header: bool) -> ColumnMapping:
    """Map a file's headers onto the columns of a table that is to be made from it."""
    guarded = check_headers(headers) if has_header else False
    stripped = tuple(header.strip() for header in headers)
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
        raise InvalidInput("Nothing of the file would be imported.", code="no_columns", fields={"mapping": "all null"})
    return ColumnMapping(stripped, tuple(found), guarded)


def _chosen(headers: Sequence[str], wanted: Mapping[str, str | None], names: set[str] | None) -> dict[str, str | None]:
    chosen = {header.strip(): column for header, column in wanted.items()}
    unknown = [header for header in chosen if header not in headers]
    if unknown:
        reason = f"The file has no {_list(unknown)}."
        raise InvalidInput(reason, code="unknown_header", fields={"mapping": reason})
    if names is not None:
        strangers = [column for column in chosen.values() if column is not None and column not in names]
        if strangers:
            reason = f"The table has no {_list(strangers)}."
            raise InvalidInput(reason, code="unknown_column", fields={"mapping": reason})
    doubled = [name for name, count in Counter(c for c in chosen.values() if c is not None).items() if count > 1]
    if doubled:
        reason = f"Two headers go into {_list(doubled)}."
        raise InvalidInput(reason, code="invalid_mapping", fields={"mapping": reason})
    return chosen


def _loose(name: str) -> str:
    return "".join(char for char in name.casefold() if char not in " _-")


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{'column' if len(names) == 1 else 'columns'} {shown}{more}"
