"""A corrected rejected.csv is read like the file its rows come from, though on its own it might mean something else."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine.exceptions import InvalidInput
from dataengine.imports.rejecting.rejected_rows import csv_lines
from dataengine.models import ImportJob
from dataengine.tests.importing import import_text, make_table, queue_import, records

pytestmark = pytest.mark.django_db(transaction=True)


def corrected(job: ImportJob, *, wrong: str = "bad", right: str = "2") -> str:
    return b"".join(csv_lines(job)).decode().replace(f"{wrong},", f"{right},", 1)


@pytest.mark.parametrize(
    ("text", "options", "record"),
    [
        # Other rows decided which is the day and which the month, or that NA is missing.
        ("name,n,day\na,1,02/13/2024\nb,bad,02/01/2024\n", {}, ("b", "2", "2024-02-01")),
        ("name,n,day\na,NA,\nNA,bad,\n", {}, (None, "2", None)),
        ("name,n,day\na,1,\nNA,bad,\n", {}, ("NA", "2", None)),
        # Options given for the file.
        ("x,y,z\na,1,-\nb,bad,-\n", {"mapping": {"x": "name", "y": "n", "z": None}}, ("b", "2", None)),
        ("1,a\nbad,b\n", {"has_header": False, "mapping": {"column_1": "n", "column_2": "name"}}, ("b", "2", None)),
        ("name,n,day\na,1,13|2|24\nb,bad,1|2|24\n", {"date_formats": ["%d|%m|%y"]}, ("b", "2", "2024-02-01")),
        ("name,n,day\nnil,1,\nnil,bad,\n", {"null_values": ["nil"]}, (None, "2", None)),
    ],
)
def test_read_as_before(owner: User, text: str, options: dict[str, Any], record: tuple[str | None, ...]) -> None:
    make_table(owner, "t", name="TEXT", n="INTEGER", day="DATE")
    first = import_text(owner, "t", text, **options)
    assert first.rows_rejected == 1

    again = import_text(owner, "t", corrected(first), filename="corrected.csv")

    assert (again.rows_imported, again.rows_rejected) == (1, 0), again.errors
    assert records("t", "name", "n", "day")[-1] == record


def test_the_file_is_known_by_its_name(owner: User) -> None:
    make_table(owner, "t", n="INTEGER", day="DATE")
    first = import_text(owner, "t", "n,day\n1,02/13/2024\nbad,02/01/2024\n")
    import_text(owner, "t", "n,day\n1,13/02/2024\nbad,02/01/2024\n")

    import_text(owner, "t", corrected(first), filename=f"rejected-{first.pk} (1).csv")

    assert records("t", "n", "day")[-1] == ("2", "2024-02-01")


def test_new_options_take_precedence(owner: User) -> None:
    make_table(owner, "t", n="INTEGER", day="DATE")
    first = import_text(owner, "t", "n,day\n1,02/13/2024\nbad,02/01/2024\n")

    import_text(owner, "t", corrected(first), date_formats=["%d/%m/%Y"])

    assert records("t", "n", "day")[-1] == ("2", "2024-01-02")


def test_date_formats_by_column(owner: User) -> None:
    make_table(owner, "t", one="DATE", two="DATE", three="DATE")
    formats = {"one": ["%m/%d/%Y"], "two": ["%d/%m/%Y"]}

    job = import_text(owner, "t", "one,two,three\n02/01/2024,02/01/2024,02/13/2024\n", date_formats=formats)

    assert job.rows_rejected == 0
    assert records("t", "one", "two", "three") == [("2024-02-01", "2024-01-02", "2024-02-13")]
    for wrong in ({"four": ["%d/%m/%Y"]}, {"one": ["%Q"]}, {"one": 5}):
        with pytest.raises(InvalidInput) as caught:
            queue_import(owner, "t", "one\n2024-01-01\n", date_formats=wrong)
        assert set(caught.value.fields) == {"date_formats"}
