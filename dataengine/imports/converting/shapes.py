"""What cells look like: their text with every digit but a zero in front put as 9. Pure.

A column of numbers, amounts, dates or times has some dozen shapes, however many cells. Whether a cell is a number in a
style or written in a date format, its shape tells, so each shape is asked instead of each cell; and which bytes of a
cell are its year, or its digits. What depends on more than that is asked of the cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

type Mask = npt.NDArray[np.bool_]
type Ints = npt.NDArray[np.int64]

_ZERO, _NINE = ord("0"), ord("9")
_HEAD = 256
_FEW = 512
_SHARE = 8
SURE_DIGITS = 18
"""So many always fit into 64 bits."""
_NO_DIGITS = bytes(code for code in range(256) if not ord("0") <= code <= ord("9"))


class Shapes:
    """The cells of an array, by shape. ``ids`` says for each cell which of ``texts`` is its shape, -1 for NULL.

    ``counts`` says how many cells have each shape; shapes stand in the order of their first cells.
    """

    __slots__ = ("_bytes", "_ends", "counts", "ids", "texts")

    def __init__(
        self, texts: list[str], ids: npt.NDArray[np.int32], raw: npt.NDArray[np.uint8], ends: npt.NDArray[np.int32]
    ) -> None:
        self.texts = texts
        self.ids = ids
        self.counts: Ints = np.bincount(ids + 1, minlength=len(texts) + 1)[1:]
        self._bytes, self._ends = raw, ends

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def filled(self) -> int:
        """How many cells are not NULL."""
        return int(self.counts.sum())

    def mask(self, holds: Iterable[bool]) -> Mask:
        """Where the cells are whose shapes ``holds`` is true of."""
        table = np.array([*holds, False], dtype=np.bool_)
        result: Mask = table[self.ids]
        return result

    def each(self, values: Iterable[int]) -> Ints:
        """For each cell the value of its shape, 0 for NULL."""
        return np.array([*values, 0], dtype=np.int64)[self.ids]

    def count(self, holds: Iterable[bool]) -> int:
        """How many cells have a shape that ``holds`` is true of."""
        return int(self.counts[np.fromiter(holds, np.bool_, len(self.texts))].sum())

    def without(self, places: Collection[int]) -> Shapes:
        """The same with the cells of some shapes as NULL."""
        kept = [place for place in range(len(self.texts)) if place not in places]
        table = np.full(len(self.texts) + 1, -1, dtype=np.int32)
        table[kept] = np.arange(len(kept), dtype=np.int32)
        return Shapes([self.texts[place] for place in kept], table[self.ids], self._bytes, self._ends)

    def first(self, place: int) -> int:
        """The row of the first cell of a shape."""
        return int(np.argmax(self.ids == place))

    def groups(self, places: Sequence[int]) -> Iterator[tuple[int, Ints]]:
        """For each of some shapes, the rows of its cells."""
        if len(places) <= 8:
            for place in places:
                yield place, np.flatnonzero(self.ids == place)
            return
        order = np.argsort(self.ids, kind="stable")
        ends = np.cumsum(self.counts) + (len(self.ids) - self.filled)
        for place in places:
            yield place, order[ends[place] - self.counts[place] : ends[place]]

    def digits_at(self, rows: Ints, places: Sequence[int]) -> npt.NDArray[np.int32]:
        """The digits at some places (in bytes) of cells that have them there: one line for each place."""
        at = self._ends[rows][None, :] + np.array(places, dtype=np.int64)[:, None]
        digits: npt.NDArray[np.int32] = (self._bytes[at] - _ZERO).astype(np.int32)
        return digits

    def whole_numbers(self, good: Mask, digits: Sequence[int]) -> Ints:
        """All digits of each cell where ``good`` as one number, 0 elsewhere.

        ``digits`` says by shape how many there are: 1 to 18 where ``good``.
        """
        per_cell, raw = self.each(digits), self._bytes
        if not good.all():
            per_cell, raw = per_cell[good], np.compress(np.repeat(good, np.diff(self._ends)), raw)
        kept = raw.tobytes().translate(None, _NO_DIGITS)  # three times as fast as by a mask
        ends = np.zeros(len(per_cell) + 1, dtype=np.int32)
        np.cumsum(per_cell, out=ends[1:])
        text = pa.Array.from_buffers(pa.string(), len(per_cell), [None, pa.py_buffer(ends), pa.py_buffer(kept)])
        found: Ints = text.cast(pa.int64()).to_numpy()
        if len(found) == len(good):
            return found
        numbers = np.zeros(len(good), dtype=np.int64)
        numbers[good] = found
        return numbers


class _Bytes:
    """The bytes of an array's cells, which of them are digits, and where the cells begin and end."""

    __slots__ = ("data", "digits", "ends")

    def __init__(self, cells: pa.Array) -> None:
        self.data, self.ends = bytes_of(cells)
        self.digits: Mask = (self.data - np.uint8(_ZERO)) < 10

    def shapes(self, cells: pa.Array) -> pa.Array:
        """The cells with their digits put as 9, but for a zero that no digit stands close before."""
        size = len(self.data)
        starts, before = np.zeros(size + 2, dtype=np.bool_), np.zeros(size + 2, dtype=np.bool_)
        starts[self.ends[:-1]] = True
        starts[size:] = False
        before[2:] = self.digits
        once = before[1:-1] & ~starts[:-2]
        twice = before[:-2] & ~starts[:-2]
        twice[1:] &= ~starts[: max(size - 1, 0)]
        leads = (self.data == _ZERO) & ~once & ~twice
        # Arithmetic goes many bytes at a time, which choosing does not.
        shaped = self.data + (self.digits & ~leads).view(np.uint8) * (np.uint8(_NINE) - self.data)
        valid = cells.buffers()[0]
        if valid is not None and cells.offset:
            valid = pa.array(cells.is_valid().to_numpy(zero_copy_only=False)).buffers()[1]
        return pa.Array.from_buffers(
            pa.string(), len(cells), [valid, pa.py_buffer(self.ends), pa.py_buffer(shaped)], cells.null_count
        )


def bytes_of(cells: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """The bytes of all cells, those that NULL cells hide included, and where each begins and the last ends."""
    _, offsets, data = cells.buffers()
    if data is None or not len(cells):
        return np.empty(0, dtype=np.uint8), np.zeros(len(cells) + 1, dtype=np.int32)
    ends = np.frombuffer(offsets, dtype=np.int32, count=len(cells) + 1, offset=4 * cells.offset)
    return np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]], ends - ends[0]


def holds_byte(cells: pa.Array, *codes: int) -> bool:
    """Whether one of some bytes is among those of all cells: that is next to nothing to find out."""
    raw, _ = bytes_of(cells)
    return any(bool((raw == code).any()) for code in codes)


def are_canonical(integers: pa.Array) -> bool:
    """Whether texts that are known to be whole numbers have no plus, and no minus or zeros before a zero or more."""
    raw, ends = bytes_of(integers)
    filled = np.diff(ends) > 0
    starts, stops = ends[:-1][filled], ends[1:][filled]
    first = raw[starts]
    if (first == ord("+")).any():
        return False
    if (signed := first == ord("-")).any():
        starts = starts + signed
        first = raw[starts]
        if (first[signed] == _ZERO).any():
            return False
    zeros = first == _ZERO
    return not zeros.any() or not (stops[zeros] - starts[zeros] > 1).any()


def shapes_of(cells: pa.Array, *, likely: bool = False) -> Shapes | None:
    """The shapes of texts, None where they are too many for that to help. ``likely`` they are not."""
    count = len(cells)
    if not count:
        return None
    if count > _FEW and not likely:
        head = cells.slice(0, _HEAD)
        if len(_Bytes(head).shapes(head).unique()) > _HEAD // 2:
            return None
    raw = _Bytes(cells)
    shaped = raw.shapes(cells).dictionary_encode()
    if len(shaped.dictionary) > max(_FEW, count // _SHARE):
        return None
    indices = shaped.indices
    ids = (indices.fill_null(-1) if indices.null_count else indices).to_numpy()
    return Shapes(shaped.dictionary.to_pylist(), ids, raw.data, raw.ends)


def digits_in(text: str) -> int:
    """How many digits a text or a shape has."""
    return sum(map(text.count, "0123456789"))
