"""What tests that need indexes share."""

from __future__ import annotations

from dataengine.models import Index
from dataengine.services import index_builds


def build_waiting() -> list[str]:
    """Build the indexes that wait, in this process and without a broker. Returns their states then."""
    waiting = Index.objects.filter(state=Index.State.QUEUED).values_list("pk", flat=True)
    return [built.state for pk in list(waiting) if (built := index_builds.run(pk)) is not None]
