"""A block of cells is written as one change, all or nothing, with errors by cell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from dataengine.models import AuditEvent, Table
from dataengine.services.records import get_record, insert_record, record_version, update_record
from webui.grid.cells import RecordGrid
from webui.tests.conftest import PARTIAL, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def paste(client: Client, table: Table, rows: dict[int, dict[str, str | None]], **more: str) -> Any:
    attributes = {column.name: column.attribute for column in table.columns.all()}
    block = [
        {
            "id": pk,
            "version": more.get("version", ""),
            "cells": {attributes[name]: text for name, text in cells.items()},
        }
        for pk, cells in rows.items()
    ]
    return client.post(f"/tables/{table.name}/paste/", {"block": json.dumps(block)} | more, headers=PARTIAL)


def values(table: Table, pk: int) -> dict[str, Any]:
    return get_record(table, pk).values()


def test_a_block_is_one_change_and_undone_as_one(as_owner: Client, people: Table) -> None:
    before = [values(people, pk) for pk in (1, 2)]
    answer = paste(as_owner, people, {1: {"name": "A", "score": "1", "notes": None}, 2: {"name": "B", "active": "yes"}})
    assert answer.status_code == 204
    assert (values(people, 1)["name"], values(people, 1)["notes"], values(people, 2)["active"]) == ("A", None, True)
    html = read(as_owner.get("/tables/people/", headers=PARTIAL))
    assert "5 cells of 2 records are pasted." in html
    event = AuditEvent.objects.latest("id")
    assert as_owner.post(f"/tables/people/undo/{event.pk}/", headers=PARTIAL).status_code == 204
    assert [values(people, pk) for pk in (1, 2)] == before


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ({1: {"name": "A", "score": "many"}, 3: {"born": "soon"}}, [(1, "score"), (3, "born")]),
        ({1: {"name": None}, 2: {"notes": "x"}}, [(1, "name")]),
        ({2: {"notes": "x"}, 3: {"email": "ann@example.com"}}, [(3, "email")]),
        ({1: {"email": "same@example.com"}, 2: {"email": "same@example.com"}}, [(2, "email")]),
    ],
)
def test_errors_name_their_cells_and_nothing_changes(
    as_owner: Client, people: Table, rows: dict[int, dict[str, str | None]], faults: list[tuple[int, str]]
) -> None:
    before = [values(people, pk) for pk in (1, 2, 3)]
    answer = paste(as_owner, people, rows)
    assert answer.status_code == 422
    named = {column.attribute: column.name for column in people.columns.all()}
    assert [(fault["id"], named[fault["column"]]) for fault in answer.json()["cells"]] == faults
    assert all(fault["message"] for fault in answer.json()["cells"])
    assert [values(people, pk) for pk in (1, 2, 3)] == before


def test_somebody_was_faster(as_owner: Client, people: Table, owner: User) -> None:
    version = record_version(get_record(people, 1))
    update_record(user=owner, table=people, pk=1, data={"notes": "theirs"})
    answer = paste(as_owner, people, {1: {"name": "A"}}, version=version)
    assert answer.status_code == 409
    assert "somebody else changed these records meanwhile (1)" in read(answer)
    version = record_version(get_record(people, 1))
    assert paste(as_owner, people, {1: {"name": "A"}}, version=version).status_code == 204
    assert values(people, 1)["notes"] == "theirs"


def test_copied_cells_are_pasted_unchanged(as_owner: Client, owner: User) -> None:
    kinds: dict[str, tuple[str, Any]] = {
        "t": ("TEXT", "a"), "i": ("BIGINT", -(2**63)), "n": ("NUMERIC(30,4)", "12345678901234567890.5000"),
        "r": ("REAL", 0.1), "d": ("FLOAT", 1e-300), "b": ("BOOLEAN", False), "day": ("DATE", "0001-01-01"),
        "clock": ("TIME", "23:59:59.000001"), "at": ("TIMESTAMP", "2024-02-29T01:02:03.4"),
        "moment": ("TIMESTAMPTZ", "2024-02-29T01:02:03+05:00"), "u": ("UUID", "00000000-0000-0000-0000-00000000000a"),
        "tags": ("TEXT[]", ["a, b", "[c]", ""]), "few": ("CHOICES('x','y, z')", ["y, z", "x"]),
        "took": ("DURATION", "-PT25H0.5S"), "doc": ("JSONB", {"a": [1, None, "é"]}),
        "c": ("CHOICE('x','y z')", "y z"), "e": ("EMAIL", "a@example.com"),
    }  # fmt: skip
    table = make_table(owner, "kinds", {name: kind for name, (kind, _) in kinds.items()})
    record = insert_record(user=owner, table=table, data={name: value for name, (_, value) in kinds.items()})
    insert_record(user=owner, table=table, data={})
    shown = RecordGrid([record], list(table.columns.all())).lines()[0].cells
    assert (
        paste(
            as_owner, table, {2: dict(zip(kinds, (cell.value or cell.text for cell in shown), strict=True))}
        ).status_code
        == 204
    )
    assert values(table, 2) == values(table, 1) | {"id": 2}


def test_references_go_by_name(as_owner: Client, owner: User, people: Table) -> None:
    pets = make_table(owner, "pets", {"keeper": "REFERENCES people"})
    for _ in range(3):
        insert_record(user=owner, table=pets, data={})
    assert (
        paste(as_owner, pets, {1: {"keeper": "Bob #2"}, 2: {"keeper": "Bob #2"}, 3: {"keeper": "1"}}).status_code == 204
    )
    assert [values(pets, pk)["keeper"] for pk in (1, 2, 3)] == [2, 2, 1]
    refused = paste(as_owner, pets, {1: {"keeper": "nobody"}}).json()
    assert "No record of “people” has this label." in refused["cells"][0]["message"]


@pytest.mark.parametrize(
    "block",
    ["", "{", "[]", "{}", "[1]", '[{"id": "1", "cells": {}}]', '[{"id": 1}]', '[{"id": 1, "cells": {"c1": 1}}]',
     '[{"id": 1, "version": 5, "cells": {}}]', '[{"id": 1, "cells": {"c0": "x"}}]', '[{"id": true, "cells": {}}]'],
)  # fmt: skip
def test_damaged_blocks_are_refused(as_owner: Client, people: Table, block: str) -> None:
    answer = as_owner.post("/tables/people/paste/", {"block": block}, headers=PARTIAL)
    assert answer.status_code == 400


def test_rights_are_needed(as_stranger: Client, as_colleague: Client, shared: Table) -> None:
    assert paste(as_stranger, shared, {1: {"name": "A"}}).status_code == 404
    assert paste(as_colleague, shared, {1: {"name": "A"}}).status_code == 403
    assert values(shared, 1)["name"] == "Ann"
