"""A corrected rejected.csv goes in as it is, whatever file its rows come from, and with the options of that import."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine.imports.rejecting.rejected_rows import csv_lines
from dataengine.tests.importing import import_text, make_table, records

pytestmark = pytest.mark.django_db(transaction=True)

FILES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "plain": (b"name,n,note\na,1,x\nb,zz,y\n", {}),
    "other delimiter": (b"name;n;note\na;1;x\nb;zz;y\n", {"delimiter": ";"}),
    "other encoding": (
        "name\tn\tnote\na\t1\tx\nb\tzz\ty\n".encode("utf-16"),
        {"encoding": "utf-16", "delimiter": "\t"},
    ),
    "no header": (b"a,1,x\nb,zz,y\n", {"has_header": False}),
    "no header, other quote": (b"'a','1','x'\n'b','zz','y'\n", {"has_header": False, "quote": "'"}),
    "preamble": (b"Report\nof today\nname,n,note\na,1,x\nb,zz,y\n", {"skip_rows": 2}),
    "escapes": (b'name|n|note\n"a"|1|x\nb|zz|"y"\n', {"escape": "\\", "delimiter": "|"}),
    "mapped": (b"=Wer?,n,note\na,1,x\nb,zz,y\n", {"mapping": {"=Wer?": "name"}}),
    "mapped by position": (b"1,a,x\nzz,b,y\n", {"has_header": False, "mapping": {"column_1": "n", "column_2": "name"}}),
}


def rejected_csv(job: Any) -> str:
    return b"".join(csv_lines(job)).decode()


def test_into_the_same_table(owner: User, subtests: pytest.Subtests) -> None:
    for place, (kind, (data, options)) in enumerate(FILES.items()):
        with subtests.test(kind=kind):
            table = make_table(owner, f"T{place}", name="TEXT", n="INTEGER", note="TEXT").name
            job = import_text(owner, table, data, **options)
            assert (job.rows_imported, job.rows_rejected) == (1, 1)
            # With the options of that import, and without unless they say what the columns are.
            for again in [options] if "mapping" in options or not options else [options, {}]:
                text = rejected_csv(job).replace("zz", "2")
                corrected = import_text(owner, table, text, filename="rejected.csv", **again)
                assert (corrected.rows_imported, corrected.rows_rejected) == (1, 0)
                assert records(table, "name", "n", "note")[-1] == ("b", "2", "y")
            assert len(records(table)) >= 2


def test_into_a_table_made_from_the_file(owner: User) -> None:
    data = 'Order ID (€),@user,+49,\n1,=a,"x",2\n2,-b,y\n'
    job = import_text(owner, "Made", data, create_table=True)
    text = rejected_csv(job)
    assert text.splitlines()[0] == "Order ID (€),'@user,+49,column_4,_line,_errors"
    corrected = import_text(owner, "Made", text, filename="rejected.csv")
    assert (corrected.rows_imported, corrected.rows_rejected) == (1, 0)
    names = [column.name for column in corrected.table.columns.all()] if corrected.table else []
    assert records("Made", *names) == [("1", "=a", "x", "2"), ("2", "-b", "y", None)]


def test_what_was_null_stays_null_and_what_was_escaped_stays_text(owner: User) -> None:
    make_table(owner, "T", n="INTEGER", note="TEXT")
    job = import_text(owner, "T", "n,note\n1,x\nNA,y\nzz,-\nzz,NA\nzz,=NA\n")
    import_text(owner, "T", rejected_csv(job).replace("zz", "NA"), filename="rejected.csv")
    assert records("T", "n", "note")[2:] == [(None, None), (None, None), (None, "=NA")]
    job = import_text(owner, "T", "n,note\nzz,a\\,b\n", escape="\\")
    import_text(owner, "T", rejected_csv(job).replace("zz", "5"), filename="rejected.csv")
    assert records("T", "n", "note")[-1] == ("5", "a,b")


def test_lines_that_nobody_has_mended_are_no_records(owner: User) -> None:
    make_table(owner, "T", name="TEXT", n="INTEGER", note="TEXT")
    job = import_text(owner, "T", 'name;n;note\na;1;x\nmany;2;y;z\nbad"q;3;x\nfew;4\nb;zz;y\n', delimiter=";")
    assert job.rows_rejected == 4
    again = import_text(owner, "T", rejected_csv(job).replace("zz", "2"), filename="rejected.csv")
    assert (again.rows_read, again.rows_imported, again.rows_rejected) == (4, 2, 2)
    assert records("T", "name", "n", "note")[1:] == [("few", "4", None), ("b", "2", "y")]
    assert [(error["code"], error["count"]) for error in again.errors] == [
        ("too_many_fields", 1),
        ("malformed_quotes", 1),
    ]
    text = rejected_csv(again)
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ['"many;2;y;z"', '"bad""q;3;x"']
    mended = text.replace('"many;2;y;z",,', "many,2,y; z").replace('"bad""q;3;x",,', '"5"" nail",,')
    last = import_text(owner, "T", mended, filename="rejected.csv")
    assert (last.rows_imported, last.rows_rejected) == (2, 0)
    assert records("T", "name", "n", "note")[3:] == [("many", "2", "y; z"), ('5" nail', None, None)]
