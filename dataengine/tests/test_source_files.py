"""Which files are read at all, how they unpack, and what is refused at once."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from contextlib import suppress

import pytest

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.detection import detect
from dataengine.imports.dialects.dialect import Dialect, DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.source import SourceLimits, open_source

CSV = b"id,name\n1,anna\n2,bob\n"


def gzipped(data: bytes) -> bytes:
    """Always the same bytes: test names contain them, and parallel workers must agree on the names."""
    return gzip.compress(data, mtime=0)


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        ("a.csv", CSV),
        ("A.CSV", CSV),
        ("a.b.tsv", CSV),
        ("a.txt", CSV),
        ("a.csv.gz", gzipped(CSV)),
        ("a.csv.gz", gzipped(CSV[:8]) + gzipped(CSV[8:])),
        ("a.zip", zipped({"a.csv": CSV})),
        ("a.zip", zipped({"data/": b"", "data/a.csv": CSV, "__MACOSX/data/._a.csv": b"x"})),
    ],
)
def test_files_that_are_read(filename: str, data: bytes) -> None:
    source = open_source(io.BytesIO(data), filename)
    assert source.bytes_total == len(data)
    assert source.bytes_read == 0
    assert b"".join(source.open_text("utf-8")) == CSV
    assert b"".join(source.open_text("utf-8")) == CSV, "a source can be read again"
    assert source.bytes_read == source.bytes_total
    dialect = detect(source)
    assert [block.columns[1].to_pylist() for block in parse(source, dialect)] == [["anna", "bob"]]


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200)


@pytest.mark.parametrize(
    ("filename", "data", "code"),
    [
        ("a.csv", b"", "empty_file"),
        ("a.csv.gz", gzipped(b""), "empty_file"),
        ("a.zip", zipped({"a.csv": b""}), "empty_file"),
        ("a.csv", PNG, "not_csv"),
        ("a.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "not_csv"),
        ("a.csv", b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff" + bytes(100), "not_csv"),
        ("a.csv", b"\x7fELF\2\1\1" + bytes(100), "not_csv"),
        ("a.csv", random.Random(1).randbytes(5000), "not_csv"),
        ("a.csv", zipped({"a.csv": CSV}), "not_csv"),
        ("a.csv", gzipped(CSV), "not_csv"),
        ("a.csv", b"<!DOCTYPE html><html><body>Sign in</body></html>", "not_csv"),
        ("a.csv", b"  <?xml version='1.0'?><a/>", "not_csv"),
        ("a.csv", b"<table>\n<tr><td>a</td></tr>", "not_csv"),
        ("a.csv", b"-[ RECORD 1 ]-\nname | Ann\n", "not_csv"),
        ("a.csv", b"+-[ RECORD 1 ]-+\n| name | Ann |\n", "not_csv"),
        ("a.csv", "┌─[ RECORD 1 ]─┐\n│ name │ Ann │\n".encode(), "not_csv"),
        ("a.csv", b"*************** 1. row ***************\nname: Ann\n", "not_csv"),
        ("a.csv", b"-- a dump\nSET x = 1;\n/* b */ INSERT INTO `t` (a, b) VALUES\n(1, 2);\n", "not_csv"),
        ("a.csv", b"create table t(a int, b int);\n", "not_csv"),
        ("a.csv.gz", gzipped(PNG), "not_csv"),
        ("a.csv.gz", CSV, "not_csv"),
        ("a.csv.gz", gzipped(CSV * 1000)[:-60], "broken_archive"),
        ("a.zip", CSV, "not_csv"),
        ("a.zip", zipped({"a.csv": CSV})[:-10], "broken_archive"),
        ("a.zip", zipped({"a.csv": CSV, "b.csv": CSV}), "multiple_members"),
        ("a.zip", zipped({}), "multiple_members"),
        ("a.zip", zipped({"a.png": PNG}), "not_csv"),
        ("a.zip", zipped({"a.csv": PNG}), "not_csv"),
        ("a.pdf", CSV, "not_csv"),
        ("a.xls", CSV, "not_csv"),
        ("a", CSV, "not_csv"),
        ("a.xlsx", CSV, "not_csv"),
        ("a.xlsx", zipped({"a.csv": CSV}), "not_csv"),
        ("a.tar.gz", gzipped(CSV), "not_csv"),
    ],
)
def test_files_that_are_refused(filename: str, data: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        for _ in open_source(io.BytesIO(data), filename).open_bytes():
            pass
    assert caught.value.error_code == code


@pytest.mark.parametrize(
    "data",
    [
        b"insert into,copy (x)\n1,2\n",
        b"Copy,of\n",
        b"MZ,b\n1,2\n",
        b"BZh,b\n1,2\n",
        b"ORC,x\n",
        b"RIFF,x\n1,2\n",
        b"a,b\n1,x\0y\n",
        b"\0a,b\n",
        b"a\n\x01\n",
    ],
)
def test_text_that_looks_odd_at_first_is_read(data: bytes) -> None:
    assert b"".join(open_source(io.BytesIO(data), "a.csv").open_bytes()) == data


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter"),
    [
        ("name;n\nЯблоко;1\n".encode("utf-16-le"), "utf-16-le", None),
        (b"a\x01b\n1\x012\n" * 20, None, "\x01"),
    ],
)
def test_given_options_take_precedence(data: bytes, encoding: str | None, delimiter: str | None) -> None:
    with pytest.raises(InvalidInput):
        open_source(io.BytesIO(data), "a.csv")

    assert open_source(io.BytesIO(data), "a.csv", encoding=encoding, delimiter=delimiter).sample() == data


def test_an_encrypted_archive_is_called_that() -> None:
    data = bytearray(zipped({"a.csv": CSV}))
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1

    with pytest.raises(InvalidInput, match="encrypted") as caught:
        open_source(io.BytesIO(bytes(data)), "a.zip")

    assert caught.value.error_code == "broken_archive"


@pytest.mark.parametrize("filename", ["a.csv.gz", "a.zip"])
def test_bombs_are_stopped_by_size_and_by_ratio(filename: str) -> None:
    body = b"a,b\n" + b"0,0\n" * 2_000_000
    data = gzipped(body) if filename.endswith(".gz") else zipped({"a.csv": body})
    for limits, code in (
        (SourceLimits(max_ratio=200, ratio_free_bytes=1_000_000), "bomb"),
        (SourceLimits(max_unpacked_bytes=3_000_000), "too_large"),
    ):
        source = open_source(io.BytesIO(data), filename, limits=limits)
        with pytest.raises(InvalidInput) as caught:
            list(source.open_bytes())
        assert caught.value.error_code == code
    source = open_source(io.BytesIO(data), filename, limits=SourceLimits(max_ratio=5000, ratio_free_bytes=0))
    assert sum(len(block) for block in parse(source, Dialect())) == 2_000_000


def test_progress_is_that_of_the_stored_file() -> None:
    chance = random.Random(5)
    data = gzipped("".join(f"{chance.random()},{chance.random()}\n" for _ in range(60_000)).encode())
    source = open_source(io.BytesIO(b"".join([data])), "a.csv.gz")
    seen = [block.bytes_read for block in parse(source, Dialect(has_header=False), block_bytes=300_000)]
    assert len(seen) > 5
    assert seen == sorted(seen)
    assert seen[0] < len(data) // 2
    assert source.bytes_read == len(data)
    next(source.open_bytes())
    assert 0 < source.bytes_read < len(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "shift_jis", "gb18030", "cp1252", "utf-32"])
@pytest.mark.parametrize("chunk_bytes", [1, 3, 1000])
def test_characters_may_be_cut_anywhere(encoding: str, chunk_bytes: int) -> None:
    text = "a,é\n" if encoding == "cp1252" else "a,日本\n名,x\n"
    source = open_source(io.BytesIO(text.encode(encoding)), "a.csv")
    assert b"".join(source.open_text(encoding, chunk_bytes)) == text.encode()


@pytest.mark.parametrize("written", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_byte_order_is_found_where_it_is_not_said(written: str) -> None:
    text = "name,n\n" + "é,1\n" * 20
    source = open_source(io.BytesIO(text.encode(written)), "a.csv")
    for chunk_bytes in (1, 1 << 20):
        assert b"".join(source.open_text(written[:6], chunk_bytes)) == text.encode()


def test_text_in_another_encoding_altogether_is_bad_input_or_bad_rows() -> None:
    source = open_source(io.BytesIO(b"a,b\n1,2\n"), "a.csv")
    for encoding in ("utf-16", "utf-32", "utf-7", "hz", "iso2022_jp", "utf-8-sig", "cp037"):
        with suppress(InvalidInput):
            b"".join(source.open_text(encoding))


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", b"a,b\n1,\xc3\x28\n3,\xc3\xa9\n"),
        ("cp1252", b"a,b\n1,\x81\n3,\xe9\n"),
        ("shift_jis", b"a,b\n1,\x85\xff\n3,\x83\x41\n"),
        ("utf-16-le", "a,b\n1,".encode("utf-16-le") + b"\x00\xd8" + "x\n3,é\n".encode("utf-16-le")),
        ("utf-16-le", "a,b\n3,é\n1,".encode("utf-16-le") + b"x"),
        ("ascii", b"a,b\n1,\xe9\n3,x\n"),
        ("ascii", b"a,b\n1,\xc3\xa9\n3,x\n"),
    ],
)
def test_what_cannot_be_decoded_costs_its_row(encoding: str, data: bytes) -> None:
    for block_bytes in (1, 1 << 20):
        source = open_source(io.BytesIO(data), "a.csv")
        blocks = list(parse(source, Dialect(encoding=encoding), block_bytes=block_bytes))
        assert [cell for block in blocks for cell in block.columns[0].to_pylist()] == ["3"]
        (reject,) = [reject for block in blocks for reject in block.rejects]
        assert reject.code == "invalid_encoding"
        assert reject.raw.startswith("1,")
        assert reject.raw.count("\ufffd") in (1, 2)  # one for each byte, not three
        assert reject.raw.encode()


def test_a_header_in_another_encoding_than_was_said_is_refused() -> None:
    given = DialectOptions(encoding="ascii")
    with pytest.raises(InvalidInput, match="not in ascii") as caught:
        examine(io.BytesIO("größe,b\nx,1\n".encode()), "a.csv", given)
    assert caught.value.error_code == "invalid_encoding"
    assert examine(io.BytesIO("\ufeffa,b\nx,1\n".encode()), "a.csv", given).headers == ["a", "b"]
