"""Blocks of cells, as the grid's scripts send them: pasted from a spreadsheet or another part of the grid, or cleared.

A block is JSON: ``[{"id": 1, "version": "…", "cells": {"c12": "text", "c13": null}}, …]``, with texts as in an editor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from dataengine.exceptions import InvalidInput
from dataengine.models import Column, Table
from dataengine.services.bulk_records import RecordFault
from webui.grid.record_forms import cell_value


class CellFault(TypedDict):
    """What is wrong with one cell, by the record's id and the column's attribute."""

    id: int
    column: str
    message: str


class RecordValues(TypedDict):
    """A record's new values by column name, as ``update_many`` takes them."""

    id: int
    data: dict[str, Any]


class BlockEntry(TypedDict):
    """One record of a block as the scripts send it: texts by the columns' attributes."""

    id: int
    version: NotRequired[str]
    cells: dict[str, str | None]


class BadCells(Exception):
    """Cells whose texts are not values of their columns."""

    def __init__(self, cells: list[CellFault]) -> None:
        super().__init__(f"{len(cells)} cells are not valid")
        self.cells = cells


@dataclass(frozen=True, slots=True)
class CellBlock:
    """``records`` for ``update_many``, the ``versions`` that the user saw, by id, and the number of cells."""

    records: list[RecordValues]
    versions: dict[int, str]
    size: int
    attributes: dict[str, str]

    @classmethod
    def read(cls, text: str, columns: Sequence[Column], readable: Mapping[str, Table]) -> CellBlock:
        """Read a block. ``readable`` are the tables whose records can be named (``references.readable``).

        Raises InvalidInput if it is damaged, BadCells if texts are not values.
        """
        known = {column.attribute: column for column in columns}
        records: list[RecordValues] = []
        versions: dict[int, str] = {}
        faults: list[CellFault] = []
        # A label that occurs many times is looked up once.
        named: dict[tuple[str, str | None], Any] = {}
        for entry in _entries(text):
            data: dict[str, Any] = {}
            for attribute, written in entry["cells"].items():
                column = known.get(attribute)
                if column is None:
                    raise InvalidInput("This column no longer exists. Reload the page.", code="column_not_found")
                try:
                    if (attribute, written) not in named:
                        named[attribute, written] = cell_value(
                            column, written or "", is_null=written is None, referred=readable.get(attribute)
                        )
                    data[column.name] = named[attribute, written]
                except InvalidInput as error:
                    faults.append({"id": entry["id"], "column": attribute, "message": error.message})
            records.append({"id": entry["id"], "data": data})
            if entry.get("version"):
                versions[entry["id"]] = entry["version"]
        if faults:
            raise BadCells(faults)
        attributes = {column.name: column.attribute for column in columns}
        return cls(records, versions, sum(len(record["data"]) for record in records), attributes)

    def cells_at_fault(self, error: InvalidInput) -> list[CellFault]:
        """The errors of ``update_many``, by cell."""
        faults: list[RecordFault] = error.details["records"]
        return [
            {"id": self.records[fault["index"]]["id"], "column": self.attributes.get(name, ""), "message": texts[0]}
            for fault in faults
            for name, texts in fault["fields"].items()
        ]


def _entries(text: str) -> list[BlockEntry]:
    """The entries of a block, each of the right shape. Raises InvalidInput."""
    damaged = InvalidInput("The cells were not sent correctly. Reload the page and try again.", code="invalid_block")
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise damaged from error
    if not isinstance(entries, list) or not entries:
        raise damaged
    for entry in entries:
        is_whole = isinstance(entry, dict) and type(entry.get("id")) is int and isinstance(entry.get("cells"), dict)
        if not is_whole or not isinstance(entry.get("version", ""), str):
            raise damaged
        if not all(written is None or isinstance(written, str) for written in entry["cells"].values()):
            raise damaged
    return entries
