"""The conversion kernel for JSON cells. Pure."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dataengine.columns.json_texts import SURE, SURE_BYTES, fault_of

from .kernels import Converted, Problem, Target, only, present
from .sure_cells import sure_cells


def quick_json(cells: pa.Array, target: Target) -> pa.Array | None:
    return None


def careful_json(cells: pa.Array, target: Target) -> Converted:
    """JSON as defined by RFC 8259, as far as PostgreSQL's jsonb can store it.

    Not accepted are ``\\u0000``, lone surrogates, numbers with exponents beyond 10,000 and nesting beyond 500.
    """
    invalid: list[int] = []
    large: list[int] = []
    rows = np.flatnonzero(present(cells) & ~sure_cells(cells, SURE, SURE_BYTES))
    for row, text in zip(rows.tolist(), cells.take(pa.array(rows)).to_pylist() if len(rows) else (), strict=True):
        verdict = fault_of(text)
        if verdict == "invalid":
            invalid.append(row)
        elif verdict == "large":
            large.append(row)
    problems = []
    if invalid:
        problems.append(Problem(np.array(invalid, dtype=np.int64), "invalid_type", target.kind.expected))
    if large:
        expected = "JSON with numbers that PostgreSQL can hold"
        problems.append(Problem(np.array(large, dtype=np.int64), "out_of_range", expected))
    mask = np.zeros(len(cells), dtype=np.bool_)
    mask[invalid + large] = True
    values = only(cells, ~mask) if mask.any() else cells
    return Converted(values, problems)
