"""Whatever bytes are uploaded under whatever name: rows, or an InvalidInput, and nothing else."""

from __future__ import annotations

import gzip
import io
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.detection import detect
from dataengine.imports.dialects.header import read_header
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.source import open_source

from .test_source_xlsx import text_row, workbook

PIECES = [b"a", b",", b";", b"\t", b"|", b" ", b":", b'"', b"'", b"\\", b"\n", b"\r\n", b"\0", b"\xff", b"\xfe", b"1"]
PIECES += ["é".encode(), "é".encode("cp1252"), "日本".encode(), "日本".encode("shift_jis"), "a\n".encode("utf-16-le")]
PIECES += [b"\xef\xbb\xbf", b"sep=;\n", b"2024-01-01", b"a,b,c\n1,2,3\n", b"\x1f\x8b", b"PK\x03\x04"]


def survive(data: bytes, filename: str) -> None:
    try:
        source = open_source(io.BytesIO(data), filename)
        dialect = detect(source)
        width = len(read_header(source, dialect).names)
        last = 0
        for block in parse(source, dialect):
            assert len(block.columns) == width
            numbers = sorted([*block.lines.tolist(), *(reject.line for reject in block.rejects)])
            assert numbers[0] > last
            assert len(set(numbers)) == len(numbers)
            last = numbers[-1]
            for reject in block.rejects:
                assert "\0" not in reject.raw
                reject.raw.encode()
    except InvalidInput as error:
        refusal = error.error_code
    else:
        refusal = "none"
    assert refusal != "invalid_input", "every refusal has a code of its own"


names = st.sampled_from(["a.csv", "a.tsv", "a.txt", "a.csv.gz", "a.zip", "a.xlsx", "a.gz", ".csv", ""])


@settings(max_examples=250)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join), names)
def test_pieces_of_files(data: bytes, filename: str) -> None:
    survive(data, filename)


@settings(max_examples=100)
@given(st.binary(max_size=300), names)
def test_any_bytes(data: bytes, filename: str) -> None:
    survive(data, filename)


def test_packed_files_with_damaged_bytes() -> None:
    """Seeded: cuts and changed bytes anywhere in a gzip and in a workbook."""
    chance = random.Random(7)
    rows = "".join(text_row(number, "a", "b", str(number)) for number in range(1, 50))
    for data, name in ((gzip.compress(b"a,b\n1,2\n" * 100), "a.csv.gz"), (workbook(rows, ["<t>x</t>"]), "a.xlsx")):
        for _ in range(150):
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            survive(bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])]), name)
