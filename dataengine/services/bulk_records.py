"""Writes of many records at once: all or nothing, in statements over the whole set, with errors by index.

What PostgreSQL refuses about a set names at most one record, so the set is then halved (in savepoints) until each
record at fault is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from dataengine.columns import values
from dataengine.exceptions import Conflict, DataEngineError, InvalidInput, Unavailable, some_of
from dataengine.models import Table
from dataengine.models.shapes import ChangeFacts
from dataengine.postgres import trash
from dataengine.queries.references import named_references
from dataengine.records import before_after
from dataengine.records.bulk_updates import exchanged, without_unique_values, write_values
from dataengine.records.database_errors import translated
from dataengine.records.model import Record, record_model
from dataengine.records.serializers import RecordCleaner
from dataengine.services.audit import Trail, change_details, complete, record_event
from dataengine.services.records import record_versions

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_RECORDS = 10_000
# One answer names at most so many errors; the others come up once these are corrected.
_MAX_ERRORS = 100


class RecordFault(TypedDict):
    """What is wrong with one of many records: ``index`` is its place in the list, ``fields`` the errors by column."""

    index: int
    code: str
    fields: dict[str, list[str]]


def insert_many(*, user: User, table: Table, records: object, trail: Trail | None = None) -> list[int]:
    """Insert records (``[{column name: value}, …]``) and return their ids in the same order."""
    model = record_model(table)
    cleaner = RecordCleaner(model)
    rows = [model(**attributes) for attributes in _clean_all(_listed(records, "records"), cleaner.clean)]

    def write(part: Sequence[Record]) -> None:
        model.objects.bulk_create(part)

    with transaction.atomic():
        _write_all(model, rows, write)
        ids = [row.pk for row in rows]
        details = change_details(model.columns, len(ids))
        event = record_event(user=user, table=table, action="records.inserted", details=details)
        before_after.keep_inserted(event, _among(model, ids), model.columns)
        complete(event, trail)
    return ids


def update_many(
    *,
    user: User,
    table: Table,
    records: object,
    versions: Mapping[int, str] | None = None,
    trail: Trail | None = None,
) -> list[int]:
    """Change records (``[{"id": 1, "data": {column name: value}}, …]``), in the named columns only. Returns the ids.

    ``versions`` are those of the records that the user saw, by id (``record_version``): raises Conflict if one of these
    was changed since; its details name the ``ids``.
    """
    model = record_model(table)
    cleaner = RecordCleaner(model, partial=True)

    def clean(entry: object) -> tuple[int, dict[str, Any]]:
        if not isinstance(entry, Mapping) or set(entry) != {"id", "data"}:
            raise InvalidInput("Give each record as an object with id and data.", fields={"*": "Give id and data."})
        pk = _id(entry["id"])
        return pk, cleaner.clean(entry["data"], pk=pk)

    wanted = _clean_all(_listed(records, "records"), clean)
    with translated(model), transaction.atomic():
        ids = [pk for pk, _ in wanted]
        _lock(model, ids)
        _check_versions(model, versions or {})
        named = {attribute for _, attributes in wanted for attribute in attributes}
        columns = [column for column in model.columns if column.attribute in named]
        details = change_details(columns, len(ids))
        event = record_event(user=user, table=table, action="records.updated", details=details)
        before_after.keep_before(event, _among(model, ids), columns)
        _write_values(model, wanted)
        before_after.keep_after(event, model, columns)
        complete(event, trail)
    return ids


def delete_many(*, user: User, table: Table, ids: object, trail: Trail | None = None) -> int:
    """Delete the records with these ids; all of them must exist. Returns how many."""
    model = record_model(table)
    wanted = _clean_all(_listed(ids, "ids"), _id)
    with named_references(user, table, wanted), translated(model, deleting=True), transaction.atomic():
        _lock(model, wanted)
        return delete_records(user, model, _among(model, wanted), trail)


def delete_records(
    user: User, model: type[Record], records: QuerySet[Record], trail: Trail | None, **details: Unpack[ChangeFacts]
) -> int:
    """Delete ``records``, keeping their images, which have columns in the trash too. Returns how many.

    Inside a transaction.
    """
    columns = [*model.columns, *trash.hidden_columns(model.table)]
    event = record_event(
        user=user,
        table=model.table,
        action="records.deleted",
        details=change_details(columns, 0, **details),
    )
    count = before_after.keep_before(event, records, columns)
    before_after.delete(event, model)
    complete(event, trail, count=count)
    return count


def _listed(entries: object, field: str) -> list[Any]:
    if not isinstance(entries, list) or not entries:
        raise InvalidInput(f"Give {field} as a list with at least one entry.", fields={field: "Give a list."})
    if len(entries) > MAX_RECORDS:
        reason = f"At most {MAX_RECORDS} in one call are allowed; there are {len(entries)}."
        raise InvalidInput(reason, code="too_many_records", fields={field: reason})
    return entries


def _id(value: object) -> int:
    if isinstance(value, str | int) and not isinstance(value, bool):
        with suppress(ValidationError):
            return values.parse_integer(value)
    raise InvalidInput("An id must be a whole number.", fields={"id": "Give a whole number."})


def _clean_all[T](entries: Sequence[Any], clean: Callable[[Any], T]) -> list[T]:
    """Check every entry; raises all errors at once, by index."""
    cleaned: list[T] = []
    faults: list[tuple[int, DataEngineError]] = []
    for index, entry in enumerate(entries):
        try:
            cleaned.append(clean(entry))
        except InvalidInput as error:
            faults.append((index, error))
            if len(faults) == _MAX_ERRORS:
                break
    if faults:
        raise _by_index(faults)
    return cleaned


def _among(model: type[Record], ids: Sequence[int]) -> QuerySet[Record]:
    """The records with these ids: as one array, since a list would be ten thousand parameters (80 ms instead of 9)."""
    found: QuerySet[Record] = model.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(ids)]))
    return found


def _lock(model: type[Record], ids: Sequence[int]) -> None:
    """Lock the records in the order of their ids, so that two calls cannot lock each other out."""
    twice = [(i, InvalidInput("", fields={"id": "This id is given twice."})) for i in _repeated(ids)]
    if twice:
        raise _by_index(twice)
    known = set(_among(model, ids).select_for_update().order_by("pk").values_list("pk", flat=True))
    missing = [
        (index, InvalidInput("", fields={"id": f"There is no record {pk}."}))
        for index, pk in enumerate(ids)
        if pk not in known
    ]
    if missing:
        raise _by_index(missing[:_MAX_ERRORS], code="record_not_found")


def _check_versions(model: type[Record], versions: Mapping[int, str]) -> None:
    records = list(model.objects.filter(pk__in=list(versions)).order_by("pk")) if versions else []
    now = zip(records, record_versions(records), strict=True)
    changed = [record.pk for record, version in now if version != versions[record.pk]]
    if changed:
        message = f"Nothing was changed: somebody else changed these records meanwhile ({some_of(changed)})."
        raise Conflict(message, code="changed_meanwhile", details={"ids": changed})


def _repeated(ids: Sequence[int]) -> Iterable[int]:
    seen: set[int] = set()
    for index, pk in enumerate(ids):
        if pk in seen:
            yield index
        seen.add(pk)


def _write_values(model: type[Record], rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Set the values of each record, or raise an error that names each record at fault by its index."""
    with suppress(IntegrityError, DataError):
        with transaction.atomic():
            write_values(model, rows)
        return
    with without_unique_values(model, exchanged(model, rows)):
        _write_all(model, rows, lambda part: write_values(model, part))


def _write_all[T](model: type[Record], rows: Sequence[T], write: Callable[[Sequence[T]], None]) -> None:
    """Write ``rows``, or raise an error that names each row at fault by its index. Inside a transaction."""
    faults: list[tuple[int, DataEngineError]] = []

    def attempt(start: int, stop: int) -> None:
        if len(faults) >= _MAX_ERRORS:
            return
        try:
            with translated(model), transaction.atomic():
                write(rows[start:stop])
        except (Unavailable, Conflict):
            raise
        except DataEngineError as error:
            if stop - start == 1:
                faults.append((start, error))
                return
            middle = (start + stop) // 2
            attempt(start, middle)
            attempt(middle, stop)

    attempt(0, len(rows))
    if faults:
        raise _by_index(faults)


def _by_index(faults: Sequence[tuple[int, DataEngineError]], code: str = "invalid_records") -> InvalidInput:
    listed: list[RecordFault] = [
        {"index": index, "code": error.error_code, "fields": error.fields} for index, error in faults
    ]
    where = some_of(index for index, _ in faults)
    return InvalidInput(
        f"Nothing was changed: the records at index {where} are not valid.",
        code=code,
        fields={f"{index}.{name}": texts for index, error in faults for name, texts in error.fields.items()},
        details={"records": listed},
        pointers=[
            ((index, *path), text)
            for index, error in faults
            for path, text in error.pointers
            or [((name,), text) for name, texts in error.fields.items() for text in texts]
        ],
    )
