"""Blocks with a few bad cells are converted by shortcuts. The result must be the same as for each cell by itself."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.columns.types import ColumnSpec
from dataengine.imports.converting.conversion import KERNELS, PLAIN, Converter, FormatsNeeded, target_of
from dataengine.imports.converting.kernels import matches
from dataengine.imports.readings import Reading
from dataengine.imports.stored_columns import ColumnConversion

_TYPES: dict[str, dict[str, Any]] = {
    "smallint": {},
    "integer": {},
    "bigint": {},
    "numeric": {"precision": 5, "scale": 2},
    "date": {},
}
_PLAIN_CELLS = {
    "smallint": st.integers(-9999, 9999).map(str),
    "integer": st.integers(-999_999_999, 999_999_999).map(str),
    "bigint": st.integers(-(10**18) + 1, 10**18 - 1).map(str),
    "numeric": st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,2})?", fullmatch=True),
    "date": st.dates().map(str),
}
_ODD_CELLS = st.one_of(
    st.none(),
    st.sampled_from(["", "x", " 7 ", "+7", "007", "1e2", "0x1F", "-0", "99999", "3000000000", "1.005", "1.500", "-"]),
    st.sampled_from(["2024-02-30", "0000-01-01", "2024-02-29", "2023-02-29", "10000-01-01", "2024-1-2", "-1-01-01"]),
    st.integers(-(2**70), 2**70).map(str),
    st.from_regex(r"-?[0-9]{0,5}(\.[0-9]{0,4})?", fullmatch=True),
)


# Cells are dear to make and cheap to convert, so the same odd ones go into every type.
@given(
    few=st.lists(_ODD_CELLS, min_size=1, max_size=3),
    plain=st.fixed_dictionaries({kind: st.lists(cell, min_size=1, max_size=5) for kind, cell in _PLAIN_CELLS.items()}),
    place=st.integers(0, 40),
)
def test_few_bad_cells_among_many_plain_ones(few: list[str | None], plain: dict[str, list[str]], place: int) -> None:
    for kind in _TYPES:
        _are_converted_as_each_by_itself(kind, few, (plain[kind] * 40)[:40], place)


def _are_converted_as_each_by_itself(kind: str, few: list[str | None], many: list[str], place: int) -> None:
    target = target_of(ColumnSpec(name="c", type=kind, parameters=_TYPES[kind]))
    cells = pa.array([*many[:place], *few, *many[place:]], pa.string())
    batch = Converter([target], [0], markers=()).convert([cells])
    _, careful = KERNELS[target.kind.kernel]
    blanked = pa.array([None if cell is not None and not cell.strip() else cell for cell in cells.to_pylist()])
    expected = careful(blanked, target)
    faults = {row: [error.code for error in errors] for row, errors in batch.errors.items()}
    assert batch.values[0].equals(expected.values), kind
    assert faults == {row: [problem.code] for problem in expected.problems for row in problem.rows.tolist()}, kind


@given(
    plain=st.fixed_dictionaries({kind: st.lists(cell, max_size=4) for kind, cell in _PLAIN_CELLS.items()}),
    odd=st.lists(_ODD_CELLS, min_size=1, max_size=5),
)
def test_what_looks_plain_is_taken(plain: dict[str, list[str]], odd: list[str | None]) -> None:
    cells = pa.array([*odd, *(cell for some in plain.values() for cell in some)], pa.string())
    for kind, parameters in _TYPES.items():
        target = target_of(ColumnSpec(name="c", type=kind, parameters=parameters))
        looks_plain = cells.filter(pa.array(matches(cells, PLAIN[target.kind.kernel](target))))
        _, careful = KERNELS[target.kind.kernel]
        problems = careful(looks_plain, target).problems
        assert not problems or all(
            cell.startswith("0000") for problem in problems for cell in looks_plain.take(problem.rows).to_pylist()
        ), kind


@pytest.mark.parametrize(
    ("kind", "parameters", "cell", "looks"),
    [
        ("numeric", {"precision": 12, "scale": 2}, "99999999999.00", False),
        ("integer", {}, "3000000000", False),
        ("integer", {}, "5.5", False),
        ("integer", {}, "old", False),
        ("numeric", {}, "1,5", True),
        ("integer", {}, "2.500", True),
        ("numeric", {"precision": 4, "scale": 2}, "-12.345", True),
    ],
)
def test_only_a_number_with_marks_sends_the_file_through_another_look(
    kind: str, parameters: dict[str, Any], cell: str, looks: bool
) -> None:
    target = target_of(ColumnSpec(name="c", type=kind, parameters=parameters))
    converter = Converter([target], [0], markers=(), formats_open=True)
    cells = [pa.array(["1", cell])]
    if looks:
        with pytest.raises(FormatsNeeded):
            converter.convert(cells)
    else:
        assert set(converter.convert(cells).errors) <= {1}


_WRITTEN = {
    "smallint": st.integers(-(2**15), 2**15 - 1).map(str),
    "integer": st.integers(-(2**31), 2**31 - 1).map(str),
    "bigint": st.integers(-(10**17) + 1, 10**18 - 1).map(str),
    "numeric": st.from_regex(r"(-?(0\.[0-9]{0,9}[1-9]|[1-9][0-9]{0,8}(\.[0-9]{1,8})?))|0(\.0{1,9})?", fullmatch=True),
}


@pytest.mark.parametrize("kind", list(_WRITTEN))
@given(data=st.data())
def test_short_numbers_as_postgres_writes_them_are_taken_as_they_are(kind: str, data: st.DataObject) -> None:
    spec = ColumnSpec(name="c", type=kind)
    conversion = ColumnConversion(ColumnSpec(name="c", type="text"), spec, Reading())
    assert conversion.takes_canonical_texts
    cells = pa.array(data.draw(st.lists(_WRITTEN[kind], min_size=1, max_size=20)), pa.string())
    converted = Converter([], []).column(cells, target_of(spec))
    assert (converted.problems, converted.values.null_count) == ([], 0)
    if kind != "numeric":
        assert list(map(str, converted.values.to_pylist())) == cells.to_pylist()
