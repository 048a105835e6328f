"""Record models: unmanaged Django models made from the catalog for each use.

Building one takes about a millisecond. There is no cache, because that is what breaks such systems with several workers
(one of them always has yesterday's columns). Each model has a private registry and no relations; a reference is a plain
id whose constraint is in DDL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.apps.registry import Apps
from django.db import models

from dataengine.models import Column, Table
from dataengine.postgres import ddl


class Record(models.Model):
    """The base of all record models. ``columns`` are the catalog's, in order."""

    objects: ClassVar[models.Manager[Any]]
    table: ClassVar[Table]
    columns: ClassVar[Sequence[Column]]

    class Meta:
        abstract = True

    def values(self) -> dict[str, Any]:
        """The record as in API and pages: ``id``, then each column by name."""
        return {"id": self.pk, **{column.name: getattr(self, column.attribute) for column in self.columns}}


def record_model(table: Table, columns: Sequence[Column] | None = None) -> type[Record]:
    """The model of the records of ``table``. Pass ``columns``, if you have them, to save the query.

    A column is bound as ``column.attribute`` (``c12``), never by the name the user chose.
    """
    known = table.all_columns() if columns is None else list(columns)
    meta = type(
        "Meta",
        (),
        {
            "managed": False,
            "apps": Apps(),
            "app_label": ddl.SCHEMA,
            # Django leaves a name that is already quoted unchanged.
            "db_table": ddl.quoted(table.name),
            "ordering": ["id"],
            "default_permissions": (),
        },
    )
    attributes: dict[str, Any] = {
        "__module__": __name__,
        "Meta": meta,
        "id": models.BigAutoField(primary_key=True),
        "table": table,
        "columns": known,
    }
    for column in known:
        attributes[column.attribute] = field_of(column)
    return cast("type[Record]", type(f"Record{table.pk}", (Record,), attributes))


def bound_field(model: type[Record], attribute: str) -> models.Field[Any, Any]:
    """The field of a record model; since record models have no relations, it is never anything else."""
    return cast("models.Field[Any, Any]", model._meta.get_field(attribute))


def field_of(column: Column) -> models.Field[Any, Any]:
    """A new model field for ``column``, with its default as a Python value."""
    made = column.kind.model_field(
        column.all_parameters,
        name=column.name,
        label=column.label,
        required=column.required,
        unique=column.unique,
        constraints=column.constraints,
    )
    if column.default is not None:
        made.default = column.kind.default_value(made, column.default)
    return made
