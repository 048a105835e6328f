from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.columns.types import REGISTRY
from dataengine.profiles.buckets import MANY, edges_of


@pytest.mark.parametrize(
    ("kind", "reach", "first", "last", "count", "word", "extent"),
    [
        ("numeric", ("0.02", "3.10", "895.5", "899.91"), "0", "900", 9, "100 to 200", "0.02 – 900"),
        ("double", ("-4.99", "-4.9", "4.9", "4.99"), "-5", "5", 10, "-5 to -4", "-4.99 – 4.99"),
        ("real", ("0.001", "0.001", "0.0042", "0.0042"), "0.001", "0.0044", 17, "0.002 to 0.0022", "0.001 – 0.0042"),
        ("integer", ("1", "1", "12", "12"), "1", "13", 12, "12", "1 – 12"),
        ("smallint", ("2013",) * 4, "2013", "2014", 1, "2013", "2013"),
        ("bigint", ("-43", "-20", "190", "1301"), "-20", "200", 11, "-20 to -1", "-43 – 1301"),
        ("integer", ("0", "0", "31", "31"), "0", "32", 16, "0 to 1", "0 – 31"),
        ("double", ("1e300", "1e300", "9e300", "9e300"), "1E+300", "9.5E+300", 17, "1E+300 to 1.5E+300",
         "1e+300 – 9e+300"),
        ("numeric", ("1e1000", "1e1000", "9e1000", "9e1000"), "1E+1000", "9.5E+1000", 17, "1E+1000 to 1.5E+1000",
         "1e+1000 – 9e+1000"),
        ("date", ("2013-01-01", "2013-01-04", "2013-12-28", "2013-12-31"), "2013-01-01", "2014-01-01", 12,
         "January 2013", "2013-01 – 12"),
        ("date", ("2015-01-01", "2015-02-01", "2024-11-01", "2024-12-31"), "2015-01-01", "2025-01-01", 10,
         "2019", "2015 – 2024"),
        ("date", ("1900-03-01", "1903-01-01", "2023-01-01", "2024-06-01"), "1900-01-01", "2030-01-01", 13,
         "1910 to 1919", "1900 – 2024"),
        ("date", ("2023-02-01", "2023-02-01", "2024-09-20", "2024-09-24"), "2023-01-01", "2024-10-01", 7,
         "January to March 2024", "2023-02 – 2024-09"),
        ("date", ("2024-01-03", "2024-01-03", "2024-02-20", "2024-02-20"), "2024-01-01", "2024-02-26", 8,
         "2024-01-08 to 2024-01-14", "2024-01-03 – 02-20"),
        ("date", ("2024-01-03",) * 4, "2024-01-03", "2024-01-04", 1, "2024-01-03", "2024-01-03"),
        ("timestamptz", ("2024-01-01 23:10:00+00", "2024-01-01 23:10:00+00", "2024-01-02 05:00:00.5+00",
         "2024-01-02 05:00:00.5+00"), "2024-01-01 23:00", "2024-01-02 05:30", 13,
         "2024-01-01 23:30 to 00:00", "2024-01-01 – 01-02"),
        ("timestamp", ("2024-01-01 00:00:00", "2024-01-01 00:00:00", "2024-01-10 00:00:00", "2024-01-10 12:00:00"),
         "2024-01-01", "2024-01-11", 10, "2024-01-03", "2024-01-01 – 01-10"),
        ("time", ("08:00:00", "08:10:00", "17:50:00", "17:59:59.5"), "08:00", "18:00", 10,
         "08:00 to 09:00", "08:00 – 17:59"),
        ("time", ("00:00:00", "00:10:00", "23:50:00", "23:59:59"), "00:00", "22:00", 11, "00:00 to 02:00",
         "00:00 – 23:59"),
        ("duration", ("00:00:00", "00:05:00", "25:00:00", "26:00:00"), "0:00:00", "28:00:00", 14,
         "24:00:00 to 26:00:00", "0:00:00 – 26:00:00"),
        ("duration", ("-00:00:01", "-00:00:01", "00:00:01", "00:00:01"), "-0:00:01", "0:00:01.2", 11,
         "0:00:00 to 0:00:00.2", "-0:00:01 – 0:00:01"),
        ("duration", ("00:01:30", "00:01:30", "00:03:00", "00:03:00"), "0:01:30", "0:03:10", 10,
         "0:01:40 to 0:01:50", "0:01:30 – 0:03:00"),
        ("duration", ("00:00:00", "00:00:00", "10000:00:00", "10000:00:00"), "0:00:00", "10800:00:00", 9,
         "1200:00:00 to 2400:00:00", "0:00:00 – 10000:00:00"),
    ],
)  # fmt: skip
def test_edges(kind: str, reach: tuple[str, ...], first: str, last: str, count: int, word: str, extent: str) -> None:
    edges = edges_of(REGISTRY[kind].chart, reach)
    assert edges is not None
    assert (edges.texts[0], edges.texts[-1], len(edges.words), edges.extent) == (first, last, count, extent)
    assert word in edges.words


@pytest.mark.parametrize(
    ("kind", "reach"),
    [
        ("numeric", ("7.5",) * 4),
        ("duration", ("01:00:00",) * 4),
        ("duration", ("0:00", "0:00", "2562047788:00:54", "2562047788:00:54")),
        ("date", ("0044-03-15 BC",) * 4),
        ("date", ("10000-01-01",) * 4),
        ("date", ("9999-12-31",) * 4),
        ("timestamp", ("294276-12-31 00:00:00",) * 4),
    ],
)
def test_what_cannot_be_drawn(kind: str, reach: tuple[str, ...]) -> None:
    assert edges_of(REGISTRY[kind].chart, reach) is None


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)


@given(st.lists(NUMBERS, min_size=4, max_size=4), st.booleans())
def test_edges_hold_the_values_between_them(numbers: list[Decimal], whole: bool) -> None:
    low, first, last, high = sorted(round(number) if whole else number for number in numbers)
    edges = edges_of("whole numbers" if whole else "numbers", [str(low), str(first), str(last), str(high)])
    if edges is None:
        assert low == high
        return
    limits = [Decimal(text) for text in edges.texts]
    assert limits == sorted(set(limits))
    assert len(edges.words) == len(limits) - 1 <= MANY + 1
    assert limits[0] <= first
    assert limits[-1] > last or (limits[0] <= last < limits[-1])
