"""NULL markers and date formats are decided by the whole file."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from dataengine.tests.importing import import_text, make_table, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)


def test_markers_are_null_where_a_column_needs_them(owner: User) -> None:
    make_table(owner, "flights", tail="TEXT", delay="INTEGER")
    job = import_text(owner, "flights", 'tail,delay\nNA,1\n"NA",2\nN1,NA\n')
    assert records("flights", "tail", "delay") == [(None, "1"), ("NA", "2"), ("N1", None)]
    assert job.rows_rejected == 0


def test_markers_are_text_where_no_column_needs_them(owner: User) -> None:
    make_table(owner, "countries", code="TEXT", people="INTEGER")
    import_text(owner, "countries", "code,people\nNA,1\nAT,\n")
    assert records("countries", "code", "people") == [("NA", "1"), ("AT", None)]


def test_null_values_override(owner: User) -> None:
    make_table(owner, "t", a="TEXT", b="INTEGER")
    job = import_text(owner, "t", "a,b\nNA,1\n?,?\nx,NA\n", null_values=["?"])
    assert records("t", "a", "b") == [("NA", "1"), (None, None)]
    assert rejected(job) == [(4, [("b", "invalid_type")])]


def test_null_markers_are_missing_addresses_and_choices(owner: User) -> None:
    make_table(owner, "A", e="EMAIL", c="CHOICE('NA','DE')", u="URL NOT NULL")
    text = 'e,c,u\n"","DE",http://a.b\n-,NA,http://a.b\n"NA","NA",http://a.b\na@b.de,"",""\n'
    job = import_text(owner, "A", text)
    assert rejected(job) == [(5, [("u", "missing_value")])]
    assert records("A", "e", "c") == [(None, "DE"), (None, None), (None, "NA")]


def test_given_null_values_are_null_in_quotes_too_where_a_column_is_not_text(owner: User) -> None:
    make_table(owner, "Q", n="INTEGER", d="DATE", t="TEXT")
    text = 'n,d,t\n"-9","1900-01-01","-9"\n-9,1900-01-01,-9\n"5","2024-01-01","x"\n'
    import_text(owner, "Q", text, null_values=["-9", "1900-01-01"])
    assert records("Q", "n", "d", "t") == [(None, None, "-9"), (None, None, None), ("5", "2024-01-01", "x")]


def test_quoted_empty_is_text_in_text_columns_and_null_elsewhere(owner: User) -> None:
    make_table(owner, "t", a="TEXT", b="INTEGER")
    import_text(owner, "t", 'a,b\n"",""\n,3\n')

    assert records("t", "a", "b") == [("", None), (None, "3")]


def test_day_and_month_are_told_apart_by_the_whole_column(owner: User) -> None:
    make_table(owner, "t", day="DATE", at="TIMESTAMP")
    job = import_text(owner, "t", "day,at\n01/02/2024,03/04/2024 5:06\n01/25/2024,03/25/2024 17:06:07\n")
    assert records("t", "day", "at") == [
        ("2024-01-02", "2024-03-04 05:06:00"),
        ("2024-01-25", "2024-03-25 17:06:07"),
    ]
    assert job.findings["date_formats"] == {"day": ["%m/%d/%Y"], "at": ["%m/%d/%Y"]}


def test_ambiguous_dates_are_read_day_first_with_a_note(owner: User) -> None:
    make_table(owner, "t", day="DATE")
    job = import_text(owner, "t", "day\n01/02/2024\n03/04/2024\n")
    assert records("t", "day") == [("2024-02-01",), ("2024-04-03",)]
    assert any("%m/%d/%Y" in note for note in job.findings["notes"])


@pytest.mark.parametrize(
    ("dates", "form", "other"),
    [
        (["01/02/2024", "13/02/2024", "02/13/2024"], "%d/%m/%Y", "%m/%d/%Y"),
        (["01/02/2024", "02/13/2024", "02/14/2024", "13/02/2024"], "%m/%d/%Y", "%d/%m/%Y"),
    ],
)
def test_dates_in_two_orders_are_noted(owner: User, dates: list[str], form: str, other: str) -> None:
    make_table(owner, "t", day="DATE")
    job = import_text(owner, "t", "day\n" + "\n".join(dates) + "\n")
    assert rejected(job) == [(len(dates) + 1, [("day", "invalid_type")])]
    assert job.findings["notes"] == [f"day: dates are read as {form}; 1 cell is written as {other} and does not fit"]


def test_bad_cells_do_not_hide_the_format_of_the_others(owner: User) -> None:
    make_table(owner, "D", d="DATE", e="TIMESTAMP")
    rows = ["xx,01/02/2024 10:00", "01/02/2024,yy", "xx,2024-01-31", "01/31/2024,31/01/2024", "2024-05-06,"]
    job = import_text(owner, "D", "d,e\n" + "\n".join(rows) + "\n")
    assert rejected(job) == [
        (2, [("d", "invalid_type")]),
        (3, [("e", "invalid_type")]),
        (4, [("d", "invalid_type")]),
    ]
    assert records("D", "d", "e") == [("2024-01-31", "2024-01-31 00:00:00"), ("2024-05-06", None)]
    job = import_text(owner, "D", "d\n01/02/2024\nxx\n01/31/2024\n")
    assert records("D", "d")[2:] == [("2024-01-02",), ("2024-01-31",)]


def test_given_formats_are_used(owner: User) -> None:
    make_table(owner, "t", day="DATE")
    job = import_text(owner, "t", "day\n2.Jan.24\n2024-05-06\n1.1.24\n", date_formats=["%d.%b.%y"])
    assert records("t", "day") == [("2024-01-02",), ("2024-05-06",)]
    assert rejected(job) == [(4, [("day", "invalid_type")])]


_WRITTEN = {
    "two-digit years, day first": (["31/12/68", "31/12/69", "15/06/24"], ["2068-12-31", "1969-12-31", "2024-06-15"]),
    "two-digit years, month first": (["01/02/24", "12/31/69"], ["2024-01-02", "1969-12-31"]),
    "two-digit years with points": (["1.2.24", "24.12.99"], ["2024-02-01", "1999-12-24"]),
    "two-digit years, year first": (["24-01-31", "99-12-01"], ["2024-01-31", "1999-12-01"]),
    "short month names": (["3-Jan-24", "14-Feb-24"], ["2024-01-03", "2024-02-14"]),
    "month names": (["14 Feb 2024", "3 September 1999"], ["2024-02-14", "1999-09-03"]),
    "month before the day": (["January 5, 2024", "Feb 14, 2024"], ["2024-01-05", "2024-02-14"]),
    "ordinals": (["5th January 2024", "1st Feb 2024"], ["2024-01-05", "2024-02-01"]),
    "German": (["3. März 2024", "14. Dez. 2024"], ["2024-03-03", "2024-12-14"]),
    "French": (["1er août 2024", "14 févr. 2024"], ["2024-08-01", "2024-02-14"]),
    "Spanish": (["5 de enero de 2024", "6 dic 2024"], ["2024-01-05", "2024-12-06"]),
    "Italian": (["5 gennaio 2024", "6 lug 2024"], ["2024-01-05", "2024-07-06"]),
    "Dutch": (["5 maart 2024", "6 mei 2024"], ["2024-03-05", "2024-05-06"]),
    "Portuguese": (["5 de março de 2024", "6 out 2024"], ["2024-03-05", "2024-10-06"]),
    "no spaces": (["05JAN2024", "14FEB2024"], ["2024-01-05", "2024-02-14"]),
}


@pytest.mark.parametrize("name", _WRITTEN)
def test_dates_are_read_as_people_write_them(owner: User, name: str) -> None:
    cells, days = _WRITTEN[name]
    text = "d;n\n" + "".join(f"{cell};{number}\n" for number, cell in enumerate(cells))
    made = import_text(owner, "made", text, create_table=True)
    assert made.findings["types"]["d"] == "date"
    make_table(owner, "there", d="DATE", n="INTEGER")
    job = import_text(owner, "there", text)
    assert [day for (day,) in records("made", "d")] == [day for (day,) in records("there", "d")] == days
    assert job.rows_rejected == 0
    assert made.findings["notes"] == job.findings["notes"]
    has_short_years = "%y" in job.findings["date_formats"]["d"][0]
    assert any("69 to 99 are 19xx" in note for note in job.findings["notes"]) == has_short_years


def test_an_ambiguous_order_of_date_parts_is_noted_and_can_be_changed(owner: User) -> None:
    text = "d\n01/02/24\n03/04/05\n"
    job = import_text(owner, "A", text, create_table=True)
    assert records("A", "d") == [("2024-02-01",), ("2005-04-03",)]
    [note] = job.findings["notes"]
    assert note.startswith("d: every date fits %d/%m/%y, %m/%d/%y, %y/%m/%d; read as %d/%m/%y (day first); ")
    assert "; to change that, set date_formats to [“%m/%d/%y”]" in note
    import_text(owner, "B", text, create_table=True, date_formats=["%m/%d/%y"])
    assert records("B", "d") == [("2024-01-02",), ("2005-03-04",)]


def test_clocks_of_twelve_hours(owner: User) -> None:
    text = "at,t\n1/31/2024 12:05 AM,1:30 PM\n2/1/2024 1:30:15 p.m.,12:00\u202fam\n"
    job = import_text(owner, "A", text, create_table=True)
    assert job.findings["types"] == {"at": "timestamp", "t": "time"}
    assert records("A", "at", "t") == [("2024-01-31 00:05:00", "13:30:00"), ("2024-02-01 13:30:15", "00:00:00")]


def test_a_clock_of_twelve_hours_needs_no_minutes(owner: User) -> None:
    job = import_text(
        owner, "A", "t,at\n1 PM,1/31/2024 3pm\n12 am,2/1/2024 12 AM\n11:30 p.m.,2/1/2024 1:05 AM\n", create_table=True
    )
    assert job.findings["types"] == {"t": "time", "at": "timestamp"}
    assert records("A", "t", "at") == [
        ("13:00:00", "2024-01-31 15:00:00"), ("00:00:00", "2024-02-01 00:00:00"), ("23:30:00", "2024-02-01 01:05:00"),
    ]  # fmt: skip
    make_table(owner, "B", t="TIME")
    job = import_text(owner, "B", "t\n9 am\n13 pm\n7\n0 am\n")
    assert (records("B", "t"), [row.line for row in job.rejected_rows.all()]) == ([("09:00:00",)], [3, 4, 5])


def test_words_beside_numbers_are_not_dates(owner: User) -> None:
    job = import_text(owner, "A", "a,b\n10 Main 24,1.2.3\n3 Foo 2024,1.2.10\n", create_table=True)
    assert job.findings["types"] == {"a": "text", "b": "text"}
