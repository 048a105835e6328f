"""Numbers by value: a million look-ups in a hundred thousand values take half a second. Pure.

Values are found by their hashes, and compared before they are believed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.imports.converting.kernels import mask_of
from dataengine.imports.converting.repeats import Hashes, hashed
from dataengine.imports.converting.shapes import Mask

type Numbers = npt.NDArray[np.int64]


class Remembered:
    """Values in their canonical form (``converting/repeats.py``), none of which is null, each with a number."""

    def __init__(self) -> None:
        self._hashes: Hashes = np.zeros(0, np.uint64)
        self._places: Numbers = np.zeros(0, np.int64)
        """By hash in their order: where the value stands."""
        self._numbers: Numbers = np.zeros(0, np.int64)
        self._values: pa.Array | None = None
        self._clashing: dict[Any, int] = {}
        """Values with the hash of another one."""

    def __len__(self) -> int:
        return len(self._numbers) + len(self._clashing)

    def find(self, values: pa.Array, hashes: Hashes) -> tuple[Numbers, Mask]:
        """The numbers of values, 0 where there is none, and where there is one."""
        numbers, known = np.zeros(len(values), np.int64), np.zeros(len(values), np.bool_)
        if self._values is None:
            return numbers, known
        at = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        rows = np.flatnonzero(self._hashes[at] == hashes)
        places = self._places[at[rows]]
        same = mask_of(pc.equal(values.take(pa.array(rows)), self._values.take(pa.array(places))))
        known[rows[same]] = True
        numbers[rows[same]] = self._numbers[places[same]]
        if self._clashing:
            for row in np.flatnonzero(~known).tolist():
                if (number := self._clashing.get(values[row].as_py())) is not None:
                    numbers[row], known[row] = number, True
        return numbers, known

    def add(self, values: pa.Array, hashes: Hashes, numbers: Numbers) -> None:
        """Remember values that are not known yet, all of them different."""
        if not len(values):
            return
        hashes, fresh = np.unique(hashes, return_index=True)
        if self._values is not None:
            at = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
            is_new = self._hashes[at] != hashes
            hashes, fresh = hashes[is_new], fresh[is_new]
        if len(fresh) < len(values):
            for row in np.setdiff1d(np.arange(len(values)), fresh).tolist():
                self._clashing[values[row].as_py()] = int(numbers[row])
        kept = values.take(pa.array(fresh))
        at = np.searchsorted(self._hashes, hashes)
        self._places = np.insert(self._places, at, len(self._numbers) + np.arange(len(fresh)))
        self._hashes = np.insert(self._hashes, at, hashes)
        self._numbers = np.concatenate([self._numbers, numbers[fresh]])
        self._values = kept if self._values is None else pa.concat_arrays([self._values, kept])


def hashes_of(values: pa.Array) -> Hashes:
    """The hashes of values in their canonical form."""
    return hashed(values) if len(values) else np.zeros(0, np.uint64)
