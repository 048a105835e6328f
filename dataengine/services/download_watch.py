"""Watches one attempt at a download."""

from __future__ import annotations

from typing import Any

from dataengine.jobs.runner import Session
from dataengine.jobs.watch import Cancelled, Watch
from dataengine.models import Download


class DownloadWatch(Watch):
    """Writes how far the download is, and ends it once it is cancelled."""

    def __init__(self, job: Download, session: Session) -> None:
        self.here = 0
        self.announced = 0
        super().__init__(job, session)

    def progress(self, here: int, announced: int | None) -> None:
        """So many bytes are here, of so many if that is known. Raises Cancelled."""
        self.here, self.announced = here, announced or 0
        if self.cancelled.is_set():
            raise Cancelled

    def values(self) -> dict[str, Any]:
        return {"bytes_read": self.here, "bytes_total": self.announced}
