"""Guards against formulas: what is put around cells so that spreadsheets neither run nor change them. Pure.

Exports and rejected.csv write a ``'`` before cells that would run (``patterns.guarded``). Users of spreadsheets write
``="00123"`` to keep leading zeros.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import kernels as k
from .patterns import GUARDED, NUMBER, Guard
from .shapes import Mask, bytes_of, holds_byte

_TEXT_FORMULA = r'^="((?:[^"]|"")*)"$'
_NUMBER = rf"^ *{NUMBER}$"
_BARE = r"^'*[=+\-@\t\r]"
"""What every export guards. Those of earlier releases left the rest of ``patterns.RUNS`` as it is."""
_UNGUARDED = rf"^(?:{NUMBER}|-[Ii]nfinity|-[0-9]+:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]+)?)$"
"""What exports write without a guard: numbers, the infinities of numbers and moments, and durations."""
_LEADS = np.zeros(256, dtype=np.bool_)
_LEADS[list(b"'=+-@\t\r\n \xef")] = True  # the last begins full-width signs


class GuardContradicted(Exception):
    """A file that looked like an export has cells that no export would write: its apostrophes belong to the cells."""


def meant(cells: pa.Array, guard: Guard) -> pa.Array:
    """The cells without guards and without formulas that say no more than a text."""
    if guard == "exact" or (guard == "none" and not holds_byte(cells, ord("="))) or not _led(cells).any():
        return cells
    if guard == "corrected":
        return _formulas_read(_unguarded(cells))
    # An export guards text as it is, ="1" included.
    formulas_read = _formulas_read(cells)
    return _unguarded(formulas_read) if guard == "export" else formulas_read


def without_formulas(cells: pa.Array, guard: Guard) -> pa.Array:
    """The same, except that guards of an export stay: a guard shows that its column is text."""
    return meant(cells, "none" if guard == "export" else guard)


def are_guards(cells: pa.Array) -> bool:
    """Whether cells bear an export's guard. Raises GuardContradicted if no export would write one of them."""
    led = _led(cells)
    if not led.any():
        return False
    some = cells.take(pa.array(np.flatnonzero(led)))
    if k.cast(some, pa.float64()) is not None:
        return False  # most columns that get here hold negative numbers
    off = k.matches(some, GUARDED)
    bare = k.matches(some, _BARE) & ~off
    inner = pc.utf8_slice_codeunits(k.only(some, off), 1)
    if k.matches(inner, _NUMBER).any() or (bare & ~k.matches(some, _UNGUARDED)).any():
        raise GuardContradicted
    return bool(off.any())


def _unguarded(cells: pa.Array) -> pa.Array:
    guarded = k.matches(cells, GUARDED)
    return pc.if_else(pa.array(guarded), pc.utf8_slice_codeunits(cells, 1), cells) if guarded.any() else cells


def _formulas_read(cells: pa.Array) -> pa.Array:
    formulas = k.matches(cells, _TEXT_FORMULA)
    if not formulas.any():
        return cells
    inner = pc.replace_substring_regex(k.only(cells, formulas), _TEXT_FORMULA, r"\1")
    return pc.if_else(pa.array(formulas), pc.replace_substring(inner, '""', '"'), cells)


def _led(cells: pa.Array) -> Mask:
    """Where cells begin with what guards and formulas begin with; by the bytes, which costs next to nothing."""
    raw, ends = bytes_of(cells)
    if not raw.size:
        return np.zeros(len(cells), dtype=np.bool_)
    led: Mask = _LEADS[raw[np.minimum(ends[:-1], raw.size - 1)]] & (ends[:-1] < ends[1:])
    return led
