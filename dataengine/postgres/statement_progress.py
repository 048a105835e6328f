"""How far a long statement of another session is: the build of an index, or the writing of many rows."""

from __future__ import annotations

from django.db import connection

_BUILT = 0.77
"""The value of ``share_of`` at which a build without CONCURRENTLY ends."""


def concurrent_share(pid: int) -> float | None:
    """The share done, 0 to 1, of a build CONCURRENTLY in the session of ``pid``; None if it builds none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT phase, blocks_done, blocks_total, tuples_done, tuples_total"
            " FROM pg_stat_progress_create_index WHERE pid = %s",
            [pid],
        )
        row = cursor.fetchone()
    return None if row is None else share_of(*row)


def plain_share(pid: int) -> float | None:
    """Like ``concurrent_share``, for a build that locks the table."""
    share = concurrent_share(pid)
    return None if share is None else min(share / _BUILT, 1.0)


def heap_bytes(relation: str) -> int:
    """The size of a table (quoted), including uncommitted rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s::regclass)", [relation])
        return int(cursor.fetchone()[0])


def share_of(phase: str, blocks_done: int, blocks_total: int, tuples_done: int, tuples_total: int) -> float:
    """The share of the whole that is done. Each phase has a part as long as it usually takes."""
    if phase.startswith("building index"):
        scanned = blocks_done / blocks_total if blocks_total else 0.0
        if phase.endswith("scanning table") and scanned == 1:
            scanned = 0.0  # PostgreSQL reports this while it reads the first block
        loaded = tuples_done / tuples_total if tuples_total else 0.0
        return 0.02 + 0.5 * min(scanned, 1) + 0.25 * min(loaded, 1)
    if phase.startswith("index validation"):
        done = blocks_done / blocks_total if blocks_total else tuples_done / tuples_total if tuples_total else 0.0
        stretch = {"index validation: scanning index": 0.0, "index validation: sorting tuples": 0.08}.get(phase, 0.1)
        return 0.78 + stretch + 0.1 * min(done, 1)
    return {"waiting for writers before validation": 0.77, "waiting for old snapshots": 0.99}.get(phase, 0.01)
