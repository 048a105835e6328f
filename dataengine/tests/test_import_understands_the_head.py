"""Lines around a table in its file are ignored, and missing names in its header are filled in, with notes."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from django.contrib.auth.models import User

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.parsing.repeated import RepeatedHeads
from dataengine.imports.rejecting.mended_cells import RowReader
from dataengine.models import ImportJob, Table
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)


def made(owner: User, text: str | bytes) -> tuple[dict[str, str], list[tuple[object, ...]], list[str]]:
    """Types by name, records and notes of a table made from a file."""
    job = import_text(owner, "fresh", text, create_table=True)
    assert job.state == "completed", job.error
    columns = {column.name: column.type for column in Table.objects.get(name="fresh").columns.all()}
    return columns, records("fresh", *columns), job.findings["notes"]


GROUPS = [None, "X", None, "Y", None]
WRAPPED = "Lines that are in quotes as a whole were taken out of them (to change that, set “delimiter”)."


@pytest.mark.parametrize("rows", [1, 2, 5, 60])
def test_one_extra_separator_at_every_line_end_is_ignored(owner: User, rows: int) -> None:
    columns, found, notes = made(owner, "a,b\n" + "1,2,\n" * rows)
    assert columns == {"a": "integer", "b": "integer"}
    assert found == [("1", "2")] * rows
    assert notes == ["1 separator too many at the end of each line ignored."]


@pytest.mark.parametrize(
    ("text", "separators"),
    [
        ("a,b,\n1,2,\n3,4,\n", 1),
        ("a;b;;\n1;2;;\n", 2),
        ("a,b\n1,2, \n3,4,\t\n", 1),
        ("R,G,,,\n1,2,,,\n,,,,\n3,4,,,\n", 3),
    ],
)
def test_separators_at_the_end_are_not_columns(owner: User, text: str, separators: int) -> None:
    columns, _, notes = made(owner, text)
    assert len(columns) == 2
    assert notes[0].startswith(f"{separators} separator")


def test_a_late_cell_in_an_unnamed_column_makes_it_one(owner: User) -> None:
    text = "a,b,\n" + "1,2,\n" * 60_000 + "3,4,late\n"
    columns, found, notes = made(owner, text)
    assert columns == {"a": "integer", "b": "integer", "column_3": "text"}
    assert (len(found), found[-1]) == (60_001, ("3", "4", "late"))
    assert not [note for note in notes if "separator" in note]


def test_a_late_cell_in_an_unnamed_column_is_ignored_where_dates_are_looked_at_first(owner: User) -> None:
    make_table(owner, "T", a="INTEGER", born="DATE")
    job = import_text(owner, "T", "a,born,\n" + "1,13/02/2024,\n" * 300_000 + "3,04/05/2024,late\n")
    assert (job.state, job.rows_imported) == ("completed", 300_001), job.error
    assert records("T", "born")[-1] == ("2024-05-04",)


def test_separators_at_the_end_onto_a_table(owner: User) -> None:
    make_table(owner, "T", a="INTEGER", b="INTEGER")
    job = import_text(owner, "T", "a,b\n1,2,\n3,4,\n")
    assert (records("T", "a", "b"), rejected(job)) == ([("1", "2"), ("3", "4")], [])


@pytest.mark.parametrize("first", [["1", "2", "3"], ["0", "1", "2"], ["Mazda RX4", "Datsun 710", "Valiant"]])
def test_a_header_without_a_name_for_the_first_column(owner: User, first: list[str]) -> None:
    text = "mpg,cyl\n" + "".join(f"{name},{number}.5,{number}\n" for number, name in enumerate(first))
    columns, found, notes = made(owner, text)
    assert list(columns) == ["column_1", "mpg", "cyl"]
    assert [row[0] for row in found] == first
    assert notes[0] == "The header has no name for the first column; it is called “column_1”."


def test_equal_headers_are_told_apart(owner: User) -> None:
    columns, found, notes = made(owner, "a,a,b,a\n1,x,2,two\n")
    assert columns == {"a": "integer", "a_2": "text", "b": "integer", "a_3": "text"}
    assert found == [("1", "x", "2", "two")]
    assert notes == ["Some columns have the same header; the later ones are called “a_2”, “a_3”."]


def test_equal_headers_onto_a_table_want_a_mapping(owner: User) -> None:
    make_table(owner, "T", a="TEXT", b="TEXT")
    with pytest.raises(InvalidInput) as caught:
        queue_import(owner, "T", "a,a\nx,y\n")
    assert (caught.value.error_code, list(caught.value.fields)) == ("duplicate_headers", ["mapping"])
    import_text(owner, "T", "a,a\nx,y\n", mapping={"a": "b", "a_2": "a"})
    assert records("T", "a", "b") == [("y", "x")]
    import_text(owner, "T", "c,c,b\n1,2,z\n")  # not needed by the table
    assert records("T", "a", "b")[-1] == (None, "z")


def test_names_match_however_their_letters_are_composed(owner: User) -> None:
    make_table(owner, "T", näme="TEXT", b="INTEGER")
    job = import_text(owner, "T", "na\u0308me,b\nx,1\n")
    assert (records("T", "näme", "b"), job.findings["notes"]) == ([("x", "1")], [])


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (b"a,b\n1,2\n\xef\xbb\xbf3,4\n", "Byte order marks at the start of 1 line were ignored."),
        (b"a,b\n1,2\n,\n\n,\n3,4\n", "2 lines of separators or spaces only: not rows."),
        ("a,b\n1,2\n , \n   \n\t\n\u00a0,\n3,4\n".encode(), "4 lines of separators or spaces only: not rows."),
        (b"a,b\n1,2\na,b\n3,4\n", "Line 3 repeats the header: it is no row."),
        (b'a,b\na,b\n1,2\n"a","b"\n3,4\n', "2 lines repeat the header, the first of them line 2: they are no rows."),
        (b"a,b\r\n1,2\r\n3,4\r\n\x1a", None),
        (b"a,b\r\n1,2\r\n3,4\x1a", None),
        (b"a,b\r\n1,2\r\n3,4\r\n\\.\r\n", None),  # as COPY ends
        (b'a,b\n"1,2"\n"3,4"\n', WRAPPED),
        (b"a,b\r\n1,2\r\n3,4\r\n" + 100 * b"\x1a", None),
    ],
)
def test_lines_that_are_not_rows(owner: User, text: bytes, note: str | None) -> None:
    columns, found, notes = made(owner, text)
    assert columns == {"a": "integer", "b": "integer"}
    assert found == [("1", "2"), ("3", "4")]
    assert notes == ([note] if note else [])


@pytest.mark.parametrize(
    ("text", "has_header", "rows"),
    [
        ("a\nx\na\n", None, [["x"], ["a"]]),  # a word below itself
        ("a,b\nx,b\na,b \nA,b\na,b\n", None, [["x", "b"], ["a", "b "], ["A", "b"]]),
        ("a,b\nx,y\na,b\n", False, [["a", "b"], ["x", "y"], ["a", "b"]]),
        ("n,a,a\n1,2,3\nn,a,a\n4,5,6\n", None, [["1", "2", "3"], ["4", "5", "6"]]),
        (2 * ",X,,Y,\nN,p,q,p,q\nA,1,2,3,4\nB,5,6,7,8\n", None, [["A", *"1234"], ["B", *"5678"]] * 2),
        (",X,,Y,\nN,p,q,p,q\nA,1,2,3,4\n,X,,Y,\nB,5,6,7,8\n", None, [["A", *"1234"], GROUPS, ["B", *"5678"]]),
    ],
)
def test_what_only_looks_like_the_header_is_a_row(
    text: str, has_header: bool | None, rows: list[list[str | None]]
) -> None:
    opening = examine(io.BytesIO(text.encode()), "a.csv", DialectOptions(has_header=has_header))
    heads = RepeatedHeads(opening.dialect, opening.lines_of_head)
    blocks = heads.left_out(parse(opening.source, opening.dialect))
    assert [list(row) for block in blocks for row in zip(*map(pa.Array.to_pylist, block.columns), strict=True)] == rows


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a;b\n1\n2\n3\n", "No table was made, because no row could be imported: expected 2 cells, found 1 (3 ×)."),
        (b"a;b\nJos\x8e\xff;1\n\xff\xfe\xfd;2\n", "Try again with the option “encoding”."),
    ],
)
def test_a_table_that_no_row_fits_is_not_made(owner: User, text: str | bytes, reason: str) -> None:
    job = import_text(owner, "fresh", text, create_table=True, encoding="utf-8", delimiter=";", has_header=True)
    assert (job.state, job.error_code, job.rows_imported) == ("failed", "no_row_fits", 0)
    assert reason in job.error
    assert job.rejected_rows.count() == job.rows_rejected == job.rows_read > 0
    assert not Table.objects.filter(name="fresh").exists()


def test_a_file_of_an_old_macintosh(owner: User) -> None:
    text = "name;city\nJosé;Málaga\nRené;Besançon\n"
    _, found, _ = made(owner, text.encode("mac_roman"))
    assert found == [("José", "Málaga"), ("René", "Besançon")]
    ImportJob.objects.all().delete()


def test_stray_quotes_name_the_option_that_reads_them(owner: User) -> None:
    file = 'stop,name\n1,Main St\n2,Track 5" North\n3,Elm\n'
    job = import_text(owner, "fresh", file, create_table=True)
    assert rejected(job) == [(3, [("*", "malformed_quotes")])]
    assert 'set the option quote to ""' in job.errors[0]["message"]
    make_table(owner, "T", stop="INTEGER", name="TEXT")
    assert import_text(owner, "T", file, quote="").rows_imported == 3


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('"k,name,n"\r\n"1,""Ann, B"",3"\r\n"2,Bob,4"\r\n', ["1", "Ann, B", "3"]),
        ('k;v;w\n"1;2,5;x"\n"2;3,5;y"\n', ["1", "2,5", "x"]),
        # A text in one column, not a line that was written twice:
        ('"City, State"\n"Austin, TX"\n"Bonn, DE"\n', ["Austin, TX"]),
        ('"Last,First"\n"Smith,John"\n"Doe,Jane"\n', ["Smith,John"]),
        ('j\n"{""a"":1,""b"":2}"\n"{""a"":3,""b"":4}"\n', ['{"a":1,"b":2}']),
        ('k,v,w\n"1,2,3"\n4,5,6\n', ["4", "5", "6"]),
        ("k\na\n\\.\n", ["a"]),
    ],
)
def test_lines_are_taken_out_of_quotes_only_where_that_makes_a_table(text: str, first: list[str]) -> None:
    assert examine(io.BytesIO(text.encode()), "a.csv", DialectOptions()).first_records[0] == first


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ('k,a,b\n1,5" pipe,3\n2,6" pipe,4\n', None),  # no row could be read with them, and none opens a cell
        ('k,a,b\n1,5" pipe,3\n2,6,4\n', '"'),
        ('k,a,b\n1, "Anna, X",3\n2, "Bob, Y",4\n', '"'),
    ],
)
def test_quotes_are_letters_where_they_enclose_nothing(text: str, quote: str | None) -> None:
    assert examine(io.BytesIO(text.encode()), "a.csv", DialectOptions()).dialect.quote == quote


def test_rows_within_a_cell_are_told(owner: User) -> None:
    text = "id,name,city\n1,a,b\n" + '2,"Ann,x\n3,c,d\n\n4,"e\nf",g\n5,h,i",z\n6,"j\nk l\nm",n\n7,o,p\n'
    job = import_text(owner, "cities", text, create_table=True)
    assert not [note for note in job.findings["notes"] if "look" in note]  # a quote within is damage: nothing is in it
    text = 'id,name,city\n1,a,b\n2,"Ann,x\n3,c,d\n\n4,e,f\n5,Bob",z\n6,"j\nk l\nm",n\n7,o,p\n'
    job = import_text(owner, "towns", text, create_table=True)
    assert (job.rows_imported, job.rows_rejected) == (4, 0)
    [told] = [note for note in job.findings["notes"] if "look" in note]
    assert told.startswith("2 lines look like rows but stand within a cell in quotes, in the row on line 3: if that")


def test_what_the_mapping_leaves_out_is_not_missed(owner: User) -> None:
    make_table(owner, "T", a="TEXT")
    job = import_text(owner, "T", "a,b,c\nx,1,2\n", mapping={"b": None})
    assert job.findings["notes"] == ["Ignored, since no column has this name: c"]


def test_drawn_tables_give_what_they_show(owner: User) -> None:
    line = "+----+-------+\n"
    rows = "|  1 | Ann B |\n|  2 |       |\n| x  | Bob   |\n"
    table = make_table(owner, "T", nr="INTEGER", name="TEXT")
    job = import_text(owner, "T", f"{line}| nr | name  |\n{line}{rows}{line}3 rows in set (0.00 sec)\n")
    assert records("T", "nr", "name") == [("1", "Ann B"), ("2", None)]
    assert rejected(job) == [(6, [("nr", "invalid_type")])]
    assert job.findings["notes"] == ["The lines that the table is drawn with are no rows."]
    assert job.rejected_rows.get().raw == "| x  | Bob   |"
    [row] = RowReader(job, list(table.columns.all())).cells(job.rejected_rows.get()).cells[1:]
    assert row.text == "Bob"
