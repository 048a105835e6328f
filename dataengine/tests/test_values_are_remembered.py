"""What was asked once is found again, also where different values have the same hash."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dataengine.imports.references.remembered import Remembered

_texts = st.lists(st.text(max_size=3), unique=True, max_size=8)


@given(batches=st.lists(_texts, max_size=6), buckets=st.integers(1, 4))
def test_values_keep_their_numbers_whatever_their_hashes(batches: list[list[str]], buckets: int) -> None:
    remembered, expected = Remembered(), dict[str, int]()
    for batch in batches:
        values = pa.array(batch, pa.string())
        hashes = np.array([len(text) % buckets for text in batch], np.uint64)
        numbers, known = remembered.find(values, hashes)
        assert dict(zip(batch, known.tolist(), strict=True)) == {text: text in expected for text in batch}
        assert [n for n, is_known in zip(numbers.tolist(), known, strict=True) if is_known] == [
            expected[text] for text in batch if text in expected
        ]
        fresh = np.flatnonzero(~known)
        given_ids = np.arange(len(fresh), dtype=np.int64) + len(expected) + 1
        remembered.add(values.take(pa.array(fresh)), hashes[fresh], given_ids)
        expected |= {batch[place]: int(number) for place, number in zip(fresh, given_ids, strict=True)}
    assert len(remembered) == len(expected)
