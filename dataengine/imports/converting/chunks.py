"""From typed rows to COPY: rows to load now, rows held back, and the keys of rejected rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .binary_copy import whole_copy
from .kernels import Target
from .shapes import Mask


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive rows of the file: ids, typed values by column, which rows are good, and which of those are held."""

    ids: pa.Array
    values: list[pa.Array]
    good: Mask
    held: Mask
    new: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """By column: the ids of records yet to be made that the rows to load now refer to."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> int:
        """Bytes that the values take in memory."""
        return sum(values.nbytes for values in self.values)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows encoded as three complete COPYs, each from header to trailer.

    ``data`` holds the ``count`` good rows, ``back`` the ``held`` good rows that may repeat earlier ones, and ``keys``
    the key cells of the ``keyed`` rejected rows. ``new`` are, by column, the ids of records yet to be made to which
    rows of ``data`` refer.
    """

    data: bytes = b""
    count: int = 0
    back: bytes = b""
    held: int = 0
    keys: bytes = b""
    keyed: int = 0
    new: Mapping[str, frozenset[int]] = field(default_factory=dict)


class ChunkEncoder:
    """Encodes parts. ``keys`` are the positions of the key columns, ``order`` that of the column to sort by, if any."""

    def __init__(self, targets: Sequence[Target], keys: Sequence[int], order: int | None) -> None:
        self._targets = targets
        self._keys = keys
        self._order = order

    def encode(self, parts: Sequence[Part]) -> Chunk:
        """Combine consecutive parts into one chunk."""
        part = parts[0] if len(parts) == 1 else _joined(parts)
        return replace(self._encode(part), new=part.new)

    def _encode(self, part: Part) -> Chunk:
        rows, good, held = len(part), int(part.good.sum()), int(part.held.sum())
        if good == rows and not held:
            return Chunk(self._encoded(part.ids, part.values), good)
        back = self._some(part, part.held) if held else b""
        keys, keyed = b"", 0
        if self._keys and good < rows:
            bad = pa.array(~part.good)
            cells = [part.values[place].filter(bad) for place in self._keys]
            keys = whole_copy([self._targets[place] for place in self._keys], part.ids.filter(bad), cells)
            keyed = rows - good
        return Chunk(self._some(part, part.good & ~part.held), good - held, back, held, keys, keyed)

    def _some(self, part: Part, mask: Mask) -> bytes:
        kept = pa.array(mask)
        return self._encoded(part.ids.filter(kept), [values.filter(kept) for values in part.values])

    def _encoded(self, ids: pa.Array, values: Sequence[pa.Array]) -> bytes:
        if self._order is not None:
            order = pc.sort_indices(values[self._order])
            ids, values = ids.take(order), [column.take(order) for column in values]
        return whole_copy(self._targets, ids, values)


def _joined(parts: Sequence[Part]) -> Part:
    columns = zip(*(part.values for part in parts), strict=True)
    return Part(
        pa.concat_arrays([part.ids for part in parts]),
        [pa.concat_arrays(list(column)) for column in columns],
        np.concatenate([part.good for part in parts]),
        np.concatenate([part.held for part in parts]),
        {name: frozenset().union(*(part.new[name] for part in parts)) for name in parts[0].new},
    )
