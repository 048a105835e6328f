"""Builds the indexes of a filled shadow, which make it fit to take the table's place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import IntegrityError, transaction
from psycopg import errors

from dataengine.exceptions import InvalidInput
from dataengine.models import Column

from .shadow import Shadow


def build_indexes(shadow: Shadow, columns: Sequence[Column], progress: Callable[[int, int], None]) -> None:
    """Build those of the unique columns, then that of the key. ``progress`` is told before each: so many of how many.

    What may repeat was held back, so no value of the file stands twice. Raises InvalidInput where the file leaves a
    unique column to its default.
    """
    unique = {column.name for column in columns if column.unique}
    wanted = [(place, spec) for place, spec in enumerate(shadow.all_specs) if spec.name in unique]
    for done, (place, spec) in enumerate(wanted):
        progress(done, len(wanted) + 1)
        try:
            with transaction.atomic():
                shadow.add_unique(spec.name, place)
        except IntegrityError as error:
            if not isinstance(error.__cause__, errors.UniqueViolation) or spec.name in shadow.columns:
                raise
            reason = f"“{spec.name}” is unique, so its default fits one record only; the file has to give its values."
            raise InvalidInput(reason, code="missing_columns", fields={"mapping": reason}) from error
    progress(len(wanted), len(wanted) + 1)
    shadow.add_primary_key()
