"""Shared by tests that need indexes."""

from __future__ import annotations

from dataengine.models import Index
from dataengine.services import index_builds


def build_waiting() -> list[str]:
    """Build the waiting indexes in this process, without a broker. Returns their states afterwards."""
    waiting = Index.objects.filter(state=Index.State.QUEUED).values_list("pk", flat=True)
    return [built.state for pk in list(waiting) if (built := index_builds.run(pk)) is not None]
