"""Inference decides whole blocks with Arrow's parsers. The result must be the same as cell by cell."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.imports.converting.evidence import ColumnEvidence

_DIGITS = st.text("0123456789", min_size=1, max_size=3)
_DATES = st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", fullmatch=True)
_CLOCKS = st.from_regex(r"[T ][0-2][0-9](:[0-5][0-9](:[0-6][0-9](\.[0-9]{1,7})?)?)?", fullmatch=True)
_ZONES = st.sampled_from(["", "", "Z", "z", "+02", "+02:00", "-0330", " Z"])
_MOMENTS = st.builds(lambda date, clock, zone: date + clock + zone, _DATES, _CLOCKS, _ZONES)
_NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-9, 9).map(str),
    st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,3})?([eE]-?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["+1", "007", "-0", "0x1F", "1_000", " 5", "0." + "0" * 330 + "1", "9" * 400]),
)
_CELLS = st.one_of(st.none(), st.just("NA"), _NUMBERS, _DATES, _MOMENTS, _DIGITS)
_BLOCKS = st.one_of(
    st.lists(st.one_of(st.none(), _DATES), min_size=1, max_size=6),
    st.lists(_MOMENTS, min_size=1, max_size=6),
    st.lists(st.integers(-(2**64), 2**64).map(str), min_size=1, max_size=6),
    st.lists(_CELLS, min_size=1, max_size=6),
)


def _verdict(blocks: list[list[str | None]]) -> tuple[object, ...]:
    evidence = ColumnEvidence("c")
    line = 1
    for cells in blocks:
        evidence.look(pa.array(cells, pa.string()), np.arange(line, line + len(cells), dtype=np.int64), ["", "NA"])
        line += len(cells)
    decision = evidence.decide()
    rivals = evidence.rivals(decision.form) if decision.form is not None else []
    return decision.kind.name, decision.form, rivals, evidence.marked and decision.is_typed


@given(st.lists(_BLOCKS, min_size=1, max_size=3))
def test_shortcuts_change_nothing(blocks: list[list[str | None]]) -> None:
    quick = _verdict(blocks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ColumnEvidence, "_settled", lambda self, text: ())
        patch.setattr("dataengine.imports.converting.column_blocks.shapes_of", lambda *_, **__: None)
        assert quick == _verdict(blocks)
