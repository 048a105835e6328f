"""A column of a new table that tells its rows apart is proposed as unique, and made so by an option."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.planning.unique_keys import candidates
from dataengine.models import Column, ImportJob
from dataengine.tests.importing import import_text, rejected

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def keys(job: ImportJob) -> list[dict[str, Any]]:
    return [proposal for proposal in job.findings.get("proposals", ()) if proposal["code"] == "unique_key"]


@pytest.mark.parametrize(
    ("names", "likely"),
    [
        ("name sku customer_id", ["sku", "customer_id"]),
        ("order_id email note", ["order_id", "email"]),
        ("paid postcode weight", []),
        ("code number id", ["id", "code", "number"]),
    ],
)
def test_names_tell_which_are_likely(names: str, likely: list[str]) -> None:
    specs = [ColumnSpec(name=name, type="text") for name in names.split()]
    assert [spec.name for spec in candidates(specs)] == likely


def test_labels_are_read_too_and_measures_are_no_keys() -> None:
    specs = [
        ColumnSpec(name="kunde", type="text", label="KundenNr"),
        ColumnSpec(name="id_2", type="integer", label="ID"),
        ColumnSpec(name="weight_no", type="numeric"),
    ]
    assert [spec.name for spec in candidates(specs)] == ["id_2", "kunde"]
    assert candidates([*specs, ColumnSpec(name="sku", type="text", unique=True)]) == []


def test_a_dry_run_proposes_what_differs_in_the_whole_file(owner: User) -> None:
    text = "name,email,sku\nAnn,A@x.org,1\nBob,a@x.org,2\n"
    job = import_text(owner, "t", text, create_table=True, dry_run=True)
    [found] = keys(job)
    assert (found["column"], found["counts"], found["options"]) == ("sku", {"rows": 2}, {"unique": ["sku"]})
    assert found["message"] in job.findings["notes"]
    # Empty cells tell nothing apart, nor do equal ones.
    [found] = keys(import_text(owner, "t", text.replace(",2\n", ",\n"), create_table=True, dry_run=True))
    assert found["column"] == "email"
    assert keys(import_text(owner, "t", "sku\n1\n2\n1\n", create_table=True, dry_run=True)) == []
    assert keys(import_text(owner, "t", "sku\n1\n", create_table=True, dry_run=True)) == []


def test_the_option_makes_it_unique_and_repeated_rows_are_rejected(owner: User) -> None:
    job = import_text(owner, "t", "sku,n\na,1\nb,2\na,3\n", create_table=True, unique=["sku"])
    assert rejected(job) == [(4, [("sku", "duplicate_in_file")])]
    assert [column.name for column in Column.objects.filter(unique=True)] == ["sku"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"unique": ["nope"], "create_table": True}, "no column “nope”"),
        ({"unique": 5, "create_table": True}, "list"),
        ({"unique": ["a"]}, "for a new table"),
    ],
)
def test_what_cannot_be_meant_is_refused(owner: User, options: dict[str, Any], reason: str) -> None:
    import_text(owner, "t", "a\n1\n", create_table=True)
    name = "u" if options.get("create_table") else "t"
    with pytest.raises(InvalidInput, match=reason) as refused:
        import_text(owner, name, "a\n1\n", **options)
    assert list(refused.value.fields) == ["unique"]


def test_what_cannot_be_unique_fails_with_a_reason(owner: User) -> None:
    job = import_text(owner, "t", 'a,b\n1,"{""x"": 1}"\n2,"{""y"": 2}"\n', create_table=True, unique=["b"])
    assert (job.state, "cannot be unique" in job.error) == ("failed", True)
