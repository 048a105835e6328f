"""The beginning of a file is read once, however much is asked about it, and so are the options."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections import Counter
from typing import Any

import pytest
import xlsxwriter
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import Opening, examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.source import HEAD_BYTES, open_source
from dataengine.imports.rejecting.rejected_rows import csv_lines
from dataengine.models import ImportJob

from .conftest import MakeTable
from .importing import import_text
from .looks import counted_looks

TEXT = b"name,n\n" + b"".join(b"Ann %d,%d\n" % (n, n) for n in range(50))
LONG = b"name,n\n" + b"Ann,1\n" * (HEAD_BYTES // 3)
"""Twice as long as what is kept in memory, and all ASCII, so that detecting the encoding reads on."""
HEADERLESS = b"na,me,n\n" + b"Ann,1\n" * 20


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", data)
    return packed.getvalue()


def workbook() -> bytes:
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate([("name", "n"), *((f"Ann {n}", n) for n in range(50))]):
            sheet.write_row(place, 0, row)
    return packed.getvalue()


FILES = [
    ("a.csv", TEXT),
    ("a.csv", LONG),
    ("a.csv", HEADERLESS),
    ("a.csv.gz", gzip.compress(TEXT)),
    ("a.csv.gz", gzip.compress(LONG)),
    ("a.zip", zipped(TEXT)),
    ("a.xlsx", workbook()),
]
IDS = ["text", "long", "headerless", "gzip", "long gzip", "zip", "xlsx"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    return counted_looks(monkeypatch)


class Watched(io.BytesIO):
    """A file that counts how often its first byte was read."""

    beginnings = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.beginnings += self.tell() == 0
        return super().read(size)


@pytest.mark.parametrize(("filename", "data"), FILES, ids=IDS)
@pytest.mark.parametrize("options", [{"create_table": True}, {}], ids=["new table", "table"])
def test_a_start_over_the_api(
    client: APIClient, make_table: MakeTable, looks: Counter[str], options: dict[str, Any], filename: str, data: bytes
) -> None:
    if not options:
        make_table("people", name="TEXT", n="INTEGER")
    body = {
        "file": SimpleUploadedFile(filename, data),
        "table_name": "people",
        "email": "owner@example.com",
        "options": json.dumps(options),
    }
    answer = client.post("/api/upload-csv/", body, format="multipart")
    assert answer.status_code == 202, answer.content
    assert looks == {"file": 1, "options": 1}


@pytest.mark.django_db(transaction=True)
def test_a_corrected_file_whose_options_are_completed(
    client: APIClient, owner: User, make_table: MakeTable, looks: Counter[str]
) -> None:
    make_table("people", name="TEXT", n="INTEGER")
    first = import_text(owner, "people", "who,many\nAnn,x\n", mapping={"who": "name", "many": "n"})
    corrected = b"".join(csv_lines(first)).replace(b",x,", b",1,")
    looks.clear()
    body = {"file": SimpleUploadedFile("fixed.csv", corrected), "table_name": "people", "email": "owner@example.com"}
    answer = client.post("/api/upload-csv/", body, format="multipart")
    assert answer.status_code == 202, answer.content
    assert looks == {"file": 1, "options": 1}
    assert ImportJob.objects.get(pk=answer.json()["id"]).options == {"mapping": {"who": "name", "many": "n"}}


@pytest.mark.parametrize("data", [TEXT, LONG, HEADERLESS], ids=["text", "long", "headerless"])
def test_the_first_byte_is_read_once(data: bytes) -> None:
    file = Watched(data)
    opening = examine(file, "a.csv", DialectOptions())
    assert opening.headers == ["name", "n"] or opening.damaged_header == ["na", "me", "n"]
    assert opening.has_rows
    assert opening.first_records
    assert file.beginnings == 1


def test_answers_stay_the_same_if_the_file_is_read_in_between() -> None:
    """The rest beyond the head is found even if something else reads the file meanwhile, and the head is kept."""
    blank = b"\n" * HEAD_BYTES
    for filename, pack in (("a.csv", bytes), ("a.csv.gz", gzip.compress), ("a.zip", zipped)):
        source = open_source(io.BytesIO(pack(b"name,n\n" + blank + b"Ann,1\n")), filename)
        opening = Opening(source, DialectOptions())
        blocks = parse(source, opening.dialect, 2)
        assert opening.has_rows
        assert opening.has_rows == any(len(block) for block in blocks)
        source = open_source(io.BytesIO(pack(TEXT * 9_000)), filename)
        opening = Opening(source, DialectOptions())
        assert sum(1 for _ in parse(source, opening.dialect, 2)) > 1
        assert opening.first_records[0] == ["Ann 0", "0"]
        assert opening.has_rows


def test_an_error_beyond_the_head_is_raised_for_every_reader() -> None:
    packed = gzip.compress(b"name,n\n" + b"\n" * (3 * HEAD_BYTES) + b"Ann,1\n")
    source = open_source(io.BytesIO(packed[: len(packed) // 2]), "a.csv.gz")
    for _ in range(2):
        with pytest.raises(InvalidInput) as caught:
            sum(map(len, source.head.chunks()))
        assert caught.value.error_code == "broken_archive"
    assert source.head.sample(6) == b"name,n"
